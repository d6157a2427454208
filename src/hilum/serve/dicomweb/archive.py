"""An archive as a client, over DICOMweb: priors by QIDO-RS and WADO-RS, results by STOW-RS.

Over https with Hilum's own TLS settings, whatever the environment says of authorities; with user
and password, a bearer token or a client certificate where they are set.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pydicom
import requests
from dicomweb_client import DICOMwebClient
from pydicom.errors import InvalidDicomError
from requests.adapters import HTTPAdapter

from hilum.errors import ArchiveError, InvalidValueError
from hilum.io.elements import quiet
from hilum.serve.network.credentials import read_credentials
from hilum.serve.network.tls import describe_problem, make_archive_tls
from hilum.serve.settings import Settings

__all__ = ["find_studies", "get_study", "send"]

MAX_STUDIES = 200
_NO_DICOMWEB = (
    *(requests.RequestException, InvalidDicomError, OSError, EOFError),
    *(ValueError, LookupError, AttributeError, TypeError, NotImplementedError),
)
"""What the client raises when the answer does not come or is no DICOMweb."""


UNAUTHORISED = (401, 403)


class _Https(HTTPAdapter):
    """Connections with our context alone: requests would add the authorities of its own."""

    def __init__(self, settings: Settings) -> None:
        self._context = make_archive_tls(settings)
        self._checks_host = settings.archive_checks_host
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        options["ssl_context"] = self._context
        if not self._checks_host:
            options["assert_hostname"] = False
        super().init_poolmanager(*args, **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        options["ssl_context"] = self._context
        if not self._checks_host:
            options["assert_hostname"] = False
        return super().proxy_manager_for(proxy, **options)

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> Any:
        return super().build_connection_pool_key_attributes(request, True, None)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"


def _open_session(settings: Settings) -> requests.Session:
    session = requests.Session()
    session.auth = read_credentials(settings)
    if settings.archive_dicomweb_url.lower().startswith("https:"):
        session.adapters.clear()  # so that no redirection leads to an unencrypted connection
        session.mount("https://", _Https(settings))
    return session


@contextmanager
def _client(settings: Settings) -> Iterator[Any]:
    try:
        with quiet(), _open_session(settings) as session:
            client = DICOMwebClient(
                settings.archive_dicomweb_url.rstrip("/"),
                session=session,
                timeout=settings.archive_timeout_seconds,
            )
            client.set_http_retry_params(retry=False)  # deliveries are tried again by themselves
            yield client
    except InvalidValueError:
        raise
    except requests.HTTPError as error:
        code = error.response.status_code if error.response is not None else 0
        advice = "; check archive_user, archive_token and their files"
        raise ArchiveError(
            f"the archive answered with HTTP {code}{advice if code in UNAUTHORISED else ''}"
        ) from error
    except _NO_DICOMWEB as error:
        problem = describe_problem(error) if isinstance(error, requests.exceptions.SSLError) else ""
        if problem:
            raise ArchiveError(f"the archive cannot be spoken to by TLS: {problem}") from error
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
