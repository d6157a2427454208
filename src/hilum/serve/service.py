"""What every part of the server shares: settings, database and files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hilum.errors import StorageError
from hilum.serve.database.engine import open_engine, upgrade
from hilum.serve.files import FileStore
from hilum.serve.settings import Settings

__all__ = ["Service", "open_service"]


@dataclass(frozen=True, slots=True)
class Service:
    """Open settings, database and files; made by ``open_service``."""

    settings: Settings
    engine: Engine
    files: FileStore
    readings: Path
    """Folder of the files of readings, one sub-folder each."""

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A session whose changes are kept together when the block ends, or not at all.

        Raises:
            StorageError: The database does not answer or cannot be written.
        """
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        except OperationalError as error:
            raise StorageError("the database does not answer or cannot be written") from error

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def open_service(settings: Settings) -> Service:
    """Open database and files, and bring the tables up to date.

    Raises:
        StorageError: The folder cannot be written or the database not be used.
        InvalidValueError: The database's URL is not supported.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        readings = settings.data / "readings"
        readings.mkdir(exist_ok=True)
    except OSError as error:
        raise StorageError(f"the data folder cannot be written: {error.strerror}") from error
    engine = open_engine(settings.resolved_database_url)
    upgrade(engine)
    files = FileStore(settings.data / "files", settings.min_free_mb)
    return Service(settings, engine, files, readings)
