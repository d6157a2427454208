"""Uploads lie on the disk while they come: memory stays as it is, and limits hold on the way."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from hilum.serve import studies
from hilum.serve.dicomweb.server import dicomweb_router
from hilum.serve.service import Service
from hilum.serve.web.app import create_app
from serve_web import make_dicom, make_service, running

MEGABYTE = 1 << 20
ROWS, COLUMNS = 8000, 7500
PIXELS = b"\xe0\x7f\x10\x00OW\0\0"
FORM = {"content-type": "multipart/form-data; boundary=x"}
STOW = {"content-type": 'multipart/related; type="application/dicom"; boundary=x'}
FORM_HEAD = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
STOW_HEAD = b"--x\r\nContent-Type: application/dicom\r\n\r\n"
END = b"\r\n--x--\r\n"
DOORS = pytest.mark.parametrize(
    ("path", "headers", "head"),
    [("/api/v1/studies", FORM, FORM_HEAD), ("/dicom-web/studies", STOW, STOW_HEAD)],
    ids=["form", "stow"],
)
HUNG_UP = (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError)
MEMORY = Path("/proc/self/clear_refs")


def large_dicom() -> Iterator[bytes]:
    """An image of 120 MB, a megabyte at a time."""
    data = make_dicom(Rows=ROWS, Columns=COLUMNS)
    at = data.index(PIXELS) + len(PIXELS)
    yield data[:at] + (2 * ROWS * COLUMNS).to_bytes(4, "little")
    left = 2 * ROWS * COLUMNS
    while left:
        size = min(left, MEGABYTE)
        yield bytes(size)
        left -= size


def endless(head: bytes) -> Iterator[bytes]:
    yield head
    for _ in range(2048):
        yield bytes(MEGABYTE)


def read_memory(key: str) -> float:
    text = Path("/proc/self/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith(key)).split()[1]) / 1024


@contextmanager
def grows_less_than(megabytes: float) -> Iterator[None]:
    try:
        MEMORY.write_text("5")
    except OSError:
        pytest.skip("the system does not tell the highest memory of a process")
    before = read_memory("VmRSS")
    yield
    assert read_memory("VmHWM") - before < megabytes


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    opened = make_service(tmp_path, max_upload_mb=200)
    yield opened
    opened.close()


@contextmanager
def answering(service: Service) -> Iterator[httpx.Client]:
    app = create_app(service, routers=(dicomweb_router(service),))
    with running(app) as address, httpx.Client(base_url=address, timeout=120) as client:
        client.get("/health/live")
        yield client


@DOORS
def test_a_large_upload_is_never_held_in_memory(
    service: Service, path: str, headers: dict[str, str], head: bytes
) -> None:
    def body() -> Iterator[bytes]:
        yield head
        yield from large_dicom()
        yield END

    with answering(service) as client:
        small = make_dicom(seed=1)
        client.post(path, content=head + small + END, headers=headers).raise_for_status()
        with grows_less_than(60):
            answer = client.post(path, content=body(), headers=headers)
    assert answer.is_success, answer.text
    (large,) = studies.query(service, studies.WorklistQuery(text="acc00000")).items
    (image,) = studies.images_of(service, large.id)
    assert (image.rows, image.columns) == (ROWS, COLUMNS)
    assert image.size > 2 * ROWS * COLUMNS
    assert service.files.path(image.sha256).stat().st_size == image.size


@DOORS
def test_two_gigabytes_without_a_length_are_refused_on_the_way(
    service: Service, path: str, headers: dict[str, str], head: bytes
) -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for chunk in endless(head):
            sent += len(chunk)
            yield chunk

    # it may hang up while we are still sending, and then the answer may be lost
    with answering(service) as client, grows_less_than(60), suppress(*HUNG_UP):
        assert client.post(path, content=body(), headers=headers).status_code == 413
    assert sent < 400 * MEGABYTE
    assert not any(path.is_file() for path in service.files.root.rglob("*"))


@DOORS
def test_what_the_disk_has_no_room_for_is_refused_before_it_is_sent(
    service: Service, path: str, headers: dict[str, str], head: bytes
) -> None:
    full = replace(service, files=replace(service.files, min_free_mb=10**9))
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for chunk in endless(head):
            sent += len(chunk)
            yield chunk

    with answering(full) as client:
        for size in (0, 3 * MEGABYTE):  # a small one is read, so the answer arrives
            content = head + make_dicom() + bytes(size) + END
            answer = client.post(path, content=content, headers=headers)
            assert (answer.status_code, "the disk is full" in answer.text) == (507, True)
        with suppress(*HUNG_UP):
            assert client.post(path, content=body(), headers=headers).status_code == 507
    assert sent < 100 * MEGABYTE
