"""The worklist: studies found, sorted, loaded, and deleted with proof."""

from __future__ import annotations

import base64
import datetime as dt
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, func, literal, select
from sqlalchemy.orm import Session

from hilum.errors import InvalidValueError, UnknownStudyError
from hilum.serve import audit, events
from hilum.serve.database.search import escape_like, find_text
from hilum.serve.database.tables import InstanceRow, ReadingRow, StudyRow, StudyState, now
from hilum.serve.reader_files import reading_folder
from hilum.serve.service import Service

__all__ = [
    "SORTABLE",
    "DeletionProof",
    "Page",
    "WorklistQuery",
    "delete",
    "delete_expired",
    "escape_like",
    "find_priors",
    "images_of",
    "latest_reading",
    "load",
    "query",
]

SORTABLE = ("priority", "received_at", "study_date", "patient_name", "state", "read_at")
MAX_LIMIT = 500


@dataclass(frozen=True, slots=True)
class WorklistQuery:
    """What is looked for; ``sort`` names a column of ``SORTABLE``, with ``-`` it is reversed."""

    states: tuple[str, ...] = ()
    text: str = ""
    patient_key: str = ""
    finding: str = ""
    priority: int | None = None
    sort: str = "priority"
    limit: int = 50
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some studies, how many there are in all, and the cursor of the next page."""

    items: tuple[StudyRow, ...]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class DeletionProof:
    """What was deleted (hashes of the files) and the entry of the audit log that says so."""

    study_id: str
    sha256: tuple[str, ...]
    audit_sequence: int
    deleted_at: str


def query(service: Service, wanted: WorklistQuery) -> Page:
    """One page of the worklist.

    Raises:
        InvalidValueError: The sort or the cursor is not known.
    """
    limit = max(1, min(wanted.limit, MAX_LIMIT))
    offset = _read_cursor(wanted.cursor)
    order = _order(wanted.sort)
    # what is found by its text is found once, for the page and the count together
    is_search = bool(wanted.text)
    counted = func.count().over() if is_search else literal(0)
    with service.begin() as session:
        conditions = _conditions(session, wanted)
        count = select(func.count()).select_from(StudyRow).where(*conditions)
        # the order comes from an index that holds the ids; whole rows are fetched for the page
        page = select(StudyRow.id, counted).where(*conditions).order_by(*order)
        found = session.execute(page.offset(offset).limit(limit + 1)).all()
        ids = [row[0] for row in found[:limit]]
        total = found[0][1] if is_search and found else session.scalar(count) or 0
        rows = {
            row.id: row for row in session.scalars(select(StudyRow).where(StudyRow.id.in_(ids)))
        }
    next_cursor = _write_cursor(offset + limit) if len(found) > limit else None
    return Page(tuple(rows[key] for key in ids), total, next_cursor)


def _conditions(session: Session, wanted: WorklistQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(StudyRow.state.in_(wanted.states))
    else:  # studies that were only fetched to compare with are nobody's work
        conditions.append(StudyRow.state != StudyState.PRIOR)
    if wanted.text:
        conditions.append(find_text(session, wanted.text))
    if wanted.patient_key:
        conditions.append(StudyRow.patient_key == wanted.patient_key)
    if wanted.priority is not None:
        conditions.append(StudyRow.priority == wanted.priority)
    if wanted.finding:
        pattern = f'%"{escape_like(wanted.finding)}"%'
        conditions.append(cast(StudyRow.findings, String).like(pattern, escape="\\"))
    return conditions


def _order(sort: str) -> list[Any]:
    name = sort.removeprefix("-")
    if name not in SORTABLE:
        raise InvalidValueError(f"sort got {sort!r}; expected one of {', '.join(SORTABLE)}")
    column = getattr(StudyRow, name)
    first = column.desc() if sort.startswith("-") else column.asc()
    return [first, StudyRow.received_at.desc(), StudyRow.id]


def _read_cursor(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        offset = json.loads(base64.urlsafe_b64decode(cursor.encode()))["offset"]
        if isinstance(offset, int) and 0 <= offset < 2**31:
            return offset
    except (ValueError, KeyError, TypeError):
        pass
    raise InvalidValueError("the cursor is not one that was given out; start from the first page")


def _write_cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"offset": offset}).encode()).decode()


def load(service: Service, study_id: str) -> StudyRow:
    """The study.

    Raises:
        UnknownStudyError: There is none with this id.
    """
    with service.begin() as session:
        return _require(session, study_id)


def _require(session: Session, study_id: str) -> StudyRow:
    study = session.get(StudyRow, study_id)
    if study is None:
        raise UnknownStudyError("there is no study with this identifier")
    return study


def images_of(service: Service, study_id: str) -> list[InstanceRow]:
    """The received instances that hold an image, in the order of series and instance."""
    with service.begin() as session:
        rows = session.scalars(
            select(InstanceRow).where(
                InstanceRow.study_id == study_id,
                InstanceRow.origin.in_(("received", "prior")),
                InstanceRow.rows > 0,
            )
        ).all()
    return sorted(
        rows, key=lambda row: (row.series_number or 0, row.instance_number or 0, row.sop_uid)
    )


def latest_reading(service: Service, study_id: str) -> ReadingRow | None:
    """The newest reading of the study, None while there is none."""
    with service.begin() as session:
        return session.scalar(
            select(ReadingRow)
            .where(ReadingRow.study_id == study_id)
            .order_by(ReadingRow.revision.desc())
            .limit(1)
        )


def find_priors(service: Service, study: StudyRow, limit: int = 3) -> list[StudyRow]:
    """Earlier studies of the same patient, newest first; none without a patient or a date."""
    if not study.patient_key or study.study_date is None:
        return []
    with service.begin() as session:
        return list(
            session.scalars(
                select(StudyRow)
                .where(
                    StudyRow.patient_key == study.patient_key,
                    StudyRow.id != study.id,
                    and_(StudyRow.study_date.is_not(None), StudyRow.study_date < study.study_date),
                )
                .order_by(StudyRow.study_date.desc())
                .limit(limit)
            )
        )


def delete(service: Service, study_id: str, *, user: str, reason: str) -> DeletionProof:
    """Delete a study with its files and readings; the audit log keeps the proof.

    Raises:
        UnknownStudyError: There is none with this id.
    """
    with service.begin() as session:
        study = _require(session, study_id)
        keys = _own_files(session, study_id)
        revisions = session.scalars(
            select(ReadingRow.revision).where(ReadingRow.study_id == study_id)
        ).all()
        session.delete(study)
        events.append(session, "deleted", study_id)
        moment = now().isoformat()
        sequence = audit.add(
            session, user, "delete", study_id, reason=reason, sha256=list(keys), at=moment
        )
    for key in keys:
        service.files.remove(key)
    for revision in revisions:
        shutil.rmtree(reading_folder(service, study_id, revision), ignore_errors=True)
    return DeletionProof(study_id, tuple(keys), sequence, moment)


def _own_files(session: Session, study_id: str) -> Sequence[str]:
    """Files that no other study shares."""
    mine = set(session.scalars(select(InstanceRow.sha256).where(InstanceRow.study_id == study_id)))
    shared = set(
        session.scalars(
            select(InstanceRow.sha256).where(
                InstanceRow.sha256.in_(mine), InstanceRow.study_id != study_id
            )
        )
    )
    return sorted(mine - shared)


def delete_expired(service: Service, moment: dt.datetime | None = None) -> list[DeletionProof]:
    """Delete the studies that were received more than ``retention_days`` ago."""
    days = service.settings.retention_days
    if not days:
        return []
    limit = (moment or now()) - dt.timedelta(days=days)
    with service.begin() as session:
        expired = session.scalars(select(StudyRow.id).where(StudyRow.received_at < limit)).all()
    return [
        delete(service, study_id, user="retention", reason=f"older than {days} days")
        for study_id in expired
    ]
