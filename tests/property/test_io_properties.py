"""What must hold for any input: values survive, and damage never raises anything unexpected."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from hilum.errors import HilumError
from hilum.io import ImageSource, read_radiograph
from hilum.io.dicom import decode_dicom
from hilum.io.dicom_display import Display, render_values
from hilum.io.dicom_header import read_header
from hilum.io.lut import WindowFunction
from hilum.io.raster import decode_raster, make_orientation
from hilum.io.source import sniff
from hilum.io.spacing import choose_spacing
from hilum.types import Radiograph
from image_factory import dicom_bytes, jpeg_dicom_bytes, ramp


def save(array: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


FILES = {
    "plain": dicom_bytes(ramp(40, 36), WindowCenter=2000, WindowWidth=3000, PixelPaddingValue=0),
    "deflated": dicom_bytes(ramp(40, 36), syntax=DeflatedExplicitVRLittleEndian),
    "rle": dicom_bytes(ramp(40, 36), syntax=RLELossless),
    "j2k": dicom_bytes(ramp(40, 36), syntax=JPEG2000Lossless),
    "jpeg": jpeg_dicom_bytes(ramp(40, 36, 255)),
    "png": save(ramp(40, 36, 255), "PNG"),
    "tiff": save(ramp(40, 36), "TIFF"),
}


def decode(data: bytes) -> Radiograph:
    file = io.BytesIO(data)
    if data[:4] in (b"\x89PNG", b"II*\0"):
        return decode_raster(file, "a.png")
    return decode_dicom(read_header(file), "a.dcm")


@pytest.mark.parametrize("name", list(FILES))
def test_the_files_to_be_damaged_are_sound(name):
    assert decode(FILES[name]).pixels.shape == (40, 36)


@pytest.mark.parametrize("name", list(FILES))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_raises_nothing_but_hilum_errors(name, data):
    damaged = bytearray(FILES[name])
    places = st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, max_size=8), label="changes"):
        damaged[place] = value
    end = data.draw(st.one_of(st.none(), st.integers(0, len(damaged))), label="end")
    try:
        radiograph = decode(bytes(damaged[:end]))
    except HilumError:
        return
    assert radiograph.pixels.dtype == np.float32


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=600))
def test_any_bytes_are_sniffed_and_read_or_refused(data, tmp_path_factory):
    sniff(data)
    path = tmp_path_factory.mktemp("any") / "a.dcm"
    path.write_bytes(data)
    with pytest.raises(HilumError):
        read_radiograph(ImageSource.from_path(path))


@settings(max_examples=40, deadline=None)
@given(
    array=hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)),
    syntax=st.sampled_from([ExplicitVRLittleEndian, RLELossless]),
)
def test_without_a_window_order_is_kept_and_the_range_is_full(array, syntax):
    pixels = decode(dicom_bytes(array, syntax=syntax)).pixels
    low, high = int(array.min()), int(array.max())
    expected = (array - float(low)) / max(1, high - low)
    np.testing.assert_allclose(pixels, expected, atol=1e-6)


@settings(deadline=None)
@given(
    values=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(width=32),
    ),
    center=st.floats(-1e6, 1e6),
    width=st.floats(-10, 1e6),
    function=st.sampled_from(list(WindowFunction)),
    slope=st.floats(-1e6, 1e6),
    is_inverted=st.booleans(),
)
def test_display_stays_in_bounds(values, center, width, function, slope, is_inverted):
    display = Display(
        slope=slope,
        window=(center, width),
        window_function=function,
        is_inverted=is_inverted,
        padding=(0, 0),
    )
    shown, _ = render_values(values, np.ones(values.shape, bool), display)
    assert shown.dtype == np.float32
    assert np.all((shown >= 0) & (shown <= 1))
    assert np.all(shown[~np.isfinite(values) | (values == 0)] == 0)


@given(
    rows=st.integers(1, 50),
    columns=st.integers(1, 50),
    exif=st.integers(-1, 12),
    x=st.floats(0, 50),
    y=st.floats(0, 50),
)
def test_points_survive_the_exif_round_trip(rows, columns, exif, x, y):
    orientation = make_orientation(rows, columns, exif)
    back = orientation.point_to_source(*orientation.point_from_source(x, y))
    assert back == pytest.approx((x, y))


numbers = st.lists(st.floats(allow_nan=False), max_size=3).map(tuple)


@given(
    pixel_mm=numbers,
    detector_mm=numbers,
    magnification=st.one_of(st.none(), st.floats(allow_nan=False)),
    is_calibrated=st.booleans(),
)
def test_any_spacing_is_believed_or_dropped(pixel_mm, detector_mm, magnification, is_calibrated):
    spacing, _ = choose_spacing(
        pixel_mm=pixel_mm,
        detector_mm=detector_mm,
        magnification=magnification,
        is_calibrated=is_calibrated,
        shape=(2000, 2000),
    )
    if spacing is not None:
        assert 0.002 <= spacing.row_mm <= 5
        assert 0.002 <= spacing.column_mm <= 5
