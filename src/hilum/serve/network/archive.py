"""An archive as a client, over DIMSE: who is there, which priors, fetch them, send results."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pydicom
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined,unused-ignore]
    BasicTextSRStorage,
    ComprehensiveSRStorage,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    GrayscaleSoftcopyPresentationStateStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
)

from hilum.errors import ArchiveError, InvalidValueError
from hilum.io.elements import quiet, read_text
from hilum.serve.settings import Settings

__all__ = ["Peer", "echo", "find_studies", "get_study", "parse_peer", "send"]

IMAGES = (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
)
RESULTS = (
    ComprehensiveSRStorage,
    BasicTextSRStorage,
    SegmentationStorage,
    SecondaryCaptureImageStorage,
    GrayscaleSoftcopyPresentationStateStorage,
)
COMPRESSED = (
    *(JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, RLELossless),
    *(JPEGLSLossless, JPEGLSNearLossless, JPEG2000Lossless, JPEG2000),
    *(HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K),
)
PENDING = (0xFF00, 0xFF01)
SUCCESS = 0x0000
STORED_WITH_WARNING = (0xB000, 0xB006, 0xB007)
"""The archive stored the instance and changed or left out some of it (PS3.4 table B.2-1)."""


class Peer(NamedTuple):
    """An application entity: title, host and port."""

    title: str
    host: str
    port: int


class FoundStudy(NamedTuple):
    """A study that an archive holds."""

    study_uid: str
    study_date: str
    modalities: str


def parse_peer(text: str) -> Peer:
    """Read ``AETITLE@host:port``.

    >>> parse_peer("ORTHANC@127.0.0.1:4242")
    Peer(title='ORTHANC', host='127.0.0.1', port=4242)

    Raises:
        InvalidValueError: It has another form.
    """
    match = re.fullmatch(r"([^@\\]{1,16})@([^:@]+|\[[0-9a-fA-F:]+\]):(\d{1,5})", text.strip())
    if not match or not 1 <= int(match[3]) <= 65535:
        raise InvalidValueError(f"archive_ae got {text!r}, expected AETITLE@host:port")
    return Peer(match[1], match[2].strip("[]"), int(match[3]))


@contextmanager
def _associate(
    settings: Settings, peer: Peer, classes: Sequence[Any], **options: Any
) -> Iterator[Any]:
    entity = AE(ae_title=settings.ae_title)
    seconds = settings.archive_timeout_seconds
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = seconds
    entity.connection_timeout = seconds
    for abstract in classes:
        entity.add_requested_context(abstract)
        if "ext_neg" in options and abstract in IMAGES:  # one a context: the archive picks one each
            for syntax in COMPRESSED:
                entity.add_requested_context(abstract, syntax)
    association = entity.associate(peer.host, peer.port, ae_title=peer.title, **options)
    if not association.is_established:
        why = "refused the association" if association.is_rejected else "does not answer"
        raise ArchiveError(f"the archive {why}; check host, port and application entity titles")
    try:
        yield association
    except ValueError as error:  # no presentation context was accepted for it
        raise ArchiveError("the archive does not offer what was asked; allow it there") from error
    except RuntimeError as error:  # the association ended between two messages
        raise ArchiveError("the archive broke the association off") from error
    finally:
        if association.is_established:
            association.release()


def echo(settings: Settings, peer: Peer) -> None:
    """Verify that the archive answers (C-ECHO).

    Raises:
        ArchiveError: It does not.
    """
    with _associate(settings, peer, [Verification]) as association:
        _require_success(association.send_c_echo(), "C-ECHO")


def find_studies(settings: Settings, peer: Peer, patient_id: str) -> list[FoundStudy]:
    """The studies of a patient (C-FIND, study root), only exact matches of the PatientID.

    Raises:
        ArchiveError: It does not answer, or refuses the query.
    """
    query = pydicom.Dataset()
    query.QueryRetrieveLevel = "STUDY"
    query.PatientID = patient_id
    query.StudyInstanceUID = query.StudyDate = query.ModalitiesInStudy = ""
    model = StudyRootQueryRetrieveInformationModelFind
    found = []
    with _associate(settings, peer, [model]) as association, quiet():
        for status, answer in association.send_c_find(query, model):
            if getattr(status, "Status", None) in PENDING and answer is not None:
                if read_text(answer, "PatientID") in ("", patient_id):
                    found.append(
                        FoundStudy(
                            read_text(answer, "StudyInstanceUID"),
                            read_text(answer, "StudyDate"),
                            read_text(answer, "ModalitiesInStudy"),
                        )
                    )
            else:
                _require_success(status, "C-FIND")
    return found


def get_study(settings: Settings, peer: Peer, study_uid: str) -> list[bytes]:
    """The radiographs of a study as DICOM files (C-GET).

    Raises:
        ArchiveError: It does not answer, or cannot send the study.
    """
    files: list[bytes] = []

    def keep(event: Any) -> int:
        files.append(event.encoded_dataset())
        return SUCCESS

    query = pydicom.Dataset()
    query.QueryRetrieveLevel = "STUDY"
    query.StudyInstanceUID = study_uid
    model = StudyRootQueryRetrieveInformationModelGet
    roles = [build_role(image, scp_role=True) for image in IMAGES]
    with _associate(
        settings,
        peer,
        [model, *IMAGES],
        ext_neg=roles,
        evt_handlers=[(evt.EVT_C_STORE, keep)],
    ) as association:
        for status, _ in association.send_c_get(query, model):
            # a warning: the archive kept back what was not asked for (reports)
            if getattr(status, "Status", None) not in (*PENDING, 0xB000):
                _require_success(status, "C-GET")
    return files


def send(settings: Settings, peer: Peer, files: Iterable[bytes]) -> int:
    """Send DICOM files (C-STORE) and return how many.

    Raises:
        ArchiveError: It does not answer, or refuses one of them.
    """
    count = 0
    with _associate(settings, peer, RESULTS) as association, quiet():
        for data in files:
            dataset = pydicom.dcmread(io.BytesIO(data))
            try:
                status = association.send_c_store(dataset)
                if getattr(status, "Status", None) not in STORED_WITH_WARNING:
                    _require_success(status, "C-STORE")
            except ValueError as error:  # the archive accepted no context for this class
                raise ArchiveError(
                    f"the archive takes no {dataset.SOPClassUID.name}; allow it there"
                ) from error
            count += 1
    return count


def _require_success(status: Any, operation: str) -> None:
    code = getattr(status, "Status", None)
    if code is None:
        raise ArchiveError(f"the archive did not answer the {operation} in time")
    if code != SUCCESS:
        raise ArchiveError(f"the archive answered the {operation} with status 0x{code:04X}")
