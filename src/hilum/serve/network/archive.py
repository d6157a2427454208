"""An archive as a client, over DIMSE: who is there, which studies it has, send results."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import NamedTuple

import pydicom
from pynetdicom.sop_class import (  # type: ignore[attr-defined,unused-ignore]
    BasicTextSRStorage,
    ComprehensiveSRStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from hilum.errors import ArchiveError
from hilum.io.elements import quiet, read_text
from hilum.serve.network.association import PENDING, Peer, associate, parse_peer, require_success
from hilum.serve.network.retrieval import get_study
from hilum.serve.settings import Settings

__all__ = ["FoundStudy", "Peer", "echo", "find_studies", "get_study", "parse_peer", "send"]

RESULTS = (
    ComprehensiveSRStorage,
    BasicTextSRStorage,
    SegmentationStorage,
    SecondaryCaptureImageStorage,
    GrayscaleSoftcopyPresentationStateStorage,
)
STORED_WITH_WARNING = (0xB000, 0xB006, 0xB007)
"""The archive stored the instance and changed or left out some of it (PS3.4 table B.2-1)."""


class FoundStudy(NamedTuple):
    """A study that an archive holds."""

    study_uid: str
    study_date: str
    modalities: str


def echo(settings: Settings, peer: Peer) -> None:
    """Verify that the archive answers (C-ECHO).

    Raises:
        ArchiveError: It does not.
    """
    with associate(settings, peer, [(Verification, ())]) as association:
        require_success(association.send_c_echo(), "C-ECHO")


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
    with associate(settings, peer, [(model, ())]) as association, quiet():
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
                require_success(status, "C-FIND")
    return found


def send(settings: Settings, peer: Peer, files: Iterable[bytes]) -> int:
    """Send DICOM files (C-STORE) and return how many.

    Raises:
        ArchiveError: It does not answer, or refuses one of them.
    """
    count = 0
    with associate(settings, peer, [(kind, ()) for kind in RESULTS]) as association, quiet():
        for data in files:
            dataset = pydicom.dcmread(io.BytesIO(data))
            try:
                status = association.send_c_store(dataset)
                if getattr(status, "Status", None) not in STORED_WITH_WARNING:
                    require_success(status, "C-STORE")
            except ValueError as error:  # the archive accepted no context for this class
                raise ArchiveError(
                    f"the archive takes no {dataset.SOPClassUID.name}; allow it there"
                ) from error
            count += 1
    return count
