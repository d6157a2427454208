"""How much, how often, from where; and what a browser may do with an answer."""

import socket
import tracemalloc
from pathlib import Path

import pytest

from hilum.serve.service import Service
from hilum.serve.web.app import create_app
from hilum.serve.web.pages import Pages
from hilum.serve.web.security.headers import host_of
from hilum.serve.web.security.limits import MAX_CLIENTS, Bucket
from serve_web import add_study, make_client, make_dicom, make_service, running, store_reading


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return make_service(tmp_path_factory.mktemp("server"), max_upload_mb=2)


def read_status(address: str, head: str, body: bytes = b"") -> str:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as peer:
        peer.sendall(head.encode() + body)
        return peer.recv(65536).decode()


def test_two_gigabytes_are_refused_before_they_are_sent(service: Service) -> None:
    with running(create_app(service)) as address:
        answer = read_status(
            address,
            "POST /api/v1/studies HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 2000000000\r\n\r\n",
        )
    assert answer.startswith("HTTP/1.1 413")
    assert "application/problem+json" in answer


def test_a_body_without_a_length_is_cut_where_it_becomes_too_large(service: Service) -> None:
    sent = 0

    def endless():  # type: ignore[no-untyped-def]
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        while sent < 2_000:
            sent += 1
            yield bytes(1_000_000)

    import httpx

    tracemalloc.start()
    with running(create_app(service)) as address:
        try:
            answer = httpx.post(
                f"{address}/api/v1/studies",
                content=endless(),
                headers={"content-type": "multipart/form-data; boundary=x"},
                timeout=60,
            )
            assert answer.status_code == 413
        except httpx.WriteError:
            pass  # the server closed the connection while the client still wrote
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent < 100
    assert peak < 50_000_000


def test_a_large_json_body_is_refused(service: Service) -> None:
    client = make_client(service)
    body = b'{"operating_points": {"a": 0.5' + b" " * 1_000_001 + b"}}"
    answer = client.post(f"/api/v1/studies/{'0' * 32}/reword", content=body)
    assert answer.status_code == 413
    answer = client.post("/api/v1/studies", headers={"content-length": "-1"}, content=b"")
    assert answer.status_code == 413


def test_too_many_requests(tmp_path: Path) -> None:
    client = make_client(make_service(tmp_path, requests_per_minute=60))
    answers = [client.get("/health/live") for _ in range(14)]
    assert {a.status_code for a in answers[:10]} == {200}
    last = answers[-1]
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) >= 1
    assert last.headers["content-type"] == "application/problem+json"


def test_a_bucket_fills_again_and_clients_are_apart() -> None:
    clock = [0.0]
    bucket = Bucket(60, lambda: clock[0])
    assert [bucket.take("a") for _ in range(10)] == [0.0] * 10
    assert bucket.take("a") == pytest.approx(1.0)
    assert bucket.take("b") == 0.0
    clock[0] += 1.0
    assert bucket.take("a") == 0.0
    assert bucket.take("a") > 0.0
    for number in range(MAX_CLIENTS + 5):
        bucket.take(f"client {number}")
    assert len(bucket._levels) == MAX_CLIENTS


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost", 200),
        ("[::1]:80", 200),
        ("10.0.0.7", 200),
        ("reader.example", 200),
        ("evil.example", 400),
        ("127.0.0.1.evil.example", 400),
        ("", 400),
        ("[", 400),
    ],
)
def test_the_host_must_be_this_server(tmp_path: Path, host: str, status: int) -> None:
    client = make_client(make_service(tmp_path, allowed_hosts=("Reader.example",)))
    assert client.get("/api/v1/me", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://127.0.0.1"}, 202),
        ({"sec-fetch-site": "same-origin"}, 202),
        ({}, 202),
    ],
)
def test_another_web_page_cannot_post_here(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    client = make_client(make_service(tmp_path))
    files = [("files", ("a.dcm", make_dicom()))]
    answer = client.post("/api/v1/studies", files=files, headers=headers)
    assert answer.status_code == status


def test_headers_of_every_kind_of_answer(service: Service, tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "index.html").write_text("<title>room</title>")
    client = make_client(service, pages=Pages(dist))
    study = add_study(service, make_dicom(seed=9))
    store_reading(service, study)
    report = f"/api/v1/studies/{study}/report.html"
    for path in ("/", "/api/v1/me", "/nothing", report):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "'unsafe-eval'" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        # the page itself holds nothing of a patient, and is asked for anew
        assert headers["cache-control"] == ("no-cache" if path == "/" else "no-store")
        assert "set-cookie" not in headers
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
    # the policy in the header lets the report's own script run
    assert "script-src 'sha256-" in client.get(report).headers["content-security-policy"]


def test_the_name_of_a_host_header() -> None:
    assert host_of("[fe80::1]:80") == "fe80::1"
    assert host_of("user@evil.example") == "evil.example"
