"""How well a probability ranks: ROC and precision-recall curves and what is read off them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hilum.evaluate.findings.labelled import NAN, Array, labelled, positives

__all__ = [
    "Curve",
    "auroc",
    "average_precision",
    "precision_recall_curve",
    "roc_curve",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points of a curve, one a threshold: ``prob >= threshold`` is called present.

    For ROC ``x`` is 1 - specificity and ``y`` sensitivity; for precision-recall ``x`` is
    recall and ``y`` precision.
    """

    x: Array
    y: Array
    thresholds: Array


def _cumulative(truth: Array, prob: Array) -> tuple[Array, Array, Array]:
    """True and false positives when calling all from each distinct threshold upwards."""
    order = np.argsort(-prob, kind="stable")
    ranked, values = truth[order], prob[order]
    last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    hits = np.cumsum(ranked)[last]
    return hits, 1.0 + last - hits, values[last]


def roc_curve(truth: Array, prob: Array) -> Curve:
    """The empirical ROC curve from (0, 0) to (1, 1), every distinct probability a point."""
    truth, prob = labelled(truth, prob)
    present, absent = positives(truth)
    if not present or not absent:
        return Curve(np.array([]), np.array([]), np.array([]))
    hits, alarms, thresholds = _cumulative(truth, prob)
    return Curve(
        np.concatenate([[0.0], alarms / absent]),
        np.concatenate([[0.0], hits / present]),
        np.concatenate([[np.inf], thresholds]),
    )


def auroc(truth: Array, prob: Array) -> float:
    """Area under the empirical ROC curve, ties counted half (the Mann-Whitney statistic).

    NaN when only one class is labelled. Hanley and McNeil 1982.

    >>> auroc(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    curve = roc_curve(truth, prob)
    return float(np.trapezoid(curve.y, curve.x)) if len(curve.x) else NAN


def precision_recall_curve(truth: Array, prob: Array) -> Curve:
    """Precision by recall, every distinct probability a point, recall rising."""
    truth, prob = labelled(truth, prob)
    present, _ = positives(truth)
    if not present:
        return Curve(np.array([]), np.array([]), np.array([]))
    hits, alarms, thresholds = _cumulative(truth, prob)
    return Curve(hits / present, hits / (hits + alarms), thresholds)


def average_precision(truth: Array, prob: Array) -> float:
    """Precision summed over the steps of recall, without interpolation; NaN without positives."""
    curve = precision_recall_curve(truth, prob)
    if not len(curve.x):
        return NAN
    return float(np.sum(np.diff(curve.x, prepend=0.0) * curve.y))


def sensitivity_at_specificity(truth: Array, prob: Array, *, specificity: float) -> float:
    """The highest sensitivity of any threshold whose specificity is at least the asked one."""
    curve = roc_curve(truth, prob)
    allowed = 1.0 - curve.x >= specificity - 1e-12
    return float(curve.y[allowed].max()) if len(curve.x) else NAN


def specificity_at_sensitivity(truth: Array, prob: Array, *, sensitivity: float) -> float:
    """The highest specificity of any threshold whose sensitivity is at least the asked one."""
    curve = roc_curve(truth, prob)
    allowed = curve.y >= sensitivity - 1e-12
    return float(1.0 - curve.x[allowed].min()) if len(curve.x) else NAN
