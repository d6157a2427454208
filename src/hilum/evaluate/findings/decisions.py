"""What calls at a stated threshold are worth: counts, rates, F1, net benefit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.findings.labelled import NAN, Array, labelled, positives

__all__ = [
    "count_calls",
    "decision_curve",
    "f1",
    "f1_micro",
    "net_benefit",
    "predictive_value",
    "sensitivity",
    "specificity",
]


def count_calls(truth: Array, prob: Array, *, threshold: float) -> tuple[int, int, int, int]:
    """True positives, false positives, false negatives, true negatives at ``threshold``.

    ``prob >= threshold`` is called present.
    """
    truth, prob = labelled(truth, prob)
    called = prob >= threshold
    hits = int(np.sum(called & (truth == 1)))
    alarms = int(np.sum(called & (truth == 0)))
    present, absent = positives(truth)
    return hits, alarms, present - hits, absent - alarms


def _share(part: float, whole: float) -> float:
    return part / whole if whole else NAN


def sensitivity(truth: Array, prob: Array, *, threshold: float) -> float:
    """Share of the present that are called; NaN without positives."""
    hits, _, misses, _ = count_calls(truth, prob, threshold=threshold)
    return _share(hits, hits + misses)


def specificity(truth: Array, prob: Array, *, threshold: float) -> float:
    """Share of the absent that are not called; NaN without negatives."""
    _, alarms, _, rest = count_calls(truth, prob, threshold=threshold)
    return _share(rest, rest + alarms)


def predictive_value(truth: Array, prob: Array, *, threshold: float, prevalence: float) -> float:
    """Positive predictive value at another prevalence, by Bayes' rule; NaN where undefined."""
    caught = sensitivity(truth, prob, threshold=threshold)
    spared = specificity(truth, prob, threshold=threshold)
    return _share(caught * prevalence, caught * prevalence + (1 - spared) * (1 - prevalence))


def f1(truth: Array, prob: Array, *, threshold: float) -> float:
    """Harmonic mean of precision and recall; NaN where nothing is present or called."""
    hits, alarms, misses, _ = count_calls(truth, prob, threshold=threshold)
    return _share(2 * hits, 2 * hits + alarms + misses)


def f1_micro(truth: Array, prob: Array, *, threshold: float) -> float:
    """F1 of the calls of all labels pooled, ``(units, labels)``."""
    return f1(np.ravel(truth), np.ravel(prob), threshold=threshold)


def net_benefit(truth: Array, prob: Array, *, threshold: float) -> float:
    """Net benefit of acting on calls: true positives less false ones at the threshold's odds.

    Per unit, so at most the prevalence. Vickers and Elkin 2006.

    Raises:
        InvalidValueError: The threshold is not inside (0, 1).
    """
    require(0.0 < threshold < 1.0, f"a threshold probability lies in (0, 1), got {threshold}")
    hits, alarms, misses, rest = count_calls(truth, prob, threshold=threshold)
    count = hits + alarms + misses + rest
    return (hits - alarms * threshold / (1 - threshold)) / count if count else NAN


def decision_curve(truth: Array, prob: Array, thresholds: Array) -> npt.NDArray[np.float64]:
    """Net benefit ``(thresholds, 3)`` of the reader, of acting on all, of acting on none."""
    everyone = np.ones_like(prob)
    return np.array(
        [
            [
                net_benefit(truth, prob, threshold=value),
                net_benefit(truth, np.where(np.isnan(prob), np.nan, everyone), threshold=value),
                0.0,
            ]
            for value in np.asarray(thresholds, dtype=float)
        ]
    )
