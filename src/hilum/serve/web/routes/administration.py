"""Who asks, the queue and the audit log."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from hilum._version import __version__
from hilum.serve import audit, jobs
from hilum.serve.database.tables import StudyState
from hilum.serve.web.routes.context import CallDep
from hilum.serve.web.shapes import AuditCheckShape, AuditEntry, AuditPage, JobShape, Me
from hilum.types import DISCLAIMER

__all__ = ["LANGUAGES", "router"]

router = APIRouter(prefix="/api/v1", tags=["administration"])
LANGUAGES = ["en", "es", "de", "fr"]
QUEUE_STATES = {
    "waiting": StudyState.QUEUED,
    "running": StudyState.READING,
    "dead": StudyState.FAILED,
}


@router.get("/me", summary="Who asks, and what this server is")
def show_me(call: CallDep) -> Me:
    """The user with roles, and how the server is set up."""
    settings, ends = call.service.settings, call.user.expires_at
    return Me(
        user=call.user.name,
        roles=sorted(call.user.roles),
        is_loopback=settings.is_loopback,
        is_deidentified=settings.is_deidentified,
        version=__version__,
        disclaimer=DISCLAIMER,
        languages=LANGUAGES,
        signed_in_by=call.user.by,
        expires_at=None if ends is None else dt.datetime.fromtimestamp(ends, dt.UTC),
    )


@router.get("/jobs", summary="The queue")
def list_jobs(
    call: CallDep,
    state: Literal["waiting", "running", "dead"] = "waiting",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[JobShape]:
    """Studies that wait, are read, or were set aside after too many tries."""
    found = jobs.list_jobs(call.service, QUEUE_STATES[state], limit)
    return [
        JobShape(
            study_id=job.study_id,
            state=StudyState(job.state),
            priority=job.priority,
            attempts=job.attempts,
            reason=job.reason if call.secret is None else "",
        )
        for job in found
    ]


@router.get("/audit", summary="The audit log, newest first")
def list_audit(
    call: CallDep,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> AuditPage:
    """Who did what and saw whom; studies stand there by their id."""
    rows = audit.read_entries(call.service, before=before, limit=limit)
    items = [AuditEntry.model_validate(row, from_attributes=True) for row in rows]
    has_more = len(items) == limit and items[-1].sequence > 1
    return AuditPage(items=items, next_before=items[-1].sequence if has_more else None)


@router.get("/audit/verify", summary="Whether the audit log is whole")
def verify_audit(call: CallDep) -> AuditCheckShape:
    """Recompute the chain of hashes; keep ``head`` elsewhere to notice a log cut short."""
    check = audit.verify(call.service)
    return AuditCheckShape(
        is_intact=check.broken_at is None,
        entries=check.entries,
        head=check.head,
        broken_at=check.broken_at,
    )
