"""``hilum read --dicom --fhir`` as a user runs it: objects that say what reading.json says."""

import json
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from command_line import hilum
from hilum.export import read_objects


@pytest.fixture(scope="module")
def chest() -> Path:
    """The chest PA of the pydicom-data package."""
    store = pytest.importorskip("data_store", reason="needs the package pydicom-data").DataStore
    return Path(store().get_path("RG1_J2KR.dcm"))


@pytest.mark.slow
def test_objects_say_what_the_document_says(chest: Path, tmp_path: Path) -> None:
    done = hilum("read", chest, "--out", tmp_path, "--dicom", "--fhir", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads((tmp_path / "reading.json").read_text("utf-8"))
    (image,) = document["radiographs"]
    back = read_objects(tmp_path)
    assert back.report is not None
    assert back.report == back.bundle
    (seen,) = back.report.images
    assert [f.id for f in seen.findings] == [f["id"] for f in image["findings"]]
    for finding, told in zip(seen.findings, image["findings"], strict=True):
        assert (finding.status.value, finding.probability) == (told["status"], told["probability"])
        boxes = [[r.box.x, r.box.y, r.box.width, r.box.height] for r in finding.regions]
        np.testing.assert_allclose(boxes or [], [r["box"] for r in told["regions"]], atol=0.011)
    measured = {m.name: m.value for m in seen.measurements}
    assert measured == {m["name"]: m["value"] for m in image["measurements"]}
    assert [s.text for s in back.report.impression] == [
        s["text"] for s in document["report"]["impression"]
    ]
    for name, structure in image["anatomy"].items():
        mask = cv2.imread(str(tmp_path / structure["mask"]), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(back.masks[image["sop_instance_uid"], name], mask > 0)


@pytest.mark.slow
def test_a_raster_image_gets_fhir_and_the_reason_for_no_dicom(chest: Path, tmp_path: Path) -> None:
    pixels = pydicom.dcmread(chest).pixel_array  # MONOCHROME1
    scaled = cv2.resize((255 - pixels / pixels.max() * 255).astype(np.uint8), (512, 512))
    assert cv2.imwrite(str(tmp_path / "chest.png"), scaled)
    out = tmp_path / "out"
    done = hilum("read", tmp_path / "chest.png", "--out", out, "--dicom", "--fhir", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "no object: radiograph 1, DICOM objects: it is no DICOM image" in done.stderr
    assert (out / "fhir" / "bundle.json").is_file()
    assert not (out / "dicom").exists()


def test_objects_need_a_folder(chest: Path) -> None:
    done = hilum("read", chest, "--dicom")
    assert done.returncode == 2
    assert "--out DIR" in done.stderr
