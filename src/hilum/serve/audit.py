"""The audit log: append-only, every entry sealed with the hash of the one before it.

Whoever changes or removes an entry breaks the chain from there on, and ``verify`` says where.
Removing the newest entries can only be seen by who kept an older ``head``: keep it elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hilum.serve.database.tables import AuditRow, now
from hilum.serve.service import Service

__all__ = ["AuditCheck", "add", "read_entries", "record", "verify"]

GENESIS = "0" * 64
_CHAIN_LOCK = 4_842_020


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """Entries checked, the hash of the newest, and the first that is wrong (None: none)."""

    entries: int
    head: str
    broken_at: int | None


def record(service: Service, user: str, action: str, object_: str, **detail: Any) -> int:
    """Write an entry and return its number; ``detail`` holds no patient data."""
    with service.begin() as session:
        return add(session, user, action, object_, **detail)


def add(session: Session, user: str, action: str, object_: str, **detail: Any) -> int:
    """Write an entry within the caller's transaction; writers take turns."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_CHAIN_LOCK})"))
    else:
        # takes SQLite's write lock before the newest entry is read
        session.execute(text("UPDATE audit SET sequence = sequence WHERE sequence = -1"))
    newest = session.scalar(select(AuditRow).order_by(AuditRow.sequence.desc()).limit(1))
    row = AuditRow(
        sequence=newest.sequence + 1 if newest else 1,
        created_at=now().isoformat(),
        user=user,
        action=action,
        object=object_,
        detail=detail,
        previous_hash=newest.hash if newest else GENESIS,
        hash="",
    )
    row.hash = _seal(row)
    session.add(row)
    session.flush()
    return row.sequence


def verify(service: Service) -> AuditCheck:
    """Recompute the whole chain."""
    previous, expected = GENESIS, 1
    with service.begin() as session:
        query = select(AuditRow).order_by(AuditRow.sequence).execution_options(yield_per=1000)
        for row in session.scalars(query):
            is_right = (
                row.sequence == expected
                and row.previous_hash == previous
                and row.hash == _seal(row)
            )
            if not is_right:
                return AuditCheck(expected - 1, previous, expected)
            previous, expected = row.hash, expected + 1
    return AuditCheck(expected - 1, previous, None)


def read_entries(
    service: Service, *, before: int | None = None, limit: int = 100
) -> list[AuditRow]:
    """The newest entries, newest first; ``before`` a number for the next page."""
    query = select(AuditRow).order_by(AuditRow.sequence.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditRow.sequence < before)
    with service.begin() as session:
        return list(session.scalars(query))


def _seal(row: AuditRow) -> str:
    content = [
        row.sequence,
        row.created_at,
        row.user,
        row.action,
        row.object,
        row.detail,
        row.previous_hash,
    ]
    text_ = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text_.encode()).hexdigest()
