"""DICOMweb after PS3.18, asked by another's client (dicomweb-client) and by plain requests."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np
import pydicom
import pytest
from dicomweb_client import DICOMwebClient
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from hilum.serve.dicomweb.server import dicomweb_router
from hilum.serve.web.app import create_app
from serve_web import add_study, make_dicom, make_service, running

STUDIES = 3
ORIGIN = "https://viewer.example"
RLE = "1.2.840.10008.1.2.5"
EXPLICIT = "1.2.840.10008.1.2.1"
JPEG_2000 = "1.2.840.10008.1.2.4.90"


def compress(data: bytes) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.compress(RLELossless, generate_instance_uid=False)
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with three studies, the second compressed."""
    service = make_service(tmp_path_factory.mktemp("dicomweb"), viewer_origins=(ORIGIN,))
    for seed in range(STUDIES):
        data = make_dicom(
            f"PHANTOM^{seed}", seed, StudyDate=f"2026010{seed + 1}", StudyID=f"S{seed}"
        )
        add_study(service, compress(data) if seed == 1 else data)
    app = create_app(service, routers=(dicomweb_router(service),))
    with running(app) as address:
        yield f"{address}/dicom-web"
    service.close()


@pytest.fixture
def client(root: str) -> DICOMwebClient:
    return DICOMwebClient(root, timeout=60)


def get(root: str, path: str, accept: str = "*/*", **headers: str) -> httpx.Response:
    return httpx.get(root + path, headers={"accept": accept, **headers}, timeout=60)


def source(seed: int) -> Dataset:
    return pydicom.dcmread(io.BytesIO(make_dicom(f"PHANTOM^{seed}", seed)))


def path_of(seed: int) -> str:
    found = source(seed)
    series = f"/studies/{found.StudyInstanceUID}/series/{found.SeriesInstanceUID}"
    return f"{series}/instances/{found.SOPInstanceUID}"


def names_of(seed: int) -> tuple[str, str, str]:
    found = source(seed)
    return found.StudyInstanceUID, found.SeriesInstanceUID, found.SOPInstanceUID


def test_another_client_searches_and_retrieves(client: DICOMwebClient) -> None:
    study, series, instance = names_of(0)
    assert len(client.search_for_studies()) == STUDIES
    assert len(client.search_for_series()) == STUDIES
    assert len(client.search_for_instances(study, series)) == 1
    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []
    for found in (
        client.retrieve_study(study),
        client.retrieve_series(study, series),
        [client.retrieve_instance(study, series, instance)],
    ):
        assert [item.SOPInstanceUID for item in found] == [instance]
        np.testing.assert_array_equal(found[0].pixel_array, source(0).pixel_array)
    for described in (
        client.retrieve_study_metadata(study),
        client.retrieve_series_metadata(study, series),
        [client.retrieve_instance_metadata(study, series, instance)],
    ):
        (header,) = described
        assert Dataset.from_json(header, lambda *_: b"").PatientID == source(0).PatientID
    (frame,) = client.retrieve_instance_frames(study, series, instance, [1])
    assert frame == source(0).PixelData
    # this client leaves the port out of the Host header, from which the address is made
    place = urlsplit(header["7FE00010"]["BulkDataURI"]).path.removeprefix("/dicom-web")
    assert client.retrieve_bulkdata(client.base_url + place) == [source(0).PixelData]


def test_another_client_stores(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    new = pydicom.dcmread(io.BytesIO(make_dicom("PHANTOM^STORED", 77)))
    with running(create_app(service, routers=(dicomweb_router(service),))) as address:
        client = DICOMwebClient(f"{address}/dicom-web", timeout=60)
        answer = client.store_instances([new], study_instance_uid=new.StudyInstanceUID)
        (item,) = answer.ReferencedSOPSequence
        assert item.RetrieveURL.endswith(new.SOPInstanceUID)
        names = new.StudyInstanceUID, new.SeriesInstanceUID, new.SOPInstanceUID
        assert client.retrieve_instance(*names).PatientName == "PHANTOM^STORED"
    service.close()


def test_another_client_gets_what_is_compressed(client: DICOMwebClient) -> None:
    names = names_of(1)
    for syntax, is_stored in ((EXPLICIT, False), ("*", True)):
        types = (("application/dicom", syntax),)
        found = client.retrieve_instance(*names, media_types=types)
        assert (found.file_meta.TransferSyntaxUID == RLE) is is_stored
        np.testing.assert_array_equal(found.pixel_array, source(1).pixel_array)
    (decoded,) = client.retrieve_instance_frames(*names, [1])
    assert decoded == source(1).PixelData


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", f"application/octet-stream; transfer-syntax={EXPLICIT}"),
        ("application/octet-stream", f"application/octet-stream; transfer-syntax={EXPLICIT}"),
        (
            'multipart/related; type="application/octet-stream"; transfer-syntax=*',
            f"application/octet-stream; transfer-syntax={RLE}",
        ),
        ('multipart/related; type="image/dicom-rle"', f"image/dicom-rle; transfer-syntax={RLE}"),
        (
            f'multipart/related; type="image/jp2"; transfer-syntax={JPEG_2000}, '
            'multipart/related; type="application/octet-stream"; q=0.1',
            f"application/octet-stream; transfer-syntax={EXPLICIT}",
        ),
    ],
)
def test_frames_come_as_the_client_takes_them(root: str, accept: str, kind: str) -> None:
    answer = get(root, path_of(1) + "/frames/1", accept)
    assert answer.status_code == 200, answer.text
    assert kind in answer.headers["content-type"] or kind.encode() in answer.content
    assert (source(1).PixelData in answer.content) is kind.endswith(EXPLICIT)


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/frames/1", f'multipart/related; type="image/jp2"; transfer-syntax={JPEG_2000}'),
        ("/frames/1", "text/html"),
        ("", f'multipart/related; type="application/dicom"; transfer-syntax={JPEG_2000}'),
        ("/metadata", 'multipart/related; type="application/dicom+xml"'),
        ("/rendered", "image/gif"),
    ],
)
def test_what_cannot_be_sent_is_not_acceptable(root: str, path: str, accept: str) -> None:
    answer = get(root, path_of(1) + path, accept)
    assert answer.status_code == 406
    assert answer.headers["content-type"] == "application/problem+json"


def test_unknown_attributes_are_ignored_with_a_warning(root: str) -> None:
    answer = get(root, "/studies?NoSuchThing=1&00101040=Street&limit=50")
    assert len(answer.json()) == STUDIES
    warnings = answer.headers.get_list("warning")
    assert len(warnings) == 2
    assert warnings[0].startswith(f"299 {root}: The attribute NoSuchThing is not supported")
    assert "Street" not in str(warnings)


def test_paging_says_how_many_remain(root: str) -> None:
    first = get(root, "/studies?limit=1")
    assert len(first.json()) == 1
    assert first.headers["warning"].endswith(
        f"There are {STUDIES - 1} additional results that can be requested"
    )
    uids = [
        get(root, f"/studies?limit=1&offset={k}").json()[0]["0020000D"]["Value"][0]
        for k in range(STUDIES)
    ]
    assert len(set(uids)) == STUDIES
    last = get(root, f"/studies?limit=1&offset={STUDIES - 1}")
    assert "warning" not in last.headers
    empty = get(root, f"/studies?offset={STUDIES}")
    assert (empty.status_code, empty.content) == (204, b"")


def test_fuzzy_matching_is_not_done_and_said(root: str) -> None:
    answer = get(root, "/studies?PatientName=PHANTOM^0&fuzzymatching=true")
    assert len(answer.json()) == 1
    assert "Only literal matching has been performed" in answer.headers["warning"]
    assert "warning" not in get(root, "/studies?fuzzymatching=false").headers


@pytest.mark.parametrize(
    ("query", "seeds"),
    [
        ("StudyID=S1", {1}),
        ("StudyDate=20260102-&StudyTime=101500-&StudyID=S*", {1, 2}),
        ("StudyDate=-20260102", {0, 1}),
        ("StudyTime=1015&StudyID=S*", {0, 1, 2}),
        ("StudyTime=-1014", set()),
        ("Modality=DX&PatientID=PID-00002", {2}),
        ("StudyInstanceUID=" + ",".join(names_of(k)[0] for k in (0, 2)), {0, 2}),
    ],
)
def test_matching(root: str, query: str, seeds: set[int]) -> None:
    answer = get(root, f"/studies?{query}")
    found = answer.json() if answer.status_code == 200 else []
    assert {item["0020000D"]["Value"][0] for item in found} == {names_of(k)[0] for k in seeds}


@pytest.mark.parametrize(
    ("query", "has", "lacks"),
    [
        ("", (), ("00181164",)),
        ("includefield=StudyDescription,PatientAge", ("00081030",), ("00180015",)),
        ("includefield=00080005&includefield=StudyDescription", ("00081030",), ()),
        ("includefield=BodyPartExamined", (), ("00180015",)),
        ("includefield=all", ("00081030",), ("00180015", "00280010")),
    ],
)
def test_fields_of_a_study(root: str, query: str, has: Any, lacks: Any) -> None:
    (found,) = get(root, f"/studies?StudyID=S0&{query}").json()
    required = {"00080020", "00080056", "00080061", "00080090", "00081190", "00201206", "00201208"}
    assert required <= set(found)
    assert set(has) <= set(found)
    assert not set(lacks) & set(found)


def test_fields_of_series_and_instances(root: str) -> None:
    study = names_of(0)[0]
    (series,) = get(root, f"/studies/{study}/series?includefield=all").json()
    assert "00180015" in series
    assert "00280010" not in series
    (instance,) = get(
        root, f"/studies/{study}/instances?includefield=PhotometricInterpretation"
    ).json()
    assert instance["00280004"]["Value"] == ["MONOCHROME2"]
    assert instance["00081190"]["Value"] == [root + path_of(0)]


def test_rendered_follows_window_viewport_and_quality(root: str) -> None:
    path = path_of(0) + "/rendered"

    def picture(query: str = "", accept: str = "image/png") -> Any:
        answer = get(root, path + query, accept)
        assert answer.headers["content-type"] == accept
        return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)

    stored = source(0).pixel_array
    assert picture().shape == stored.shape
    windowed = picture("?window=1000,200,linear-exact")
    expected = np.clip((stored.astype(float) - 1000) / 200 + 0.5, 0, 1) * 255
    assert np.abs(windowed - expected).max() <= 1
    assert picture("?viewport=24,100").shape == (32, 24)
    cut = picture("?viewport=16,16,8,8,16,16&window=1000,200,linear-exact")
    np.testing.assert_array_equal(cut, windowed[8:24, 8:24])
    flipped = picture("?viewport=16,16,8,8,-16,16&window=1000,200,linear-exact")
    np.testing.assert_array_equal(flipped, cut[:, ::-1])
    sizes = [len(get(root, path + f"?quality={q}", "image/jpeg").content) for q in (10, 95)]
    assert sizes[0] < sizes[1]
    assert get(root, path).headers["content-type"] == "image/jpeg"
    frame = get(root, path_of(0) + "/frames/1/rendered", "image/png").content
    assert frame == get(root, path, "image/png").content


def test_thumbnails(root: str) -> None:
    study, series, _ = names_of(0)
    for path in (f"/studies/{study}", f"/studies/{study}/series/{series}", path_of(0)):
        answer = get(root, path + "/thumbnail?viewport=32,32")
        small = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert small.shape == (32, 24)
    assert get(root, path_of(0) + "/thumbnail?viewport=32,32,1,1,1,1").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        *("window=1", "window=1,0,linear", "window=1,2,cubic", "window=,,", "quality=0"),
        *("quality=101", "quality=best", "viewport=0,1", "viewport=9", "viewport=9,9,500,0,5,5"),
        "viewport=1,1,1,1,1,1,1",
    ],
)
def test_wrong_looks_are_bad_requests(root: str, query: str) -> None:
    answer = get(root, f"{path_of(0)}/rendered?{query}")
    assert answer.status_code == 400, answer.text


def test_a_listed_origin_may_read_and_no_other(root: str) -> None:
    answer = get(root, "/studies", origin=ORIGIN)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "warning" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    other = get(root, "/studies", origin="https://elsewhere.example")
    assert other.status_code == 403
    assert "access-control-allow-origin" not in other.headers
    api = httpx.get(
        root.replace("/dicom-web", "/api/v1/studies"), headers={"origin": ORIGIN}, timeout=60
    )
    assert api.status_code == 403


def test_preflights_of_listed_origins_are_answered(root: str) -> None:
    asked = {"access-control-request-method": "GET", "access-control-request-headers": "accept"}
    for origin, status in ((ORIGIN, 204), ("https://elsewhere.example", 403)):
        answer = httpx.options(f"{root}/studies", headers=asked | {"origin": origin}, timeout=60)
        assert answer.status_code == status
        assert ("access-control-allow-headers" in answer.headers) is (status == 204)
