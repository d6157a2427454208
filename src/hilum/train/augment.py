"""Random variation of radiographs and their masks: sampling apart from application.

A ``Warp`` and a ``Tone`` are drawn from a random generator and then applied
deterministically, so that an image and its masks vary together.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hilum.types import FloatImage

__all__ = ["Tone", "Warp", "add_opacities", "erase_boxes", "sample_tone", "sample_warp"]


@dataclass(frozen=True, slots=True)
class Warp:
    """An affine map in unit coordinates (centre 0, side 1), with an optional mirror.

    ``matrix`` is 2 x 3 and maps output to input coordinates.
    """

    matrix: npt.NDArray[np.float32]
    is_mirrored: bool

    def apply(self, image: npt.NDArray[np.float32], *, size: int) -> npt.NDArray[np.float32]:
        """Warp ``(rows, columns)`` or ``(rows, columns, channels)`` to ``size`` squared."""
        rows, columns = image.shape[:2]
        scale_in = np.diag([columns, rows]).astype(np.float32)
        linear = scale_in @ self.matrix[:, :2] / size
        centre = np.array([columns / 2, rows / 2], np.float32) + scale_in @ self.matrix[:, 2]
        # cv2 addresses pixel centres, hence the half pixels
        half = np.full(2, size / 2 - 0.5, np.float32)
        offset = centre - 0.5 - linear @ half
        inverse = np.column_stack([linear, offset]).astype(np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(image, inverse, (size, size), flags=flags), np.float32)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Map a point in unit coordinates of the input (0 to 1) to those of the output."""
        linear = np.linalg.inv(self.matrix[:, :2])
        u, v = linear @ (np.array([x - 0.5, y - 0.5]) - self.matrix[:, 2])
        return float(u + 0.5), float(v + 0.5)


def sample_warp(
    rng: np.random.Generator,
    *,
    zoom: tuple[float, float] = (0.75, 1.25),
    degrees: float = 12.0,
    shift: float = 0.08,
    mirror: float = 0.5,
) -> Warp:
    """Draw a warp: zoom (above 1 enlarges), rotation, aspect, shear, shift and mirror."""
    angle = np.deg2rad(rng.normal(0.0, degrees / 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    aspect = np.exp(rng.normal(0.0, 0.08))
    stretch = np.diag([aspect, 1.0 / aspect]) / rng.uniform(*zoom)
    shear = np.array([[1.0, rng.normal(0.0, 0.04)], [0.0, 1.0]])
    is_mirrored = bool(rng.random() < mirror)
    flip = np.diag([-1.0 if is_mirrored else 1.0, 1.0])
    matrix = np.column_stack([turn @ shear @ stretch @ flip, rng.uniform(-shift, shift, 2)])
    return Warp(matrix.astype(np.float32), is_mirrored)


@dataclass(frozen=True, slots=True)
class Tone:
    """A grey-level curve, blur and noise; applied to pixels in [0, 1]."""

    gamma: float
    contrast: float
    brightness: float
    blur: float
    noise: float
    seed: int

    def apply(self, image: FloatImage) -> FloatImage:
        """Apply to ``(rows, columns)`` in [0, 1]; the result is in [0, 1]."""
        out = np.power(np.clip(image, 0.0, 1.0), self.gamma)
        out = (out - 0.5) * self.contrast + 0.5 + self.brightness
        if self.blur > 0.3:
            out = cv2.GaussianBlur(out, (0, 0), self.blur)
        if self.noise > 0:
            rng = np.random.default_rng(self.seed)
            out = out + rng.standard_normal(out.shape, np.float32) * self.noise
        return np.clip(out, 0.0, 1.0).astype(np.float32)


def sample_tone(rng: np.random.Generator, *, strength: float = 1.0) -> Tone:
    """Draw a tone; ``strength`` scales the spread of every part."""
    return Tone(
        gamma=float(np.exp(rng.normal(0.0, 0.25 * strength))),
        contrast=float(np.exp(rng.normal(0.0, 0.18 * strength))),
        brightness=float(rng.normal(0.0, 0.06 * strength)),
        blur=float(rng.uniform(0.0, 1.2) * strength) if rng.random() < 0.3 else 0.0,
        noise=float(rng.uniform(0.0, 0.05) * strength) if rng.random() < 0.4 else 0.0,
        seed=int(rng.integers(2**31)),
    )


def add_opacities(image: FloatImage, lungs: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Brighten one to three soft blobs inside ``lungs`` (a mask in [0, 1]): synthetic disease."""
    rows, columns = np.nonzero(lungs > 0.5)
    if rows.size == 0:
        return image
    out = image.copy()
    grid_y, grid_x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    for _ in range(int(rng.integers(1, 4))):
        pick = int(rng.integers(rows.size))
        radius = rng.uniform(0.05, 0.25, 2) * image.shape[0]
        distance = ((grid_x - columns[pick]) / radius[0]) ** 2
        distance += ((grid_y - rows[pick]) / radius[1]) ** 2
        opacity = np.exp(-(distance ** rng.uniform(1.0, 3.0))) * rng.uniform(0.2, 0.9) * lungs
        level = rng.uniform(0.6, 0.95)
        out = out + opacity * np.maximum(level - out, 0.0)
    return out.astype(np.float32)


def erase_boxes(image: FloatImage, rng: np.random.Generator, *, count: int = 2) -> FloatImage:
    """Overwrite up to ``count`` small boxes with a constant: labels, markers, devices."""
    out = image.copy()
    size = image.shape[0]
    for _ in range(int(rng.integers(0, count + 1))):
        height, width = rng.uniform(0.03, 0.15, 2) * size
        top, left = rng.uniform(0, size - height), rng.uniform(0, size - width)
        out[int(top) : int(top + height), int(left) : int(left + width)] = rng.choice(
            [0.0, 1.0, rng.random()]
        )
    return out
