"""Colour to grey, and how much colour there was."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.types import FloatImage

__all__ = ["VISIBLE_CHROMA", "compute_chroma", "rgb_to_gray"]

VISIBLE_CHROMA = 0.12
"""Difference of a pixel's channels, as a share of the full range, that is seen as colour."""

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in DICOM's YBR_FULL


def compute_chroma(rgb: npt.NDArray[Any], full_range: float) -> float:
    """Share of pixels of ``rgb`` ``(rows, columns, 3)`` with visible colour, in [0, 1].

    >>> compute_chroma(np.array([[[255, 0, 0], [9, 9, 9]]], np.uint8), 255)
    0.5
    """
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    high = np.maximum(np.maximum(red, green), blue)
    spread = high - np.minimum(np.minimum(red, green), blue)
    return float(np.mean(spread > VISIBLE_CHROMA * full_range))


def rgb_to_gray(rgb: npt.NDArray[Any], full_range: float) -> FloatImage:
    """Luma of unsigned ``rgb`` ``(rows, columns, 3)`` as float32 ``(rows, columns)`` in [0, 1]."""
    gray = np.zeros(rgb.shape[:2], np.float32)
    for channel, weight in enumerate(_LUMA):
        gray += rgb[..., channel] * np.float32(weight / full_range)
    result: FloatImage = np.clip(gray, 0.0, 1.0, out=gray)
    return result
