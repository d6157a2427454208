"""The migrations make the tables that the code expects."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from hilum.serve.database.engine import open_engine, upgrade
from hilum.serve.database.tables import Base

FTS = "study_texts_index"
"""SQLite's index of the worklist's texts: a virtual table with tables of its own."""


def is_ours(name: str | None, kind: str, parents: object) -> bool:
    return kind != "table" or not str(name).startswith(FTS)


def test_migrated_tables_are_those_of_the_code(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'state.sqlite'}")
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": "hilum_version", "include_name": is_ours}
        )
        changes = compare_metadata(context, Base.metadata)
    assert changes == []
    made = {name for name in inspect(engine).get_table_names() if not name.startswith(FTS)}
    assert made == {*Base.metadata.tables, "hilum_version"}
    engine.dispose()
