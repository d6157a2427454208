"""The heartbeat: workers say that they are alive, and readiness looks when they last did."""

from __future__ import annotations

import datetime as dt
import logging
import os
import threading

from sqlalchemy import delete, func, select

from hilum.errors import StorageError
from hilum.serve.database.tables import WorkerRow, now
from hilum.serve.service import Service

__all__ = ["STALE_SECONDS", "beat", "forget", "keep_beating", "seconds_since"]

LOG = logging.getLogger(__name__)
EVERY_SECONDS = 5.0
STALE_SECONDS = 30.0
"""A worker that was not heard of for so long counts as gone."""


def beat(service: Service, name: str, moment: dt.datetime | None = None) -> None:
    """Write down that a worker of this process lives.

    Raises:
        StorageError: The database does not answer.
    """
    with service.begin() as session:
        session.merge(WorkerRow(name=name, pid=os.getpid(), beat_at=moment or now()))


def keep_beating(service: Service, name: str, stop: threading.Event) -> None:
    """Beat until ``stop`` is set; a database that does not answer is asked again."""
    while True:
        try:
            beat(service, name)
        except StorageError as error:
            LOG.warning("no heartbeat: %s", error)
        if stop.wait(EVERY_SECONDS):
            return


def forget(service: Service) -> None:
    """Forget the workers of a server that has ended."""
    with service.begin() as session:
        session.execute(delete(WorkerRow))


def seconds_since(service: Service, moment: dt.datetime | None = None) -> float | None:
    """Seconds since the last beat of any worker, None when none was heard of.

    Raises:
        StorageError: The database does not answer.
    """
    with service.begin() as session:
        last = session.scalar(select(func.max(WorkerRow.beat_at)))
    return None if last is None else ((moment or now()) - last).total_seconds()
