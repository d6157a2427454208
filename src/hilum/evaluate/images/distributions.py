"""How far two sets of images lie apart in a feature space, as distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import require

__all__ = [
    "KernelDistance",
    "frechet_distance",
    "frechet_distance_extrapolated",
    "kernel_distance",
    "kernel_distance_by_subsets",
    "kernel_distance_deviation",
    "require_features",
]

Array = npt.NDArray[np.float64]
FRACTIONS = np.linspace(0.5, 1.0, 11)
"""Shares of both sets on which the extrapolated distance rests."""


@dataclass(frozen=True, slots=True)
class KernelDistance:
    """Mean over subsets and the standard error of that mean over the subsets drawn."""

    value: float
    standard_error: float


def require_features(real: Any, synthetic: Any) -> tuple[Array, Array]:
    """Both sets as float64 ``(images, dimensions)``.

    Raises:
        InvalidValueError: Not of one feature space, fewer than two images, or not finite.
    """
    real, synthetic = np.asarray(real, np.float64), np.asarray(synthetic, np.float64)
    require(
        real.ndim == synthetic.ndim == 2 and real.shape[1] == synthetic.shape[1],
        f"features are (images, dimensions) of one space, got {real.shape} and {synthetic.shape}",
    )
    require(
        min(len(real), len(synthetic)) >= 2,
        f"at least two images a set, got {len(real)} real and {len(synthetic)} synthetic",
    )
    is_finite = bool(np.isfinite(real).all() and np.isfinite(synthetic).all())
    require(is_finite, "features hold NaN or infinite values; leave those images out")
    return real, synthetic


def frechet_distance(real: Array, synthetic: Array) -> float:
    """Frechet distance of the Gaussians fitted to two sets of features.

    Squared, as in Heusel 2017: |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)). The trace of the
    root is the sum of singular values of the product of the centred sets, which needs no root
    of a covariance and is exact with fewer images than dimensions. It is biased upwards in
    small sets.

    Args:
        real: ``(n, dimensions)``.
        synthetic: ``(m, dimensions)``.

    >>> frechet_distance(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]]))
    9.0
    """
    real, synthetic = require_features(real, synthetic)
    first = (real - real.mean(axis=0)) / np.sqrt(len(real) - 1)
    second = (synthetic - synthetic.mean(axis=0)) / np.sqrt(len(synthetic) - 1)
    between = np.sum((real.mean(axis=0) - synthetic.mean(axis=0)) ** 2)
    spreads = np.sum(first**2) + np.sum(second**2)
    shared = np.linalg.svd(_root(first) @ _root(second).T, compute_uv=False).sum()
    return float(max(between + spreads - 2 * shared, 0.0))


def _root(centred: Array) -> Array:
    """A matrix of no more rows than columns with the same covariance."""
    if len(centred) <= centred.shape[1]:
        return centred
    return np.asarray(np.linalg.qr(centred, mode="r"), np.float64)


def frechet_distance_extrapolated(
    real: Array, synthetic: Array, *, seed: float = 0, repeats: float = 3
) -> float:
    """The Frechet distance at infinitely many images, by a line over 1 / share.

    Chong and Forsyth 2020 vary the generated set alone; here both sets are thinned to the same
    shares (0.5 to 1), since a set of real radiographs is as small as the other. May be negative.

    Args:
        real: ``(n, dimensions)``.
        synthetic: ``(m, dimensions)``.
        seed: What decides which images are left out.
        repeats: Draws at each share but the whole.
    """
    real, synthetic = require_features(real, synthetic)
    require(min(len(real), len(synthetic)) >= 8, "extrapolation needs at least eight images a set")
    rng = np.random.default_rng(int(seed))
    inverse, values = [], []
    for fraction in FRACTIONS:
        for _ in range(int(repeats) if fraction < 1 else 1):
            thinned = [
                rows[rng.permutation(len(rows))[: round(fraction * len(rows))]]
                for rows in (real, synthetic)
            ]
            inverse.append(1 / fraction)
            values.append(frechet_distance(thinned[0], thinned[1]))
    return float(np.polynomial.polynomial.polyfit(inverse, values, 1)[0])


def _kernel(first: Array, second: Array) -> Array:
    return np.asarray((first @ second.T / first.shape[1] + 1.0) ** 3)


def kernel_distance(real: Array, synthetic: Array) -> float:
    """Unbiased squared maximum mean discrepancy under the kernel (x.y / d + 1)^3.

    Binkowski 2018, over all pairs at once; near zero or below for equal distributions.
    """
    real, synthetic = require_features(real, synthetic)
    within = _kernel(real, real), _kernel(synthetic, synthetic)
    sums = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in within]
    return float(sums[0] + sums[1] - 2 * _kernel(real, synthetic).mean())


def kernel_distance_deviation(real: Array, synthetic: Array) -> float:
    """Jackknife standard deviation of ``kernel_distance`` over the images of both sets."""
    real, synthetic = require_features(real, synthetic)
    require(min(len(real), len(synthetic)) >= 3, "the jackknife needs three images a set")
    across = _kernel(real, synthetic)
    variance = 0.0
    for rows, pairs in ((real, across), (synthetic, across.T)):
        n, own = len(rows), _kernel(rows, rows)
        np.fill_diagonal(own, 0.0)
        inside = (own.sum() - 2 * own.sum(axis=1)) / ((n - 1) * (n - 2))
        outside = (pairs.sum() - pairs.sum(axis=1)) / ((n - 1) * pairs.shape[1])
        left_out = inside - 2 * outside
        variance += (n - 1) / n * np.sum((left_out - left_out.mean()) ** 2)
    return float(np.sqrt(variance))


def kernel_distance_by_subsets(
    real: Array,
    synthetic: Array,
    *,
    subsets: float = 100,
    subset_size: float = 1000,
    seed: float = 0,
) -> KernelDistance:
    """The mean of ``kernel_distance`` over random subsets, as Binkowski 2018 computes it.

    Args:
        real: ``(n, dimensions)``.
        synthetic: ``(m, dimensions)``.
        subsets: How many.
        subset_size: Images of each set in a subset, at most the smaller set.
        seed: What decides.
    """
    real, synthetic = require_features(real, synthetic)
    rng = np.random.default_rng(int(seed))
    size = min(int(subset_size), len(real), len(synthetic))
    require(subsets >= 2 and size >= 2, "at least two subsets of at least two images")
    values = [
        kernel_distance(
            real[rng.choice(len(real), size, replace=False)],
            synthetic[rng.choice(len(synthetic), size, replace=False)],
        )
        for _ in range(int(subsets))
    ]
    return KernelDistance(
        float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))
    )
