"""Results go back to the archive: each is sent until it has arrived or was tried too often."""

from __future__ import annotations

import datetime as dt
import logging

from sqlalchemy import select

from hilum.errors import HilumError
from hilum.serve import audit, events
from hilum.serve.database.tables import DeliveryRow, ReadingRow, now
from hilum.serve.dicomweb import archive as web_archive
from hilum.serve.network import archive as dimse_archive
from hilum.serve.reader_files import object_files
from hilum.serve.service import Service

__all__ = ["deliver_due"]

LOG = logging.getLogger(__name__)
MAX_ATTEMPTS = 8
FIRST_PAUSE_SECONDS = 2.0
"""The pause before the second try; it doubles with every try."""


def deliver_due(service: Service, moment: dt.datetime | None = None) -> int:
    """Send what is due and return how many results arrived."""
    moment = moment or now()
    query = select(DeliveryRow).where(DeliveryRow.state == "waiting").limit(50)
    with service.begin() as session:
        waiting = list(session.scalars(query))
    due = [row for row in waiting if row.changed_at <= moment - _pause(row.attempts)]
    return sum(_deliver(service, row.id) for row in due)


def _pause(attempts: int) -> dt.timedelta:
    return dt.timedelta(seconds=FIRST_PAUSE_SECONDS * 2 ** (attempts - 1) if attempts else 0)


def _deliver(service: Service, delivery_id: str) -> bool:
    with service.begin() as session:
        row = session.get(DeliveryRow, delivery_id)
        reading = session.get(ReadingRow, row.reading_id) if row is not None else None
    if row is None or reading is None:
        return False
    try:
        files = object_files(service, reading.study_id, reading.revision)
        _send(service, row.destination, [file.read_bytes() for file in files])
        problem = ""
    except HilumError as error:
        problem = str(error)
    with service.begin() as session:
        row = session.get(DeliveryRow, delivery_id)
        if row is None:  # the study was deleted meanwhile
            return False
        row.attempts += 1
        row.error, row.changed_at = problem, now()
        if not problem:
            row.state = "sent"
            audit.add(session, "hilum", "send", row.study_id, destination=row.destination)
        elif row.attempts >= MAX_ATTEMPTS:
            row.state = "failed"
        if row.state != "waiting":
            events.append(session, f"result_{row.state}", row.study_id, to=row.destination)
    if problem:
        LOG.warning("a result was not sent: %s", problem)
    return not problem


def _send(service: Service, destination: str, files: list[bytes]) -> None:
    if destination == "dicomweb":
        web_archive.send(service.settings, files)
    else:
        peer = dimse_archive.parse_peer(service.settings.archive_ae)
        dimse_archive.send(service.settings, peer, files)
