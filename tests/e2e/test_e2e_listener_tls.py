"""The DICOM listener and the web server by TLS: who is let in, who is not, and nobody waits."""

import contextlib
import io
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE

from certificates import Authority, Pair
from hilum.serve import studies
from hilum.serve.network.scp import start_listener
from hilum.serve.server import start
from hilum.serve.service import Service
from hilum.serve.settings import Settings
from serve_web import make_dicom, make_service

DIGITAL_XRAY = "1.2.840.10008.5.1.4.1.1.1.1"
Start = Callable[..., tuple[Service, int]]

# pynetdicom drops the socket of a refused connection without closing it
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def listen(tmp_path: Path, own: Pair) -> Iterator[Start]:
    opened = []

    def begin(**settings: str) -> tuple[Service, int]:
        service = make_service(
            tmp_path,
            dicom_port=0,
            max_associations=3,
            tls_certificate=own.certificate,
            tls_key=own.key,
            **settings,
        )
        listener = start_listener(service)
        opened.extend([listener.stop, service.close])
        return service, listener.port

    yield begin
    for end in opened:
        end()


def trusting(authority: Authority, pair: Pair | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.file)
    if pair is not None:
        context.load_cert_chain(pair.certificate, pair.key)
    return context


def store(port: int, context: ssl.SSLContext | None) -> int | None:
    """Status of a C-STORE, None where there was no association."""
    entity = AE(ae_title="CR1")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
    entity.add_requested_context(DIGITAL_XRAY, ExplicitVRLittleEndian)
    tls = (context, "127.0.0.1") if context is not None else None
    association = entity.associate("127.0.0.1", port, ae_title="HILUM", tls_args=tls)
    if not association.is_established:
        return None
    try:
        return int(association.send_c_store(pydicom.dcmread(io.BytesIO(make_dicom()))).Status)
    finally:
        association.release()


def count(service: Service) -> int:
    return studies.query(service, studies.WorklistQuery()).total


def test_a_plain_caller_is_not_served_and_one_by_tls_is(
    listen: Start, authority: Authority
) -> None:
    service, port = listen()
    assert store(port, None) is None
    assert count(service) == 0
    assert store(port, trusting(authority)) == 0
    assert count(service) == 1


def test_only_peers_with_a_certificate_of_the_authority(
    listen: Start, authority: Authority, tmp_path: Path
) -> None:
    service, port = listen(tls_client_ca=authority.file)
    stranger = Authority(tmp_path, "Another authority").issue("stranger")
    expired = authority.issue("expired", days=-1)
    for context in (
        trusting(authority),
        trusting(authority, stranger),
        trusting(authority, expired),
        None,
    ):
        assert store(port, context) is None
    assert count(service) == 0
    assert store(port, trusting(authority, authority.issue("cr1"))) == 0


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256"])
def test_ciphers_without_ephemeral_keys_or_authentication_are_refused(
    listen: Start, authority: Authority, ciphers: str
) -> None:
    _, port = listen()
    context = trusting(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    assert store(port, context) is None
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    assert store(port, context) == 0


@pytest.mark.parametrize("opening", [b"", b"\x16\x03\x01\x02", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_caller_that_never_finishes_its_handshake_keeps_nobody_waiting(
    listen: Start, authority: Authority, opening: bytes
) -> None:
    _, port = listen()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as silent:
        silent.sendall(opening)
        assert store(port, trusting(authority)) == 0


def test_the_listener_stops_while_a_caller_is_silent(tmp_path: Path, own: Pair) -> None:
    for pair in (Pair("", ""), own):
        service = make_service(
            tmp_path, dicom_port=0, tls_certificate=pair.certificate, tls_key=pair.key
        )
        before = set(threading.enumerate())
        listener = start_listener(service)
        with socket.create_connection(("127.0.0.1", listener.port), timeout=30) as silent:
            silent.sendall(b"\x16")
            while not any("Acceptor" in t.name for t in set(threading.enumerate()) - before):
                time.sleep(0.01)
            listener.stop()  # an exception in a thread would fail the test
            with contextlib.suppress(ConnectionError):
                assert silent.recv(1) == b""
        service.close()


def run_storescu(port: int, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("storescu")
    if program is None:
        pytest.skip("DCMTK's storescu is not installed")
    return subprocess.run(
        [program, *options, "-ta", "10", "-aec", "HILUM", "127.0.0.1", str(port), str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("profile", ["--profile-bcp195-nd", "--profile-bcp195-ex"])
def test_dcmtk_stores_by_tls(
    listen: Start, authority: Authority, tmp_path: Path, profile: str
) -> None:
    service, port = listen()
    file = tmp_path / "image.dcm"
    file.write_bytes(make_dicom())
    trust = ("--add-cert-file", authority.file, profile)
    assert run_storescu(port, file).returncode != 0
    assert count(service) == 0
    done = run_storescu(port, file, "--anonymous-tls", *trust)
    assert done.returncode == 0, done.stderr
    assert count(service) == 1


def test_dcmtk_with_and_without_its_certificate(
    listen: Start, authority: Authority, tmp_path: Path
) -> None:
    service, port = listen(tls_client_ca=authority.file)
    file = tmp_path / "image.dcm"
    file.write_bytes(make_dicom())
    trust = ("--add-cert-file", authority.file)
    assert run_storescu(port, file, "--anonymous-tls", *trust).returncode != 0
    stranger = Authority(tmp_path, "Another authority").issue("stranger")
    pair = ("--enable-tls", stranger.key, stranger.certificate)
    assert run_storescu(port, file, *pair, *trust).returncode != 0
    assert count(service) == 0
    mine = authority.issue("dcmtk")
    done = run_storescu(port, file, "--enable-tls", mine.key, mine.certificate, *trust)
    assert done.returncode == 0, done.stderr
    assert count(service) == 1


def test_the_web_server_by_https(authority: Authority, own: Pair, tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path,
        port=0,
        workers=0,
        min_free_mb=1,
        tls_certificate=own.certificate,
        tls_key=own.key,
    )
    with start(settings) as running:
        assert running.url.startswith("https://")
        address = f"{running.url}/health/live"
        answer = httpx.get(address, verify=trusting(authority))
        assert answer.status_code == 200
        assert "max-age" in answer.headers["strict-transport-security"]
        with pytest.raises(httpx.ConnectError, match="certificate"):
            httpx.get(address, verify=ssl.create_default_context())
        with pytest.raises(httpx.TransportError):
            httpx.get(address.replace("https:", "http:"))
        old = trusting(authority)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        old.set_ciphers("AES128-GCM-SHA256")
        with pytest.raises(httpx.ConnectError):
            httpx.get(address, verify=old)
        old.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
        assert httpx.get(address, verify=old).status_code == 200
