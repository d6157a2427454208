"""A reading as DICOM and FHIR objects: written, listed, valid, and read back as it was."""

import datetime as dt
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from hilum.errors import InvalidValueError, MissingExtraError
from hilum.export import read_objects, write_objects, write_reading
from hilum.export.content import content_of, select_images
from hilum.export.objects import ObjectsManifest
from hilum.types import Orientation, Reading
from object_files import unique_images, write_sources
from readings import (
    make_prior_reading,
    make_reading,
    make_refused_reading,
    make_two_view_reading,
)

ORIENTATIONS = (
    Orientation(600, 520),
    Orientation(520, 600, quarter_turns=1),
    Orientation(520, 600, quarter_turns=3, is_mirrored=True),
)
NAMES = ["annotations_r1.dcm", "capture_r1.dcm", "report.dcm", "segmentation_r1.dcm"]


def written(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@dataclass(frozen=True)
class Example:
    """A reading, the folder of its objects and what was said of them; not to be changed."""

    reading: Reading
    folder: Path
    files: Sequence[Path]
    manifest: ObjectsManifest


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    folder = tmp_path_factory.mktemp("example")
    reading = unique_images(make_prior_reading())
    files = write_sources(reading, folder / "in")
    manifest = write_objects(reading, folder / "out", files=files)
    return Example(reading, folder / "out", files, manifest)


def test_every_object_is_written_and_listed(example: Example) -> None:
    manifest = example.manifest
    assert sorted(path.name for path in (example.folder / "dicom").iterdir()) == NAMES
    assert manifest.skipped == ()
    assert (manifest.created, manifest.created_from) == ("2021-03-04T10:30:00", "acquisition")
    document = json.loads((example.folder / "objects.json").read_text("utf-8"))
    assert [item["path"] for item in document["written"]] == [o.path for o in manifest.written]
    for item in manifest.written:
        if item.path.endswith(".dcm"):
            dataset = pydicom.dcmread(example.folder / item.path)
            assert dataset.SOPInstanceUID == item.uid
            assert dataset.file_meta.MediaStorageSOPInstanceUID == item.uid


def test_reading_back_gives_the_same_reading(example: Example) -> None:
    back = read_objects(example.folder)
    assert back.report == content_of(example.reading)
    assert back.bundle == content_of(example.reading)
    assert content_of(example.reading).changes


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_masks_and_boxes_stay_in_source_pixels(orientation: Orientation, tmp_path: Path) -> None:
    reading = make_reading(orientation=orientation)
    write_objects(reading, tmp_path, files=write_sources(reading, tmp_path / "in"), fhir=False)
    back = read_objects(tmp_path)
    uid = reading.radiographs[0].radiograph.sop_instance_uid
    structures = reading.radiographs[0].anatomy.structures
    assert set(back.masks) == {(uid, name) for name in structures}
    for name, structure in structures.items():
        np.testing.assert_array_equal(back.masks[uid, name], structure.mask)
    assert back.report == content_of(reading)


def test_the_same_input_gives_the_same_bytes(example: Example, tmp_path: Path) -> None:
    again = unique_images(make_prior_reading())
    write_objects(again, tmp_path, files=example.files)
    assert written(tmp_path) == written(example.folder)


def test_other_weights_give_other_uids(example: Example, tmp_path: Path) -> None:
    changed = replace(example.reading, models={"hilum-gate": "4e" * 32})
    second = write_objects(changed, tmp_path, files=example.files)
    assert not {o.uid for o in example.manifest.written} & {o.uid for o in second.written}


def test_the_date_can_be_given(tmp_path: Path) -> None:
    reading = make_reading()
    moment = dt.datetime(2026, 11, 29, 8, 5, 7, 123)
    files = write_sources(reading, tmp_path / "in")
    manifest = write_objects(reading, tmp_path, files=files, created=moment, fhir=False)
    assert (manifest.created, manifest.created_from) == ("2026-11-29T08:05:07", "given")
    report = pydicom.dcmread(tmp_path / "dicom" / "report.dcm")
    assert (report.ContentDate, report.ContentTime) == ("20261129", "080507")


def test_an_undated_image_is_dated_by_the_clock_and_says_so(tmp_path: Path) -> None:
    base = make_reading()
    image = base.radiographs[0]
    undated = replace(image, radiograph=replace(image.radiograph, acquired=None))
    study = replace(base.study, radiographs=(undated.radiograph,), date=None)
    reading = replace(base, study=study, radiographs=(undated,))
    files = write_sources(reading, tmp_path / "in", StudyDate=None, StudyTime=None)
    manifest = write_objects(reading, tmp_path, files=files)
    assert manifest.created_from == "clock"
    bundle = json.loads((tmp_path / "fhir" / "bundle.json").read_text("utf-8"))
    assert not [e for e in bundle["entry"] if "effectiveDateTime" in e["resource"]]


def test_a_refused_radiograph_is_in_the_report_and_listed(tmp_path: Path) -> None:
    reading = unique_images(make_two_view_reading())
    files = write_sources(reading, tmp_path / "in")
    manifest = write_objects(reading, tmp_path, files=files)
    assert {o.path for o in manifest.written} == {f"dicom/{n}" for n in NAMES} | {
        "fhir/bundle.json"
    }
    assert len(manifest.skipped) == 2
    assert "radiograph 3" in manifest.skipped[0]
    assert "not_a_chest" in manifest.skipped[0]
    assert "radiograph 2" in manifest.skipped[1]
    assert "not interpreted" in manifest.skipped[1]
    back = read_objects(tmp_path)
    assert back.report is not None
    assert [image.is_accepted for image in back.report.images] == [True, True, False]


def test_an_image_that_is_no_dicom_file_gets_fhir_only(tmp_path: Path) -> None:
    base = make_reading(source="chest.png")
    image = base.radiographs[0]
    plain = replace(image.radiograph, sop_instance_uid="", study_uid="", modality="")
    reading = replace(
        base,
        study=replace(base.study, radiographs=(plain,), uid=""),
        radiographs=(replace(image, radiograph=plain),),
    )
    manifest = write_objects(reading, tmp_path, files=())
    assert [item.path for item in manifest.written] == ["fhir/bundle.json"]
    assert any("no DICOM image" in reason for reason in manifest.skipped)
    back = read_objects(tmp_path)
    assert back.report is None
    assert back.bundle == content_of(reading)
    assert manifest.created is None


def test_a_radiograph_whose_file_is_gone_is_named(tmp_path: Path) -> None:
    reading = unique_images(make_two_view_reading())
    files = write_sources(reading, tmp_path / "in")
    manifest = write_objects(reading, tmp_path, files=files[:1])
    missing = [reason.split(":")[0] for reason in manifest.skipped if "not found again" in reason]
    assert missing == [
        "radiograph 2, DICOM objects",
        "radiograph 3, DICOM objects",
        "radiograph 2, instance of the ImagingStudy",
        "radiograph 3, instance of the ImagingStudy",
    ]
    back = read_objects(tmp_path)
    assert back.report == select_images(content_of(reading), {1})
    assert back.bundle == content_of(reading)


def test_nothing_readable_makes_nothing(tmp_path: Path) -> None:
    manifest = write_objects(make_refused_reading(), tmp_path)
    assert manifest.written == ()
    assert any("nothing was readable" in reason for reason in manifest.skipped)
    assert any("unreadable files (1)" in reason for reason in manifest.skipped)
    assert list(written(tmp_path)) == ["objects.json"]


def test_no_object_of_an_earlier_reading_stays(tmp_path: Path) -> None:
    reading = make_reading()
    write_objects(reading, tmp_path, files=write_sources(reading, tmp_path / "in"))
    (tmp_path / "dicom" / "mine.dcm").write_bytes(b"another's")
    write_reading(reading, tmp_path)
    names = set(written(tmp_path))
    assert "dicom/mine.dcm" in names
    assert not names & {"dicom/report.dcm", "fhir/bundle.json", "objects.json"}


def test_an_empty_mask_has_no_segment(tmp_path: Path) -> None:
    base = make_reading()
    image = base.radiographs[0]
    empty = replace(
        image.anatomy.structures["airways"], mask=np.zeros((600, 520), np.bool_), problem="empty"
    )
    anatomy = replace(image.anatomy, structures={**image.anatomy.structures, "airways": empty})
    reading = replace(base, radiographs=(replace(image, anatomy=anatomy),))
    write_objects(reading, tmp_path, files=write_sources(reading, tmp_path / "in"))
    back = read_objects(tmp_path)
    assert {name for _, name in back.masks} == {"left_lung", "right_lung", "cardiomediastinum"}
    assert back.report == content_of(reading)


def test_one_mask_alone_comes_back(tmp_path: Path) -> None:
    base = make_reading()
    image = base.radiographs[0]
    lung = {"left_lung": image.anatomy.structures["left_lung"]}
    anatomy = replace(image.anatomy, structures=lung)
    reading = replace(base, radiographs=(replace(image, anatomy=anatomy),))
    write_objects(reading, tmp_path, files=write_sources(reading, tmp_path / "in"), fhir=False)
    ((_, mask),) = read_objects(tmp_path).masks.items()
    np.testing.assert_array_equal(mask, lung["left_lung"].mask)


def test_missing_highdicom_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.startswith("hilum.export.dicom")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("hilum.export.dicom", raising=False)
    monkeypatch.setitem(sys.modules, "highdicom", None)
    monkeypatch.setitem(sys.modules, "highdicom.pr", None)
    with pytest.raises(MissingExtraError, match="need highdicom"):
        write_objects(make_reading(), tmp_path, fhir=False)
    assert write_objects(make_reading(), tmp_path, dicom=False).written


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InvalidValueError, match="cannot write into"):
        write_objects(make_reading(), tmp_path / "file", dicom=False)


@pytest.mark.parametrize("name", ["dicom/report.dcm", "fhir/bundle.json"])
def test_a_damaged_object_is_named(name: str, example: Example, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir()
    shutil.copy(example.folder / name, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InvalidValueError, match=path.name):
        read_objects(tmp_path)
