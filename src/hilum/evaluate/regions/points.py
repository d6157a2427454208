"""Landmarks and measurements: errors, detection rates, limits of agreement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hilum.errors import require

__all__ = [
    "Agreement",
    "absolute_error",
    "bland_altman",
    "intraclass_correlation",
    "is_within",
    "landmark_errors",
    "mean_difference",
    "mean_of",
]

Array = npt.NDArray[np.float64]
NAN = float("nan")


def landmark_errors(
    found: Array, truth: Array, *, spacing: tuple[float, float] = (1.0, 1.0)
) -> Array:
    """Euclidean distance of each landmark ``(n, 2)`` of x, y; NaN where either is missing.

    ``spacing`` is (down, across), in mm for millimetres.
    """
    require(found.shape == truth.shape, f"{found.shape} found for {truth.shape} true landmarks")
    return np.hypot(
        (found[:, 0] - truth[:, 0]) * spacing[1], (found[:, 1] - truth[:, 1]) * spacing[0]
    )


def is_within(error: Array, *, radius: float) -> Array:
    """1.0 where a landmark lies within ``radius``; one that was not found (NaN) fails, 0.0."""
    return (np.nan_to_num(error, nan=np.inf) <= radius).astype(np.float64)


def mean_of(value: Array, **stated: float | str) -> float:
    """Mean of per-unit values, undefined ones (NaN) left out.

    ``stated`` are parameters that went into the values already (a radius, a tolerance, the
    unit); they identify the score and change nothing here.
    """
    del stated
    kept = value[~np.isnan(value)]
    return float(kept.mean()) if len(kept) else NAN


def mean_difference(truth: Array, value: Array, **stated: float | str) -> float:
    """Mean of value minus truth: the bias, missing ones left out."""
    return mean_of(value - truth, **stated)


def absolute_error(truth: Array, value: Array, **stated: float | str) -> float:
    """Mean absolute error of a measurement, missing ones left out."""
    return mean_of(np.abs(value - truth), **stated)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Bland and Altman's bias and 95 % limits of agreement with their standard errors."""

    bias: float
    deviation: float
    low: float
    high: float
    bias_error: float
    limit_error: float
    count: int


def bland_altman(truth: Array, value: Array) -> Agreement:
    """Agreement of two measurements of the same units (Bland and Altman 1986).

    Limits are the bias +- 1.96 standard deviations of the differences.

    Raises:
        InvalidValueError: Fewer than two units have both.
    """
    away = value - truth
    away = away[~np.isnan(away)]
    require(len(away) > 1, f"agreement needs two units with both values, got {len(away)}")
    bias, deviation = float(away.mean()), float(away.std(ddof=1))
    reach, count = 1.96 * deviation, len(away)
    return Agreement(
        bias,
        deviation,
        bias - reach,
        bias + reach,
        deviation / count**0.5,
        (deviation**2 * (1 / count + 1.96**2 / (2 * (count - 1)))) ** 0.5,
        count,
    )


def intraclass_correlation(truth: Array, value: Array) -> float:
    """ICC(2,1), absolute agreement of two raters (Shrout and Fleiss 1979)."""
    keep = ~(np.isnan(truth) | np.isnan(value))
    table = np.stack([truth[keep], value[keep]], axis=1)
    count, raters = table.shape
    if count < 2:
        return NAN
    grand = table.mean()
    rows = raters * ((table.mean(axis=1) - grand) ** 2).sum() / (count - 1)
    columns = count * ((table.mean(axis=0) - grand) ** 2).sum() / (raters - 1)
    total = ((table - grand) ** 2).sum()
    rest = total - rows * (count - 1) - columns * (raters - 1)
    rest /= (count - 1) * (raters - 1)
    below = rows + (raters - 1) * rest + raters * (columns - rest) / count
    return float((rows - rest) / below) if below else NAN
