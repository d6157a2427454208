"""Orthanc as a hospital's archive: DICOM by TLS, DICOMweb by https with a password, and C-MOVE."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from certificates import Authority, Pair
from hilum.errors import ArchiveError
from hilum.serve import events, studies
from hilum.serve.database.tables import StudyState
from hilum.serve.dicomweb import archive as web
from hilum.serve.network import archive as dimse
from hilum.serve.network.priors import fetch_priors
from hilum.serve.network.retrieval import get_study, move_study, retrieve_study
from hilum.serve.network.scp import start_listener
from hilum.serve.service import Service
from hilum.serve.settings import Settings
from orthanc_server import Orthanc, orthanc
from postgres_server import free_port
from serve_web import add_study, make_dicom, make_service
from tls_front import tls_front

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
REPORT = "1.2.840.10008.5.1.4.1.1.88.33"

# pynetdicom drops the socket of a refused connection without closing it
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def theirs(authority: Authority) -> Pair:
    return authority.issue("orthanc")


def make_prior(kind: str = "", **elements: Any) -> bytes:
    """Of the patient of ``add_study``, a year earlier; ``kind`` is another SOP class."""
    number = {"": 21, REPORT: 22}[kind]
    elements |= {"SOPClassUID": kind, "Modality": "SR"} if kind else {}
    return make_dicom(
        seed=number,
        PatientID="PID-00000",
        StudyInstanceUID="1.2.826.0.1.3680043.8.498.77",
        StudyDate="20250102",
        **elements,
    )


PRIOR_UID = "1.2.826.0.1.3680043.8.498.77"


@contextmanager
def a_hilum(folder: Path, **settings: Any) -> Iterator[Service]:
    """A service with its listener, without workers."""
    service = make_service(folder, archive_timeout_seconds=20, **settings)
    listener = start_listener(service)
    try:
        yield service
    finally:
        listener.stop()
        service.close()


def assert_prior_came(service: Service) -> None:
    study = studies.load(service, add_study(service))
    assert fetch_priors(service, study) == 1
    wanted = studies.WorklistQuery(states=(StudyState.PRIOR,))
    (prior,) = studies.query(service, wanted).items
    (image,) = studies.images_of(service, prior.id)
    stored = pydicom.dcmread(io.BytesIO(service.files.read(image.sha256)))
    sent = pydicom.dcmread(io.BytesIO(make_prior()))
    np.testing.assert_array_equal(stored.pixel_array, sent.pixel_array)
    told = [event.kind for event in events.read_after(service, 0, 1000)]
    assert "priors_missing" not in told


@pytest.mark.parametrize("way", ["get", "move"])
def test_dicom_by_tls_both_ways(
    way: str, authority: Authority, own: Pair, theirs: Pair, tmp_path: Path
) -> None:
    """Both sides show a certificate: find, get or move, store; and Orthanc sends to Hilum."""
    port = free_port()
    modality = {"AET": "HILUM", "Host": "127.0.0.1", "Port": port, "UseDicomTls": True}
    (tmp_path / "orthanc").mkdir()
    with orthanc(
        tmp_path / "orthanc",
        DicomTlsEnabled=True,
        DicomTlsCertificate=theirs.certificate,
        DicomTlsPrivateKey=theirs.key,
        DicomTlsTrustedCertificates=authority.file,
        DicomTlsRemoteCertificateRequired=True,
        DicomModalities={"hilum": modality},
    ) as archive:
        for data in (make_prior(), make_prior(REPORT)):
            archive.upload(data)
        with a_hilum(
            tmp_path / "hilum",
            dicom_port=port,
            calling_ae_titles=("ORTHANC",),
            tls_certificate=own.certificate,
            tls_key=own.key,
            tls_client_ca=authority.file,
            archive_ae=f"ORTHANC@127.0.0.1:{archive.dicom_port}",
            archive_retrieve=way,
            archive_tls=True,
            archive_ca=authority.file,
            archive_certificate=own.certificate,
            archive_key=own.key,
        ) as service:
            assert_prior_came(service)
            settings = service.settings
            peer = dimse.parse_peer(settings.archive_ae)
            result = make_dicom(SOPClassUID=SECONDARY_CAPTURE, Modality="OT")
            assert dimse.send(settings, peer, [result]) == 1
            assert archive.modalities()["OT"] == 1
            archive.send_to_hilum(str(pydicom.dcmread(io.BytesIO(make_prior())).SOPInstanceUID))
            bare = replace(settings, archive_certificate="", archive_key="")
            with pytest.raises(ArchiveError, match="TLS"):
                dimse.echo(bare, peer)
            with pytest.raises(ArchiveError):
                dimse.echo(replace(settings, archive_tls=False, archive_timeout_seconds=3), peer)


def test_dicomweb_by_https_with_a_password(
    authority: Authority, theirs: Pair, tmp_path: Path
) -> None:
    """Debian's Orthanc 1.10.1 ends with a fault at the first https request; TLS ends before it."""
    (tmp_path / "orthanc").mkdir()
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t\n")
    with (
        orthanc(tmp_path / "orthanc", auth=("hilum", "s3cr3t")) as archive,
        tls_front(theirs, int(archive.url.rpartition(":")[2])) as port,
    ):
        archive.upload(make_prior())
        url = f"https://127.0.0.1:{port}/dicom-web"
        known = {
            "archive_dicomweb_url": url,
            "archive_ca": authority.file,
            "archive_user": "hilum",
            "archive_password_file": str(secret),
        }
        with a_hilum(tmp_path / "hilum", dicom_port=0, **known) as service:
            assert_prior_came(service)
            result = make_dicom(SOPClassUID=SECONDARY_CAPTURE, Modality="OT")
            assert web.send(service.settings, [result]) == 1
            assert archive.modalities()["OT"] == 1
            settings = service.settings
        secret.write_text("wrong")
        with pytest.raises(ArchiveError, match="401"):
            web.find_studies(settings, "PID-00000")
        with pytest.raises(ArchiveError, match="not trusted"):
            web.find_studies(Settings(archive_dicomweb_url=url), "PID-00000")


@contextmanager
def an_archive(folder: Path, port: int, **modality: Any) -> Iterator[Orthanc]:
    """Orthanc that knows where to move to, with the prior and a report of its study."""
    (folder / "orthanc").mkdir()
    hilum = {"AET": "HILUM", "Host": "127.0.0.1", "Port": port, **modality}
    with orthanc(folder / "orthanc", DicomModalities={"hilum": hilum}) as archive:
        for data in (make_prior(), make_prior(REPORT)):
            archive.upload(data)
        yield archive


def test_what_comes_by_c_move_is_a_prior_and_only_images_come(tmp_path: Path) -> None:
    port = free_port()
    with an_archive(tmp_path, port) as archive:
        peer = f"ORTHANC@127.0.0.1:{archive.dicom_port}"
        with a_hilum(
            tmp_path / "hilum", dicom_port=port, archive_ae=peer, archive_retrieve="move"
        ) as service:
            assert_prior_came(service)
            # what nobody asked for is a study to be read
            archive.send_to_hilum(str(pydicom.dcmread(io.BytesIO(make_prior())).SOPInstanceUID))
            wanted = studies.WorklistQuery(states=(StudyState.RECEIVING,))
            assert [row.source for row in studies.query(service, wanted).items]


def test_c_move_takes_over_where_c_get_is_not_allowed(tmp_path: Path) -> None:
    port = free_port()
    with an_archive(tmp_path, port, AllowGet=False) as archive:
        peer = f"ORTHANC@127.0.0.1:{archive.dicom_port}"
        with a_hilum(tmp_path / "hilum", dicom_port=port, archive_ae=peer) as service:
            settings, where = service.settings, dimse.parse_peer(peer)
            with pytest.raises(ArchiveError):
                get_study(settings, where, PRIOR_UID)
            assert retrieve_study(settings, where, PRIOR_UID) == ([], 1)
            with pytest.raises(ArchiveError):
                retrieve_study(replace(settings, archive_retrieve="get"), where, PRIOR_UID)
            assert_prior_came(service)


def test_c_move_that_cannot_arrive_is_said(tmp_path: Path) -> None:
    with an_archive(tmp_path, free_port()) as archive:  # nobody listens there
        peer = dimse.Peer("ORTHANC", "127.0.0.1", archive.dicom_port)
        with pytest.raises(ArchiveError, match="C-MOVE"):
            move_study(Settings(), peer, PRIOR_UID)
        with pytest.raises(ArchiveError, match="C-MOVE"):
            move_study(Settings(ae_title="UNKNOWN"), peer, PRIOR_UID)
