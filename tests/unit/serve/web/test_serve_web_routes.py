"""Every route: its shape, its errors as problems, and names that are only ever text."""

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hilum.errors import StorageError
from hilum.export import load_schema
from hilum.serve import heartbeat, intake, studies
from hilum.serve.database.tables import StudyRow, StudyState, now
from hilum.serve.reader_files import reading_folder
from hilum.serve.service import Service
from hilum.serve.web.pages import Pages
from hilum.serve.web.problems import MEDIA_TYPE
from hilum.serve.web.security import create_token
from readings import make_reading
from serve_web import add_study, make_client, make_dicom, make_service, store_reading

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_service(tmp_path)


@pytest.fixture
def study(service: Service) -> str:
    study = add_study(service)
    store_reading(service, study)
    return study


def assert_problem(answer: Any, status: int, words: str = "") -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert words in problem["detail"]


def test_me(service: Service) -> None:
    me = make_client(service).get("/api/v1/me").json()
    assert me["user"] == "local"
    assert me["roles"] == ["admin", "reader", "submitter"]
    assert me["languages"] == ["en", "es", "de", "fr"]
    assert (me["is_loopback"], me["is_deidentified"]) == (True, False)


def test_submit_and_see(service: Service) -> None:
    client = make_client(service)
    answer = client.post(
        "/api/v1/studies",
        files=[("files", ("../../etc/passwd", make_dicom(seed=4)))],
        data={
            "indication": "Rule out pneumothorax",
            "age_years": "44",
            "sex": "M",
            "priority": "3",
        },
    )
    assert answer.status_code == 202
    submitted = answer.json()
    assert submitted["state"] == "queued"
    detail = client.get(submitted["url"]).json()
    assert detail["indication"] == "Rule out pneumothorax"
    assert (detail["priority"], detail["suspicion"]) == (3, "pneumothorax")
    (image,) = detail["images"]
    assert (image["number"], image["rows"], image["columns"]) == (1, 64, 48)
    assert client.get(image["wado_uri"]).content == make_dicom(seed=4)
    assert client.get(f"{submitted['url']}/images/2/dicom").status_code == 404
    assert client.get("/api/v1/jobs?state=waiting").json()[0]["study_id"] == submitted["id"]
    assert_problem(client.get(f"{submitted['url']}/reading"), 409, "queued")
    assert_problem(client.post(f"{submitted['url']}/retry"), 409, "queued")


@pytest.mark.parametrize(
    ("files", "data", "status"),
    [
        ([b"not an image"], {}, 422),
        ([b""], {}, 422),
        ([b"PK\x03\x04 no zip"], {}, 422),
        ([b"\0" * 128 + b"DICM"], {}, 422),
        ([], {}, 422),
        ([make_dicom()], {"age_years": "-1"}, 422),
        ([make_dicom()], {"age_years": "nan"}, 422),
        ([make_dicom()], {"sex": "X"}, 422),
        ([make_dicom()], {"priority": "0"}, 422),
    ],
)
def test_bad_submissions(
    service: Service, files: list[bytes], data: dict[str, str], status: int
) -> None:
    parts = [("files", ("a", content)) for content in files]
    assert_problem(make_client(service).post("/api/v1/studies", files=parts, data=data), status)
    assert make_client(service).get("/api/v1/studies").json()["total"] == 0


def test_a_full_disk_is_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> str:
        raise StorageError("the disk is full: delete studies")

    monkeypatch.setattr(type(service.files), "put", refuse)
    files = [("files", ("a", make_dicom()))]
    assert_problem(make_client(service).post("/api/v1/studies", files=files), 507, "disk is full")


def test_the_reading_and_its_files(service: Service, study: str) -> None:
    client, path = make_client(service), f"/api/v1/studies/{study}"
    document = client.get(f"{path}/reading").json()
    jsonschema.validate(document, load_schema())
    masks = [s["mask"] for r in document["radiographs"] for s in r["anatomy"].values()]
    assert masks
    for mask in masks:
        answer = client.get(f"{path}/{mask}")
        assert answer.headers["content-type"] == "image/png"
        assert answer.content.startswith(b"\x89PNG")
    assert client.get(f"{path}/heatmaps/1/pneumonia.png").content.startswith(b"\x89PNG")
    assert client.get(f"{path}/heatmaps/1/edema.png").status_code == 404
    assert "pneumonia" in client.get(f"{path}/report.txt").text.lower()
    assert client.get(f"{path}/report.html").headers["content-type"].startswith("text/html")
    for wrong in ("..%2f..%2fhilum.sqlite", "reading.json", "a.png%00"):
        assert client.get(f"{path}/masks/{wrong}").status_code in (404, 422)


def test_objects_and_fhir(service: Service, study: str) -> None:
    client, path = make_client(service), f"/api/v1/studies/{study}"
    assert_problem(client.get(f"{path}/objects.zip"), 404)
    folder = reading_folder(service, study, 1)
    (folder / "dicom").mkdir()
    (folder / "dicom" / "report.dcm").write_bytes(b"object")
    (folder / "fhir").mkdir()
    (folder / "fhir" / "bundle.json").write_text('{"resourceType": "Bundle"}')
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"{path}/objects.zip").content))
    assert archive.read("report.dcm") == b"object"
    answer = client.get(f"{path}/fhir")
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.json()["resourceType"] == "Bundle"


def test_worklist_filters_sorts_and_pages(service: Service) -> None:
    for seed in range(5):
        name = f"NAME^{'EDCBA'[seed]}"
        add_study(service, make_dicom(name, seed, StudyDate=f"2026010{seed + 1}"))
    client = make_client(service)
    order = [s["study_date"][:10] for s in list_all(client, "sort=-study_date&limit=2")]
    assert order == [f"2026-01-0{n}" for n in (5, 4, 3, 2, 1)]
    first = client.get("/api/v1/studies?q=acc00003").json()
    assert (first["total"], first["items"][0]["accession"]) == (1, "ACC00003")
    assert client.get("/api/v1/studies?state=read").json()["total"] == 0
    assert client.get("/api/v1/studies?state=read&state=queued").json()["total"] == 5
    assert client.get("/api/v1/studies?priority=5").json()["total"] == 5
    assert client.get("/api/v1/studies?priority=1").json()["total"] == 0
    store_reading(service, first["items"][0]["id"])
    found = client.get("/api/v1/studies?finding=pneumonia").json()
    assert found["total"] == 1
    assert found["items"][0]["findings"][0]["display"] == "Pneumonia"
    for wrong in ("sort=size", "limit=0", "limit=501", "cursor=x", "state=none", "priority=10"):
        assert_problem(client.get(f"/api/v1/studies?{wrong}"), 422)


def list_all(client: Any, query: str) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while True:
        page = client.get(f"/api/v1/studies?{query}&cursor={cursor}").json()
        assert page["total"] == 5
        found += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return found


def test_a_study_that_was_only_fetched_is_nobodys_work(service: Service) -> None:
    data = make_dicom("A^B", 1)
    intake.receive_instance(service, data, source="archive", origin="prior")
    client = make_client(service)
    assert client.get("/api/v1/studies").json()["total"] == 0
    (prior,) = client.get("/api/v1/studies?state=prior").json()["items"]
    assert prior["state"] == "prior"
    assert client.get(f"/api/v1/studies/{prior['id']}").status_code == 200


def test_priors(service: Service) -> None:
    old = add_study(service, make_dicom("A^B", 1, PatientID="SAME", StudyDate="20250101"))
    new = add_study(service, make_dicom("A^B", 2, PatientID="SAME", StudyDate="20260101"))
    store_reading(service, old)
    client = make_client(service)
    detail = client.get(f"/api/v1/studies/{new}").json()
    assert [(p["id"], p["has_reading"], len(p["images"])) for p in detail["priors"]] == [
        (old, True, 1)
    ]
    has_prior = {s["id"]: s["has_prior"] for s in client.get("/api/v1/studies").json()["items"]}
    assert has_prior == {old: False, new: True}


def test_feedback_is_kept_with_who_and_when(service: Service, study: str) -> None:
    client, path = make_client(service), f"/api/v1/studies/{study}/feedback"
    said = {
        "kind": "correct",
        "finding": "r1.pneumonia",
        "status": "absent",
        "box": {"x0": 1, "y0": 2, "x1": 3, "y1": 4},
        "text": "an artefact",
    }
    answer = client.post(path, json=said)
    assert answer.status_code == 201
    assert answer.json()["user"] == "local"
    report = {
        "kind": "report",
        "sentences": [
            {"text": "Clear.", "evidence": ["r1.pneumonia"], "is_edited": True, "section": part}
            for part in ("findings", "impression")
        ],
    }
    assert client.post(path, json=report).status_code == 201
    kept = client.get(path).json()
    assert [k["kind"] for k in kept] == ["correct", "report"]
    assert {key: kept[0][key] for key in said} == said
    assert kept[1]["sentences"] == report["sentences"]
    assert client.get(f"/api/v1/studies/{study}").json()["feedback"] == "report"


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "praise"},
        {"kind": "comment"},
        {"kind": "comment", "text": "  "},
        {"kind": "correct", "finding": "r1.pneumonia"},
        {"kind": "agree", "finding": "r9.unicorn"},
        {"kind": "report"},
        {"kind": "report", "sentences": [{"text": "x", "evidence": ["nothing"]}]},
        {"kind": "report", "sentences": [{"text": "x", "evidence": []}]},
        {
            "kind": "report",
            "sentences": [{"text": "x", "evidence": [], "is_edited": True, "section": "history"}],
        },
        {"kind": "correct", "box": {"x0": 3, "y0": 2, "x1": 1, "y1": 4}},
        {"kind": "comment", "text": "x" * 10_001},
        {"kind": "agree", "patient": "x"},
    ],
)
def test_feedback_that_says_nothing_usable(
    service: Service, study: str, said: dict[str, Any]
) -> None:
    client, path = make_client(service), f"/api/v1/studies/{study}/feedback"
    assert_problem(client.post(path, json=said), 422)
    assert client.get(path).json() == []


def test_retry_makes_a_new_revision(service: Service, study: str) -> None:
    client = make_client(service)
    with service.begin() as session:
        session.get_one(StudyRow, study).state = StudyState.FAILED
    assert client.get("/api/v1/jobs?state=dead").json()[0]["study_id"] == study
    assert client.post(f"/api/v1/studies/{study}/retry").json()["state"] == "queued"
    assert client.get(f"/api/v1/studies/{study}").json()["revision"] == 2


def test_delete_with_proof(service: Service, study: str) -> None:
    client = make_client(service)
    (image,) = studies.images_of(service, study)
    proof = client.delete(f"/api/v1/studies/{study}?reason=test").json()["proof"]
    assert proof["sha256"] == [image.sha256]
    assert not service.files.path(image.sha256).exists()
    assert not reading_folder(service, study, 1).exists()
    for path in ("", "/reading", "/feedback", "/images/1/dicom", "/report.html"):
        assert_problem(client.get(f"/api/v1/studies/{study}{path}"), 404)
    entries = client.get("/api/v1/audit").json()["items"]
    (entry,) = [e for e in entries if e["sequence"] == proof["audit_sequence"]]
    assert (entry["action"], entry["object"]) == ("delete", study)
    assert client.get("/api/v1/audit/verify").json()["is_intact"]


def test_audit_pages(service: Service) -> None:
    client = make_client(service)
    for _ in range(5):
        client.get("/api/v1/studies")
    page = client.get("/api/v1/audit?limit=2").json()
    older = client.get(f"/api/v1/audit?limit=2&before={page['next_before']}").json()
    numbers = [e["sequence"] for e in (*page["items"], *older["items"])]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 4


def test_a_name_that_is_a_script_stays_a_text(service: Service) -> None:
    data = make_dicom(SCRIPT, 7, StudyDescription=SCRIPT, AccessionNumber=SCRIPT[:16])
    study = add_study(service, data)
    reading = make_reading()
    object.__setattr__(reading.report, "indication", SCRIPT)
    object.__setattr__(reading.radiographs[0].radiograph, "source", f"{SCRIPT}.dcm")
    store_reading(service, study, reading)
    client, path = make_client(service), f"/api/v1/studies/{study}"
    page = client.get(f"{path}/report.html").text
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(1)" in page
    for url in (path, "/api/v1/studies", f"/api/v1/studies?q={SCRIPT}", f"{path}/reading"):
        answer = client.get(url)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
    text = client.get(f"{path}/report.txt")
    assert text.headers["content-type"].startswith("text/plain")
    client.post(f"{path}/feedback", json={"kind": "comment", "text": SCRIPT})
    assert client.get(f"{path}/feedback").json()[0]["text"] == SCRIPT
    for wrong in (f"/api/v1/{SCRIPT}", f"{path}/masks/{SCRIPT}", f"/api/v1/studies?sort={SCRIPT}"):
        answer = client.get(wrong)
        assert answer.status_code in (404, 422)
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert SCRIPT not in answer.text


def test_an_unexpected_error_says_nothing_of_the_patient(
    service: Service, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> object:
        raise RuntimeError("PHANTOM^ONE has no row")

    monkeypatch.setattr(studies, "load", fail)
    answer = make_client(service).get(f"/api/v1/studies/{study}")
    assert_problem(answer, 500, "RuntimeError")
    assert "PHANTOM" not in answer.text
    assert "default-src" in answer.headers["content-security-policy"]


def test_unknown_studies_and_identifiers(service: Service) -> None:
    client = make_client(service)
    assert_problem(client.get(f"/api/v1/studies/{'0' * 32}"), 404)
    assert_problem(client.get("/api/v1/studies/1"), 422)
    assert_problem(client.get("/api/v1/nothing"), 404)
    answer = client.put("/api/v1/studies")
    assert_problem(answer, 405)
    assert answer.headers["allow"] == "GET, POST"


def test_the_viewer_or_how_to_build_it(service: Service, tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    client = make_client(service, pages=Pages(dist))
    assert "npm run build" in client.get("/").text
    assert client.get("/assets/a.js").status_code == 404
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<title>room</title>")
    (dist / "assets" / "a.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    client = make_client(service, pages=Pages(dist))
    assert "room" in client.get("/").text
    assert client.get("/assets/a.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/..%2fsecret").status_code == 404
    assert client.get("/assets/b.js").status_code == 404


def test_health_tells_what_is_missing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_client(service)
    add_study(service)
    found = client.get("/health/ready").json()
    assert found.pop("free_mb") > 0
    assert found == {
        "status": "ok",
        "database": "ok",
        "disk": "ok",
        "workers": "ok",
        "waiting": 1,
        "dead_letters": 0,
    }

    def refuse(*args: object) -> None:
        raise StorageError("no")

    monkeypatch.setattr(type(service), "begin", refuse)
    monkeypatch.setattr(type(service.files), "require_space", refuse)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["database"] == "does not answer"
    assert answer.json()["disk"] == "too little free space"
    assert client.get("/health/live").status_code == 200


def test_health_counts_workers(tmp_path: Path) -> None:
    class Workers:
        alive = 0

    service = make_service(tmp_path)
    object.__setattr__(service.settings, "workers", 2)
    workers = Workers()
    client = make_client(service, supervisor=workers)
    assert client.get("/health/ready").status_code == 503
    workers.alive = 1
    silent = client.get("/health/ready")
    assert (silent.status_code, silent.json()["workers"]) == (503, "none was heard of lately")
    heartbeat.beat(service, "worker-0", now() - dt.timedelta(seconds=60))
    heartbeat.beat(service, "worker-1", now() - dt.timedelta(seconds=45))
    stale = client.get("/health/ready")
    assert stale.status_code == 503
    assert 44 < stale.json()["heartbeat_seconds"] < 60
    heartbeat.beat(service, "worker-1")
    assert client.get("/health/ready").status_code == 200
    heartbeat.forget(service)
    assert client.get("/health/ready").status_code == 503


def test_dead_letters_are_told_and_do_not_stop_the_server(service: Service) -> None:
    study_id = add_study(service)
    with service.begin() as session:
        session.get_one(StudyRow, study_id).state = StudyState.FAILED
    client = make_client(service)
    assert client.get("/health/ready").json()["dead_letters"] == 1
    assert "hilum_dead_letters 1.0" in client.get("/metrics").text
    assert [job["study_id"] for job in client.get("/api/v1/jobs?state=dead").json()] == [study_id]


def test_openapi_documents_every_route(service: Service) -> None:
    schema = make_client(service).get("/openapi.json").json()
    text = json.dumps(schema)
    assert '"Problem"' in text
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            assert operation.get("description"), path
            assert "security" in operation
            assert "application/problem+json" in operation["responses"]["422"]["content"]
            good = [code for code in operation["responses"] if code[0] in "23"]
            assert len(good) == 1, (method, path)
    for name in ("StudySummary", "FeedbackIn", "RewordIn", "Me", "Submitted"):
        assert schema["components"]["schemas"][name]["examples"]


def test_only_files_with_a_hash_in_their_name_are_kept_by_browsers(tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    for name in ("index.html", "icon.svg", "assets/page-Cfji.js"):
        (folder / name).write_text("x", "utf-8")
    service = make_service(tmp_path / "data")
    create_token(service, user="Ada", roles=["reader"], days=1)
    client = make_client(service, pages=Pages(folder))
    kept = {
        path: client.get(path).headers["cache-control"]
        for path in ("/", "/icon.svg", "/assets/page-Cfji.js", "/assets/other.js", "/api/v1/me")
    }
    assert kept == {
        "/": "no-cache",
        "/icon.svg": "no-cache",
        "/assets/page-Cfji.js": "public, max-age=31536000, immutable",
        "/assets/other.js": "no-store",
        "/api/v1/me": "no-store",
    }
