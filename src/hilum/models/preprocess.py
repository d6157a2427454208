"""From upright pixels to the tensor a network wants, exactly as its manifest says.

Training code calls the same function, so what a network saw in training is what it sees
when it is run. The order is fixed: crop, resize, contrast stretch, pad, range, mean and
standard deviation, channels. Statistics are taken after resizing, where they are cheap.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hilum.errors import InvalidValueError
from hilum.models.manifest import InputSpec
from hilum.types import FloatImage

__all__ = ["field_of_view", "prepare", "resize", "stretch_contrast"]

MAX_SAMPLES = 65_536
"""Percentiles are taken on at most about this many values, on a regular grid."""
MIN_CONTRAST = 1e-5
"""Less than one step of 16 bits is rounding, not an image."""


def resize(pixels: FloatImage, rows: int, columns: int) -> FloatImage:
    """Resize an image ``(rows, columns)``: area average where it shrinks, linear where it grows.

    Each axis is treated for itself, so an image that shrinks along one axis only is
    averaged along that axis and interpolated along the other.
    """
    small = min(rows, pixels.shape[0]), min(columns, pixels.shape[1])
    image: npt.NDArray[Any] = pixels
    if small != image.shape:
        image = cv2.resize(image, small[::-1], interpolation=cv2.INTER_AREA)
    if (rows, columns) != image.shape:
        image = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(image, dtype=np.float32)


def stretch_contrast(pixels: FloatImage, low: float, high: float) -> FloatImage:
    """Map the ``low`` and ``high`` percentiles of an image to 0 and 1, clipped.

    Percentiles interpolate linearly and are taken on every k-th row and column, with the
    smallest k that leaves at most ``MAX_SAMPLES`` values. An image without contrast
    (less than ``MIN_CONTRAST``) becomes zero.
    """
    step = math.ceil(math.sqrt(pixels.size / MAX_SAMPLES))
    bottom, top = np.percentile(pixels[::step, ::step], (low, high))
    if top - bottom < MIN_CONTRAST:
        return np.zeros_like(pixels)
    stretched = (pixels - np.float32(bottom)) * np.float32(1.0 / (top - bottom))
    return np.clip(stretched, 0.0, 1.0, out=stretched)


def _central_square(shape: tuple[int, ...], fraction: float) -> tuple[int, int, int]:
    """Top, left and side of the central square, ``fraction`` of the shorter side."""
    side = max(1, round(min(shape) * fraction))
    return shape[0] // 2 - side // 2, shape[1] // 2 - side // 2, side


def _inner_shape(shape: tuple[int, ...], spec: InputSpec) -> tuple[int, int]:
    """Rows and columns of the image inside the tensor; smaller than it for a letterbox."""
    if spec.resize != "letterbox":
        return spec.rows, spec.columns
    factor = min(spec.rows / shape[0], spec.columns / shape[1])
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def field_of_view(shape: tuple[int, int], spec: InputSpec) -> tuple[float, float, float, float]:
    """The box of upright pixels that the tensor shows, to place its maps on the image.

    Args:
        shape: ``(rows, columns)`` of the upright pixels.
        spec: The ``input`` of a manifest.

    Returns:
        ``(x, y, width, height)`` in upright pixels; larger than the image for a letterbox.
    """
    rows, columns = shape
    if spec.resize == "centre_crop":
        top, left, side = _central_square(shape, spec.crop_fraction)
        return float(left), float(top), float(side), float(side)
    if spec.resize == "stretch":
        return 0.0, 0.0, float(columns), float(rows)
    inner_rows, inner_columns = _inner_shape(shape, spec)
    # Source pixels per tensor pixel, by axis: rounding may make them differ a little.
    step_y, step_x = rows / inner_rows, columns / inner_columns
    top, left = (spec.rows - inner_rows) // 2, (spec.columns - inner_columns) // 2
    return -left * step_x, -top * step_y, spec.columns * step_x, spec.rows * step_y


def prepare(pixels: FloatImage, spec: InputSpec) -> FloatImage:
    """Prepare one radiograph for a network.

    Args:
        pixels: Upright pixels, float32 ``(rows, columns)`` in [0, 1], air dark.
        spec: The ``input`` of a manifest.

    Returns:
        A contiguous float32 tensor ``(1, channels, rows, columns)``.

    Raises:
        InvalidValueError: Pixels are not a two-dimensional float array, or not finite.
    """
    if pixels.ndim != 2 or pixels.size == 0 or pixels.dtype.kind != "f":
        raise InvalidValueError(
            f"expected float pixels (rows, columns), got {pixels.dtype} {pixels.shape}; "
            "pass Radiograph.pixels"
        )
    image = np.asarray(pixels, dtype=np.float32)
    if spec.resize == "centre_crop":
        top, left, side = _central_square(image.shape, spec.crop_fraction)
        image = image[top : top + side, left : left + side]
    inner = _inner_shape(image.shape, spec)
    image = resize(image, *inner)
    # A value that is not finite spreads into the averages, so the small image tells.
    if not np.isfinite(image).all():
        raise InvalidValueError("pixels hold NaN or infinite values; expected [0, 1]")
    if spec.percentiles is not None:
        image = stretch_contrast(image, *spec.percentiles)
    else:
        image = np.clip(image, 0.0, 1.0)
    if inner != (spec.rows, spec.columns):
        top, left = (spec.rows - inner[0]) // 2, (spec.columns - inner[1]) // 2
        canvas = np.zeros((spec.rows, spec.columns), dtype=np.float32)
        canvas[top : top + inner[0], left : left + inner[1]] = image
        image = canvas
    low, high = spec.scale
    mean, std = np.asarray(spec.mean), np.asarray(spec.std)
    # Range and normalisation are one affine map, done once: x * gain + offset.
    gain = ((high - low) / std).astype(np.float32).reshape(-1, 1, 1)
    offset = ((low - mean) / std).astype(np.float32).reshape(-1, 1, 1)
    tensor = image[None] * gain + offset  # (1 or channels, rows, columns)
    if len(tensor) != spec.channels:
        tensor = np.repeat(tensor, spec.channels, axis=0)
    return np.ascontiguousarray(tensor[None], dtype=np.float32)
