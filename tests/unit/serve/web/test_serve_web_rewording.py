"""Other operating points give other words; the same give the same words."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hilum
from hilum.errors import InvalidValueError
from hilum.export import reading_to_dict
from hilum.models.registry import find_model
from hilum.serve.web.rewording import StoredReading, reword
from hilum.synth import FindingSpec, render, sample_spec
from hilum.synth.files.dicom import Identity, write_dicom
from hilum.types import Context, Reading
from readings import make_reading
from serve_web import add_study, make_client, make_service, store_reading


def texts(report: Any, section: str) -> list[tuple[str, list[str]]]:
    return [(s["text"], s["evidence"]) for s in report[section]]


def assert_same_words(reading: Reading, age_years: float | None = None) -> dict[str, Any]:
    document = json.loads(json.dumps(reading_to_dict(reading)))
    again = reword(document, {}, age_years=age_years)
    for section in ("findings", "impression"):
        assert texts(again["report"], section) == texts(document["report"], section)
    return document


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> list[Reading]:
    """Readings of drawn radiographs by the shipped models: normal, and with disease and a prior."""
    folder = tmp_path_factory.mktemp("phantoms")
    places = []
    lobe = FindingSpec("consolidation", side="right", place="lower_lobe", extent=0.9, seed=1)
    for seed, findings in ((11, ()), (13, (lobe,))):
        spec = replace(sample_spec(np.random.default_rng(seed)), findings=findings)
        place = folder / f"{seed}.dcm"
        write_dicom(
            render(spec), place, identity=Identity("P", str(seed), date=f"20260{seed - 9}01")
        )
        places.append(place)
    return [
        hilum.read(hilum.open_study([places[0]])),
        hilum.read(hilum.open_study([places[1]], Context(age_years=50.0), [places[0]])),
    ]


@pytest.mark.slow
def test_unchanged_points_give_the_words_of_the_models_reading(phantoms: list[Reading]) -> None:
    for reading in phantoms:
        age = reading.study.context.age_years
        document = assert_same_words(reading, age)
        points = {
            f["id"]: f["operating_point"]
            for image in document["radiographs"]
            for f in image["findings"]
            if f["operating_point"] is not None
        }
        assert points
        again = reword(document, points, age_years=age)
        assert texts(again["report"], "impression") == texts(document["report"], "impression")


@pytest.mark.slow
def test_statuses_follow_the_models_limits(phantoms: list[Reading]) -> None:
    """Against the calibration itself: at any point, present, uncertain or absent as it says."""
    calibration = find_model("hilum-findings").manifest.calibration["adult"]["labels"]
    document = json.loads(json.dumps(reading_to_dict(phantoms[0])))
    findings = [f for f in document["radiographs"][0]["findings"] if f["name"] in calibration]
    assert findings
    for finding in findings:
        if finding["name"] == "no_finding":
            continue
        limit = calibration[finding["name"]]["rule_out"]
        for point in (0.0, 0.02, 0.1, 0.3, 0.5, 0.9, 1.0):
            if point == finding["operating_point"]:
                continue
            result = reword(document, {finding["name"]: point})["findings"]
            status = next(f["status"] for f in result if f["id"] == finding["id"])
            prob = finding["probability"]
            expected = "present" if prob >= point else "absent" if prob < limit else "uncertain"
            assert status == expected, (finding["name"], point)


def test_a_constructed_document_is_rebuilt_whole() -> None:
    reading = make_reading()
    stored = StoredReading.of(reading_to_dict(reading))
    image, was = stored.radiographs[0], reading.radiographs[0]
    assert [(f.id, f.status, f.probability, f.zones) for f in image.findings] == [
        (f.id, f.status, f.probability, f.zones) for f in was.findings
    ]
    assert image.anatomy.measurements == was.anatomy.measurements
    assert image.quality.warnings == (*was.quality.warnings, *was.anatomy.warnings)
    assert stored.changes == reading.changes


def test_no_finding_is_never_present_beside_a_finding() -> None:
    document = reading_to_dict(make_reading())
    result = reword(document, {"no_finding": 0.01, "pneumonia": 0.1})["findings"]
    statuses = {f["name"]: f["status"] for f in result}
    assert statuses["pneumonia"] == "present"
    assert statuses["no_finding"] == "uncertain"
    result = reword(document, {"no_finding": 0.01, "pneumonia": 0.99})["findings"]
    statuses = {f["name"]: f["status"] for f in result}
    assert (statuses["pneumonia"], statuses["no_finding"]) == ("absent", "present")


def test_a_change_whose_status_moved_is_not_told() -> None:
    reading = make_reading()
    document = reading_to_dict(reading)
    document["changes"] = [
        {
            "id": "change.pneumonia",
            "finding": "pneumonia",
            "kind": "new",
            "evidence": ["r1.pneumonia", "p1.pneumonia"],
            "prior_date": "2020-01-01T00:00:00",
        }
    ]
    told = json.dumps(reword(document, {})["report"])
    assert "change.pneumonia" in told
    told = json.dumps(reword(document, {"pneumonia": 0.99})["report"])
    assert "change.pneumonia" not in told


@pytest.mark.parametrize(
    "points", [{"unicorn": 0.5}, {"pneumothorax": 0.5}, {"pneumonia": 1.5}, {"pneumonia": -0.1}]
)
def test_wrong_points(points: dict[str, float]) -> None:
    with pytest.raises(InvalidValueError, match=r"operating point|was assessed"):
        reword(reading_to_dict(make_reading()), points)


def test_over_http_nothing_is_stored(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    study = add_study(service)
    store_reading(service, study)
    client, path = make_client(service), f"/api/v1/studies/{study}"
    before = client.get(f"{path}/reading").json()
    answer = client.post(f"{path}/reword", json={"operating_points": {"pneumonia": 0.95}})
    assert answer.status_code == 200
    assert "pneumonia" not in str(answer.json()["report"]["impression"]).lower()
    assert client.get(f"{path}/reading").json() == before
    for wrong in ({"pneumonia": 2}, {"unicorn": 0.5}, {"pneumonia": "x"}, []):
        answer = client.post(f"{path}/reword", json={"operating_points": wrong})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
    answer = client.post(f"{path}/reword", content=b'{"operating_points": {"pneumonia": NaN}}')
    assert answer.status_code == 422
