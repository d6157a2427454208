"""The worklist's text search: one lower-case text a study, and an index of its trigrams.

SQLite keeps the trigrams in an FTS5 table, PostgreSQL in a ``pg_trgm`` index; triggers and the
mapper keep them like the studies. A database without them, and words of one or two letters,
look through the texts alone.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, event, inspect, select, text
from sqlalchemy.orm import Session

from hilum.serve.database.tables import StudyRow, StudyTextRow

__all__ = ["SEARCHED", "escape_like", "find_text", "make_text"]

SEARCHED = ("patient_name", "patient_id", "accession", "description", "indication")
TRIGRAM = 3


def make_text(study: Any) -> str:
    """The text that a study is found by."""
    return "\n".join(str(getattr(study, name) or "") for name in SEARCHED).lower()


def find_text(session: Session, wanted: str) -> ColumnElement[bool]:
    """The condition that a study holds ``wanted`` in one of its texts, in any case."""
    wanted = wanted.replace("\0", "").lower()
    found = select(StudyTextRow.study_id)
    if len(wanted) >= TRIGRAM and _has_fts(session):
        phrase = '"' + wanted.replace('"', '""') + '"'
        matching = text("number IN (SELECT rowid FROM study_texts_index WHERE text MATCH :phrase)")
        return StudyRow.id.in_(found.where(matching.bindparams(phrase=phrase)))
    pattern = f"%{escape_like(wanted)}%"
    return StudyRow.id.in_(found.where(StudyTextRow.text.like(pattern, escape="\\")))


def escape_like(wanted: str) -> str:
    r"""Text that LIKE takes as it is, with a backslash as the escape.

    >>> escape_like("100%")
    '100\\%'
    """
    return wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _has_fts(session: Session) -> bool:
    if session.get_bind().dialect.name != "sqlite":
        return False
    query = text("SELECT 1 FROM sqlite_master WHERE name = 'study_texts_index'")
    return session.scalar(query) is not None


@event.listens_for(StudyRow, "after_insert")
def _add(mapper: Any, connection: Connection, study: StudyRow) -> None:
    del mapper
    values = {"study_id": study.id, "text": make_text(study)}
    connection.execute(StudyTextRow.__table__.insert(), values)  # type: ignore[attr-defined]


@event.listens_for(StudyRow, "after_update")
def _renew(mapper: Any, connection: Connection, study: StudyRow) -> None:
    del mapper
    attributes = inspect(study).attrs
    if any(attributes[name].history.has_changes() for name in SEARCHED):
        table: Any = StudyTextRow.__table__
        change = table.update().where(table.c.study_id == study.id)
        connection.execute(change.values(text=make_text(study)))
