"""The DICOM listener and the archive: real peers, and everything that a caller can do wrong."""

import datetime as dt
import io
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
from dicomweb_client import DICOMwebClient
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE

from hilum.errors import ArchiveError, InvalidValueError
from hilum.serve import events, studies
from hilum.serve.database.tables import DeliveryRow, StudyState, now
from hilum.serve.network import archive as dimse
from hilum.serve.network.delivery import MAX_ATTEMPTS, deliver_due
from hilum.serve.network.priors import fetch_priors
from hilum.serve.network.scp import start_listener
from hilum.serve.server import start
from hilum.serve.service import Service
from hilum.serve.settings import Settings
from hilum.synth import render, sample_spec
from hilum.synth.files.dicom import to_dicom
from orthanc_server import orthanc
from postgres_server import free_port
from serve_web import add_study, make_dicom, make_service

DIGITAL_XRAY = "1.2.840.10008.5.1.4.1.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"

# pynetdicom drops the socket of a refused connection without closing it
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[tuple[Service, int]]:
    service = make_service(
        tmp_path, dicom_port=0, calling_ae_titles=("CR1",), max_instance_mb=1, max_associations=3
    )
    listener = start_listener(service)
    yield service, listener.port
    listener.stop()
    service.close()


def associate(port: int, *, caller: str = "CR1", called: str = "HILUM") -> object:
    entity = AE(ae_title=caller)
    entity.add_requested_context(DIGITAL_XRAY, ExplicitVRLittleEndian)
    entity.add_requested_context(VERIFICATION)
    return entity.associate("127.0.0.1", port, ae_title=called)


def send(port: int, data: bytes) -> int:
    association = associate(port)
    try:
        return int(association.send_c_store(pydicom.dcmread(io.BytesIO(data))).Status)  # type: ignore[attr-defined]
    finally:
        association.release()  # type: ignore[attr-defined]


def count(service: Service) -> int:
    return studies.query(service, studies.WorklistQuery()).total


def test_an_instance_is_stored_and_a_duplicate_is_a_success(
    listening: tuple[Service, int],
) -> None:
    service, port = listening
    assert [send(port, make_dicom()), send(port, make_dicom())] == [0, 0]
    (study,) = studies.query(service, studies.WorklistQuery()).items
    assert (study.instances, study.source) == (1, "dicom:CR1")
    (image,) = studies.images_of(service, study.id)
    stored = pydicom.dcmread(io.BytesIO(service.files.read(image.sha256)))
    sent = pydicom.dcmread(io.BytesIO(make_dicom()))
    np.testing.assert_array_equal(stored.pixel_array, sent.pixel_array)


@pytest.mark.parametrize(("caller", "called"), [("EVIL", "HILUM"), ("CR1", "OTHER")])
def test_who_is_not_named_is_rejected(
    listening: tuple[Service, int], caller: str, called: str
) -> None:
    service, port = listening
    association = associate(port, caller=caller, called=called)
    assert association.is_rejected  # type: ignore[attr-defined]
    assert count(service) == 0


def test_statuses_of_what_cannot_be_stored(listening: tuple[Service, int]) -> None:
    service, port = listening
    assert send(port, make_dicom(StudyInstanceUID="")) == 0xC000
    assert send(port, make_dicom()) == 0
    assert send(port, make_dicom(SOPInstanceUID="1.2.9", PatientID="ELSE")) == 0xA900
    full = replace(service, files=replace(service.files, min_free_mb=10**9))
    listener = start_listener(full)
    try:
        assert send(listener.port, make_dicom(seed=9)) == 0xA700
    finally:
        listener.stop()
    assert count(service) == 1


def test_a_message_beyond_the_limit_ends_the_association(listening: tuple[Service, int]) -> None:
    service, port = listening
    association = associate(port)
    dataset = pydicom.dcmread(io.BytesIO(make_dicom()))
    dataset.Rows = dataset.Columns = 1024
    dataset.PixelData = bytes(2 * 1024 * 1024)
    status = association.send_c_store(dataset)  # type: ignore[attr-defined]
    assert getattr(status, "Status", None) != 0
    assert count(service) == 0
    assert send(port, make_dicom()) == 0  # the next caller is served


@pytest.mark.parametrize("opening", [b"", b"\x01\x00\x00\x00\xff\xff", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_socket_that_says_something_else_harms_nobody(
    listening: tuple[Service, int], opening: bytes
) -> None:
    service, port = listening
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(opening)
    assert send(port, make_dicom()) == 0
    assert count(service) == 1


def test_an_association_broken_off_leaves_what_was_acknowledged(
    listening: tuple[Service, int],
) -> None:
    service, port = listening
    association = associate(port)
    first = pydicom.dcmread(io.BytesIO(make_dicom()))
    assert association.send_c_store(first).Status == 0  # type: ignore[attr-defined]
    raw = association.dul.socket.socket  # type: ignore[attr-defined]
    raw.sendall(b"\x04\x00\x00\x01\x00\x00\x00\x00\x10\x00")  # a P-DATA that never ends
    raw.close()
    association.abort()  # type: ignore[attr-defined]
    assert send(port, make_dicom(seed=1)) == 0
    assert count(service) == 2
    assert sum(p.is_file() for p in service.files.root.rglob("*")) == 2


def test_other_machines_must_be_named(tmp_path: Path) -> None:
    service = make_service(tmp_path, host="0.0.0.0", dicom_port=0)
    with pytest.raises(InvalidValueError, match="calling_ae_titles"):
        start_listener(service)


def test_an_archive_that_is_down_or_slow_is_said_and_nothing_waits(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, never answers
        slow = int(silent.getsockname()[1])
        for port in (free_port(), slow):
            for archive in (
                {"archive_ae": f"ORTHANC@127.0.0.1:{port}"},
                {"archive_dicomweb_url": f"http://127.0.0.1:{port}/dicom-web"},
            ):
                folder = tmp_path / f"{port}-{next(iter(archive))}"
                service = make_service(folder, archive_timeout_seconds=1, **archive)
                study = studies.load(service, add_study(service))
                assert fetch_priors(service, study) == 0
                told = events.read_after(service, 0)[-1]
                assert told.kind == "priors_missing"
                assert "the archive" in told.data["reason"]
                service.close()


def test_a_result_is_tried_again_and_at_last_given_up(tmp_path: Path) -> None:
    from serve_web import store_reading

    service = make_service(tmp_path, archive_ae=f"ORTHANC@127.0.0.1:{free_port()}")
    study_id = add_study(service)
    store_reading(service, study_id)
    reading = studies.latest_reading(service, study_id)
    assert reading is not None
    with service.begin() as session:
        session.add(DeliveryRow(study_id=study_id, reading_id=reading.id, destination="dimse"))
    assert deliver_due(service) == 0
    assert deliver_due(service) == 0  # not due again yet
    with service.begin() as session:
        (row,) = session.query(DeliveryRow).all()
        assert (row.state, row.attempts) == ("waiting", 1)
        assert "does not answer" in row.error
    for number in range(MAX_ATTEMPTS):
        deliver_due(service, now() + dt.timedelta(hours=number + 1))
    with service.begin() as session:
        (row,) = session.query(DeliveryRow).all()
        assert (row.state, row.attempts) == ("failed", MAX_ATTEMPTS)
    assert events.read_after(service, 0)[-1].kind == "result_failed"


@pytest.fixture(scope="module")
def patient() -> list[bytes]:
    """Two phantom studies of one patient, a month apart, the earlier first."""
    files = []
    for seed, date in ((41, "20260101"), (42, "20260201")):
        dataset = to_dicom(render(sample_spec(np.random.default_rng(seed))))
        dataset.PatientID, dataset.PatientName = "PAT-7", "PHANTOM^SEVEN"
        dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = date
        dataset.ContentDate = date
        target = io.BytesIO()
        pydicom.dcmwrite(target, dataset, enforce_file_format=True)
        files.append(target.getvalue())
    return files


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["dimse", "dicomweb"])
def test_a_whole_round_with_orthanc(protocol: str, patient: list[bytes], tmp_path: Path) -> None:
    """Orthanc sends the current study; its prior is fetched, the results stand in Orthanc."""
    dicom_port = free_port()
    (tmp_path / "orthanc").mkdir()
    with orthanc(tmp_path / "orthanc", hilum_port=dicom_port) as archive:
        settings = Settings(
            data=tmp_path / "data",
            port=0,
            dicom_port=dicom_port,
            calling_ae_titles=("ORTHANC",),
            completion_seconds=1,
            min_free_mb=1,
            send_results_to=(protocol,),
            archive_ae=f"ORTHANC@127.0.0.1:{archive.dicom_port}" if protocol == "dimse" else "",
            archive_dicomweb_url=archive.dicomweb if protocol == "dicomweb" else "",
        )
        for data in patient:
            archive.upload(data)
        with start(settings) as running:
            archive.send_to_hilum(str(pydicom.dcmread(io.BytesIO(patient[1])).SOPInstanceUID))
            wait_until(lambda: archive.modalities().get("SR"))
            wait_until(lambda: archive.modalities().get("SEG"))
            wanted = studies.WorklistQuery(states=(StudyState.READ, StudyState.PRIOR))
            page = studies.query(running.service, wanted)
            states = {row.study_date.strftime("%Y%m%d"): row for row in page.items}  # type: ignore[union-attr]
            assert states["20260201"].state == StudyState.READ
            assert states["20260101"].state == StudyState.PRIOR
            reading = studies.latest_reading(running.service, states["20260201"].id)
            assert reading is not None
            assert reading.document["report"]["comparison"]
            kinds = [e.kind for e in events.read_after(running.service, 0, 1000)]
            wait_until(
                lambda: (
                    "result_sent" in [e.kind for e in events.read_after(running.service, 0, 1000)]
                )
            )
            assert "priors_missing" not in kinds
        assert archive.modalities()["SR"] == 1


@pytest.mark.slow
def test_echo_and_find(patient: list[bytes], tmp_path: Path) -> None:
    with orthanc(tmp_path) as archive:
        settings = Settings()
        peer = dimse.Peer("ORTHANC", "127.0.0.1", archive.dicom_port)
        dimse.echo(settings, peer)
        archive.upload(patient[0])
        (found,) = dimse.find_studies(settings, peer, "PAT-7")
        assert found.study_date == "20260101"
        assert dimse.find_studies(settings, peer, "PAT-*") == []  # no wild card slips through
        with pytest.raises(ArchiveError, match="refused"):
            dimse.echo(settings, peer._replace(title="WRONG"))


def test_dicomweb_client_against_our_own(tmp_path: Path, patient: list[bytes]) -> None:
    settings = Settings(data=tmp_path, port=0, workers=0, min_free_mb=1)
    with start(settings) as running:
        client = DICOMwebClient(f"{running.url}/dicom-web", timeout=30)
        datasets = [pydicom.dcmread(io.BytesIO(data)) for data in patient]
        answer = client.store_instances(datasets)
        assert len(answer.ReferencedSOPSequence) == 2
        found = client.search_for_studies(search_filters={"PatientName": "phantom^s*"})
        assert len(found) == 2
        found = client.search_for_studies(search_filters={"StudyDate": "20260115-"}, limit=5)
        (uid,) = [item["0020000D"]["Value"][0] for item in found]
        assert uid == datasets[1].StudyInstanceUID
        (series,) = client.search_for_series(uid)
        (instance,) = client.search_for_instances(uid)
        names = (uid, series["0020000E"]["Value"][0], instance["00080018"]["Value"][0])
        whole = client.retrieve_instance(*names)
        np.testing.assert_array_equal(whole.pixel_array, datasets[1].pixel_array)
        (metadata,) = client.retrieve_study_metadata(uid)
        assert metadata["00280010"]["Value"] == [datasets[1].Rows]
        (frame,) = client.retrieve_instance_frames(*names, [1])
        assert frame == datasets[1].PixelData[: len(frame)]
        rendered = client.retrieve_instance_rendered(*names, media_types=("image/png",))
        assert rendered.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/studies?limit=-1", 400),
        ("GET", "/studies?limit=x", 400),
        ("GET", "/studies?StudyDate=yesterday", 400),
        ("GET", "/studies/1.2.3", 404),
        ("GET", "/studies/1.2.3/metadata", 404),
        ("GET", "/studies/1.2.3/series/1/instances/1/frames/0", 404),
        ("GET", "/studies/1.2.3/series/1/instances/1/frames/a", 400),
        ("POST", "/studies", 415),
    ],
)
def test_wrong_dicomweb_requests(tmp_path: Path, method: str, path: str, status: int) -> None:
    settings = Settings(data=tmp_path, port=0, workers=0, min_free_mb=1)
    with start(settings) as running:
        answer = httpx.request(method, f"{running.url}/dicom-web{path}", timeout=30)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_stow_says_what_failed(tmp_path: Path) -> None:
    parts = [make_dicom(), b"not DICOM"]
    body = b"".join(
        b"--x\r\nContent-Type: application/dicom\r\n\r\n" + part + b"\r\n" for part in parts
    )
    headers = {"content-type": 'multipart/related; type="application/dicom"; boundary=x'}
    settings = Settings(data=tmp_path, port=0, workers=0, min_free_mb=1)
    with start(settings) as running:
        address = f"{running.url}/dicom-web/studies"
        some = httpx.post(address, content=body + b"--x--", headers=headers)
        assert some.status_code == 202
        assert some.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xC000]
        elsewhere = httpx.post(f"{address}/1.2.3", content=body + b"--x--", headers=headers)
        assert elsewhere.status_code == 409
        cut = httpx.post(address, content=body, headers=headers)
        assert cut.status_code == 400
