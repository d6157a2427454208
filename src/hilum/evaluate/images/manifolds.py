"""Whether synthetic images lie where real ones do, and whether they reach everywhere.

The real (or synthetic) manifold is the union of balls around its images, each as large as the
distance to the image's k-th nearest neighbour within the set.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from hilum.errors import require
from hilum.evaluate.images.distributions import Array, require_features

__all__ = ["coverage", "density", "manifold_precision", "manifold_recall", "neighbour_radii"]


def neighbour_radii(features: Array, *, k: int) -> Array:
    """Distance of each image to its k-th nearest neighbour in the set, itself not counted.

    Raises:
        InvalidValueError: Not more than ``k`` images.
    """
    require(
        1 <= k < len(features),
        f"k is at least 1 and below the {len(features)} images of the set, got {k}",
    )
    distances = cdist(features, features)
    np.fill_diagonal(distances, np.inf)
    return np.asarray(np.partition(distances, k - 1, axis=1)[:, k - 1])


def manifold_precision(real: Array, synthetic: Array, *, k: float = 3) -> float:
    """Share of synthetic images inside the real manifold (Kynkaanniemi 2019)."""
    real, synthetic = require_features(real, synthetic)
    inside = cdist(synthetic, real) <= neighbour_radii(real, k=int(k))[None, :]
    return float(inside.any(axis=1).mean())


def manifold_recall(real: Array, synthetic: Array, *, k: float = 3) -> float:
    """Share of real images inside the synthetic manifold (Kynkaanniemi 2019)."""
    return manifold_precision(synthetic, real, k=k)


def density(real: Array, synthetic: Array, *, k: float = 5) -> float:
    """Mean number of real balls that hold a synthetic image, over k (Naeem 2020).

    About 1 for equal distributions; it has no upper bound but n / k.
    """
    real, synthetic = require_features(real, synthetic)
    inside = cdist(synthetic, real) <= neighbour_radii(real, k=int(k))[None, :]
    return float(inside.sum() / (int(k) * len(synthetic)))


def coverage(real: Array, synthetic: Array, *, k: float = 5) -> float:
    """Share of real images whose ball holds a synthetic one (Naeem 2020)."""
    real, synthetic = require_features(real, synthetic)
    nearest = cdist(real, synthetic).min(axis=1)
    return float((nearest <= neighbour_radii(real, k=int(k))).mean())
