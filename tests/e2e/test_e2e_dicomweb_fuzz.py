"""Made-up DICOMweb requests: paths, queries, Accept headers, multipart bodies; never a 5xx.

``HILUM_FUZZ_EXAMPLES`` sets how many of each kind (20 in CI).
"""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hilum.serve.dicomweb.server import dicomweb_router
from serve_web import add_study, make_client, make_dicom, make_service

EXAMPLES = int(os.environ.get("HILUM_FUZZ_EXAMPLES", "20"))
DICOM = make_dicom()
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
NUMBERS = st.sampled_from(["0", "1", "-1", "2", "9999999", "1,1", "1,0", "x", "\u0661", "1e3"])
NAMES = st.sampled_from(
    [
        *("StudyDate", "StudyTime", "PatientName", "PatientID", "StudyInstanceUID", "Modality"),
        *("ModalitiesInStudy", "SeriesNumber", "InstanceNumber", "StudyID", "limit", "offset"),
        *("ReferringPhysicianName", "includefield", "fuzzymatching", "accept", "00100010"),
        *("window", "viewport", "quality", "00081110.00081155", "FFFFFFFF", "PixelData"),
    ]
)
VALUES = (
    TEXT
    | NUMBERS
    | st.sampled_from(
        [
            *(
                "20260101",
                "20260101-",
                "-",
                "20261332",
                "1015",
                "*",
                "?",
                "%",
                "a,b",
                "all",
                "true",
            ),
            *("1,2,linear", "9,9,,,-5", "9999999999,1", "\x00", "\\", "application/dicom json"),
        ]
    )
)
PARTS = st.sampled_from(
    [
        *("studies", "series", "instances", "frames", "metadata", "rendered", "thumbnail"),
        *("bulkdata", "1", "0", "1,1", "7FE00010", "00100010", "zz", "..", "\x00", "1.2.3"),
        *("{study}", "{series}", "{instance}"),
    ]
)
RANGES = st.sampled_from(
    [
        *("*/*", "image/*", "image/png;q=0", "multipart/related", "application/dicom"),
        *('multipart/related; type="application/dicom"; transfer-syntax=*', "a", ";;", '"'),
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.3',
        *("application/dicom+json", "application/octet-stream", "image/jpeg; q=2"),
    ]
)
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    service = make_service(
        tmp_path_factory.mktemp("fuzz"), requests_per_minute=10_000_000, max_upload_mb=5
    )
    add_study(service, DICOM)
    with make_client(service, routers=(dicomweb_router(service),)) as opened:
        found = opened.get("/dicom-web/instances").json()[0]
        tags = {"study": "0020000D", "series": "0020000E", "instance": "00080018"}
        opened.uids = {name: found[tag]["Value"][0] for name, tag in tags.items()}
        yield opened
    service.close()


def check(answer: Any) -> None:
    assert answer.status_code < 500, (answer.request.url, answer.text[:300])
    if answer.status_code >= 400 and answer.status_code != 409:  # which lists what failed
        assert answer.headers["content-type"] == "application/problem+json"


@given(parts=st.lists(PARTS | TEXT, max_size=9), query=st.lists(st.tuples(NAMES | TEXT, VALUES)))
@SETTINGS
def test_any_path(client: Any, parts: list[str], query: list[tuple[str, str]]) -> None:
    path = "/".join(quote(client.uids.get(part.strip("{}"), part), safe="") for part in parts)
    if not path.startswith(("/", "..")):  # what leaves DICOMweb is not meant here
        answer = client.get(f"/dicom-web/{path}", params=query)
        assert answer.status_code < 500, (answer.request.url, answer.text[:300])


@given(
    place=st.sampled_from(
        [
            *("", "/metadata", "/rendered", "/thumbnail", "/frames/1", "/frames/1/rendered"),
            *("/frames/2", "/bulkdata/7FE00010", "/bulkdata/00100010"),
        ]
    ),
    accept=st.lists(RANGES | HEADER, max_size=4).map(", ".join),
    query=st.lists(st.tuples(st.sampled_from(["window", "viewport", "quality", "accept"]), VALUES)),
)
@SETTINGS
def test_any_retrieval(client: Any, place: str, accept: str, query: Any) -> None:
    path = "/dicom-web/studies/{study}/series/{series}/instances/{instance}".format(**client.uids)
    check(client.get(path + place, params=query, headers={"accept": accept}))


@given(
    level=st.sampled_from(["studies", "series", "instances"]),
    query=st.lists(st.tuples(NAMES | TEXT, VALUES), max_size=8),
)
@SETTINGS
def test_any_search(client: Any, level: str, query: Any) -> None:
    check(client.get(f"/dicom-web/{level}", params=query))


@given(data=st.data(), kind=st.sampled_from(["multipart/related; boundary=x", "application/dicom"]))
@SETTINGS
def test_any_body(client: Any, data: st.DataObject, kind: str) -> None:
    flawed = st.tuples(st.integers(0, len(DICOM) - 1), st.binary(min_size=1, max_size=8)).map(
        lambda change: DICOM[: change[0]] + change[1] + DICOM[change[0] + len(change[1]) :]
    )
    part = st.binary(max_size=60) | flawed | st.integers(0, len(DICOM)).map(lambda n: DICOM[:n])
    head = st.sampled_from([b"\r\n", b"Content-Type: application/dicom\r\n\r\n", b"", b"\r\n\r\n"])
    parts = data.draw(st.lists(st.tuples(head, part), max_size=3))
    body = b"".join(b"--x\r\n" + start + content + b"\r\n" for start, content in parts)
    body += data.draw(st.sampled_from([b"--x--", b"--x", b""]))
    extra = data.draw(st.sampled_from(["", "; type=a", "; boundary=", '; boundary="'])) + data.draw(
        HEADER
    )
    kind = data.draw(st.sampled_from([kind, kind + extra]))
    content = body if kind.startswith("multipart") else data.draw(part)
    check(client.post("/dicom-web/studies", content=content, headers={"content-type": kind}))
