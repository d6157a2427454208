"""What the server keeps of a header, and that nothing in it makes it fail."""

import io

import pydicom

from hilum.serve.headers import read_instance_header
from serve_web import make_dicom


def test_names_are_kept_as_they_are_written() -> None:
    header = read_instance_header(make_dicom("MÜLLER^ANN", SpecificCharacterSet="ISO_IR 192"))
    assert (header.patient_name, header.patient_id) == ("MÜLLER^ANN", "PID-00000")
    assert header.elements["00100010"]["Value"] == [{"Alphabetic": "MÜLLER^ANN"}]


def test_a_file_is_read_like_its_bytes() -> None:
    data = make_dicom()
    file = io.BytesIO(data)
    file.read(100)
    assert read_instance_header(file) == read_instance_header(data)


def test_an_element_of_no_known_kind_is_left_out() -> None:
    """Found by the fuzz: pydicom cannot convert it, and says so while it is listed."""
    data = make_dicom(ProtocolName="ABCD")
    assert "00181030" in read_instance_header(data).elements
    damaged = data.replace(b"\x18\x00\x30\x10LO", b"\x18\x00\x30\x10ZZ")
    header = read_instance_header(damaged)
    assert "00181030" not in header.elements
    assert (header.patient_name, header.rows) == ("PHANTOM^ONE", 64)


def test_large_values_are_left_out_before_they_are_converted() -> None:
    dataset = pydicom.dcmread(io.BytesIO(make_dicom()))
    dataset.add_new("ImageComments", "UT", "x\\" * 200_000)
    dataset.add_new("PatientComments", "UT", "short")
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    elements = read_instance_header(target.getvalue()).elements
    assert "00204000" not in elements
    assert elements["00104000"]["Value"] == ["short"]


def test_texts_hold_nothing_that_a_database_refuses() -> None:
    header = read_instance_header(make_dicom(StudyDescription="Chest\0PA"))
    assert header.description == "ChestPA"
