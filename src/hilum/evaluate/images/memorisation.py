"""Whether a generator repeats its training images, whole or in part, or betrays patients."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from hilum.errors import require

__all__ = [
    "HELD_OUT",
    "REAL",
    "SYNTHETIC",
    "calibrate_copy_threshold",
    "nearest_distances",
    "nearest_ratio",
    "nearest_share",
    "patch_correlation",
    "reidentification_auroc",
]

Array = npt.NDArray[np.float64]
REAL, SYNTHETIC, HELD_OUT = "real", "synthetic", "held_out"
"""Roles of images: what the generator learned from, what it made, what it never saw."""
NAN = float("nan")
LEAST_CONTRAST = 0.02
"""Standard deviation below which a patch is flat: it would correlate with noise alone."""


def nearest_distances(features: Array, train: Array) -> Array:
    """Euclidean distance of each image to the nearest training image, ``(images,)``."""
    return np.asarray(cdist(np.asarray(features), np.asarray(train)).min(axis=1))


def _two(value: Array, role: npt.NDArray[np.str_]) -> tuple[Array, Array]:
    keep = ~np.isnan(value)
    return value[keep & (role == SYNTHETIC)], value[keep & (role == HELD_OUT)]


def nearest_ratio(value: Array, role: npt.NDArray[np.str_]) -> float:
    """Median distance to the training set of synthetic over held-out real images.

    1: as far from the training images as new radiographs are; well below 1: copies.

    Args:
        value: ``(units,)`` from ``nearest_distances``.
        role: ``(units,)`` of ``synthetic`` and ``held_out``; others count for nothing.
    """
    synthetic, held_out = _two(value, role)
    if not len(synthetic) or not len(held_out) or not np.median(held_out):
        return NAN
    return float(np.median(synthetic) / np.median(held_out))


def nearest_share(value: Array, role: npt.NDArray[np.str_]) -> float:
    """Probability that a synthetic image lies nearer to the training set than a held-out one.

    The Mann-Whitney statistic behind the data-copying test of Meehan 2020; ties count half.
    0.5 is ideal, above it is copying.
    """
    synthetic, held_out = _two(value, role)
    n, m = len(synthetic), len(held_out)
    if not n or not m:
        return NAN
    ranks = rankdata(np.concatenate([held_out, synthetic]))[:m]
    return float((ranks.sum() - m * (m + 1) / 2) / (n * m))


def patch_correlation(
    images: Any, train: Any, *, patch: int = 32, shift: int = 8, is_same: bool = False
) -> Array:
    """The best match of a patch of each image with any training image, ``(images,)``.

    Normalised cross-correlation (zero mean, in [-1, 1]) of patches side by side, each moved by
    up to ``shift`` pixels; flat patches are left out, and an image of flat ones has NaN.

    Args:
        images: ``(n, rows, columns)`` in [0, 1].
        train: ``(m, rows, columns)``.
        patch: Side of a patch in pixels.
        shift: How far it may have moved, in pixels.
        is_same: ``images`` are ``train``: an image is not compared with itself.
    """
    images, train = np.asarray(images, np.float32), np.asarray(train, np.float32)
    require(
        images.ndim == train.ndim == 3 and images.shape[1:] == train.shape[1:],
        f"images of one shape, got {images.shape} and {train.shape}; resize them",
    )
    require(
        8 <= patch <= min(images.shape[1:]) and shift >= 0,
        f"a patch of 8 pixels up to the image, got {patch} in {images.shape[1:]}",
    )
    best = np.full(len(images), np.nan)
    for number, image in enumerate(images):
        others = np.delete(train, number, axis=0) if is_same else train
        found = [_best_match(image, others, place, patch, shift) for place in _places(image, patch)]
        if found:
            best[number] = max(found)
    return best


def _places(image: npt.NDArray[np.float32], patch: int) -> list[tuple[int, int]]:
    rows, columns = image.shape
    return [
        (top, left)
        for top in range(0, rows - patch + 1, patch)
        for left in range(0, columns - patch + 1, patch)
        if image[top : top + patch, left : left + patch].std() >= LEAST_CONTRAST
    ]


def _best_match(
    image: npt.NDArray[np.float32],
    train: npt.NDArray[np.float32],
    place: tuple[int, int],
    patch: int,
    shift: int,
) -> float:
    top, left = place
    template = image[top : top + patch, left : left + patch]
    rows = slice(max(0, top - shift), top + patch + shift)
    columns = slice(max(0, left - shift), left + patch + shift)
    best = -1.0
    for window in train[:, rows, columns]:
        if window.std() >= LEAST_CONTRAST / 4:
            found = cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED)
            best = max(best, float(found.max()))
    return min(best, 1.0)


def calibrate_copy_threshold(correlation: Array, *, quantile: float = 0.99) -> float:
    """The correlation that pairs of different real images exceed only once in a hundred.

    Args:
        correlation: ``patch_correlation`` of held-out real images with the training set.
        quantile: Share of them that lies at or below the threshold.
    """
    require(0.0 < quantile < 1.0, f"the quantile lies in (0, 1), got {quantile}")
    defined = correlation[~np.isnan(correlation)]
    require(len(defined) >= 10, f"at least ten real images calibrate, got {len(defined)}")
    return float(np.quantile(defined, quantile))


def reidentification_auroc(
    features: Array, patient: npt.NDArray[Any], role: npt.NDArray[np.str_] | None = None
) -> float:
    """How well cosine similarity of features tells pairs of one patient from other pairs.

    0.5: the patient cannot be recognised. With ``role``, only pairs of a real with a synthetic
    image count, ``patient`` of the latter being whom it was made from.

    Args:
        features: ``(units, dimensions)``.
        patient: ``(units,)``.
        role: ``(units,)`` or None.
    """
    features = np.asarray(features, np.float64)
    require(len(features) == len(patient), f"{len(features)} features, {len(patient)} patients")
    length = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(length > 0, length, 1.0)
    first, second = np.triu_indices(len(features), k=1)
    if role is not None:
        across = ((role[first] == SYNTHETIC) & (role[second] == REAL)) | (
            (role[first] == REAL) & (role[second] == SYNTHETIC)
        )
        first, second = first[across], second[across]
    is_same = patient[first] == patient[second]
    n, m = int(is_same.sum()), int((~is_same).sum())
    if not n or not m:
        return NAN
    ranks = rankdata((unit @ unit.T)[first, second])[is_same]
    return float((ranks.sum() - n * (n + 1) / 2) / (n * m))
