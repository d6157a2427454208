"""The HTTP API over a real socket: a phantom goes in, its reading comes out, is corrected."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import httpx
import jsonschema
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from hilum.export import load_schema
from hilum.serve.reader import read_revision
from hilum.serve.web.app import create_app
from hilum.serve.web.security import create_token
from hilum.synth import FindingSpec, render, sample_spec
from hilum.synth.files.dicom import to_dicom
from serve_web import make_service, running

NAME = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def phantom() -> bytes:
    """A phantom with a consolidation whose name is a script."""
    spec = replace(sample_spec(np.random.default_rng(13)), findings=())
    disease = FindingSpec("consolidation", side="right", place="lower_lobe", extent=0.9, seed=1)
    spec = replace(spec, findings=(disease,))
    dataset = to_dicom(render(spec))
    dataset.PatientName = NAME
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["e2e"])
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


@pytest.mark.slow
def test_a_phantom_from_submission_to_export(phantom: bytes, tmp_path: Path) -> None:
    service = make_service(tmp_path)
    tokens = {
        role: create_token(service, user=role, roles=[role], days=1)[1]
        for role in ("reader", "submitter", "admin")
    }
    with running(create_app(service)) as address:
        clients = {
            role: httpx.Client(
                base_url=address, headers={"authorization": f"Bearer {token}"}, timeout=60
            )
            for role, token in tokens.items()
        }
        reader = clients["reader"]
        answer = clients["submitter"].post(
            "/api/v1/studies",
            files=[("files", ("chest.dcm", phantom))],
            data={"indication": f"Dyspnea {NAME}"},
        )
        assert answer.status_code == 202, answer.text
        path = answer.json()["url"]
        study = answer.json()["id"]
        assert read_revision(service, study, 1) == "read"

        detail = reader.get(path).json()
        assert detail["state"] == "read"
        assert reader.get(detail["images"][0]["wado_uri"]).content == phantom
        document = reader.get(f"{path}/reading").json()
        jsonschema.validate(document, load_schema())
        masks = [s["mask"] for s in document["radiographs"][0]["anatomy"].values() if s["mask"]]
        assert masks
        assert all(reader.get(f"{path}/{mask}").status_code == 200 for mask in masks)

        shown = [f for f in document["radiographs"][0]["findings"] if f["regions"]]
        assert shown
        heat = reader.get(f"{path}/heatmaps/1/{shown[0]['name']}.png")
        assert heat.content.startswith(b"\x89PNG")

        page = reader.get(f"{path}/report.html").text
        assert NAME not in page
        assert "&lt;script&gt;" in page

        same = reader.post(f"{path}/reword", json={"operating_points": {}}).json()
        assert same["report"]["findings"] == document["report"]["findings"]
        assert same["report"]["impression"] == document["report"]["impression"]

        finding = next(f for f in document["radiographs"][0]["findings"] if f["probability"])
        said = {"kind": "correct", "finding": finding["id"], "status": "absent"}
        assert reader.post(f"{path}/feedback", json=said).status_code == 201
        (kept,) = reader.get(f"{path}/feedback").json()
        assert (kept["user"], kept["status"]) == ("reader", "absent")

        objects = zipfile.ZipFile(io.BytesIO(reader.get(f"{path}/objects.zip").content))
        kinds = {pydicom.dcmread(objects.open(n)).Modality for n in objects.namelist()}
        assert {"SR", "SEG"} <= kinds
        assert reader.get(f"{path}/fhir").json()["resourceType"] == "Bundle"

        assert reader.delete(path).status_code == 403
        proof = clients["admin"].delete(path).json()["proof"]
        assert proof["sha256"]
        assert reader.get(path).status_code == 404
        assert clients["admin"].get("/api/v1/audit/verify").json()["is_intact"]
        for client in clients.values():
            client.close()
    service.close()
