"""What abstaining buys: risk by coverage, and prediction sets with a promised coverage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.findings.labelled import NAN, Array, labelled

__all__ = [
    "ConformalThresholds",
    "area_under_risk_coverage",
    "conformal_sets",
    "excess_area_under_risk_coverage",
    "fit_conformal",
    "risk_coverage_curve",
]


def risk_coverage_curve(
    truth: Array, prob: Array, *, threshold: float = 0.5
) -> tuple[Array, Array]:
    """Error rate among the most confident units, by how many of all are kept.

    Confidence is the distance of the probability from the threshold, measured on its own
    side so that both ends of [0, 1] mean certainty. Equal confidences enter together.

    Returns:
        Coverage in (0, 1] rising, and the risk at each.
    """
    truth, prob = labelled(truth, prob)
    if not len(truth):
        return np.array([]), np.array([])
    wrong = ((prob >= threshold) != (truth == 1)).astype(float)
    span = np.where(prob >= threshold, max(1 - threshold, 1e-12), max(threshold, 1e-12))
    confidence = np.abs(prob - threshold) / span
    order = np.argsort(-confidence, kind="stable")
    errors = np.cumsum(wrong[order])
    last = np.append(np.flatnonzero(np.diff(confidence[order])), len(order) - 1)
    return (last + 1) / len(order), errors[last] / (last + 1)


def area_under_risk_coverage(truth: Array, prob: Array, *, threshold: float = 0.5) -> float:
    """Mean risk over coverage, a step for each group of equal confidence (Geifman 2018)."""
    coverage, risk = risk_coverage_curve(truth, prob, threshold=threshold)
    return float(np.sum(np.diff(coverage, prepend=0.0) * risk)) if len(coverage) else NAN


def excess_area_under_risk_coverage(truth: Array, prob: Array, *, threshold: float = 0.5) -> float:
    """The area less that of a perfect order of the same errors (Geifman 2019), unit steps."""
    area = area_under_risk_coverage(truth, prob, threshold=threshold)
    if np.isnan(area):
        return NAN
    labels, probs = labelled(truth, prob)
    count = len(labels)
    errors = int(np.sum((probs >= threshold) != (labels == 1)))
    steps = np.arange(1, count + 1)
    best = float(np.mean(np.maximum(0, steps - (count - errors)) / steps))
    return area - best


@dataclass(frozen=True, slots=True)
class ConformalThresholds:
    """Largest non-conformity (1 - probability of the class) that a set still admits, by class.

    ``alpha`` is the promised error; coverage at least ``1 - alpha`` holds for each class when
    calibration and test units are exchangeable.
    """

    alpha: float
    absent: float
    present: float


def fit_conformal(truth: Array, prob: Array, *, alpha: float) -> ConformalThresholds:
    """Class-conditional split conformal prediction (Vovk 2012, Mondrian).

    Raises:
        InvalidValueError: ``alpha`` outside (0, 1), or a class without units.
    """
    require(0.0 < alpha < 1.0, f"alpha lies in (0, 1), got {alpha}")
    truth, prob = labelled(truth, prob)
    limits = []
    for label, score in ((0, prob), (1, 1 - prob)):
        own = np.sort(score[truth == label])
        require(len(own) > 0, f"no calibration unit with truth {label}")
        rank = int(np.ceil((len(own) + 1) * (1 - alpha)))
        limits.append(float(own[rank - 1]) if rank <= len(own) else 1.0)
    return ConformalThresholds(alpha, limits[0], limits[1])


def conformal_sets(prob: Array, thresholds: ConformalThresholds) -> npt.NDArray[np.bool_]:
    """Whether each class belongs to the set, ``(units, 2)``: absent, present.

    A set with both classes is an abstention; one with neither is an outlier.
    """
    prob = np.asarray(prob, dtype=float)
    return np.stack([prob <= thresholds.absent, 1 - prob <= thresholds.present], axis=1)
