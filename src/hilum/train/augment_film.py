"""Other acquisitions of one film, for heads that must not learn from how it was acquired.

Sharpness, the frame of the image and the width of black borders tell the label of the NIH
films (docs/audit.md); in a variant they are drawn anew and the label stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hilum.types import FloatImage

__all__ = ["Acquisition", "sample_acquisition"]

BLURRED = 0.35
"""Share of the films that are blurred, and of those that are coarser; the rest are noisy."""
GROWTH = 1.5
"""Half of the logarithm of the ratio of photons between a black and a white pixel."""


@dataclass(frozen=True, slots=True)
class Acquisition:
    """How a film might have come from elsewhere; applied in the order of the fields.

    ``shutters`` are black borders at top, bottom, left and right and ``cut`` what is cropped
    there, both as shares of the side. ``blur`` is a deviation in pixels of 512, ``resolution``
    the share of the side kept for a while, ``quality`` that of JPEG; ``low`` and ``high`` are
    the window, ``noise`` the deviation of quantum noise in air, in grey levels of [0, 1]: it grows
    towards white, where few photons arrive. Zero, or one for
    ``resolution``, leaves the film as it is.
    """

    cut: tuple[float, float, float, float]
    blur: float
    resolution: float
    gamma: float
    low: float
    high: float
    noise: float
    shutters: tuple[float, float, float, float]
    quality: int
    seed: int

    def apply(self, image: FloatImage) -> FloatImage:
        """Apply to ``(rows, columns)`` in [0, 1]; the result has the same shape and range."""
        rows, columns = image.shape
        top, bottom, left, right = _frame(self.cut, rows, columns)
        out = cv2.resize(image[top:bottom, left:right], (columns, rows))
        if self.blur > 0:
            out = cv2.GaussianBlur(out, (0, 0), self.blur * min(rows, columns) / 512)
        if self.resolution < 1:
            small = round(self.resolution * columns), round(self.resolution * rows)
            out = cv2.resize(out, small, interpolation=cv2.INTER_AREA)
            out = cv2.resize(out, (columns, rows))
        out = np.clip((out - self.low) / (self.high - self.low), 0.0, 1.0) ** self.gamma
        if self.noise > 0:
            rng = np.random.default_rng(self.seed)
            grown = self.noise * np.exp(GROWTH * out)
            out = out + rng.standard_normal(out.shape, np.float32) * grown
        top, bottom, left, right = _frame(self.shutters, rows, columns)
        shut = np.zeros((rows, columns), np.float32)
        shut[top:bottom, left:right] = out[top:bottom, left:right]
        grey = np.round(np.clip(shut, 0.0, 1.0) * 255).astype(np.uint8)
        if self.quality > 0:
            _, packed = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            grey = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
        return np.asarray(grey, np.float32) / np.float32(255)


def sample_acquisition(rng: np.random.Generator) -> Acquisition:
    """Draw an acquisition: mild, as a film that a reader would accept.

    It is blurred, coarser or noisy, one of the three: noise on a blurred film would hide from the
    heads what the blur alone does to them.
    """
    kind = rng.random()
    return Acquisition(
        cut=_sides(rng, 0.0, 0.06) if rng.random() < 0.5 else (0.0,) * 4,
        blur=float(rng.uniform(0.5, 1.5)) if kind < BLURRED else 0.0,
        resolution=float(rng.uniform(0.5, 0.9)) if BLURRED <= kind < 2 * BLURRED else 1.0,
        gamma=float(np.exp(rng.normal(0.0, 0.15))),
        low=float(rng.uniform(0.0, 0.04)),
        high=float(rng.uniform(0.96, 1.0)),
        noise=float(rng.uniform(0.001, 0.007)) if kind >= 2 * BLURRED else 0.0,
        shutters=_sides(rng, 0.01, 0.06) if rng.random() < 0.5 else (0.0,) * 4,
        quality=int(rng.integers(40, 81)) if rng.random() < 0.4 else 0,
        seed=int(rng.integers(2**31)),
    )


def _sides(
    rng: np.random.Generator, least: float, most: float
) -> tuple[float, float, float, float]:
    top, bottom, left, right = rng.uniform(least, most, 4)
    return float(top), float(bottom), float(left), float(right)


def _frame(
    shares: tuple[float, float, float, float], rows: int, columns: int
) -> tuple[int, int, int, int]:
    """First and last row and column inside borders of these shares."""
    top, bottom, left, right = shares
    return (
        round(top * rows),
        rows - round(bottom * rows),
        round(left * columns),
        columns - round(right * columns),
    )
