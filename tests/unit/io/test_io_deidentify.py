"""De-identification of DICOM data sets: the profile, its options, files that still read."""

import importlib.util
import io
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from hilum.errors import HilumError, InvalidValueError, UnreadableImageError
from hilum.io import read_radiograph
from hilum.io.deidentify import deidentify_dataset, deidentify_file
from hilum.io.deidentify_profile import OPTIONS, read_options, read_profile
from hilum.io.deidentify_values import dummy_value, shift_element
from hilum.text.deidentify import clean_text, deidentify
from hilum.text.surrogates import PatientKey
from image_factory import make_dicom, ramp

SECRET = b"a secret only for tests"
KEYS = partial(PatientKey, SECRET)
SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
IDENTITY = (
    "PatientID", "PatientName", "AccessionNumber", "StudyInstanceUID", "SeriesInstanceUID",
    "SOPInstanceUID", "ReferringPhysicianName", "InstitutionName", "InstitutionAddress",
    "PatientBirthDate", "StudyDate", "SeriesDate", "ContentDate", "OperatorsName", "StationName",
    "DeviceSerialNumber", "OtherPatientIDs",
)  # fmt: skip


def sample_paths() -> list[Path]:
    spec = importlib.util.find_spec("data_store")
    locations = spec.submodule_search_locations if spec else None
    folders = [SAMPLES, *(Path(location) / "data" for location in locations or ())]
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]


def make_study(**elements: Any) -> Dataset:
    given = {
        "PatientName": "Quimby^Zdenka",
        "PatientID": "MRN-884771",
        "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.4711",
        "PatientBirthDate": "19440202",
        "PatientAge": "094Y",
        "PatientSex": "F",
        "PatientSize": "1.6",
        "AccessionNumber": "RAD20124417",
        "ReferringPhysicianName": "Whitfield^Aurelio",
        "InstitutionName": "Cedar Valley Medical Center",
        "StationName": "ROOM7DX",
        "DeviceSerialNumber": "SN48813",
        "StudyDate": "20120305",
        "StudyTime": "142207",
        "SeriesDate": "20120306",
        "AcquisitionDateTime": "20120305142207.5",
        "StudyDescription": "CHEST PA for Dr. Whitfield on 3/5/2012",
        "SeriesDescription": "Chest PA upright",
        "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.77",
        "PatientComments": "Zdenka Quimby is hard of hearing",
        "Manufacturer": "Hilum Works",
        **elements,
    }
    dataset = make_dicom(ramp(64, 48), **given)
    reference = Dataset()
    reference.ReferencedSOPClassUID = dataset.SOPClassUID
    reference.ReferencedSOPInstanceUID = dataset.SOPInstanceUID
    dataset.ReferencedImageSequence = Sequence([reference])
    block = dataset.private_block(0x0019, "ACME 1.0", create=True)
    block.add_new(0x01, "LO", "Quimby private")
    dataset.add_new(0x60000010, "US", 64)
    dataset.add_new(0x60004000, "LT", "overlay of Quimby")
    return dataset


def run(dataset: Dataset, *options: str, **arguments: Any) -> Dataset:
    arguments = {"keys": KEYS, "clean_text": clean_text, **arguments}
    return deidentify_dataset(dataset, options=options, **arguments)[0]


def to_bytes(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_the_table_knows_the_standard() -> None:
    profile = read_profile()
    assert len(profile.actions) >= 600
    for tag, action in profile.actions.items():
        assert action in set("XZDKCU"), tag
    for keyword, action in {
        "PatientName": "Z", "PatientID": "D", "StudyInstanceUID": "U", "PatientBirthDate": "Z",
        "StudyDescription": "X", "StudyDate": "Z", "ContentSequence": "D", "PersonName": "D",
    }.items():  # fmt: skip
        tag = pydicom.tag.Tag(keyword)
        assert profile.action(tag.group, tag.element) == action, keyword
    assert profile.action(0x6002, 0x3000) == "X"
    assert profile.action(0x5004, 0x0010) == "X"
    assert profile.action(0x0028, 0x0010) == ""


def test_the_table_names_each_attribute_as_pydicom_does() -> None:
    for tag in read_profile().actions:
        assert len(tag) == 8
        int(tag, 16)
    named = [keyword_for_tag(int(tag, 16)) for tag in read_profile().actions]
    assert sum(bool(name) for name in named) >= 590


def test_options_have_codes_of_the_standard() -> None:
    codes = {option.name: option.code for option in read_options().values()}
    assert codes["basic"] == "113100"
    assert codes["clean_descriptors"] == "113105"
    assert codes["retain_modified_dates"] == "113107"
    assert len(set(codes.values())) == len(OPTIONS)


def test_nothing_of_the_original_remains() -> None:
    for options in ((), ("clean_descriptors", "retain_modified_dates", "clean_structured_content")):
        original = make_study()
        uids = [original.StudyInstanceUID, original.SOPInstanceUID, original.SeriesInstanceUID]
        data = to_bytes(run(original, *options)).lower()
        words = ["quimby", "zdenka", "884771", "whitfield", "aurelio", "cedar valley", "sn48813"]
        words += ["room7dx", "rad20124417", "19440202", "20120305", "acme", "3/5/2012", *uids]
        for word in words:
            assert word.encode() not in data, (options, word)


def test_the_original_is_not_changed() -> None:
    original = make_study()
    before = to_bytes(original)
    run(original, "clean_descriptors", "clean_pixel_data")
    assert to_bytes(original) == before


def test_basic_profile() -> None:
    result = run(make_study())
    assert result.PatientIdentityRemoved == "YES"
    assert result.LongitudinalTemporalInformationModified == "REMOVED"
    assert [item.CodeValue for item in result.DeidentificationMethodCodeSequence] == ["113100"]
    assert not result.StudyDate
    assert "StudyDescription" not in result
    assert "PatientAge" not in result
    assert result.Manufacturer == "Hilum Works"
    assert not [element for element in result if element.tag.is_private]
    assert not [element for element in result if element.tag.group == 0x6000]
    assert result.file_meta.MediaStorageSOPInstanceUID == result.SOPInstanceUID


def test_references_between_files_hold() -> None:
    first, second = make_study(), make_study(PatientID="other")
    second.StudyInstanceUID = first.StudyInstanceUID
    a, b = run(first), run(second)
    assert a.StudyInstanceUID == b.StudyInstanceUID
    assert a.StudyInstanceUID.startswith("2.25.")
    assert a.ReferencedImageSequence[0].ReferencedSOPInstanceUID == a.SOPInstanceUID
    assert a.ReferencedImageSequence[0].ReferencedSOPClassUID == a.SOPClassUID
    assert a.SOPClassUID == first.SOPClassUID
    assert a.PatientID != b.PatientID
    assert run(make_study(StudyDate="20130101")).PatientID == a.PatientID


def test_modified_dates_move_as_in_the_reports() -> None:
    result = run(make_study(), "retain_modified_dates")
    days = PatientKey(SECRET, "MRN-884771").shift_days
    expected = deidentify("2012-03-05", shift_days=days).text.replace("-", "")
    assert result.StudyDate == expected
    assert result.StudyTime == "142207"
    assert result.AcquisitionDateTime == f"{expected}142207.5"
    assert result.LongitudinalTemporalInformationModified == "MODIFIED"
    assert not result.PatientBirthDate


def test_full_dates_stay() -> None:
    result = run(make_study(), "retain_full_dates")
    assert result.StudyDate == "20120305"
    assert result.LongitudinalTemporalInformationModified == "UNMODIFIED"


def test_retained_characteristics_limit_the_age() -> None:
    result = run(make_study(), "retain_patient_characteristics")
    assert (result.PatientAge, result.PatientSex, result.PatientSize) == ("090Y", "F", 1.6)
    assert run(make_study(PatientAge="054Y"), "retain_patient_characteristics").PatientAge == "054Y"


def test_other_options_keep_what_they_name() -> None:
    original = make_study()
    assert run(original, "retain_uids").StudyInstanceUID == original.StudyInstanceUID
    assert run(original, "retain_device_identity").DeviceSerialNumber == "SN48813"
    kept = run(original, "retain_institution_identity")
    assert kept.InstitutionName == "Cedar Valley Medical Center"


def test_descriptors_are_cleaned() -> None:
    result = run(make_study(), "clean_descriptors")
    assert result.SeriesDescription == "Chest PA upright"
    assert result.StudyDescription.startswith("CHEST PA for Dr. [NAME] on ")
    assert "Whitfield" not in result.StudyDescription
    codes = [item.CodeValue for item in result.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105"]


def test_private_elements_stay_only_where_they_are_known() -> None:
    original = make_study()
    original.private_block(0x7053, "Philips PET Private Group", create=True).add_new(
        0x00, "DS", "1.5"
    )
    result = run(original, "retain_safe_private")
    block = result.private_block(0x7053, "Philips PET Private Group")
    assert block[0x00].value == 1.5
    assert not [element for element in result if element.tag.group == 0x0019]


def test_structured_reports_are_cleaned() -> None:
    text = Dataset()
    text.ValueType = "TEXT"
    text.TextValue = "Findings discussed with Dr. Whitfield. No effusion."
    person = Dataset()
    person.ValueType = "PNAME"
    person.PersonName = "Quimby^Zdenka"
    report = make_study(ContentSequence=Sequence([text, person]))
    cleaned = run(report, "clean_structured_content").ContentSequence
    assert cleaned[0].TextValue == "Findings discussed with Dr. [NAME]. No effusion."
    assert "Quimby" not in str(cleaned[1].PersonName)
    assert list(run(report).ContentSequence) == []


def test_a_name_in_any_text_is_swept_away() -> None:
    original = make_study(Manufacturer="Gift of Zdenka", BodyPartExamined="CHEST")
    result, audit = deidentify_dataset(original, keys=KEYS)
    assert not result.Manufacturer
    assert result.BodyPartExamined == "CHEST"
    assert ("Manufacturer", "emptied") in audit.changes


def test_known_strings_are_swept_too() -> None:
    original = make_study(ManufacturerModelName="Borrowed by Osterman")
    assert not run(original, known=["Osterman"]).ManufacturerModelName


def test_the_audit_holds_no_value() -> None:
    _, audit = deidentify_dataset(make_study(), keys=KEYS)
    assert ("StudyInstanceUID", "new_uid") in audit.changes
    assert audit.counts()["new_uid"] >= 4
    assert audit.options == ("basic",)
    assert audit.blanked_boxes is None
    for word in ("Quimby", "884771", "Whitfield", "ACME"):
        assert word not in repr(audit)


def test_unknown_and_malformed_elements_go() -> None:
    original = make_study()
    original.add_new(0x00091001, "UN", b"Quimby")
    original.add_new(0x00210022, "LO", "no such element")
    original.add_new(0x00189999, "UN", b"not in the dictionary")
    result = run(original)
    assert 0x00091001 not in result
    assert 0x00210022 not in result
    assert 0x00189999 not in result


def test_clean_pixel_data_blanks_text_and_says_so() -> None:
    import cv2

    pixels = np.full((400, 500), 60, np.uint8)
    cv2.putText(pixels, "QUIMBY 884771", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, 255, 2)
    original = make_dicom(pixels, PatientID="MRN-884771", BurnedInAnnotation="YES")
    result, audit = deidentify_dataset(original, keys=KEYS, options=["clean_pixel_data"])
    assert audit.blanked_boxes
    assert result.pixel_array.max() == 60
    assert result.BurnedInAnnotation == "NO"
    codes = [item.CodeValue for item in result.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113101"]
    assert run(original).BurnedInAnnotation == "YES"


@pytest.mark.parametrize(
    ("options", "arguments", "said"),
    [
        (["no_such"], {}, "no such option"),
        (["retain_full_dates", "retain_modified_dates"], {}, "exclude each other"),
        (["clean_descriptors"], {"clean_text": None}, "pass hilum.text"),
    ],
)
def test_wrong_options(options: list[str], arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValueError, match=said):
        run(make_study(), *options, **arguments)


def test_files_are_written_and_read_again(tmp_path: Path) -> None:
    source, target = tmp_path / "Quimby.dcm", tmp_path / "out.dcm"
    make_study().save_as(source, enforce_file_format=True)
    audit = deidentify_file(source, target, keys=KEYS)
    assert audit.options == ("basic",)
    before, after = read_radiograph(source), read_radiograph(target)
    np.testing.assert_array_equal(before.pixels, after.pixels)
    assert after.view == before.view
    assert b"Quimby" not in target.read_bytes()


def test_the_preamble_is_blank(tmp_path: Path) -> None:
    source, target = tmp_path / "in.dcm", tmp_path / "out.dcm"
    original = make_study()
    original.preamble = b"Quimby".ljust(128)
    original.save_as(source, enforce_file_format=True)
    deidentify_file(source, target, keys=KEYS)
    assert target.read_bytes()[:128] == b"\0" * 128


def test_no_dicom_file_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.dcm"
    text.write_text("not DICOM")
    with pytest.raises(UnreadableImageError, match="not a DICOM file"):
        deidentify_file(text, tmp_path / "b.dcm", keys=KEYS)
    with pytest.raises(UnreadableImageError, match="no SOP class"):
        deidentify_file(SAMPLES / "dicomdirtests" / "DICOMDIR", tmp_path / "b.dcm", keys=KEYS)
    assert not (tmp_path / "b.dcm").exists()


@pytest.mark.parametrize("vr", ["LO", "DA", "PN", "SQ", "OB", "US", "AS", "UI", "FD"])
def test_dummies_fit_their_kind(vr: str) -> None:
    dataset = Dataset()
    if vr != "UI":
        dataset.add_new(0x00101000, vr, dummy_value(vr))
        assert vr == dataset[0x00101000].VR


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("DA", "20120228", "20120301"),
        ("DA", "2012.02.28", "20120301"),
        ("DT", "20120228101112.5+0100", "20120301101112.5+0100"),
        ("DA", "20121345", ""),
        ("DA", "QUIMBY", ""),
        ("TM", "101112", "101112"),
        ("TM", "Quimby", ""),
    ],
)
def test_shifting_elements(vr: str, value: str, expected: str) -> None:
    assert shift_element(vr, [value], 2) == [expected]


def readable(path: Path) -> Dataset | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path)
            list(dataset.iterall())
    except Exception:
        return None
    return dataset if "SOPClassUID" in dataset and "SOPInstanceUID" in dataset else None


def test_sample_files_stay_readable_and_lose_their_identity(tmp_path: Path) -> None:
    options = ("clean_descriptors", "retain_modified_dates", "clean_structured_content")
    seen = read = 0
    for path in sample_paths():
        if path.stat().st_size > 3_000_000 or (original := readable(path)) is None:
            continue
        target = tmp_path / "out.dcm"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            deidentify_file(path, target, keys=KEYS, options=options, clean_text=clean_text)
        seen += 1
        data = target.read_bytes().lower()
        for keyword in IDENTITY:
            value = str(original.get(keyword) or "")
            if len(value) > 5 and "anonym" not in value.lower():
                assert value.lower().encode() not in data, (path.name, keyword)
        try:
            before = read_radiograph(path)
        except HilumError:
            continue
        after = read_radiograph(target)
        read += 1
        np.testing.assert_array_equal(before.pixels, after.pixels, err_msg=path.name)
    assert seen >= 100
    assert read >= 50
