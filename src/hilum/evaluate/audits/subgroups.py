"""Whether a reader serves all patients alike: scores by subgroup, and their gaps.

A subgroup is a text for each unit; the empty text is unknown and counts for no subgroup.
``group`` names the one that is scored.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hilum.evaluate.findings import auroc, calibration_error, sensitivity, specificity
from hilum.evaluate.findings.labelled import NAN, Array, labelled

__all__ = [
    "calibration_bias",
    "equalised_odds_gap",
    "false_positive_rate",
    "gap_by_chance",
    "gap_of",
    "missed_rate",
    "versus_rest",
    "within",
]

Subgroups = npt.NDArray[np.str_]
Metric = Callable[..., float]
LEAST = 5
"""A subgroup takes part in a gap only with so many present and so many absent."""


def missed_rate(truth: Array, prob: Array, *, threshold: float) -> float:
    """Share of the present that are not called at ``prob >= threshold``."""
    return 1.0 - sensitivity(truth, prob, threshold=threshold)


def false_positive_rate(truth: Array, prob: Array, *, threshold: float) -> float:
    """Share of the absent that are called at ``prob >= threshold``.

    For ``no_finding`` this is the underdiagnosis rate of Seyyed-Kalantari 2021: the sick who
    are called healthy.
    """
    return 1.0 - specificity(truth, prob, threshold=threshold)


def calibration_bias(truth: Array, prob: Array) -> float:
    """Mean probability less the observed share: positive where the reader overstates."""
    truth, prob = labelled(truth, prob)
    return float(prob.mean() - truth.mean()) if len(truth) else NAN


def within(metric: Metric) -> Metric:
    """The metric on the units of one subgroup."""

    def compute(
        truth: Array, prob: Array, subgroup: Subgroups, *, group: str, **parameters: float
    ) -> float:
        inside = subgroup == group
        return metric(truth[inside], prob[inside], **parameters)

    return compute


def versus_rest(metric: Metric) -> Metric:
    """The metric on one subgroup less that on all other units of known subgroup."""

    def compute(
        truth: Array, prob: Array, subgroup: Subgroups, *, group: str, **parameters: float
    ) -> float:
        inside, known = subgroup == group, subgroup != ""
        rest = known & ~inside
        return metric(truth[inside], prob[inside], **parameters) - metric(
            truth[rest], prob[rest], **parameters
        )

    return compute


def _values(
    metric: Metric, truth: Array, prob: Array, subgroup: Subgroups, **given: float
) -> Array:
    known = ~(np.isnan(truth) | np.isnan(prob))
    values = []
    for name in np.unique(subgroup[subgroup != ""]):
        inside = known & (subgroup == name)
        present = int(truth[inside].sum())
        if min(present, int(inside.sum()) - present) >= LEAST:
            values.append(metric(truth[inside], prob[inside], **given))
    return np.array([value for value in values if not np.isnan(value)])


def gap_of(metric: Metric) -> Metric:
    """The largest less the smallest value over subgroups; NaN with fewer than two.

    Never negative, and above zero by chance alone: see ``gap_by_chance``.
    """

    def compute(truth: Array, prob: Array, subgroup: Subgroups, **parameters: float) -> float:
        values = _values(metric, truth, prob, subgroup, **parameters)
        return float(np.ptp(values)) if len(values) >= 2 else NAN

    return compute


def equalised_odds_gap(
    truth: Array, prob: Array, subgroup: Subgroups, *, threshold: float
) -> float:
    """The larger of the gaps in true and in false positive rate (Hardt 2016)."""
    gaps = [
        gap_of(metric)(truth, prob, subgroup, threshold=threshold)
        for metric in (sensitivity, false_positive_rate)
    ]
    return float(max(gaps)) if not np.isnan(gaps).any() else NAN


def gap_by_chance(
    gap: Metric,
    truth: Array,
    prob: Array,
    subgroup: Subgroups,
    *,
    groups: npt.NDArray[np.str_],
    rng: np.random.Generator,
    draws: int = 200,
    **parameters: float,
) -> tuple[float, float]:
    """The median gap when patients are dealt to subgroups at random, and the p-value.

    Args:
        gap: From ``gap_of``, or ``equalised_odds_gap``.
        truth: ``(units,)``.
        prob: ``(units,)``.
        subgroup: ``(units,)``; shuffled among patients, each keeping one subgroup (his first).
        groups: Patient of each unit.
        rng: What decides.
        draws: How many shuffles.
        parameters: Of the metric.

    Returns:
        Median, and the share of shuffles with at least the observed gap, one added to both.
    """
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    own = subgroup[first]
    observed = gap(truth, prob, subgroup, **parameters)
    values = np.array(
        [gap(truth, prob, rng.permutation(own)[member], **parameters) for _ in range(draws)]
    )
    values = values[~np.isnan(values)]
    if not len(values) or np.isnan(observed):
        return NAN, NAN
    return float(np.median(values)), float((np.sum(values >= observed) + 1) / (len(values) + 1))


SUBGROUP_METRICS: dict[str, Metric] = {
    "auroc/subgroup": within(auroc),
    "auroc_difference/versus_rest": versus_rest(auroc),
    "auroc_gap/max_min": gap_of(auroc),
    "sensitivity_gap/max_min": gap_of(sensitivity),
    "false_positive_gap/max_min": gap_of(false_positive_rate),
    "equalised_odds_gap/max": equalised_odds_gap,
    "missed_rate/subgroup": within(missed_rate),
    "missed_rate_difference/versus_rest": versus_rest(missed_rate),
    "underdiagnosis_rate/no_finding": within(false_positive_rate),
    "underdiagnosis_difference/versus_rest": versus_rest(false_positive_rate),
    "calibration_error/subgroup": within(calibration_error),
    "calibration_bias/subgroup": within(calibration_bias),
}
"""By record id."""
