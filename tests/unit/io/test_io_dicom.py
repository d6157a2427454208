"""From DICOM files to radiographs: rendering, metadata, and everything that may be wrong."""

import io
import logging

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from hilum.errors import HilumError, ResourceLimitError, UnreadableImageError
from hilum.io import dicom_header
from hilum.io.dicom import decode_dicom
from hilum.io.dicom_header import read_header
from hilum.types import Radiograph, SpacingOrigin, View
from image_factory import dicom_bytes, make_dicom, ramp, save_bytes


def decode(data: bytes) -> Radiograph:
    return decode_dicom(read_header(io.BytesIO(data)), "a.dcm")


def codes(radiograph: Radiograph) -> set[str]:
    return {note.code for note in radiograph.notes}


def decode_with(array: np.ndarray | None = None, **elements) -> Radiograph:
    array = ramp() if array is None else array
    bits = elements.pop("bits", None)
    return decode(dicom_bytes(array, bits=bits, **elements))


def test_without_a_window_the_full_range_is_shown():
    radiograph = decode_with(np.array([[100, 300], [200, 500]], np.uint16))
    np.testing.assert_allclose(radiograph.pixels, [[0, 0.5], [0.25, 1]])


def test_monochrome1_is_inverted_after_the_window():
    plain = decode_with(WindowCenter=1000, WindowWidth=1000)
    inverted = decode_with(
        WindowCenter=1000, WindowWidth=1000, PhotometricInterpretation="MONOCHROME1"
    )
    np.testing.assert_allclose(inverted.pixels, 1 - plain.pixels, atol=1e-6)
    assert not inverted.is_inverted


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_presentation_inverse_inverts_once(photometric):
    inverse = decode_with(PresentationLUTShape="INVERSE", PhotometricInterpretation=photometric)
    np.testing.assert_allclose(inverse.pixels, 1 - decode_with().pixels, atol=1e-6)


def test_several_windows_use_the_first_and_say_so():
    several = decode_with(WindowCenter=[1000, 9], WindowWidth=[500, 9])
    one = decode_with(WindowCenter=1000, WindowWidth=500)
    np.testing.assert_array_equal(several.pixels, one.pixels)
    assert "several_windows" in codes(several)
    assert "several_windows" not in codes(one)


def test_voi_table_goes_before_the_window():
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 12])
    item.add_new("LUTData", "US", list(range(4095, -1, -1)))
    radiograph = decode_with(bits=12, VOILUTSequence=[item], WindowCenter=1, WindowWidth=2)
    np.testing.assert_allclose(radiograph.pixels, 1 - ramp() / 4095, atol=1e-6)


def test_voi_table_that_understates_its_range_is_not_black():
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 16])
    item.add_new("LUTData", "US", list(range(4096)))
    assert decode_with(VOILUTSequence=[item]).pixels.max() == 1


@pytest.mark.parametrize("little", [True, False])
def test_modality_table_as_bytes_follows_the_byte_order(little):
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

    item = Dataset()
    item.add_new("LUTDescriptor", "US", [256, 0, 16])
    squares = np.arange(256, dtype="<u2" if little else ">u2") ** 2
    item.add_new("LUTData", "OW", squares.astype("<u2" if little else ">u2").tobytes())
    syntax = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    array = ramp(top=255)
    data = dicom_bytes(array, syntax=syntax, ModalityLUTSequence=[item])
    np.testing.assert_allclose(decode(data).pixels, (array / 255.0) ** 2, atol=1e-5)


def test_window_that_misses_the_data_is_ignored_with_a_note():
    radiograph = decode_with(WindowCenter=60000, WindowWidth=10)
    np.testing.assert_array_equal(radiograph.pixels, decode_with().pixels)
    assert "window_ignored" in codes(radiograph)


@pytest.mark.parametrize("width", [0, -5, 0.5])
def test_impossible_window_is_ignored_with_a_note(width):
    assert "window_ignored" in codes(decode_with(WindowCenter=10, WindowWidth=width))


def test_unknown_window_function_and_zero_slope_are_noted():
    radiograph = decode_with(
        WindowCenter=2000, WindowWidth=4000, VOILUTFunction="CUBIC", RescaleSlope=0
    )
    assert {"window_function_unknown", "rescale_ignored"} <= codes(radiograph)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_air_and_does_not_count(photometric):
    array = np.array([[65535, 100], [200, 300]], np.uint16)
    radiograph = decode_with(array, PixelPaddingValue=65535, PhotometricInterpretation=photometric)
    expected = [0, 0, 0.5, 1] if photometric == "MONOCHROME2" else [0, 1, 0.5, 0]
    np.testing.assert_allclose(radiograph.pixels.ravel(), expected)


def test_padding_range_and_signed_padding():
    array = np.array([[-2000, -1990], [0, 10]], np.int16)
    radiograph = decode_with(array, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1950)
    np.testing.assert_allclose(radiograph.pixels, [[0, 0], [0, 1]])


def test_only_padding_is_a_valid_black_image():
    radiograph = decode_with(np.full((4, 4), 9, np.uint16), PixelPaddingValue=9)
    assert radiograph.pixels.max() == 0
    assert "only_padding" in codes(radiograph)


def test_overlay_in_unused_bits_does_not_reach_the_pixels():
    array = ramp()
    marked = array | (np.arange(array.size).reshape(array.shape) % 2 << 12).astype(np.uint16)
    np.testing.assert_array_equal(
        decode_with(marked, bits=12).pixels, decode_with(array, bits=12).pixels
    )


@pytest.mark.parametrize("rows_columns", [(1, 1), (1, 7), (5, 1), (3, 3)])
def test_tiny_and_constant_images_are_valid(rows_columns):
    radiograph = decode_with(np.full(rows_columns, 7, np.uint16))
    assert radiograph.pixels.shape == rows_columns
    assert radiograph.pixels.max() == 0


def test_colour_becomes_luma_with_chroma():
    array = np.zeros((2, 2, 3), np.uint8)
    array[0, 0] = (255, 0, 0)
    array[1] = 255
    radiograph = decode_with(array)
    np.testing.assert_allclose(radiograph.pixels, [[0.299, 0], [1, 1]], atol=1e-6)
    assert radiograph.chroma == 0.25


def test_wrong_photometric_tag_is_corrected_with_a_note():
    grey = np.repeat(ramp(top=255)[..., None], 3, axis=2)
    colour = decode_with(grey, PhotometricInterpretation="MONOCHROME2")
    assert "photometric_corrected" in codes(colour)
    np.testing.assert_allclose(colour.pixels, ramp(top=255) / 255, atol=1e-6)
    single = decode_with(ramp(top=255), PhotometricInterpretation="RGB", SamplesPerPixel=3)
    assert "photometric_corrected" in codes(single)
    np.testing.assert_allclose(single.pixels, ramp(top=255) / 255, atol=1e-6)


def test_the_middle_frame_of_several_is_read():
    frames = np.stack([ramp() * 0, ramp(), ramp() * 0])
    radiograph = decode_with(frames, NumberOfFrames=3)
    assert (radiograph.frames, radiograph.pixels.max()) == (3, 1)
    assert "several_frames" in codes(radiograph)


def test_float_pixels_with_nan_are_shown_as_air():
    array = np.array([[np.nan, 1], [2, 3]], np.float32)
    dataset = make_dicom(np.zeros((2, 2), np.uint16), BitsAllocated=32)
    del dataset.PixelData, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation
    dataset.FloatPixelData = array.tobytes()
    radiograph = decode(save_bytes(dataset))
    np.testing.assert_allclose(radiograph.pixels, [[0, 0], [0.5, 1]])
    assert "not_finite" in codes(radiograph)


def test_plain_pixels_behind_a_compressed_syntax_are_read():
    dataset = make_dicom(ramp())
    data = save_bytes(dataset).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    radiograph = decode(data)
    np.testing.assert_array_equal(radiograph.pixels, decode_with().pixels)
    assert "transfer_syntax_corrected" in codes(radiograph)


def test_headerless_files_are_read():
    from hilum.io.source import FileKind, sniff

    whole = dicom_bytes(ramp())
    start = whole.index(b"\x08\x00\x16\x00UI")
    assert sniff(whole[start:]) is FileKind.DICOM
    np.testing.assert_array_equal(decode(whole[start:]).pixels, decode_with().pixels)


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"PixelData": None}, "no pixel data"),
        ({"Rows": None}, "0 rows"),
        ({"Rows": 0}, "0 rows"),
        ({"Rows": 13}, "cut short"),
        ({"SamplesPerPixel": 4}, "4 samples"),
        ({"BitsAllocated": 13, "BitsStored": 12}, "cannot be decoded"),
    ],
)
def test_unusable_pixels_say_why(elements, message):
    with pytest.raises(UnreadableImageError, match=message):
        decode_with(**elements)


def test_truncated_file_says_how_much_is_missing():
    with pytest.raises(UnreadableImageError, match=r"got 230 bytes, expected 240"):
        decode(dicom_bytes(ramp())[:-10])


def test_huge_header_is_refused_before_decoding():
    with pytest.raises(ResourceLimitError, match="20,000 x 20,000"):
        decode_with(Rows=20000, Columns=20000)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless])
def test_compressed_frame_of_another_size_is_refused(syntax):
    data = dicom_bytes(ramp(40, 36), syntax=syntax)
    rows = b"\x28\x00\x10\x00US\x02\x00"
    with pytest.raises(UnreadableImageError, match=r"expected|header says"):
        decode(data.replace(rows + b"\x28\x00", rows + b"\x29\x00"))


def test_codestream_that_claims_a_huge_size_never_reaches_the_decoder():
    data = dicom_bytes(ramp(40, 36), syntax=JPEG2000Lossless)
    at = data.index(b"\xff\x4f\xff\x51") + 8
    huge = data[:at] + (60000).to_bytes(4, "big") * 2 + data[at + 8 :]
    with pytest.raises(ResourceLimitError, match="60,000 x 60,000"):
        decode(huge)


def test_compressed_junk_is_refused_quietly(capfd):
    for syntax in (JPEG2000Lossless, RLELossless):
        dataset = make_dicom(ramp(40, 36), PixelData=encapsulate([b"\x07" * 500]))
        dataset["PixelData"].VR = "OB"
        dataset.file_meta.TransferSyntaxUID = syntax
        with pytest.raises(UnreadableImageError):
            decode(save_bytes(dataset))
    assert capfd.readouterr() == ("", "")


def test_deflated_bomb_is_bounded(monkeypatch):
    data = dicom_bytes(np.zeros((400, 400), np.uint16), syntax=DeflatedExplicitVRLittleEndian)
    assert decode(data).pixels.shape == (400, 400)
    monkeypatch.setattr(dicom_header, "MAX_INFLATED_BYTES", 100_000)
    with pytest.raises(ResourceLimitError, match="inflates"):
        decode(data)


def test_unknown_transfer_syntax_is_named():
    data = dicom_bytes(ramp(40, 36), syntax=RLELossless)
    with pytest.raises(UnreadableImageError, match=r"not supported|unknown way"):
        decode(data.replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.7\0"))


def test_malformed_values_count_as_missing_and_are_not_quoted(caplog, capfd):
    data = dicom_bytes(ramp(), PatientAge="062Y", PatientBirthDate="19500101")
    for good, bad in [(b"20200131", b"2020SE99"), (b"062Y", b"SEVY"), (b"19500101", b"SECRETID")]:
        data = data.replace(good, bad)
    caplog.clear()
    radiograph = decode(data)
    assert radiograph.acquired is None
    assert (caplog.text, capfd.readouterr()) == ("", ("", ""))


def test_messages_and_logs_hold_no_patient_data(caplog):
    caplog.set_level(logging.DEBUG)
    elements = {"PatientID": "SECRET-ID", "PatientName": "Secret^Name"}
    radiograph = decode_with(**elements)
    with pytest.raises(HilumError) as caught:
        decode_with(Rows=13, **elements)
    said = f"{caught.value} {radiograph} {caplog.text}"
    assert "SECRET" not in said.upper()
    assert len(radiograph.patient_key) == 16


def test_patient_key_depends_on_identifier_and_issuer():
    keys = {
        decode_with(PatientID=identifier, IssuerOfPatientID=issuer).patient_key
        for identifier, issuer in [("1", None), ("2", None), ("1", "A"), (None, None)]
    }
    assert len(keys) == 4
    assert "" in keys


@pytest.mark.parametrize(
    ("elements", "view", "origin"),
    [
        ({"ViewPosition": "PA"}, View.PA, "dicom_view_position"),
        ({"ViewPosition": "AP"}, View.AP, "dicom_view_position"),
        ({"ViewPosition": "LL"}, View.LATERAL, "dicom_view_position"),
        ({"ViewPosition": "LLD"}, View.FRONTAL, "dicom_view_position"),
        ({"PatientOrientation": ["L", "F"]}, View.FRONTAL, "dicom_patient_orientation"),
        ({"PatientOrientation": ["A", "F"]}, View.LATERAL, "dicom_patient_orientation"),
        ({"PatientOrientation": ["P", "F"]}, View.LATERAL, "dicom_patient_orientation"),
        ({"PatientOrientation": ["L", "P"]}, View.UNKNOWN, "none"),
        (
            {"ViewPosition": "XX", "PatientOrientation": ["L", "F"]},
            View.FRONTAL,
            "dicom_patient_orientation",
        ),
        ({}, View.UNKNOWN, "none"),
    ],
)
def test_view_and_its_origin(elements, view, origin):
    radiograph = decode_with(**elements)
    assert (radiograph.view, radiograph.view_origin) == (view, origin)


def test_view_from_its_code():
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = "R-10214", "SRT"
    radiograph = decode_with(ViewCodeSequence=[item])
    assert (radiograph.view, radiograph.view_origin) == (View.PA, "dicom_view_code")


def test_decubitus_is_said():
    assert "patient_position" in codes(decode_with(ViewPosition="RLD"))


@pytest.mark.parametrize(
    ("elements", "spacing", "origin"),
    [
        ({"PixelSpacing": [0.2, 0.3]}, (0.2, 0.3), SpacingOrigin.CALIBRATED),
        ({"ImagerPixelSpacing": [0.2, 0.2]}, (0.2, 0.2), SpacingOrigin.DETECTOR),
        (
            {"ImagerPixelSpacing": [0.2, 0.2], "EstimatedRadiographicMagnificationFactor": 1.25},
            (0.16, 0.16),
            SpacingOrigin.PATIENT,
        ),
        (
            {"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.2, 0.2]},
            (0.2, 0.2),
            SpacingOrigin.DETECTOR,
        ),
        (
            {"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.18, 0.18]},
            (0.18, 0.18),
            SpacingOrigin.CALIBRATED,
        ),
        (
            {"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0, 0]},
            (0.2, 0.2),
            SpacingOrigin.DETECTOR,
        ),
    ],
)
def test_spacing_and_its_origin(elements, spacing, origin):
    found = decode_with(**elements).spacing
    assert (found.row_mm, found.column_mm) == pytest.approx(spacing)
    assert found.origin is origin


@pytest.mark.parametrize("spacing", [[0, 0], [-1, -1], [900, 900], [0.1, 3.0], [1e-9, 1e-9]])
def test_insane_spacing_is_not_used_and_noted(spacing):
    radiograph = decode_with(PixelSpacing=spacing)
    assert radiograph.spacing is None
    assert "spacing_implausible" in codes(radiograph)


def test_without_spacing_there_is_none():
    radiograph = decode_with()
    assert (radiograph.spacing, codes(radiograph)) == (None, set())


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, "2020-01-31T10:11:12"),
        ({"ContentDate": "20200201"}, "2020-02-01T00:00:00"),
        ({"AcquisitionDateTime": "20200202030405.123+0100"}, "2020-02-02T03:04:05"),
        ({"AcquisitionDate": "20200203", "AcquisitionTime": "0102"}, "2020-02-03T01:02:00"),
        ({"StudyDate": "20201231", "StudyTime": "235960"}, "2020-12-31T23:59:59"),
        ({"StudyDate": ""}, None),
    ],
)
def test_acquired(elements, expected):
    acquired = decode_with(**elements).acquired
    assert (acquired and acquired.isoformat()) == expected


def test_an_identifier_that_is_no_transfer_syntax_is_refused():
    """Found by the fuzz: pydicom raises for a SOP class in its place."""
    verification = b"1.2.840.10008.1.1\0\0\0"
    data = dicom_bytes(ramp(40, 36), syntax=RLELossless)
    data = data.replace(RLELossless.encode() + b"\0", verification)
    assert verification in data
    with pytest.raises(UnreadableImageError, match="transfer syntax"):
        decode(data)


@pytest.mark.parametrize("frames", ["1e308", "-1e308", "99999999999999999999"])
def test_a_number_beyond_all_sense_counts_as_missing(frames):
    """Found by the fuzz: such a number of frames overflowed."""
    dataset = make_dicom(ramp(40, 36))
    dataset.add_new("NumberOfFrames", "LO", frames)
    assert decode(save_bytes(dataset)).pixels.shape == (40, 36)


def test_pixels_that_are_no_number_meet_a_lookup_table():
    """Found by the fuzz: they have no place in the table."""
    pixels = np.array([[0.0, 1.0], [np.nan, np.inf]], np.float32)
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [2, 0, 8])
    table.add_new("LUTData", "OW", np.array([0, 255], "<u2").tobytes())
    dataset = make_dicom(np.zeros((2, 2), np.uint16), ModalityLUTSequence=[table])
    del dataset.PixelData
    dataset.add_new("FloatPixelData", "OF", pixels.tobytes())
    radiograph = decode(save_bytes(dataset))
    np.testing.assert_allclose(radiograph.pixels, [[0, 1], [0, 0]])


def test_a_header_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(dicom_header, "MAX_HEADER_READS", 20)
    with pytest.raises(ResourceLimitError, match="more elements"):
        decode(dicom_bytes(ramp(40, 36)))


def test_a_value_of_megabytes_counts_as_missing():
    dataset = make_dicom(ramp(40, 36))
    dataset.add_new("WindowCenter", "UT", "1\\" * 2_000_000)
    dataset.add_new("StudyInstanceUID", "UC", "1" * 2_000_000)
    radiograph = decode(save_bytes(dataset))
    assert (radiograph.study_uid, radiograph.pixels.shape) == ("", (40, 36))
