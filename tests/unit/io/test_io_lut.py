"""The grey-scale functions, against pydicom's and against the formulas of the standard."""

import warnings

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from hilum.errors import InvalidValueError
from hilum.io import lut
from hilum.io.lut import WindowFunction
from image_factory import make_dicom, ramp


def table_item(first: int, entries: list[int], bits: int) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US" if first >= 0 else "SS", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    return item


@pytest.mark.parametrize("function", list(WindowFunction))
@pytest.mark.parametrize(("center", "width"), [(2048, 1000), (1, 4096), (500.5, 33.3)])
def test_window_equals_pydicom(function, center, width):
    array = ramp()
    dataset = make_dicom(
        array, bits=12, WindowCenter=center, WindowWidth=width, VOILUTFunction=str(function)
    )
    expected = apply_voi_lut(array, dataset) / 4095
    shown = lut.apply_window(array, center, width, function)
    np.testing.assert_allclose(shown, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("width", "function"),
    [(0.5, WindowFunction.LINEAR), (0, WindowFunction.LINEAR_EXACT), (-3, WindowFunction.SIGMOID)],
)
def test_window_refuses_a_width_that_means_nothing(width, function):
    with pytest.raises(InvalidValueError, match="width"):
        lut.apply_window(ramp(), 10, width, function)


def test_linear_window_of_width_one_is_a_threshold():
    shown = lut.apply_window(np.array([9.0, 9.5, 10.0]), 10, 1)
    assert shown.tolist() == [0, 0, 1]


@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (0.25, 3.5), (-2, 0)])
def test_rescale_equals_pydicom(slope, intercept):
    array = ramp()
    dataset = make_dicom(array, RescaleSlope=slope, RescaleIntercept=intercept)
    expected = apply_modality_lut(array, dataset)
    np.testing.assert_allclose(lut.apply_rescale(array, slope, intercept), expected)


@pytest.mark.parametrize("first", [0, 100, -50])
@pytest.mark.parametrize("keyword", ["ModalityLUTSequence", "VOILUTSequence"])
def test_lookup_equals_pydicom(first, keyword):
    array = (ramp(top=300)).astype(np.int16) - (100 if first < 0 else 0)
    entries = list(range(1000, 1200))
    dataset = make_dicom(array)
    setattr(dataset, keyword, [table_item(first, entries, 16)])
    apply = apply_modality_lut if keyword.startswith("Modality") else apply_voi_lut
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = apply(array, dataset)
    found = lut.apply_lookup(array, first, np.array(entries, np.float64))
    np.testing.assert_array_equal(found, expected)


def test_lookup_refuses_an_empty_table():
    with pytest.raises(InvalidValueError, match="entries"):
        lut.apply_lookup(ramp(), 0, np.array([]))


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_unpack_masks_unused_bits_and_extends_the_sign(bits):
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    values = np.array([low, -1, 0, 1, high])
    overlay = 0 if bits == 16 else 0xFFFF << bits
    words = ((values & ((1 << bits) - 1)) | overlay).astype(np.uint16)
    found = lut.unpack_words(words, bits_stored=bits, high_bit=bits - 1, is_signed=True)
    assert found.tolist() == values.tolist()


def test_unpack_shifts_values_that_do_not_start_at_bit_zero():
    words = np.array([0xABC0], np.uint16)
    found = lut.unpack_words(words, bits_stored=12, high_bit=15, is_signed=False)
    assert found.tolist() == [0xABC]


def test_table_and_used_words_agree_with_plain_indexing():
    rng = np.random.default_rng(1)
    words = rng.integers(0, 1 << 16, (700, 900), dtype=np.uint16)
    table = rng.random(1 << 16, dtype=np.float32)
    np.testing.assert_array_equal(lut.apply_table(words, table), table[words])
    used = np.zeros(1 << 16, bool)
    used[words] = True
    np.testing.assert_array_equal(lut.find_used_words(words), used)


def test_stretch_of_a_constant_is_zero():
    assert lut.stretch(np.full(3, 7.0), 7.0, 7.0).tolist() == [0, 0, 0]
