"""An archive as a client, over DICOMweb: priors by QIDO-RS and WADO-RS, results by STOW-RS."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pydicom
import requests
from dicomweb_client import DICOMwebClient
from pydicom.errors import InvalidDicomError

from hilum.errors import ArchiveError
from hilum.io.elements import quiet
from hilum.serve.settings import Settings

__all__ = ["find_studies", "get_study", "send"]

MAX_STUDIES = 200
_NO_DICOMWEB = (
    *(requests.RequestException, InvalidDicomError, OSError, EOFError),
    *(ValueError, LookupError, AttributeError, TypeError, NotImplementedError),
)
"""What the client raises when the answer does not come or is no DICOMweb."""


@contextmanager
def _client(settings: Settings) -> Iterator[Any]:
    try:
        with quiet():
            client = DICOMwebClient(
                settings.archive_dicomweb_url.rstrip("/"),
                timeout=settings.archive_timeout_seconds,
            )
            client.set_http_retry_params(retry=False)  # deliveries are tried again by themselves
            yield client
    except requests.HTTPError as error:
        code = error.response.status_code if error.response is not None else "?"
        raise ArchiveError(f"the archive answered with HTTP {code}") from error
    except _NO_DICOMWEB as error:
        raise ArchiveError(
            f"the archive does not answer as DICOMweb ({type(error).__name__}); "
            "check archive_dicomweb_url"
        ) from error


def find_studies(settings: Settings, patient_id: str) -> list[tuple[str, str]]:
    """UID and date of the patient's studies; only exact matches of the PatientID.

    Raises:
        ArchiveError: The archive does not answer, or not as it should.
    """
    with _client(settings) as client:
        answers = client.search_for_studies(
            search_filters={"PatientID": patient_id}, limit=MAX_STUDIES
        )
        return [
            (_value(answer, "0020000D"), _value(answer, "00080020"))
            for answer in answers
            if _value(answer, "00100020") in ("", patient_id)
        ]


def _value(answer: dict[str, Any], tag: str) -> str:
    values = answer.get(tag, {}).get("Value") or [""]
    return str(values[0])


def get_study(settings: Settings, study_uid: str) -> list[bytes]:
    """The study's instances as DICOM files.

    Raises:
        ArchiveError: The archive does not answer, or not as it should.
    """
    with _client(settings) as client:
        datasets = client.retrieve_study(study_uid)
        return [_encode(dataset) for dataset in datasets if "Rows" in dataset]


def _encode(dataset: Any) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def send(settings: Settings, files: Iterable[bytes]) -> int:
    """Store DICOM files and return how many.

    Raises:
        ArchiveError: The archive does not answer, or refuses one of them.
    """
    datasets = [pydicom.dcmread(io.BytesIO(data)) for data in files]
    with _client(settings) as client:
        answer = client.store_instances(datasets)
    failed = answer.get("FailedSOPSequence") or []
    if failed:
        raise ArchiveError(f"the archive refused {len(failed)} of {len(datasets)} results")
    return len(datasets)
