"""A queued study is read: the main path, once, and its results stored in one transaction."""

from __future__ import annotations

import json
import logging
import shutil
import time
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

import hilum
from hilum._version import __version__
from hilum.errors import HilumError
from hilum.export import write_objects, write_reading
from hilum.reading import OPTIONAL_TASKS
from hilum.serve import events, studies
from hilum.serve.database.tables import DeliveryRow, ReadingRow, StudyRow, StudyState, now
from hilum.serve.heatmaps import write_heatmaps
from hilum.serve.intake import receive_instance
from hilum.serve.network.priors import fetch_priors
from hilum.serve.reader_files import object_files, reading_folder
from hilum.serve.service import Service
from hilum.types import Context, Reading, Status

__all__ = ["read_revision"]

LOG = logging.getLogger(__name__)


def read_revision(service: Service, study_id: str, revision: int) -> str:
    """Read one revision of a study; done before, it does nothing.

    A failure is tried again until ``max_attempts``, then the study is set aside as failed.

    Returns:
        The state that the study ended in, ``skipped`` when there was nothing to do.
    """
    while True:
        attempt = _start(service, study_id, revision)
        if attempt is None:
            return "skipped"
        if attempt > service.settings.max_attempts:
            return _fail(service, study_id, revision)
        try:
            return _read(service, study_id, revision)
        except Exception as error:
            LOG.warning("study %s, try %d: %s", study_id, attempt, type(error).__name__)
            _note(service, study_id, revision, _why_failed(error))


def _start(service: Service, study_id: str, revision: int) -> int | None:
    """Count a try and return its number; None when the revision is done or superseded."""
    with service.begin() as session:
        study = session.get(StudyRow, study_id)
        if study is None or study.revision != revision:
            return None
        if study.state not in (StudyState.QUEUED, StudyState.READING):
            return None
        study.attempts += 1
        study.state, study.changed_at = StudyState.READING, now()
        if study.attempts <= service.settings.max_attempts:
            events.append(session, "reading", study_id, attempt=study.attempts)
        return study.attempts


def _fail(service: Service, study_id: str, revision: int) -> str:
    with service.begin() as session:
        study = _current(session, study_id, revision)
        if study is not None:
            study.state, study.changed_at = StudyState.FAILED, now()
            study.attempts = service.settings.max_attempts
            study.reason = study.reason or "the worker died while it read the study"
            events.append(session, "failed", study_id)
    return StudyState.FAILED


def _why_failed(error: Exception) -> str:
    """A sentence of Hilum or of the disk; what else an error says may hold patient data."""
    if isinstance(error, HilumError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"the results cannot be stored: {error.strerror}"
    return type(error).__name__


def _note(service: Service, study_id: str, revision: int, reason: str) -> None:
    with service.begin() as session:
        study = _current(session, study_id, revision)
        if study is not None:
            study.reason = reason


def _current(session: Session, study_id: str, revision: int) -> StudyRow | None:
    study = session.get(StudyRow, study_id)
    return study if study is not None and study.revision == revision else None


def _read(service: Service, study_id: str, revision: int) -> str:
    started = time.perf_counter()
    study = studies.load(service, study_id)
    paths = _paths(service, study_id)
    fetch_priors(service, study)
    earlier = studies.find_priors(service, study)
    priors = [path for row in earlier for path in _paths(service, row.id)]
    context = Context(study.indication, study.history, study.age_years, study.sex)
    opened = hilum.open_study(paths, context, priors)
    models = OPTIONAL_TASKS if service.settings.structures else None
    reading = hilum.read(opened, models=models)
    folder = reading_folder(service, study_id, revision)
    shutil.rmtree(folder, ignore_errors=True)  # what a killed worker left half done
    write_reading(reading, folder)
    write_heatmaps(reading, folder)
    if reading.is_readable:
        write_objects(reading, folder, files=paths)
    return _store(service, study_id, revision, reading, time.perf_counter() - started)


def _paths(service: Service, study_id: str) -> list[Path]:
    return [service.files.path(row.sha256) for row in studies.images_of(service, study_id)]


def _store(service: Service, study_id: str, revision: int, reading: Reading, seconds: float) -> str:
    """The reading and the study's new state appear together, once."""
    folder = reading_folder(service, study_id, revision)
    document = json.loads((folder / "reading.json").read_text("utf-8"))
    for file in object_files(service, study_id, revision):
        receive_instance(service, file.read_bytes(), source="hilum", origin="produced")
    with service.begin() as session:
        study = session.get(StudyRow, study_id)
        if study is None:  # deleted meanwhile
            shutil.rmtree(folder, ignore_errors=True)
            return "skipped"
        known = select(ReadingRow.id).where(
            ReadingRow.study_id == study_id, ReadingRow.revision == revision
        )
        if session.scalar(known) is not None:
            return study.state
        row = ReadingRow(
            study_id=study_id,
            revision=revision,
            hilum_version=__version__,
            models=dict(reading.models),
            document=document,
            seconds=seconds,
        )
        session.add(row)
        session.flush()
        for destination in service.settings.send_results_to if reading.is_readable else ():
            session.add(DeliveryRow(study_id=study_id, reading_id=row.id, destination=destination))
        if study.revision == revision and study.state == StudyState.READING:
            _finish(session, study, reading)
        return study.state


def _finish(session: Session, study: StudyRow, reading: Reading) -> None:
    study.read_at = study.changed_at = now()
    study.state = StudyState.READ if reading.is_readable else StudyState.REFUSED
    study.reason = "" if reading.is_readable else _why_refused(reading)
    study.findings = [
        {"name": f.name, "status": f.status.value, "probability": f.probability}
        for image in reading.radiographs
        for f in image.findings
        if f.status in (Status.PRESENT, Status.UNCERTAIN)
    ]
    events.append(session, study.state, study.id)


def _why_refused(reading: Reading) -> str:
    reasons = [issue.message for image in reading.radiographs for issue in image.quality.reasons]
    reasons += [item.reason for item in reading.study.unreadable]
    return " ".join(dict.fromkeys(reasons))
