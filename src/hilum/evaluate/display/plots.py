"""The plots of an evaluation, each from the arrays that its scores came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hilum.evaluate.display.svg import Axes, Series, draw_chart, draw_forest
from hilum.evaluate.findings.abstention import risk_coverage_curve
from hilum.evaluate.findings.calibration import reliability_bins
from hilum.evaluate.findings.discrimination import precision_recall_curve, roc_curve
from hilum.evaluate.regions.boxes import detections_of, hit_rate_at
from hilum.evaluate.regions.points import bland_altman
from hilum.evaluate.scores import Score

__all__ = [
    "agreement_plot",
    "calibration_plot",
    "forest_plot",
    "free_response_plot",
    "precision_recall_plot",
    "risk_coverage_plot",
    "roc_plot",
    "stress_plot",
]

Array = npt.NDArray[np.float64]
Pairs = Mapping[str, tuple[Array, Array]]
"""Truth and probability by the name in the legend."""


def _points(x: Array, y: Array) -> list[tuple[float, float]]:
    return list(zip(x.tolist(), y.tolist(), strict=True))


def roc_plot(pairs: Pairs) -> str:
    """ROC curves."""
    axes = Axes("ROC", "1 - specificity", "sensitivity", diagonal=True)
    curves = {name: roc_curve(*pair) for name, pair in pairs.items()}
    series = [Series(n, _points(c.x, c.y)) for n, c in curves.items() if len(c.x)]
    return draw_chart(axes, series)


def precision_recall_plot(pairs: Pairs) -> str:
    """Precision by recall."""
    axes = Axes("Precision and recall", "recall", "precision")
    curves = {name: precision_recall_curve(*pair) for name, pair in pairs.items()}
    series = [Series(n, _points(c.x, c.y)) for n, c in curves.items() if len(c.x)]
    return draw_chart(axes, series)


def calibration_plot(pairs: Pairs) -> str:
    """Reliability diagrams over ten bins."""
    axes = Axes("Reliability", "mean probability", "observed share", diagonal=True)
    series = []
    for name, pair in pairs.items():
        bins = reliability_bins(*pair)
        series.append(Series(name, [(b.mean_prob, b.observed) for b in bins]))
    return draw_chart(axes, series)


def risk_coverage_plot(pairs: Pairs, *, threshold: float = 0.5) -> str:
    """Error rate by how many of the most confident are kept."""
    curves = {n: risk_coverage_curve(*pair, threshold=threshold) for n, pair in pairs.items()}
    top = max([float(risk.max()) for _, risk in curves.values() if len(risk)] or [0.5])
    axes = Axes("Risk by coverage", "coverage", "error rate", y_range=(0.0, max(top, 0.05)))
    series = [Series(n, _points(*curve)) for n, curve in curves.items() if len(curve[0])]
    return draw_chart(axes, series)


def free_response_plot(boxes: Mapping[str, tuple[Array, Array]], *, iou: float) -> str:
    """FROC: true boxes found by false boxes an image, from padded boxes by label."""
    levels = [0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
    axes = Axes(f"FROC, IoU {iou:g}", "false boxes an image", "found", x_range=(0.0, levels[-1]))
    series = []
    for name, (found, truth) in boxes.items():
        cases = detections_of(found, truth)
        rates = [hit_rate_at(cases, false_positives=level, iou=iou) for level in levels]
        if not np.isnan(rates).any():
            series.append(Series(name, list(zip(levels, rates, strict=True)), "step"))
    return draw_chart(axes, series)


def agreement_plot(name: str, truth: Array, value: Array) -> str:
    """Bland and Altman's plot of one measurement."""
    keep = ~(np.isnan(truth) | np.isnan(value))
    mean, away = (truth[keep] + value[keep]) / 2, value[keep] - truth[keep]
    found = bland_altman(truth, value)
    reach = max(float(np.abs(away).max()), abs(found.low), abs(found.high)) * 1.1
    span = (float(mean.min()), float(mean.max()))
    axes = Axes(f"Agreement: {name}", "mean", "found - true", span, (-reach, reach))
    lines = [
        Series("", [(span[0], y), (span[1], y)], is_dashed=True)
        for y in (found.low, found.bias, found.high)
    ]
    return draw_chart(axes, [Series("", _points(mean, away), "points"), *lines])


def stress_plot(finding: str, scores: Sequence[Score]) -> str:
    """A score under each corruption by severity; what is undefined is left out."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for score in scores:
        if not np.isnan(score.value):
            at = (float(score.parameters["severity"]), score.value)
            lines.setdefault(str(score.parameters["corruption"]), []).append(at)
    lowest = min([y for points in lines.values() for _, y in points], default=0.0)
    axes = Axes(
        f"Under corruption: {finding}",
        "severity",
        "AUROC",
        x_range=(1.0, 5.0),
        y_range=(max(0.0, float(np.floor(lowest * 10) / 10)), 1.0),
        width=520,
    )
    return draw_chart(axes, [Series(name, sorted(points)) for name, points in lines.items()])


def forest_plot(title: str, scores: Sequence[tuple[str, Score]], *, x_label: str) -> str:
    """Scores with intervals, by row name."""
    rows = [
        (
            name,
            score.value,
            score.interval.low if score.interval else None,
            score.interval.high if score.interval else None,
        )
        for name, score in scores
        if not np.isnan(score.value)
    ]
    ends = [v for row in rows for v in row[1:] if v is not None] or [0.0, 1.0]
    low, high = min(ends), max(ends)
    low, high = (np.floor(low * 10) / 10, np.ceil(high * 10) / 10) if high > low else (0.0, 1.0)
    return draw_forest(title, rows, x_label=x_label, x_range=(float(low), float(high)))
