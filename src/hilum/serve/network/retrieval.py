"""The radiographs of a study from an archive: by C-GET, or by C-MOVE to our own listener.

Only series of images are asked for: Orthanc, for one, sends nothing at all by C-GET once it meets
a report in the study that has no presentation context. With C-MOVE the archive sends to the
listener of ``hilum serve`` on an association of its own. The listener knows what Hilum asked for by
the move originator that each message names (PS3.7, 9.3.1), and stores it as a prior.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

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
from pynetdicom import build_role, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined,unused-ignore]
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from hilum.errors import ArchiveError
from hilum.io.elements import quiet, read_text
from hilum.serve.network.association import PENDING, SUCCESS, Peer, associate, require_success
from hilum.serve.settings import Settings

__all__ = ["IMAGES", "get_study", "move_study", "retrieve_study"]

LOG = logging.getLogger(__name__)

IMAGES = (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
)
COMPRESSED = (
    *(JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, RLELossless),
    *(JPEGLSLossless, JPEGLSNearLossless, JPEG2000Lossless, JPEG2000),
    *(HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K),
)
MODALITIES = ("CR", "DX", "DR", "RG", "SC", "OT", "")
"""Of series that can hold a radiograph."""
SOME_FAILED = 0xB000
"""Some sub-operations did not succeed (PS3.4 tables C.4-2 and C.4-3): what is no image."""
UNKNOWN_DESTINATION = 0xA801
FIND = StudyRootQueryRetrieveInformationModelFind


def retrieve_study(settings: Settings, peer: Peer, study_uid: str) -> tuple[list[bytes], int]:
    """Fetch the radiographs of a study as ``archive_retrieve`` says.

    Returns:
        DICOM files that came by C-GET, and the number of instances that came by C-MOVE and are
        stored already.

    Raises:
        ArchiveError: The archive does not answer, or cannot send the study.
    """
    if settings.archive_retrieve == "move":
        return [], move_study(settings, peer, study_uid)
    try:
        return get_study(settings, peer, study_uid), 0
    except ArchiveError as error:
        if settings.archive_retrieve == "get" or settings.dicom_port < 0:
            raise
        LOG.info("C-GET failed (%s), C-MOVE is tried", error)
        first = error
    try:
        return [], move_study(settings, peer, study_uid)
    except ArchiveError as second:
        raise ArchiveError(f"by C-GET {first}; by C-MOVE {second}") from second


def get_study(settings: Settings, peer: Peer, study_uid: str) -> list[bytes]:
    """The radiographs of a study as DICOM files (C-GET).

    Raises:
        ArchiveError: The archive does not answer, or cannot send the study.
    """
    files: list[bytes] = []

    def keep(event: Any) -> int:
        files.append(event.encoded_dataset())
        return SUCCESS

    model = StudyRootQueryRetrieveInformationModelGet
    with associate(
        settings,
        peer,
        [(FIND, ()), (model, ()), *_image_contexts()],
        roles=[build_role(image, scp_role=True) for image in IMAGES],
        handlers=[(evt.EVT_C_STORE, keep)],
    ) as association:
        for query in _find_series(association, study_uid):
            for status, _ in association.send_c_get(query, model):
                # a warning: the archive kept back what was not asked for
                if getattr(status, "Status", None) not in (*PENDING, SOME_FAILED):
                    require_success(status, "C-GET")
    return files


def move_study(settings: Settings, peer: Peer, study_uid: str) -> int:
    """Let the archive send the radiographs of a study to our listener (C-MOVE).

    The archive has to know our title, host and port, and our listener its title. When this
    returns, what came is stored.

    Returns:
        How many instances the listener took.

    Raises:
        ArchiveError: The archive does not answer, does not know us, or cannot reach us.
    """
    model = StudyRootQueryRetrieveInformationModelMove
    with associate(settings, peer, [(FIND, ()), (model, ())]) as association:
        queries = _find_series(association, study_uid)
        return sum(_move(association, query, settings.ae_title) for query in queries)


def _move(association: Any, query: pydicom.Dataset, destination: str) -> int:
    taken = failed = 0
    model = StudyRootQueryRetrieveInformationModelMove
    for status, _ in association.send_c_move(query, destination, model):
        code = getattr(status, "Status", None)
        taken = int(getattr(status, "NumberOfCompletedSuboperations", None) or taken)
        failed = int(getattr(status, "NumberOfFailedSuboperations", None) or failed)
        if code == UNKNOWN_DESTINATION:
            raise ArchiveError(
                f"the archive does not know {destination!r} as a destination of C-MOVE; "
                "name Hilum's host and dicom_port there"
            )
        if code not in (*PENDING, SOME_FAILED):
            require_success(status, "C-MOVE")
    if failed and not taken:
        raise ArchiveError(
            "the archive could not send what was asked by C-MOVE; check that it reaches Hilum's "
            "dicom_port and stands in calling_ae_titles"
        )
    return taken


def _find_series(association: Any, study_uid: str) -> list[pydicom.Dataset]:
    """Queries for the series of images; for the whole study where the archive lists no series."""
    study = pydicom.Dataset()
    study.QueryRetrieveLevel = "STUDY"
    study.StudyInstanceUID = study_uid
    question = pydicom.Dataset()
    question.QueryRetrieveLevel = "SERIES"
    question.StudyInstanceUID = study_uid
    question.SeriesInstanceUID = question.Modality = ""
    found = []
    try:
        with quiet():
            for status, answer in association.send_c_find(question, FIND):
                if getattr(status, "Status", None) in PENDING and answer is not None:
                    found.append(answer)
    except ValueError:  # it offers no C-FIND
        return [study]
    queries = []
    for answer in found:
        if read_text(answer, "Modality") in MODALITIES:
            query = pydicom.Dataset()
            query.QueryRetrieveLevel = "SERIES"
            query.StudyInstanceUID = study_uid
            query.SeriesInstanceUID = read_text(answer, "SeriesInstanceUID")
            queries.append(query)
    return queries if found else [study]


def _image_contexts() -> Iterator[tuple[Any, list[Any]]]:
    """One context a syntax: of several in one, the archive picks one, which may not be its own."""
    for image in IMAGES:
        yield image, []
        yield from ((image, [syntax]) for syntax in COMPRESSED)
