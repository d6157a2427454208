"""De-identified mode: no answer of any route says who the patient is."""

import datetime as dt
import io
from pathlib import Path

import pydicom
import pytest

from hilum.serve.database.tables import StudyRow
from hilum.serve.service import Service
from hilum.serve.web.masking import Mask, read_secret
from readings import make_reading
from serve_web import add_study, make_client, make_dicom, make_service, store_reading

SECRETS = (
    "SIMPSON", "Simpson", "PID-00005", "ACC00005", "19610203", "20260102", "2026-01-02",
    "2021-03-04", "chest_pa.dcm",
)  # fmt: skip


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_service(tmp_path, is_deidentified=True)


@pytest.fixture
def study(service: Service) -> str:
    data = make_dicom("SIMPSON^LISA", 5, AdditionalPatientHistory="Mrs Simpson, PID-00005, cough")
    study = add_study(service, data)
    store_reading(service, study)
    return study


def test_nothing_names_the_patient(service: Service, study: str) -> None:
    with service.begin() as session:
        row = session.get_one(StudyRow, study)
        row.indication = "Mrs SIMPSON (PID-00005) coughs since 2026-01-02"
    client, path = make_client(service), f"/api/v1/studies/{study}"
    client.post(f"{path}/feedback", json={"kind": "comment", "text": "Call Lisa SIMPSON back"})
    urls = ["/api/v1/studies", "/api/v1/jobs", "/api/v1/audit", "/metrics"]
    urls += [path, *(f"{path}/{name}" for name in ("reading", "report.html", "report.txt"))]
    urls += [f"{path}/feedback", f"{path}/images/1/dicom"]
    for url in urls:
        answer = client.get(url)
        assert answer.status_code == 200, url
        for secret in SECRETS:
            assert secret.encode() not in answer.content, (url, secret)
    answer = client.post(f"{path}/reword", json={"operating_points": {"pneumonia": 0.99}})
    assert answer.status_code == 200
    assert client.get(f"{path}/fhir").status_code == 403
    for url in ("/dicom-web/studies", "/dicom-web/studies/1.2/metadata"):
        assert client.get(url).status_code == 403


def test_it_is_the_same_patient_everywhere(service: Service, study: str) -> None:
    client, path = make_client(service), f"/api/v1/studies/{study}"
    detail = client.get(path).json()
    image = pydicom.dcmread(io.BytesIO(client.get(f"{path}/images/1/dicom").content))
    assert str(image.PatientName) == detail["patient_name"]
    assert image.PatientID == detail["patient_id"]
    assert image.StudyInstanceUID == detail["study_uid"]
    assert image.SOPInstanceUID == detail["images"][0]["sop_uid"]
    assert image.PatientIdentityRemoved == "YES"
    moved = dt.datetime.fromisoformat(detail["study_date"])
    assert image.StudyDate == f"{moved:%Y%m%d}"
    assert moved < dt.datetime(2026, 1, 2)


def test_names_are_neither_searched_nor_sorted_by(service: Service, study: str) -> None:
    client = make_client(service)
    assert study
    for query in ("q=SIMPSON", "sort=patient_name", "sort=-patient_name"):
        assert client.get(f"/api/v1/studies?{query}").status_code == 422
    assert client.get("/api/v1/studies?sort=-received_at").status_code == 200


def test_the_key_is_made_once_and_kept_private(service: Service) -> None:
    secret = read_secret(service)
    assert read_secret(service) == secret
    assert len(secret) == 32
    place = service.settings.data / "deidentify.key"
    assert place.stat().st_mode & 0o077 == 0


def test_dates_of_sentences_move_together() -> None:
    study = StudyRow(id="0" * 32, patient_id="P", patient_name="N", accession="")
    mask = Mask(b"0123456789abcdef", study)
    day = dt.date(2026, 1, 2) + dt.timedelta(days=mask.key.shift_days)
    assert mask.sentence("Since 2026-01-02: unchanged.") == f"Since {day}: unchanged."
    document = mask.document({**_document(), "report": {**_document()["report"]}})
    assert document["radiographs"][0]["source"] == "image 1"


def _document() -> dict:  # type: ignore[type-arg]
    from hilum.export import reading_to_dict

    return reading_to_dict(make_reading())
