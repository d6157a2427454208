"""The FHIR bundle: valid R4, complete in itself, preliminary, and silent about the patient."""

import base64
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hilum.export import write_objects
from hilum.types import DISCLAIMER, Reading, Report, Statement
from object_files import unique_images, write_sources
from readings import make_prior_reading, make_reading, make_two_view_reading

Bundle = dict[str, Any]


def bundle_of(
    reading: Reading, folder: Path, *, is_dicom: bool = True, subject: str = ""
) -> Bundle:
    files = write_sources(reading, folder / "in") if is_dicom else ()
    write_objects(reading, folder, files=files, dicom=False, subject=subject)
    bundle: Bundle = json.loads((folder / "fhir" / "bundle.json").read_text("utf-8"))
    return bundle


def resources(bundle: Bundle, kind: str) -> list[Bundle]:
    found = [entry["resource"] for entry in bundle["entry"]]
    return [resource for resource in found if resource["resourceType"] == kind]


def observation(bundle: Bundle, name: str) -> Bundle:
    return next(
        item for item in resources(bundle, "Observation") if item["identifier"][0]["value"] == name
    )


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["reference"]] if isinstance(node.get("reference"), str) else []
        return own + [ref for value in node.values() for ref in references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in references(value)]
    return []


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return bundle_of(unique_images(make_prior_reading()), tmp_path)


@pytest.mark.parametrize("is_dicom", [True, False])
@pytest.mark.parametrize("make", [make_prior_reading, make_two_view_reading])
def test_it_is_valid_fhir(make: Any, is_dicom: bool, tmp_path: Path) -> None:
    module = pytest.importorskip(
        "fhir.resources.R4B.bundle", reason="needs fhir.resources (dependency group dev)"
    )
    bundle = bundle_of(unique_images(make()), tmp_path, is_dicom=is_dicom)
    parsed = module.Bundle.model_validate(bundle)
    assert len(parsed.entry) == len(bundle["entry"])
    assert parsed.entry[0].resource.status == "preliminary"


def test_a_second_validator_agrees(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or run(node, "-e", "require('fhir')").returncode:
        pytest.skip("needs node and the npm package fhir (set NODE_PATH to its node_modules)")
    bundle_of(unique_images(make_prior_reading()), tmp_path)
    script = (
        "const {Fhir} = require('fhir');"
        "const text = require('fs').readFileSync(process.argv[1], 'utf8');"
        "const done = new Fhir().validate(JSON.parse(text), {errorOnUnexpected: true});"
        "console.log(JSON.stringify(done.messages.filter(m => m.severity === 'error')));"
        "process.exit(done.valid ? 0 : 1);"
    )
    path = tmp_path / "fhir" / "bundle.json"
    done = subprocess.run(
        [node, "-e", script, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == []


def test_every_reference_is_in_the_bundle(bundle: Bundle) -> None:
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    assert set(references(bundle)) <= set(urls)
    report = bundle["entry"][0]["resource"]
    assert {ref["reference"] for ref in report["result"]} == {
        entry["fullUrl"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Observation"
    }


def test_everything_is_preliminary_and_says_what_it_is_not(bundle: Bundle) -> None:
    (report,) = resources(bundle, "DiagnosticReport")
    assert report["status"] == "preliminary"
    assert {item["status"] for item in resources(bundle, "Observation")} == {"preliminary"}
    assert DISCLAIMER in report["text"]["div"]
    assert DISCLAIMER in base64.b64decode(report["presentedForm"][0]["data"]).decode()
    (device,) = resources(bundle, "Device")
    assert device["note"] == [{"text": DISCLAIMER}]


def test_no_patient_data_is_in_it(bundle: Bundle) -> None:
    text = json.dumps(bundle)
    for value in ("Doe", "Jane", "patient-1", "19640203", "1964-02-03"):
        assert value not in text
    assert not resources(bundle, "Patient")
    (study,) = resources(bundle, "ImagingStudy")
    assert study["subject"] == {"display": "not stated"}
    assert not [item for item in resources(bundle, "Observation") if "subject" in item]


def test_the_subject_is_what_the_caller_says(tmp_path: Path) -> None:
    bundle = bundle_of(make_reading(), tmp_path, subject="Patient/17")
    for kind in ("Observation", "ImagingStudy", "DiagnosticReport"):
        for item in resources(bundle, kind):
            assert item["subject"] == {"reference": "Patient/17"}


def test_a_finding_has_code_interpretation_and_figures(bundle: Bundle) -> None:
    found = observation(bundle, "r1.pneumonia")
    assert found["code"]["coding"][0]["code"] == "233604007"
    assert found["interpretation"][0]["coding"][0]["code"] == "POS"
    figures = {c["code"]["text"]: c for c in found["component"]}
    assert figures["Probability"]["valueQuantity"]["value"] == 87.3
    assert figures["Lower limit of 95 % interval"]["valueQuantity"]["value"] == 79.0
    assert len(found["hasMember"]) == 1


def test_what_was_not_assessed_has_no_value(bundle: Bundle) -> None:
    found = observation(bundle, "r1.pneumothorax")
    assert "valueCodeableConcept" not in found
    assert "interpretation" not in found
    assert found["dataAbsentReason"]["coding"][0]["code"] == "not-performed"


def test_an_image_that_is_no_dicom_file_is_a_media(tmp_path: Path) -> None:
    bundle = bundle_of(make_reading(), tmp_path, is_dicom=False)
    assert not resources(bundle, "ImagingStudy")
    (media,) = resources(bundle, "Media")
    assert (media["width"], media["height"]) == (520, 600)
    assert "chest_pa" not in json.dumps(bundle)


def test_texts_are_escaped(tmp_path: Path) -> None:
    base = make_reading()
    finding = base.radiographs[0].findings[1]
    text = '<script>alert("x")</script> & more'
    report = Report(impression=(Statement(text, (finding,)),), indication="<b>cough</b>")
    bundle = bundle_of(replace(base, report=report), tmp_path)
    (found,) = resources(bundle, "DiagnosticReport")
    assert "<script" not in found["text"]["div"]
    assert "<b>cough" not in found["text"]["div"]
    assert found["conclusion"] == text
