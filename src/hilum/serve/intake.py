"""Instances come in: checked, stored, gathered into studies, and complete at last.

Everything that enters, by DICOM or by HTTP, enters here. Nothing of the input becomes a path.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydicom.uid import generate_uid
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hilum.errors import HilumError, InvalidStudyError, ResourceLimitError, UnreadableImageError
from hilum.io.archive import ArchiveEntry, list_entries, read_entry
from hilum.serve import events
from hilum.serve.database.tables import InstanceRow, StudyRow, StudyState, now
from hilum.serve.files import MEGABYTE, Content, digest_of, open_content, size_of
from hilum.serve.headers import Header, read_instance_header
from hilum.serve.jobs import queue_again
from hilum.serve.rasters import raster_to_dicom
from hilum.serve.service import Service
from hilum.serve.suspicion import find_suspicion
from hilum.types import Context

__all__ = ["Received", "complete", "complete_due", "receive_files", "receive_instance"]

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an instance: ``stored``, ``duplicate`` or ``replaced``."""

    study_id: str
    instance_id: str
    sop_uid: str
    outcome: str


def receive_instance(
    service: Service,
    content: Content,
    *,
    source: str,
    context: Context | None = None,
    priority: int | None = None,
    origin: str = "received",
) -> Received:
    """Store a DICOM instance and put it into its study.

    The same bytes again change nothing. Other bytes under the same SOP instance UID replace
    the instance, and the study is read again.

    Args:
        service: The service.
        content: The DICOM file; an open one is read in pieces and left open.
        source: Who sent it, ``dicom:AETITLE`` or ``http:USER``.
        context: What the requester says, before what the header says.
        priority: 1 (first) to 9; from header and indication where None.
        origin: ``received``, a ``prior`` from an archive, or ``produced`` by a reading.

    Raises:
        UnreadableImageError: It is no DICOM instance.
        ResourceLimitError: It is larger than ``max_instance_mb``.
        InvalidStudyError: The study or instance is known as another patient's or study's.
        StorageError: The disk is full or the database does not answer.
    """
    size = size_of(content)
    _require_size(service, size)
    header = read_instance_header(content)
    key = service.files.put(content)
    arrival = Arrival(size, source, context, priority, origin)
    for _ in range(_TRIES - 1):
        with contextlib.suppress(IntegrityError):  # another sender made the study just now
            return _receive(service, header, key, arrival)
    return _receive(service, header, key, arrival)


def _require_size(service: Service, size: int) -> None:
    limit = service.settings.max_instance_mb
    if size > limit * MEGABYTE:
        raise ResourceLimitError(f"an instance has at most {limit} MB, this one is larger")


class Arrival(NamedTuple):
    """How an instance came: its size, from whom, and what was said with it."""

    size: int
    source: str
    context: Context | None
    priority: int | None
    origin: str


def _receive(service: Service, header: Header, key: str, arrival: Arrival) -> Received:
    with service.begin() as session:
        study = _find_study(session, header, arrival.source, arrival.origin)
        instance, outcome = _put_instance(session, service, study, header, key)
        instance.size = arrival.size
        is_known = outcome == "duplicate" and study.state != StudyState.PRIOR
        if outcome != "duplicate" or arrival.origin == "received":
            instance.origin = arrival.origin
        study.instances += outcome == "stored" and arrival.origin != "produced"
        if not is_known and arrival.origin == "received":
            _touch(session, study, header, arrival.context, arrival.priority)
        return Received(study.id, instance.id, header.sop_uid, outcome)


def _find_study(session: Session, header: Header, source: str, origin: str) -> StudyRow:
    study = session.scalar(select(StudyRow).where(StudyRow.study_uid == header.study_uid))
    if study is None:
        study = StudyRow(
            study_uid=header.study_uid,
            state=StudyState.PRIOR if origin == "prior" else StudyState.RECEIVING,
            source=source,
            instances=0,
            priority=5,
            revision=0,
            indication="",
            suspicion="",
        )
        _describe(study, header)
        session.add(study)
        session.flush()
    elif study.patient_id != header.patient_id[:255]:
        raise InvalidStudyError(
            "the study is already known as another patient's; correct the PatientID and send again"
        )
    return study


def _describe(study: StudyRow, header: Header) -> None:
    study.patient_id = header.patient_id[:255]
    study.patient_name = header.patient_name[:255]
    study.patient_key = header.patient_key
    study.birth_date = header.birth_date[:8]
    study.sex = header.sex
    study.age_years = header.age_years
    study.accession = header.accession[:64]
    study.study_date = header.study_date
    study.description = header.description[:255]


def _put_instance(
    session: Session, service: Service, study: StudyRow, header: Header, key: str
) -> tuple[InstanceRow, str]:
    known = session.scalar(select(InstanceRow).where(InstanceRow.sop_uid == header.sop_uid))
    if known is not None:
        if known.study_id != study.id:
            raise InvalidStudyError("the SOP instance UID is already used in another study")
        if known.sha256 == key:
            return known, "duplicate"
        outcome, old = "replaced", known.sha256
        is_shared = session.scalar(
            select(InstanceRow.id).where(InstanceRow.sha256 == old, InstanceRow.id != known.id)
        )
        if not is_shared:
            service.files.remove(old)
    else:
        known, outcome = InstanceRow(study_id=study.id, sop_uid=header.sop_uid), "stored"
        session.add(known)
    known.series_uid, known.sop_class = header.series_uid, header.sop_class
    known.transfer_syntax, known.modality = header.transfer_syntax, header.modality[:16]
    known.series_number, known.instance_number = header.series_number, header.instance_number
    known.rows, known.columns, known.view = header.rows, header.columns, header.view
    known.sha256, known.header, known.size = key, header.elements, 0
    session.flush()
    return known, outcome


def _touch(
    session: Session,
    study: StudyRow,
    header: Header,
    context: Context | None,
    priority: int | None,
) -> None:
    """The study has changed: it is receiving again, with what is now known of its urgency."""
    context = context or Context()
    study.indication = context.indication or study.indication or header.indication
    study.history = context.history or study.history or ""
    study.age_years = study.age_years if context.age_years is None else context.age_years
    study.sex = context.sex or study.sex
    ranks = [study.priority if priority is None else priority, header.priority]
    suspected = find_suspicion(study.indication)
    if suspected:
        study.suspicion, rank = suspected
        ranks.append(rank)
    study.priority = min(ranks) if priority is None else priority
    study.state, study.changed_at = StudyState.RECEIVING, now()
    events.append(session, "received", study.id, instances=study.instances)


def receive_files(
    service: Service,
    files: Sequence[Content],
    *,
    source: str,
    context: Context | None = None,
    priority: int | None = None,
) -> list[str]:
    """Take in what a person submits: DICOM, images or zip archives; complete at once.

    Images without identifiers become one study of their own. One file after the other is
    looked at; open files and archives are never held in memory as a whole.

    Returns:
        The ids of the studies.

    Raises:
        UnreadableImageError: No file could be used; the message says why for the first.
        StorageError: The disk is full or the database does not answer.
    """
    studies: dict[str, None] = {}
    problems: list[HilumError] = []
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        parts = _list_parts(service, files, Path(folder))
        uid = _name_raster_study(parts)
        for part in parts:
            try:
                content: Content = part()
                if not _is_dicom(content):
                    number += 1
                    image = _read_raster(service, content)
                    content = raster_to_dicom(image, study_uid=uid, number=number)
                received = receive_instance(
                    service, content, source=source, context=context, priority=priority
                )
                studies[received.study_id] = None
            except (UnreadableImageError, InvalidStudyError) as error:
                problems.append(error)
    if not studies:
        raise problems[0] if problems else UnreadableImageError("no file was given")
    for study_id in studies:
        complete(service, study_id)
    return list(studies)


Part = Callable[[], BinaryIO]
"""Opens one file of a submission, at its start."""


def _list_parts(service: Service, files: Sequence[Content], folder: Path) -> list[Part]:
    parts: list[Part] = []
    for number, content in enumerate(files):
        if open_content(content).read(4) != b"PK\x03\x04":
            parts.append(partial(open_content, content))
            continue
        path = folder / f"{number}.zip"
        service.files.require_space(size_of(content))
        with path.open("wb") as copy:
            shutil.copyfileobj(open_content(content), copy)
        parts += [partial(_open_entry, service, path, entry) for entry in list_entries(path)]
    return parts


def _open_entry(service: Service, path: Path, entry: ArchiveEntry) -> BinaryIO:
    _require_size(service, entry.size_bytes)
    return io.BytesIO(read_entry(path, entry))


def _name_raster_study(parts: Sequence[Part]) -> str:
    """A UID from the content of all images: the same submission is the same study."""
    digests = []
    for part in parts:
        with contextlib.suppress(UnreadableImageError):  # said when it is taken in
            content = part()
            if not _is_dicom(content):
                digests.append(digest_of(content))
    return str(generate_uid(entropy_srcs=["study", *digests]))


def _read_raster(service: Service, content: Content) -> bytes:
    _require_size(service, size_of(content))
    return open_content(content).read()


def _is_dicom(content: Content) -> bool:
    return open_content(content).read(132)[128:] == b"DICM"


def complete(service: Service, study_id: str) -> bool:
    """The study has all its instances: queue it. False when it was complete before."""
    with service.begin() as session:
        study = session.get(StudyRow, study_id)
        if study is None or study.state != StudyState.RECEIVING:
            return False
        has_image = session.scalar(
            select(InstanceRow.id).where(
                InstanceRow.study_id == study_id,
                InstanceRow.rows > 0,
                InstanceRow.origin == "received",
            )
        )
        if has_image:
            queue_again(session, service, study)
        else:
            study.state, study.changed_at = StudyState.REFUSED, now()
            study.reason = "the study holds no image"
            events.append(session, "refused", study.id)
        return True


def complete_due(service: Service, moment: dt.datetime | None = None) -> list[str]:
    """Complete the studies that nothing came for since ``completion_seconds``, or that are full."""
    moment = moment or now()
    settings = service.settings
    due = StudyRow.changed_at <= moment - dt.timedelta(seconds=settings.completion_seconds)
    if settings.completion_instances:
        due = due | (StudyRow.instances >= settings.completion_instances)
    with service.begin() as session:
        waiting = session.scalars(
            select(StudyRow.id).where(StudyRow.state == StudyState.RECEIVING, due).limit(1000)
        ).all()
    return [study_id for study_id in waiting if complete(service, study_id)]
