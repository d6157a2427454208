"""From stored values to displayed grey: the DICOM grey-scale transformations.

Pure functions on arrays, following the order of PS3.4 N.2: modality transformation, then
values of interest, then polarity. They work alike on a whole image and on the table of all
values that a stored word can take; for integer images Hilum transforms that table once
and looks every pixel up in it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hilum.errors import InvalidValueError
from hilum.types import FloatImage

__all__ = [
    "WindowFunction",
    "apply_lookup",
    "apply_rescale",
    "apply_table",
    "apply_window",
    "find_used_words",
    "stretch",
    "unpack_words",
]

FloatArray = npt.NDArray[np.float64]
_CHUNK_PIXELS = 1 << 18


class WindowFunction(StrEnum):
    """VOI LUT Function, (0028,1056)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


def unpack_words(
    words: npt.NDArray[Any], *, bits_stored: int, high_bit: int, is_signed: bool
) -> npt.NDArray[np.int32]:
    """The integers held in stored words; bits outside the stored ones are masked off.

    Old files keep overlays in the unused bits, so these must not reach the values.

    Args:
        words: unsigned integers of 8 or 16 bits, any shape.
        bits_stored: bits of one value, from 1 to the size of a word.
        high_bit: position of a value's most significant bit.
        is_signed: whether the values are in two's complement.

    Source: PS3.5 section 8.1.1.

    >>> unpack_words(np.uint16([0x0FFF, 0xF001]), bits_stored=12, high_bit=11, is_signed=True)
    array([-1,  1], dtype=int32)
    """
    shift = max(0, high_bit + 1 - bits_stored)
    values = (words.astype(np.int32) >> shift) & ((1 << bits_stored) - 1)
    if is_signed:
        sign = 1 << (bits_stored - 1)
        values = (values ^ sign) - sign
    return values


def apply_rescale(values: npt.NDArray[Any], slope: float, intercept: float) -> npt.NDArray[Any]:
    """``values * slope + intercept`` (PS3.3 C.11.1), in float64, or float32 if they are."""
    dtype = np.dtype(np.float32 if values.dtype == np.float32 else np.float64)
    scaled: npt.NDArray[Any] = values.astype(dtype) * dtype.type(slope)
    scaled += dtype.type(intercept)
    return scaled


def apply_lookup(values: npt.NDArray[Any], first: float, table: FloatArray) -> FloatArray:
    """Look ``values`` up in ``table``, whose entry 0 belongs to the value ``first``.

    Values before the table take its first entry, values after it its last (PS3.3 C.11.1), and
    those that are no number its first.
    """
    if table.ndim != 1 or table.size == 0:
        raise InvalidValueError(f"a lookup table has one axis and entries, got {table.shape}")
    places = np.nan_to_num(np.rint(values - first), nan=0.0)
    index = np.clip(places, 0, table.size - 1).astype(np.intp)
    looked_up: FloatArray = table[index]
    return looked_up


def apply_window(
    values: npt.NDArray[Any],
    center: float,
    width: float,
    function: WindowFunction = WindowFunction.LINEAR,
) -> npt.NDArray[Any]:
    """Window ``values`` to [0, 1]; float of the same precision, any shape.

    Args:
        values: output of the modality transformation.
        center: window centre, in the unit of ``values``.
        width: window width; at least 1 for LINEAR, above 0 for the others.
        function: PS3.3 C.11.2.1.2 (LINEAR) and C.11.2.1.3 (SIGMOID, LINEAR_EXACT).

    Raises:
        InvalidValueError: the width is too small.

    >>> apply_window(np.array([0.0, 127.5, 255.0]), 128.0, 256.0)
    array([0. , 0.5, 1. ])
    """
    is_linear = function is WindowFunction.LINEAR
    if width <= 0 or (is_linear and width < 1):
        raise InvalidValueError(
            f"a {function} window needs a width {'of at least 1' if is_linear else 'above 0'}, "
            f"got {width:g}"
        )
    scaled = values.astype(np.result_type(values.dtype, np.float32))
    if function is WindowFunction.SIGMOID:
        # A logistic curve written with tanh, which saturates instead of overflowing.
        return np.tanh((scaled - center) * (2.0 / width)) * 0.5 + 0.5
    if is_linear:
        center, width = center - 0.5, width - 1.0
    if width == 0:
        return (scaled > center).astype(scaled.dtype)
    return np.clip((scaled - center) / width + 0.5, 0.0, 1.0)


def stretch(values: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[Any]:
    """Map ``low`` to 0 and ``high`` to 1 and clip; zeros when there is no range."""
    scaled = values.astype(np.result_type(values.dtype, np.float32))
    if not high > low:
        return np.zeros_like(scaled)
    return np.clip((scaled - low) / (high - low), 0.0, 1.0)


def find_used_words(words: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which words occur in an image of uint8 or uint16: bool, 256 or 65,536 entries."""
    size = 1 << (8 * words.dtype.itemsize)
    counts = cv2.calcHist([np.ascontiguousarray(words)], [0], None, [size], [0, size])
    used: npt.NDArray[np.bool_] = counts.ravel() > 0
    return used


def apply_table(words: npt.NDArray[Any], table: npt.NDArray[np.float32]) -> FloatImage:
    """Replace every word of an unsigned image ``(rows, columns)`` by its entry in ``table``.

    Done in strips: ``numpy.take`` widens its indices to 64 bits, which for a whole image
    would cost twice the memory of the result.
    """
    out = np.empty(words.shape, np.float32)
    strip = max(1, _CHUNK_PIXELS // max(1, words.shape[1]))
    for start in range(0, words.shape[0], strip):
        rows = slice(start, start + strip)
        np.take(table, words[rows], out=out[rows], mode="clip")
    return out
