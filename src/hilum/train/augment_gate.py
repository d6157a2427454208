"""How chest radiographs of other hospitals may look: variation for training the gate.

The gate must accept what it has never seen, so its positives vary in all that a hospital,
a scanner or a download changes: tone, borders, captions, size, sharpness, cropping, tilt
and compression, but never in what makes them a frontal chest radiograph.
"""

from __future__ import annotations

import cv2
import numpy as np

from hilum.train.augment import sample_tone, sample_warp
from hilum.train.negatives import add_marks
from hilum.types import FloatImage

__all__ = ["process_as_archive", "vary_chest"]


def process_as_archive(image: FloatImage, rng: np.random.Generator) -> FloatImage:
    """One of the ways in which a vendor or an archive processes its images."""
    kind = int(rng.integers(7))
    if kind == 0:
        grid = int(rng.integers(2, 9))
        clahe = cv2.createCLAHE(float(rng.uniform(1, 4)), (grid, grid))
        return np.asarray(clahe.apply((image * 255).astype(np.uint8)) / 255, np.float32)
    if kind == 1:
        soft = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(1, 8)))
        return np.asarray(np.clip(image + rng.uniform(0.2, 1.5) * (image - soft), 0, 1), np.float32)
    if kind == 2:
        low, high = rng.uniform(0, 0.25), rng.uniform(0.75, 1.0)
        return np.asarray(np.clip((image - low) / (high - low), 0, 1), np.float32)
    if kind == 3:
        small = cv2.resize(image, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, image.shape[::-1]), np.float32)
    if kind == 4:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))]
        coded = cv2.imencode(".jpg", (image * 255).astype(np.uint8), quality)[1]
        decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE))
        return np.asarray(decoded / 255, np.float32)
    return image


def vary_chest(image: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Vary an upright chest radiograph ``(rows, columns)`` in [0, 1]; the side is kept.

    Returns:
        float32 ``(256, 256)`` before borders are added, in [0, 1].
    """
    zoom = (0.85, 1.12)
    warp = sample_warp(rng, zoom=zoom, degrees=8.0, shift=0.04, mirror=0.0)
    out = warp.apply(image, size=256)
    out = sample_tone(rng, strength=1.4).apply(process_as_archive(np.clip(out, 0, 1), rng))
    return np.clip(add_marks(out, rng), 0, 1)
