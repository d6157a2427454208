"""Hilum towards an archive by TLS, with credentials: what works, and what is said when it fails."""

import base64
import io
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pynetdicom import AE, evt

from certificates import Authority, Pair
from hilum.errors import ArchiveError, HilumError, InvalidValueError
from hilum.serve import events, studies
from hilum.serve.dicomweb import archive as web
from hilum.serve.network import archive as dimse
from hilum.serve.network.priors import fetch_priors
from hilum.serve.settings import Settings
from serve_web import add_study, make_client, make_dicom, make_service

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
VERIFICATION = "1.2.840.10008.1.1"
SECRET = "s3cr3t-Pa55-word"

# pynetdicom drops the socket of a refused connection without closing it
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def archive_pair(authority: Authority) -> Pair:
    return authority.issue("archive")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "Another authority")


def server_context(pair: Pair, client_ca: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def dimse_archive(context: ssl.SSLContext | None) -> Iterator[dimse.Peer]:
    entity = AE()
    entity.add_supported_context(VERIFICATION)
    entity.add_supported_context(SECONDARY_CAPTURE)
    server = entity.start_server(
        ("127.0.0.1", 0),
        block=False,
        evt_handlers=[(evt.EVT_C_STORE, lambda event: 0)],
        ssl_context=context,
    )
    try:
        yield dimse.Peer("ARCHIVE", "127.0.0.1", server.server_address[1])
    finally:
        entity.shutdown()


def test_results_go_out_by_tls(authority: Authority, archive_pair: Pair, own: Pair) -> None:
    settings = Settings(archive_tls=True, archive_ca=authority.file, archive_timeout_seconds=10)
    result = make_dicom(SOPClassUID=SECONDARY_CAPTURE)
    with dimse_archive(server_context(archive_pair)) as peer:
        dimse.echo(settings, peer)
        assert dimse.send(settings, peer, [result]) == 1
    with dimse_archive(server_context(archive_pair, authority.file)) as peer:
        with pytest.raises(ArchiveError, match="archive_certificate"):
            dimse.echo(settings, peer)
        known = replace(settings, archive_certificate=own.certificate, archive_key=own.key)
        assert dimse.send(known, peer, [result]) == 1


def test_an_archive_that_cannot_be_trusted_is_not_spoken_to(
    authority: Authority, stranger: Authority
) -> None:
    settings = Settings(archive_tls=True, archive_ca=authority.file, archive_timeout_seconds=10)
    for pair, words in (
        (stranger.issue("fake"), "not trusted .*issuer"),
        (authority.issue("expired", days=-1), "not trusted .*expired"),
        (authority.issue("elsewhere", host="pacs.example"), "not trusted .*mismatch"),
    ):
        with (
            dimse_archive(server_context(pair)) as peer,
            pytest.raises(ArchiveError, match=words),
        ):
            dimse.echo(settings, peer)
    other_host = authority.issue("elsewhere", host="pacs.example")
    with dimse_archive(server_context(other_host)) as peer:
        dimse.echo(replace(settings, archive_checks_host=False), peer)


def test_one_side_by_tls_and_the_other_not(authority: Authority, archive_pair: Pair) -> None:
    settings = Settings(archive_tls=True, archive_ca=authority.file, archive_timeout_seconds=2)
    with dimse_archive(None) as peer, pytest.raises(ArchiveError, match="TLS"):
        dimse.echo(settings, peer)
    with (
        dimse_archive(server_context(archive_pair)) as peer,
        pytest.raises(ArchiveError, match=r"does not answer|in time"),
    ):
        dimse.echo(Settings(archive_timeout_seconds=2), peer)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        peer = dimse.Peer("ARCHIVE", "127.0.0.1", silent.getsockname()[1])
        with pytest.raises(ArchiveError, match="took too long"):
            dimse.echo(settings, peer)


def test_an_unknown_host_is_an_archive_error() -> None:
    peer = dimse.Peer("ARCHIVE", "no-such-host.invalid", 104)
    with pytest.raises(ArchiveError, match="host name"):
        dimse.echo(Settings(), peer)


@contextmanager
def web_archive(
    context: ssl.SSLContext | None, authorization: str = "", redirect: str = ""
) -> Iterator[str]:
    """DICOMweb that finds nothing, and only for who is authorised."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.headers.get("authorization", "") == authorization
            body = b"[]" if is_known else SECRET.encode()
            self.send_response(302 if redirect else 200 if is_known else 401)
            if redirect:
                self.send_header("location", redirect)
            self.send_header("content-type", "application/dicom+json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            del args

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """A handshake that failed is the test's own doing."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            scheme = "https" if context is not None else "http"
            yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_user_and_password_or_a_token_over_https(
    authority: Authority, archive_pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # of what the environment trusts nothing counts
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    context = server_context(archive_pair)
    with web_archive(context, basic("hilum", SECRET)) as url:
        settings = Settings(archive_dicomweb_url=url, archive_ca=authority.file)
        with pytest.raises(ArchiveError, match="HTTP 401; check archive_user") as caught:
            web.find_studies(settings, "P")
        assert SECRET not in str(caught.value)
        known = replace(settings, archive_user="hilum", archive_password_file=str(file))
        assert web.find_studies(known, "P") == []
        file.write_text("changed")  # it is read anew
        with pytest.raises(ArchiveError, match="401"):
            web.find_studies(known, "P")
        file.unlink()
        with pytest.raises(HilumError, match="archive_password_file cannot be read"):
            web.find_studies(known, "P")
    with web_archive(context, f"Bearer {SECRET}") as url:
        settings = Settings(
            archive_dicomweb_url=url, archive_ca=authority.file, archive_token=SECRET
        )
        assert web.find_studies(settings, "P") == []


def test_a_client_certificate_over_https(
    authority: Authority, archive_pair: Pair, own: Pair
) -> None:
    with web_archive(server_context(archive_pair, authority.file)) as url:
        settings = Settings(archive_dicomweb_url=url, archive_ca=authority.file)
        with pytest.raises(ArchiveError, match=r"archive_certificate|does not answer"):
            web.find_studies(settings, "P")
        known = replace(settings, archive_certificate=own.certificate, archive_key=own.key)
        assert web.find_studies(known, "P") == []


def test_https_of_another_authority_host_or_none(
    authority: Authority, stranger: Authority, archive_pair: Pair
) -> None:
    with web_archive(server_context(stranger.issue("fake"))) as url:
        settings = Settings(archive_dicomweb_url=url, archive_ca=authority.file)
        with pytest.raises(ArchiveError, match=r"not trusted .*issuer"):
            web.find_studies(settings, "P")
    with (
        web_archive(server_context(archive_pair)) as url,
        pytest.raises(ArchiveError, match="not trusted"),
    ):
        web.find_studies(Settings(archive_dicomweb_url=url), "P")  # by the system's authorities
    other = authority.issue("elsewhere", host="pacs.example")
    with web_archive(server_context(other)) as url:
        settings = Settings(archive_dicomweb_url=url, archive_ca=authority.file)
        with pytest.raises(ArchiveError, match="not trusted"):
            web.find_studies(settings, "P")
        assert web.find_studies(replace(settings, archive_checks_host=False), "P") == []
    with web_archive(None) as url:
        settings = Settings(archive_dicomweb_url=url.replace("http:", "https:"))
        with pytest.raises(ArchiveError, match="by TLS: TLS failed"):
            web.find_studies(settings, "P")


def test_no_redirection_leads_out_of_https(authority: Authority, archive_pair: Pair) -> None:
    with (
        web_archive(None) as plain,
        web_archive(server_context(archive_pair), redirect=f"{plain}/studies") as url,
    ):
        settings = Settings(archive_dicomweb_url=url, archive_ca=authority.file)
        with pytest.raises(ArchiveError, match="InvalidSchema"):
            web.find_studies(settings, "P")


@pytest.mark.parametrize("protocol", ["dimse", "dicomweb"])
def test_a_study_is_read_without_priors_and_no_secret_is_told(
    protocol: str,
    stranger: Authority,
    authority: Authority,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """TLS fails: the event says so in words; nothing quotes the password."""
    caplog.set_level(logging.INFO, "hilum")
    context = server_context(stranger.issue("fake"))
    secrets = {"archive_user": "hilum", "archive_password": SECRET, "archive_ca": authority.file}
    with web_archive(context) as url, dimse_archive(context) as peer:
        where: dict[str, object] = (
            {"archive_dicomweb_url": url}
            if protocol == "dicomweb"
            else {"archive_ae": f"ARCHIVE@127.0.0.1:{peer.port}", "archive_tls": True}
        )
        service = make_service(tmp_path, archive_timeout_seconds=5, **where, **secrets)
        study = studies.load(service, add_study(service))
        assert fetch_priors(service, study) == 0
        told = events.read_after(service, 0)[-1]
        assert told.kind == "priors_missing"
        assert "not trusted" in told.data["reason"]
        with make_client(service) as client:
            answers = [
                client.get(path).text
                for path in ("/api/v1/studies", f"/api/v1/studies/{study.id}", "/metrics")
            ]
        ours = [record.getMessage() for record in caplog.records if record.name[:5] == "hilum"]
        assert ours
        assert SECRET not in "".join([*answers, *ours, str(told.data), repr(service.settings)])
        service.close()


def test_a_response_that_stops_in_the_midst_is_not_waited_for() -> None:
    """The archive takes the association and then sends half a message."""

    def stop(event: evt.Event) -> int:
        event.assoc.dul.socket.socket.sendall(b"\x04\x00\x00\x00\x10\x00\x00")
        event.assoc.dul.socket.send = lambda data: None
        return 0

    entity = AE()
    entity.add_supported_context(VERIFICATION)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_ECHO, stop)]
    )
    peer = dimse.Peer("ARCHIVE", "127.0.0.1", server.server_address[1])
    try:
        with pytest.raises(ArchiveError):
            dimse.echo(Settings(archive_timeout_seconds=1), peer)
    finally:
        entity.shutdown()


def test_the_keys_are_checked_before_anything_is_sent(own: Pair, archive_pair: Pair) -> None:
    peer = dimse.Peer("ARCHIVE", "127.0.0.1", 9)
    settings = Settings(
        archive_tls=True, archive_certificate=own.certificate, archive_key=archive_pair.key
    )
    with pytest.raises(InvalidValueError, match="archive_certificate and archive_key"):
        dimse.send(settings, peer, [io.BytesIO().getvalue()])
