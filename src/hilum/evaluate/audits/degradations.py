"""How each corruption changes pixels: pure functions of image, amount, turn and seed.

Pixels are float32 in [0, 1], air dark and bone bright: close to the logarithm of attenuation.
Where photons matter they are brought back by ``exp(-RANGE * pixel)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hilum.errors import InvalidValueError
from hilum.types import FloatImage

__all__ = ["DEGRADATIONS"]

RANGE = 3.0
"""Natural logarithm of the ratio of photons between a black and a white pixel."""
STOP = math.log(2.0) / RANGE
"""What one stop of exposure moves a pixel by."""
WORDS = ("L", "R", "AP PORTABLE", "SUPINE", "ERECT", "PA")


def _side(image: FloatImage) -> int:
    return int(max(image.shape))


def _photons(image: FloatImage) -> npt.NDArray[np.float64]:
    return np.exp(-RANGE * image.astype(np.float64))


def _pixels(photons: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    return -np.log(photons) / RANGE


def _underexposed(image: FloatImage, stops: float, turn: float, seed: int) -> npt.NDArray[Any]:
    return image + stops * STOP


def _overexposed(image: FloatImage, stops: float, turn: float, seed: int) -> npt.NDArray[Any]:
    return image - stops * STOP


def _noisy(image: FloatImage, photons: float, turn: float, seed: int) -> npt.NDArray[Any]:
    counts = np.random.default_rng(seed).poisson(photons * _photons(image))
    return _pixels(np.maximum(counts, 0.5) / photons)


def _moved(image: FloatImage, length: float, turn: float, seed: int) -> npt.NDArray[Any]:
    span = length * _side(image)
    reach = math.ceil(span / 2)
    grid = np.arange(-reach, reach + 1)
    kernel = np.zeros((len(grid), len(grid)), np.float32)
    for step in np.linspace(-span / 2, span / 2, 8 * len(grid)):
        # each point of the path is shared among the four pixels around it
        across = np.maximum(0, 1 - np.abs(grid - step * math.cos(math.pi * turn)))
        down = np.maximum(0, 1 - np.abs(grid - step * math.sin(math.pi * turn)))
        kernel += np.outer(down, across).astype(np.float32)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))


def _unfocused(image: FloatImage, deviation: float, turn: float, seed: int) -> npt.NDArray[Any]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), deviation * _side(image)))


def _as_jpeg(image: FloatImage, quality: float, turn: float, seed: int) -> npt.NDArray[Any]:
    settings = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    is_done, packed = cv2.imencode(".jpg", np.round(image * 255).astype(np.uint8), settings)
    if not is_done:
        raise InvalidValueError(f"an image of {image.shape} cannot be stored as JPEG")
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.float32) / 255


def _curved(image: FloatImage, exponent: float, turn: float, seed: int) -> npt.NDArray[Any]:
    return np.asarray(image ** np.float32(exponent if turn < 0.5 else 1 / exponent))


def _windowed(image: FloatImage, share: float, turn: float, seed: int) -> npt.NDArray[Any]:
    low = share * (0.25 + 0.5 * turn)
    return np.asarray((image - low) / (1 - share))


def _rotated(image: FloatImage, degrees: float, turn: float, seed: int) -> npt.NDArray[Any]:
    rows, columns = image.shape
    angle = degrees if turn < 0.5 else -degrees
    matrix = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), angle, 1.0)
    return np.asarray(cv2.warpAffine(image, matrix, (columns, rows), flags=cv2.INTER_LINEAR))


def _marked(image: FloatImage, height: float, turn: float, seed: int) -> npt.NDArray[Any]:
    rows, columns = image.shape
    word = WORDS[seed % len(WORDS)]
    wanted, font = height * _side(image), cv2.FONT_HERSHEY_SIMPLEX
    (width, tall), _ = cv2.getTextSize(word, font, 1.0, 2)
    scale = min(wanted / tall, 0.6 * columns / width, 0.3 * rows / tall)
    thickness = max(1, round(2 * scale))
    (width, tall), _ = cv2.getTextSize(word, font, scale, thickness)
    edge = round(0.02 * min(rows, columns))
    corner = int(turn * 4)
    x = edge if corner % 2 == 0 else columns - edge - width
    y = edge + tall if corner < 2 else rows - edge
    ink = np.zeros(image.shape, np.uint8)
    cv2.putText(ink, word, (x, y), font, scale, 255, thickness, cv2.LINE_AA)
    return np.maximum(image, ink.astype(np.float32) / 255)


def _lined(image: FloatImage, amplitude: float, turn: float, seed: int) -> npt.NDArray[Any]:
    period = 3.0 + 5.0 * (turn * 2 % 1)
    axis = 0 if turn < 0.5 else 1
    wave = np.sin(2 * np.pi * np.arange(image.shape[axis]) / period)
    lines = wave[:, None] if axis == 0 else wave[None, :]
    return np.asarray(image + amplitude * lines)


def _collimated(image: FloatImage, share: float, turn: float, seed: int) -> npt.NDArray[Any]:
    rows, columns = image.shape
    shares = np.random.default_rng(seed).uniform(0.5, 1.0, size=4) * share
    top, bottom = round(shares[0] * rows), rows - round(shares[1] * rows)
    left, right = round(shares[2] * columns), columns - round(shares[3] * columns)
    shut = np.zeros_like(image)
    shut[top:bottom, left:right] = image[top:bottom, left:right]
    return shut


def _cropped(image: FloatImage, share: float, turn: float, seed: int) -> npt.NDArray[Any]:
    rows, columns = image.shape
    top = round(share * rows * np.random.default_rng(seed).random())
    left = round(share * columns * turn)
    part = image[top : top + round((1 - share) * rows), left : left + round((1 - share) * columns)]
    return np.asarray(cv2.resize(part, (columns, rows), interpolation=cv2.INTER_LINEAR))


def _coarse(image: FloatImage, factor: float, turn: float, seed: int) -> npt.NDArray[Any]:
    rows, columns = image.shape
    small = max(1, round(columns / factor)), max(1, round(rows / factor))
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (columns, rows), interpolation=cv2.INTER_LINEAR))


def _veiled(image: FloatImage, ratio: float, turn: float, seed: int) -> npt.NDArray[Any]:
    primary = _photons(image)
    scattered = cv2.GaussianBlur(primary, (0, 0), 0.12 * _side(image))
    # the exposure control ends the exposure at the same mean dose
    return _pixels((primary + ratio * scattered) / (1 + ratio))


def _dead(image: FloatImage, share: float, turn: float, seed: int) -> npt.NDArray[Any]:
    rng, axis = np.random.default_rng(seed), 0 if turn < 0.5 else 1
    length = image.shape[axis]
    order, count = rng.permutation(length), max(1, round(share * length))
    values = rng.integers(2, size=(count, 1))
    broken = image.copy()
    lines = broken if axis == 0 else broken.T
    lines[order[:count]] = values
    return broken


DEGRADATIONS: Mapping[str, Callable[[FloatImage, float, float, int], npt.NDArray[Any]]] = {
    "underexposure": _underexposed,
    "overexposure": _overexposed,
    "quantum_noise": _noisy,
    "motion_blur": _moved,
    "focus_blur": _unfocused,
    "jpeg": _as_jpeg,
    "gamma": _curved,
    "window": _windowed,
    "rotation": _rotated,
    "marker": _marked,
    "grid_lines": _lined,
    "collimation": _collimated,
    "cropping": _cropped,
    "low_resolution": _coarse,
    "scatter": _veiled,
    "dead_lines": _dead,
}
"""By name of ``corruptions.toml``; not clipped, which ``corrupt`` does."""
