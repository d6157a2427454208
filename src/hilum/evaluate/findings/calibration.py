"""Whether a probability means what it says."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.findings.labelled import NAN, Array, labelled

__all__ = [
    "BrierParts",
    "ReliabilityBin",
    "adaptive_calibration_error",
    "brier",
    "brier_parts",
    "calibration_error",
    "calibration_line",
    "log_loss",
    "reliability_bins",
]

BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """A bin of a reliability diagram: its ends, its units, their mean probability and the
    observed share of present ones."""

    low: float
    high: float
    units: int
    mean_prob: float
    observed: float


@dataclass(frozen=True, slots=True)
class BrierParts:
    """Murphy's parts: brier = reliability - resolution + uncertainty + ``within``.

    ``within`` is what the spread of probabilities inside a bin adds (Stephenson 2008); it is
    zero when every bin holds one value.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def _bin_numbers(prob: Array, bins: int, is_adaptive: bool) -> npt.NDArray[np.intp]:
    if is_adaptive:
        ranks = np.argsort(np.argsort(prob, kind="stable"), kind="stable")
        return (ranks * bins) // max(len(prob), 1)
    return np.minimum((prob * bins).astype(np.intp), bins - 1)


def reliability_bins(
    truth: Array, prob: Array, *, bins: int = BINS, is_adaptive: bool = False
) -> tuple[ReliabilityBin, ...]:
    """Bins of equal width over [0, 1], or of equally many units; empty ones are left out."""
    require(bins >= 1, f"at least one bin, got {bins}")
    truth, prob = labelled(truth, prob)
    number = _bin_numbers(prob, bins, is_adaptive)
    result = []
    for index in np.unique(number):
        inside = number == index
        low, high = index / bins, (index + 1) / bins
        if is_adaptive:
            low, high = float(prob[inside].min()), float(prob[inside].max())
        result.append(
            ReliabilityBin(
                float(low),
                float(high),
                int(inside.sum()),
                float(prob[inside].mean()),
                float(truth[inside].mean()),
            )
        )
    return tuple(result)


def _expected_gap(found: tuple[ReliabilityBin, ...]) -> float:
    count = sum(b.units for b in found)
    if not count:
        return NAN
    return sum(b.units * abs(b.mean_prob - b.observed) for b in found) / count


def calibration_error(truth: Array, prob: Array, *, bins: float = BINS) -> float:
    """Expected calibration error of the positive class over bins of equal width.

    Naeini 2015 with the positive class's probability, not the top class's confidence.
    """
    return _expected_gap(reliability_bins(truth, prob, bins=int(bins)))


def adaptive_calibration_error(truth: Array, prob: Array, *, bins: float = BINS) -> float:
    """The same over bins that hold equally many units (Nguyen and O'Connor 2015)."""
    return _expected_gap(reliability_bins(truth, prob, bins=int(bins), is_adaptive=True))


def brier(truth: Array, prob: Array) -> float:
    """Mean squared difference of probability and truth (Brier 1950, positive class)."""
    truth, prob = labelled(truth, prob)
    return float(np.mean((prob - truth) ** 2)) if len(truth) else NAN


def brier_parts(truth: Array, prob: Array, *, bins: int = BINS) -> BrierParts:
    """Reliability, resolution and uncertainty over bins of equal width (Murphy 1973)."""
    total = brier(truth, prob)
    found = reliability_bins(truth, prob, bins=bins)
    count = sum(b.units for b in found)
    if not count:
        return BrierParts(NAN, NAN, NAN, NAN)
    base = sum(b.units * b.observed for b in found) / count
    reliability = sum(b.units * (b.mean_prob - b.observed) ** 2 for b in found) / count
    resolution = sum(b.units * (b.observed - base) ** 2 for b in found) / count
    uncertainty = base * (1 - base)
    within = total - (reliability - resolution + uncertainty)
    return BrierParts(reliability, resolution, uncertainty, within)


def log_loss(truth: Array, prob: Array) -> float:
    """Mean negative log-likelihood in nats, probabilities held off 0 and 1 by 1e-15."""
    truth, prob = labelled(truth, prob)
    if not len(truth):
        return NAN
    held = np.clip(prob, 1e-15, 1 - 1e-15)
    return float(-np.mean(truth * np.log(held) + (1 - truth) * np.log1p(-held)))


def calibration_line(truth: Array, prob: Array, *, steps: int = 50) -> tuple[float, float]:
    """Intercept and slope of the logistic recalibration; (0, 1) is ideal (Cox 1958).

    Newton's method with a trace of ridge on the slope's departure from 1, so that separable
    data have an answer. NaN when only one class is labelled.
    """
    truth, prob = labelled(truth, prob)
    if len(np.unique(truth)) < 2:
        return NAN, NAN
    held = np.clip(prob, 1e-6, 1 - 1e-6)
    design = np.stack([np.ones_like(held), np.log(held / (1 - held))], axis=1)  # (units, 2)
    beta, ridge = np.array([0.0, 1.0]), np.diag([1e-6, 1e-6])
    for _ in range(steps):
        fitted = 1 / (1 + np.exp(-np.clip(design @ beta, -35, 35)))
        gradient = design.T @ (truth - fitted) - ridge @ (beta - [0.0, 1.0])
        hessian = design.T @ (design * (fitted * (1 - fitted))[:, None]) + ridge
        step = np.linalg.solve(hessian, gradient)
        beta = beta + step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        if math.isclose(float(np.abs(step).max()), 0.0, abs_tol=1e-10):
            break
    return float(beta[0]), float(beta[1])
