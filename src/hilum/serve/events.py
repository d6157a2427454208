"""What happened, in order: what live pages and notifications read. Without patient data."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hilum.serve.database.tables import EventRow
from hilum.serve.service import Service

__all__ = ["append", "last_id", "read_after"]


def append(session: Session, kind: str, study_id: str, **data: Any) -> None:
    """Add an event to the caller's transaction."""
    session.add(EventRow(kind=kind, study_id=study_id, data=data))


def read_after(service: Service, event_id: int, limit: int = 100) -> list[EventRow]:
    """The events that came after ``event_id``, oldest first."""
    with service.begin() as session:
        query = select(EventRow).where(EventRow.id > event_id).order_by(EventRow.id).limit(limit)
        return list(session.scalars(query))


def last_id(service: Service) -> int:
    """The number of the newest event, 0 when there is none."""
    with service.begin() as session:
        return session.scalar(select(func.max(EventRow.id))) or 0
