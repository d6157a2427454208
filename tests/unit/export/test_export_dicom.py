"""What stands in the DICOM objects: status, codes, references, geometry, nothing unasked."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom.sr import GraphicTypeValues
from pydicom.dataset import Dataset

from hilum.export import write_objects
from hilum.export.coding import PRIVATE_SCHEME_UID
from hilum.export.content import content_of, digest_reading
from hilum.export.dicom import build_annotations, make_stamp
from hilum.export.sources import find_sources
from hilum.types import DISCLAIMER, Orientation, Origin, Reading, Structure
from object_files import SERIES_UID, unique_images, write_sources
from readings import SHA, make_prior_reading, make_reading

READING = unique_images(make_prior_reading())
UID = READING.radiographs[0].radiograph.sop_instance_uid


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    folder = tmp_path_factory.mktemp("objects")
    write_objects(READING, folder, files=write_sources(READING, folder / "in"), fhir=False)
    return {p.name.split("_")[0]: pydicom.dcmread(p) for p in (folder / "dicom").glob("*.dcm")}


def items(node: Any) -> Iterator[Any]:
    for item in node.get("ContentSequence") or ():
        yield item
        yield from items(item)


def name_of(item: Any) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def test_all_objects_belong_to_the_study_and_the_patient(objects: dict[str, Dataset]) -> None:
    assert set(objects) == {"report.dcm", "segmentation", "capture", "annotations"}
    for dataset in objects.values():
        assert dataset.StudyInstanceUID == READING.study.uid
        assert dataset.PatientName == "Doe^Jane"
        assert dataset.PatientID == "patient-1"
        assert dataset.Manufacturer == "Hilum"
        assert "not for diagnosis" in dataset.SeriesDescription
        assert f"hilum-gate {SHA[:16]}" in dataset.SoftwareVersions
        (scheme,) = dataset.CodingSchemeIdentificationSequence
        assert scheme.CodingSchemeDesignator == "99HILUM"
        assert scheme.CodingSchemeUID == PRIVATE_SCHEME_UID
    assert len({dataset.SeriesInstanceUID for dataset in objects.values()}) == 4


def test_the_report_is_a_preliminary_unverified_tid_1500(objects: dict[str, Dataset]) -> None:
    report = objects["report.dcm"]
    assert report.SOPClassUID == pydicom.uid.ComprehensiveSRStorage
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert (report.VerificationFlag, report.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert "PredecessorDocumentsSequence" not in report
    texts = [item.TextValue for item in items(report) if item.ValueType == "TEXT"]
    assert DISCLAIMER in texts
    assert SHA in texts
    templates = {
        item.ContentTemplateSequence[0].TemplateIdentifier
        for item in items(report)
        if "ContentTemplateSequence" in item
    }
    assert templates == {"1501", "1410"}


def test_another_reader_understands_the_report(objects: dict[str, Dataset]) -> None:
    content = highdicom.sr.ComprehensiveSR.from_dataset(objects["report.dcm"]).content
    regions = content.get_planar_roi_measurement_groups(graphic_type=GraphicTypeValues.POLYLINE)
    (region,) = regions
    np.testing.assert_allclose(region.roi.value[0], (96.0, 362.0))
    assert region.finding_type.meaning == "Pneumonia"
    findings = content.get_image_measurement_groups()
    tracked = {group.tracking_identifier for group in findings}
    assert {"r1", "r1.pneumonia", "r1.pneumothorax", "change.pneumonia"} <= tracked


def test_what_was_not_assessed_is_not_absent(objects: dict[str, Dataset]) -> None:
    (group,) = [
        item
        for item in items(objects["report.dcm"])
        if any(c.get("TextValue") == "r1.pneumothorax" for c in item.get("ContentSequence") or ())
        and item.ValueType == "CONTAINER"
    ]
    names = {name_of(item): item for item in group.ContentSequence}
    status = names["Status of finding"].ConceptCodeSequence[0]
    assert status.CodeMeaning == "Not Evaluated"
    assert "Probability" not in names


def test_every_sentence_points_at_its_evidence(objects: dict[str, Dataset]) -> None:
    report = objects["report.dcm"]
    uids = {item.UID for item in items(report) if item.ValueType == "UIDREF"}
    sentences = [i for i in items(report) if name_of(i) in ("Finding", "Impression")]
    texts = [item for item in sentences if item.ValueType == "TEXT"]
    assert len(texts) == len(READING.report.findings) + len(READING.report.impression)
    for text in texts:
        for evidence in text.ContentSequence:
            assert evidence.RelationshipType == "INFERRED FROM"
            assert evidence.ContentSequence[0].UID in uids


def test_measurements_have_ucum_units_and_an_uncertainty(objects: dict[str, Dataset]) -> None:
    numbers = {name_of(i): i for i in items(objects["report.dcm"]) if i.ValueType == "NUM"}
    area = numbers["Area of right lung"]
    value = area.MeasuredValueSequence[0]
    assert value.NumericValue == 27711
    unit = value.MeasurementUnitsCodeSequence[0]
    assert (unit.CodingSchemeDesignator, unit.CodeValue) == ("UCUM", "mm2")
    doubt = next(c for c in area.ContentSequence if c.ValueType == "NUM")
    assert doubt.MeasuredValueSequence[0].NumericValue == 410
    assert doubt.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mm2"


def test_the_segmentation_says_what_it_is_of(objects: dict[str, Dataset]) -> None:
    seg = objects["segmentation"]
    series = seg.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == SERIES_UID
    assert series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == UID
    assert (seg.Rows, seg.Columns, seg.SegmentationType) == (600, 520, "BINARY")
    assert "FrameOfReferenceUID" not in seg
    assert seg.PatientOrientation == ["L", "F"]
    lung = next(s for s in seg.SegmentSequence if s.SegmentLabel == "Left lung")
    assert lung.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Anatomical Structure"
    assert lung.SegmentedPropertyTypeCodeSequence[0].CodeValue == "44029006"
    assert lung.SegmentAlgorithmType == "AUTOMATIC"
    assert lung.SegmentationAlgorithmIdentificationSequence[0].AlgorithmVersion


def test_the_capture_owns_up_to_its_annotation(objects: dict[str, Dataset]) -> None:
    capture = objects["capture"]
    assert capture.BurnedInAnnotation == "YES"
    assert capture.PhotometricInterpretation == "RGB"
    assert capture.SourceImageSequence[0].ReferencedSOPInstanceUID == UID
    assert DISCLAIMER in capture.DerivationDescription
    assert "PixelSpacing" not in capture
    assert capture.pixel_array.shape[2] == 3


def test_the_presentation_state_draws_in_source_pixels(objects: dict[str, Dataset]) -> None:
    state = objects["annotations"]
    graphics = {
        graphic.get("TrackingID", ""): graphic
        for layer in state.GraphicAnnotationSequence
        for graphic in layer.get("GraphicObjectSequence") or ()
    }
    assert graphics["r1.pneumonia#1"].GraphicData[:4] == [96.0, 362.0, 208.0, 362.0]
    assert graphics["r1.landmark.carina"].GraphicData == [260.0, 236.0]
    texts = [
        text.UnformattedTextValue
        for layer in state.GraphicAnnotationSequence
        for text in layer.get("TextObjectSequence") or ()
    ]
    assert DISCLAIMER in texts
    assert "Pneumonia 87 %" in texts
    assert "Heart width 133 ± 4 mm" in texts


def state_of(reading: Reading, folder: Path, **elements: Any) -> Dataset:
    (source,) = find_sources(reading, write_sources(reading, folder, **elements)).images
    content = content_of(reading)
    digest = digest_reading(reading, content)
    created = reading.study.date
    assert created is not None
    return build_annotations(source, make_stamp(digest, content, created))


@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_turned_image_is_shown_upright(turns: int, is_mirrored: bool, tmp_path: Path) -> None:
    rows, columns = (600, 520) if turns % 2 == 0 else (520, 600)
    orientation = Orientation(rows, columns, turns, is_mirrored)
    state = state_of(make_reading(orientation=orientation), tmp_path)
    stored = np.arange(rows * columns).reshape(rows, columns)
    # DICOM PS3.3 C.10.6: clockwise, then flipped left to right
    shown = np.rot90(stored, -int(state.get("ImageRotation", 0)) // 90)
    if state.get("ImageHorizontalFlip", "N") == "Y":
        shown = shown[:, ::-1]
    np.testing.assert_array_equal(shown, orientation.apply(stored))


@pytest.mark.parametrize(
    ("photometric", "shape"), [("MONOCHROME2", "IDENTITY"), ("MONOCHROME1", "INVERSE")]
)
def test_air_is_shown_dark(photometric: str, shape: str, tmp_path: Path) -> None:
    state = state_of(make_reading(), tmp_path, PhotometricInterpretation=photometric)
    assert state.PresentationLUTShape == shape


def test_an_image_that_is_no_grayscale_gets_no_presentation_state(tmp_path: Path) -> None:
    reading = make_reading()
    files = write_sources(reading, tmp_path / "in")
    dataset = pydicom.dcmread(files[0])
    dataset.SamplesPerPixel = 3
    dataset.save_as(files[0])
    manifest = write_objects(reading, tmp_path, files=files, fhir=False)
    assert [reason for reason in manifest.skipped if "annotations" in reason]
    assert "annotations" not in {item.kind for item in manifest.written}


def test_a_device_from_phantoms_has_a_segment_that_says_so(tmp_path: Path) -> None:
    reading = unique_images(make_reading())
    image = reading.radiographs[0]
    mask = np.zeros((image.radiograph.rows, image.radiograph.columns), bool)
    mask[0:120, 250:262] = True
    added = {
        name: Structure(name, mask, 0.8, None, Origin.PHANTOMS)
        for name in ("endotracheal_tube", "spine")
    }
    anatomy = replace(image.anatomy, structures={**image.anatomy.structures, **added})
    reading = replace(
        reading, radiographs=(replace(image, anatomy=anatomy), *reading.radiographs[1:])
    )
    write_objects(reading, tmp_path, files=write_sources(reading, tmp_path / "in"), fhir=False)
    (path,) = (p for p in (tmp_path / "dicom").glob("segmentation*"))
    segments = {s.SegmentLabel: s for s in pydicom.dcmread(path).SegmentSequence}
    assert not any("pine" in label for label in segments)
    tube = segments["Endotracheal tube (as learned from phantoms only)"]
    assert tube.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "260787004"
    assert tube.SegmentedPropertyTypeCodeSequence[0].CodeValue == "26412008"
    algorithm = tube.SegmentationAlgorithmIdentificationSequence[0]
    assert "phantoms only" in algorithm.AlgorithmName
