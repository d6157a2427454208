"""Objects of a reading under validators that others wrote, as far as they are installed."""

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import pydicom
import pytest

from dicom_tables import STANDARD, load_dicom_info
from hilum.export import write_objects
from hilum.export.content import content_of, digest_reading
from hilum.export.dicom import build_annotations, encode, make_stamp
from hilum.export.sources import find_sources
from hilum.types import Orientation
from object_files import unique_images, write_sources
from readings import make_prior_reading, make_reading

STATE = "GrayscaleSoftcopyPresentationState"
DEFECTS = [
    {},
    {"PixelSpacing": [0.5, 0.5], "PatientName": "山田", "SpecificCharacterSet": "ISO_IR 192"},
    {"PhotometricInterpretation": "MONOCHROME1", "Laterality": "", "PatientOrientation": None},
    {"PatientID": None, "PatientName": None, "PatientBirthDate": "1964", "StudyTime": "noon"},
]


def write(folder: Path, **elements: object) -> list[Path]:
    reading = unique_images(make_prior_reading())
    files = write_sources(reading, folder / "in", **elements)
    write_objects(reading, folder, files=files, fhir=False)
    return sorted((folder / "dicom").iterdir())


def find_errors(path: Path) -> list[str]:
    done = subprocess.run(
        ["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False
    )
    lines = done.stderr.splitlines()
    assert {"ComprehensiveSR", "Segmentation", "SCImage", STATE} & set(lines), done.stderr
    return [line for line in lines if line.startswith("Error")]


@pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="needs dciodvfy (Debian package dicom3tools)"
)
@pytest.mark.parametrize("elements", DEFECTS, ids=["complete", "spacing", "inverse", "defective"])
def test_dciodvfy_finds_no_error(elements: dict[str, object], tmp_path: Path) -> None:
    paths = write(tmp_path, **elements)
    assert len(paths) == 4
    assert [error for path in paths for error in find_errors(path)] == []


@pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="needs dciodvfy (Debian package dicom3tools)"
)
@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("turns", [1, 2])
def test_dciodvfy_agrees_on_turned_images(turns: int, is_mirrored: bool, tmp_path: Path) -> None:
    rows, columns = (600, 520) if turns == 2 else (520, 600)
    reading = make_reading(orientation=Orientation(rows, columns, turns, is_mirrored))
    (source,) = find_sources(reading, write_sources(reading, tmp_path)).images
    content = content_of(reading)
    stamp = make_stamp(digest_reading(reading, content), content, dt.datetime(2021, 3, 4))
    path = tmp_path / "state.dcm"
    path.write_bytes(encode(build_annotations(source, stamp), stamp))
    assert find_errors(path) == []


@pytest.mark.slow
@pytest.mark.skipif(
    not (STANDARD / "module_to_attributes.json").is_file(),
    reason="needs the standard's tables (pip install --no-deps dicom-standard)",
)
def test_dicom_validator_finds_no_error(tmp_path: Path) -> None:
    pytest.importorskip("dicom_validator", reason="needs dicom-validator")
    from dicom_validator.validator.dicom_file_validator import DicomFileValidator

    mode = pydicom.config.settings.reading_validation_mode
    paths = write(tmp_path)
    info = load_dicom_info({pydicom.dcmread(path).SOPClassUID for path in paths})
    try:
        for path in paths:
            (result,) = DicomFileValidator(info).validate(path).values()
            assert result.errors == 0, f"{path.name}: {result.module_errors}"
        broken = pydicom.dcmread(paths[0])
        del broken.ContentLabel  # the check can fail
        broken.save_as(paths[0])
        (result,) = DicomFileValidator(info).validate(paths[0]).values()
        assert result.errors > 0
    finally:
        pydicom.config.settings.reading_validation_mode = mode
