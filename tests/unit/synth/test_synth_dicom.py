"""DICOM phantoms: valid by an independent checker, read back as they were rendered."""

import shutil
import subprocess
from dataclasses import replace
from functools import cache

import numpy as np
import pydicom
import pytest

from hilum.errors import InvalidValueError
from hilum.io import open_study
from hilum.synth import PhantomImage, render, sample_spec
from hilum.synth.files.dicom import DicomOptions, Identity, make_uid, to_dicom, write_dicom
from hilum.types import SpacingOrigin, View

VIEWS = (View.PA, View.AP, View.LATERAL)


@cache
def phantom(view: View = View.PA) -> PhantomImage:
    spec = sample_spec(np.random.default_rng(5))
    return render(replace(spec, imaging=replace(spec.imaging, view=view)), pixels=(96, 120))


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("is_monochrome1", [False, True])
def test_pixels_come_back_to_half_a_step(tmp_path, bits, is_monochrome1):
    options = DicomOptions(bits=bits, is_monochrome1=is_monochrome1)
    dataset = write_dicom(phantom(), tmp_path / "a.dcm", options=options)
    assert dataset.PhotometricInterpretation == f"MONOCHROME{1 if is_monochrome1 else 2}"
    assert dataset.PresentationLUTShape == ("INVERSE" if is_monochrome1 else "IDENTITY")
    (read,) = open_study(tmp_path / "a.dcm").radiographs
    step = 1 / (2**bits - 1)
    assert np.abs(read.pixels - phantom().radiograph.pixels).max() < 0.51 * step + 1e-6


@pytest.mark.parametrize("modality", ["DX", "CR"])
@pytest.mark.parametrize("view", VIEWS)
def test_view_spacing_and_patient_come_back(tmp_path, view, modality):
    image = phantom(view)
    write_dicom(image, tmp_path / "a.dcm", options=DicomOptions(modality))
    study = open_study(tmp_path / "a.dcm")
    (read,) = study.radiographs
    assert read.view is view
    row_mm, column_mm = image.radiograph.spacing.row_mm, image.radiograph.spacing.column_mm
    if modality == "DX":  # the header knows the magnification, the reader uses it
        imaging = image.spec.imaging
        away = imaging.detector_mm + (70.0 if view is View.LATERAL else 0.0)
        scale = imaging.source_mm / (imaging.source_mm - away)
        row_mm, column_mm = row_mm / scale, column_mm / scale
    patient = SpacingOrigin.PATIENT if modality == "DX" else SpacingOrigin.DETECTOR
    assert read.spacing.origin is patient
    assert (read.spacing.row_mm, read.spacing.column_mm) == pytest.approx((row_mm, column_mm))
    assert study.context.sex == image.spec.build.sex
    assert study.context.age_years == int(image.spec.build.age_years)


def test_identifiers_depend_on_content_alone():
    first, again = to_dicom(phantom()), to_dicom(phantom())
    assert first.SOPInstanceUID == again.SOPInstanceUID
    assert first == again
    other = to_dicom(phantom(View.AP))
    assert other.StudyInstanceUID != first.StudyInstanceUID
    twelve = to_dicom(phantom(), options=DicomOptions(bits=16))
    assert twelve.StudyInstanceUID == first.StudyInstanceUID
    assert twelve.SOPInstanceUID != first.SOPInstanceUID
    assert make_uid("a", "b") != make_uid("ab")
    assert len(make_uid("a")) <= 64


def test_views_of_a_study_and_studies_of_a_patient_belong_together(tmp_path):
    who = Identity(patient="P1", study="S1", date="20240105")
    write_dicom(phantom(), tmp_path / "pa.dcm", identity=who)
    write_dicom(phantom(View.LATERAL), tmp_path / "lateral.dcm", identity=replace(who, number=2))
    earlier = replace(who, study="S0", date="20240101")
    write_dicom(phantom(View.AP), tmp_path / "earlier.dcm", identity=earlier)
    study = open_study(tmp_path)
    assert sorted(str(r.view) for r in study.radiographs) == ["LATERAL", "PA"]
    assert [str(p.radiographs[0].view) for p in study.priors] == ["AP"]


def test_the_file_says_that_it_is_a_phantom(tmp_path):
    write_dicom(phantom(), tmp_path / "a.dcm")
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    assert str(dataset.PatientName).startswith("Phantom^")
    assert dataset.QualityControlSubject == "YES"
    assert dataset.QualityControlImage == "YES"
    assert dataset.ImageType[0] == "DERIVED"
    assert dataset.BurnedInAnnotation == "NO"
    assert phantom().spec.imaging.marker in dataset.ImageComments
    assert dataset.ViewCodeSequence[0].CodeValue == "272479007"


def test_what_cannot_be_stored_is_told(tmp_path):
    with pytest.raises(InvalidValueError, match="bits"):
        DicomOptions(bits=11)
    with pytest.raises(InvalidValueError, match="DX or CR"):
        DicomOptions("CT")
    with pytest.raises(InvalidValueError, match="YYYYMMDD"):
        Identity(date="2024-01-01")
    with pytest.raises(InvalidValueError, match="cannot write"):
        write_dicom(phantom(), tmp_path / "missing" / "a.dcm")
    spec = replace(phantom().spec, imaging=replace(phantom().spec.imaging, view=View.FRONTAL))
    with pytest.raises(InvalidValueError, match="FRONTAL"):
        to_dicom(replace(phantom(), spec=spec))


@pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed"
)
@pytest.mark.parametrize("modality", ["DX", "CR"])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("bits", "is_monochrome1"), [(8, False), (12, True), (16, False)])
def test_dciodvfy_finds_no_error(tmp_path, view, modality, bits, is_monochrome1):
    options = DicomOptions(modality, bits, is_monochrome1)
    write_dicom(phantom(view), tmp_path / "a.dcm", options=options)
    said = subprocess.run(
        ["dciodvfy", tmp_path / "a.dcm"], capture_output=True, text=True, timeout=60, check=False
    )
    kind = "DXImageForPresentation" if modality == "DX" else "CRImage"
    assert said.stderr.split() == [kind]  # what it took it for, and neither error nor warning
    assert said.returncode == 0


@pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed"
)
def test_dciodvfy_would_see_a_fault(tmp_path):
    dataset = to_dicom(phantom())
    del dataset.ImagerPixelSpacing
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    said = subprocess.run(
        ["dciodvfy", tmp_path / "a.dcm"], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Error - Missing attribute Type 1" in said.stderr
