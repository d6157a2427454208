"""An archive that answers, but not as one would wish: a defined error, and nothing else breaks."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, evt

from hilum.errors import ArchiveError, InvalidValueError
from hilum.serve import events, studies
from hilum.serve.dicomweb import archive as web
from hilum.serve.dicomweb.frames import read_dataset, read_frames
from hilum.serve.dicomweb.storing import store_instances
from hilum.serve.network import archive as dimse
from hilum.serve.network.priors import fetch_priors
from hilum.serve.settings import Settings
from serve_web import add_study, make_dicom, make_service

VERIFICATION = "1.2.840.10008.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
DIGITAL_XRAY = "1.2.840.10008.5.1.4.1.1.1.1"
GET = "1.2.840.10008.5.1.4.1.2.2.3"

# pynetdicom drops the socket of a refused connection without closing it
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@contextmanager
def dimse_peer(entity: AE, *handlers: tuple[object, ...]) -> Iterator[dimse.Peer]:
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=list(handlers))
    try:
        yield dimse.Peer("ARCHIVE", "127.0.0.1", server.server_address[1])
    finally:
        entity.shutdown()


@contextmanager
def http_peer(status: int, body: bytes, kind: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            del args

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def capture() -> bytes:
    return make_dicom(SOPClassUID=SECONDARY_CAPTURE)


def storing(answer: Callable[[evt.Event], int]) -> tuple[AE, tuple[object, ...]]:
    entity = AE()
    entity.add_supported_context(SECONDARY_CAPTURE)
    return entity, (evt.EVT_C_STORE, answer)


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xB006, 0xB007])
def test_stored_with_a_warning_is_stored(status: int) -> None:
    entity, handler = storing(lambda event: status)
    with dimse_peer(entity, handler) as peer:
        assert dimse.send(Settings(), peer, [capture()]) == 1


def test_a_refusal_is_an_error() -> None:
    entity, handler = storing(lambda event: 0xA700)
    with dimse_peer(entity, handler) as peer, pytest.raises(ArchiveError, match="0xA700"):
        dimse.send(Settings(), peer, [capture()])


def test_an_association_that_ends_between_two_results() -> None:
    def abort(event: evt.Event) -> int:
        event.assoc.abort()
        return 0

    entity, handler = storing(abort)
    with dimse_peer(entity, handler) as peer, pytest.raises(ArchiveError):
        dimse.send(Settings(archive_timeout_seconds=2), peer, [capture(), capture()])


def test_an_archive_without_query_leaves_a_study_without_priors(tmp_path: Path) -> None:
    entity = AE()
    entity.add_supported_context(VERIFICATION)
    with dimse_peer(entity) as peer:
        with pytest.raises(ArchiveError):
            dimse.find_studies(Settings(), peer, "P")
        with pytest.raises(ArchiveError):
            dimse.get_study(Settings(), peer, "1.2.3")
        service = make_service(tmp_path, archive_ae=f"ARCHIVE@127.0.0.1:{peer.port}")
        study = studies.load(service, add_study(service))
        assert fetch_priors(service, study) == 0
        assert events.read_after(service, 0)[-1].kind == "priors_missing"
        service.close()


def test_a_compressed_prior_comes_as_it_is_stored() -> None:
    stored = pydicom.dcmread(io.BytesIO(make_dicom()))
    pixels = stored.pixel_array
    stored.compress(RLELossless)

    def answer(event: evt.Event) -> Iterator[object]:
        yield 1
        yield 0xFF00, stored

    entity = AE()
    entity.add_supported_context(GET)
    entity.add_supported_context(DIGITAL_XRAY, ALL_TRANSFER_SYNTAXES, scu_role=True, scp_role=True)
    with dimse_peer(entity, (evt.EVT_C_GET, answer)) as peer:
        (data,) = dimse.get_study(Settings(), peer, str(stored.StudyInstanceUID))
    came = pydicom.dcmread(io.BytesIO(data))
    assert came.file_meta.TransferSyntaxUID == RLELossless
    np.testing.assert_array_equal(came.pixel_array, pixels)


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_port_out_of_range_is_named(port: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="AETITLE@host:port"):
        dimse.parse_peer(f"A@127.0.0.1:{port}")
    service = make_service(tmp_path, archive_ae=f"A@127.0.0.1:{port}")
    assert fetch_priors(service, studies.load(service, add_study(service))) == 0
    service.close()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, b"", "text/plain"),
        (409, b"{}", "application/dicom+json"),
        (200, b"<html>", "text/html"),
        (200, b'["x"]', "application/dicom+json"),
        (200, b"7", "application/dicom+json"),
        (200, b"--x\r\n\r\nno DICOM\r\n--x--", "multipart/related; boundary=x"),
    ],
)
def test_what_is_no_dicomweb_is_an_archive_error(status: int, body: bytes, kind: str) -> None:
    with http_peer(status, body, kind) as url:
        settings = Settings(archive_dicomweb_url=url)
        with pytest.raises(ArchiveError):
            web.find_studies(settings, "P")
        with pytest.raises(ArchiveError):
            web.get_study(settings, "1.2.3")


def test_stow_names_the_instance_that_is_too_large(tmp_path: Path) -> None:
    service = make_service(tmp_path, max_instance_mb=1)
    dataset = pydicom.dcmread(io.BytesIO(make_dicom()))
    dataset.PixelData = bytes(2_000_000)
    target = io.BytesIO()
    dataset.save_as(target)
    large = target.getvalue()
    status, answer = store_instances(service, [make_dicom(seed=5), large], source="http:test")
    assert status == 202
    (failed,) = answer["00081198"]["Value"]
    assert failed["00081197"]["Value"] == [0xA700]
    service.close()


def test_eight_bit_big_endian_frames_are_whole() -> None:
    dataset = pydicom.dcmread(io.BytesIO(make_dicom()))
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    dataset.Rows = dataset.Columns = 8
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = pixels.reshape(-1, 2)[:, ::-1].tobytes()  # OW words, swapped
    dataset["PixelData"].VR = "OW"
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, little_endian=False, implicit_vr=False)
    (frame,) = read_frames(read_dataset(target.getvalue()), [1], is_decoded=False)
    assert frame == pixels.tobytes()
