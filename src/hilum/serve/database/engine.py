"""The database: SQLite by default, PostgreSQL by URL, brought up to date by Alembic."""

from __future__ import annotations

import contextlib
from importlib import resources
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from hilum.errors import InvalidValueError, StorageError

__all__ = ["open_engine", "upgrade"]

BUSY_SECONDS = 30
_MIGRATION_LOCK = 4_842_019  # any number that no other program on that database locks


def open_engine(url: str) -> Engine:
    """Connect; SQLite writes ahead and waits for others instead of failing.

    Raises:
        InvalidValueError: The URL names no database that is supported.
    """
    if url.startswith("sqlite:"):
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    if url.startswith("postgresql+psycopg:"):
        return create_engine(url, pool_pre_ping=True, pool_size=10)
    scheme = url.partition(":")[0]
    raise InvalidValueError(
        f"database_url starts with {scheme!r}; use sqlite:///FILE or postgresql+psycopg://..."
    )


def _prepare_sqlite(connection: Any, record: Any) -> None:
    del record
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to ``revision``; several servers on one database take turns.

    Raises:
        StorageError: The database cannot be reached or is of a newer version of Hilum.
    """
    config = Config()
    with resources.as_file(resources.files("hilum.serve.database") / "migrations") as folder:
        config.set_main_option("script_location", str(folder))
        try:
            with engine.begin() as connection, _one_at_a_time(connection):
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
        except SQLAlchemyError as error:
            raise StorageError(
                f"the database cannot be used ({type(error).__name__}); is it there and writable?"
            ) from error
        except CommandError as error:
            raise StorageError(
                f"the database is of another version of Hilum: {error}; upgrade Hilum, or "
                "restore the back-up that was made before the upgrade"
            ) from error


@contextlib.contextmanager
def _one_at_a_time(connection: Any) -> Any:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    yield
