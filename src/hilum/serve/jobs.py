"""The durable queue: DBOS on the server's own database.

A job is queued in the transaction that completes its study, so neither is ever there alone.
Its name holds study and revision: the same work is never queued twice. A worker that dies
leaves its job pending; the next worker of its name takes it up again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from dbos import DBOS, DBOSClient, WorkflowSerializationFormat
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from hilum.errors import InvalidValueError, UnknownStudyError
from hilum.serve import events
from hilum.serve.database.tables import StudyRow, StudyState, now
from hilum.serve.service import Service

__all__ = [
    "APPLICATION_VERSION",
    "QUEUE",
    "WORKFLOW",
    "Job",
    "adopt_orphans",
    "count_by_state",
    "enqueue_reading",
    "list_jobs",
    "prepare",
    "queue_again",
    "retry",
]

QUEUE = "reading"
WORKFLOW = "read_study"
APPLICATION_VERSION = "1"
"""Raised only when queued jobs of an older Hilum could not be done by a newer one."""


@dataclass(frozen=True, slots=True)
class Job:
    """A study that waits, is read or was set aside, with its tries so far."""

    study_id: str
    state: str
    priority: int
    attempts: int
    reason: str


def prepare(service: Service) -> None:
    """Make the queue's tables; done once at start."""
    DBOS.migrate(service.settings.resolved_database_url)


def enqueue_reading(session: Session, service: Service, study: StudyRow) -> None:
    """Queue the reading of the study's revision, within the caller's transaction."""
    _client(service.engine).enqueue_in_transaction(
        session,
        {
            "queue_name": QUEUE,
            "workflow_name": WORKFLOW,
            "workflow_id": f"read-{study.id}-{study.revision}",
            "priority": study.priority,
            "app_version": APPLICATION_VERSION,
            "serialization_type": WorkflowSerializationFormat.PORTABLE,
        },
        study.id,
        study.revision,
    )


@cache
def _client(engine: Engine) -> Any:
    return DBOSClient(system_database_engine=engine, lazy=True)


def retry(service: Service, study_id: str) -> None:
    """Read a study again, as a new revision.

    Raises:
        UnknownStudyError: There is no such study.
        InvalidValueError: It is still being received, waits, or is being read.
    """
    with service.begin() as session:
        study = session.get(StudyRow, study_id)
        if study is None:
            raise UnknownStudyError("there is no study with this identifier")
        if study.state in (StudyState.RECEIVING, StudyState.QUEUED, StudyState.READING):
            raise InvalidValueError(f"the study is {study.state}; wait until it is done")
        queue_again(session, service, study)


def queue_again(session: Session, service: Service, study: StudyRow) -> None:
    """Start the study's next revision and queue it."""
    study.revision += 1
    study.attempts = 0
    study.reason = ""
    study.state = StudyState.QUEUED
    study.completed_at = study.changed_at = now()
    events.append(session, "queued", study.id, priority=study.priority)
    enqueue_reading(session, service, study)


def list_jobs(service: Service, state: StudyState, limit: int = 100) -> list[Job]:
    """Studies in a state of the queue, the most urgent first."""
    query = (
        select(StudyRow)
        .where(StudyRow.state == state)
        .order_by(StudyRow.priority, StudyRow.received_at)
        .limit(limit)
    )
    with service.begin() as session:
        return [
            Job(row.id, row.state, row.priority, row.attempts, row.reason)
            for row in session.scalars(query)
        ]


def count_by_state(service: Service) -> dict[StudyState, int]:
    """Studies in every state: ``QUEUED`` waits for a worker, ``FAILED`` is a dead letter."""
    query = select(StudyRow.state, func.count()).group_by(StudyRow.state)
    with service.begin() as session:
        counts = {str(row[0]): int(row[1]) for row in session.execute(query)}
    return {state: counts.get(state, 0) for state in StudyState}


def adopt_orphans(service: Service) -> int:
    """Queue again what workers held that no longer exist (fewer are started than before)."""
    names = {f"worker-{number}" for number in range(service.settings.workers)}
    client = DBOSClient(system_database_engine=service.engine)
    try:
        orphans = [
            workflow.workflow_id
            for workflow in client.list_workflows(status="PENDING", name=WORKFLOW)
            if workflow.executor_id not in names
        ]
        for workflow_id in orphans:
            client.resume_workflow(workflow_id, queue_name=QUEUE)
    finally:
        client.destroy()
    return len(orphans)
