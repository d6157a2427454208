"""The metrics of one finding on weighted units, sorted once: what makes resampling fast.

A bootstrap sample is a vector of counts; with the units sorted beforehand each metric is a few
passes over memory. Every function gives what its plain twin gives on the repeated units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.evaluate.findings.labelled import NAN, Array, labelled

__all__ = ["WEIGHTED", "Prepared", "bootstrap_labels", "draw_counts", "prepare"]

Counts = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The labelled units of a finding by rising probability.

    ``rows`` are their places among all units (four bytes each, for speed), ``ends`` the last
    place of each group of equal probabilities, None where all differ.
    """

    rows: npt.NDArray[np.int32]
    truth: Array
    prob: Array
    present: npt.NDArray[np.intp]
    absent: npt.NDArray[np.int32]
    ends: npt.NDArray[np.intp] | None


def prepare(truth: Array, prob: Array) -> Prepared:
    """Sort the labelled units of one finding."""
    kept = np.flatnonzero(~(np.isnan(truth) | np.isnan(prob)))
    truth, prob = labelled(truth, prob)
    order = np.argsort(prob, kind="stable")
    truth, prob = truth[order], prob[order]
    steps = np.flatnonzero(np.diff(prob))
    ends = None if len(steps) == len(prob) - 1 else np.append(steps, len(prob) - 1)
    present = np.flatnonzero(truth == 1)
    return Prepared(
        kept[order].astype(np.int32), truth, prob, present, (truth == 0).astype(np.int32), ends
    )


def _auroc(units: Prepared, counts: Counts) -> float:
    if not len(counts):
        return NAN
    # a running sum in the counts' own type takes a tenth of the time of one that widens them
    upto_each = np.cumsum(counts, dtype=np.int32)
    caught = counts[units.present].astype(np.float64)
    total = caught.sum()
    absent = float(upto_each[-1]) - total
    if not total or not absent:
        return NAN
    if units.ends is None:
        below = upto_each[units.present] - np.cumsum(caught)
        return float(caught @ below / (total * absent))
    upto = np.cumsum(counts * units.absent, dtype=np.int32)[units.ends]
    before = np.concatenate([[0], upto[:-1]])
    group = np.searchsorted(units.ends, units.present)
    return float(caught @ ((upto + before) / 2.0)[group] / (total * absent))


def _average_precision(units: Prepared, counts: Counts) -> float:
    weights = counts.astype(np.float64)
    hits = np.cumsum((weights * units.truth)[::-1])
    called = np.cumsum(weights[::-1])
    total = hits[-1]
    if not total:
        return NAN
    if units.ends is not None:
        starts = np.concatenate([[0], units.ends[:-1] + 1])
        places = (len(weights) - 1 - starts)[::-1]
        hits, called = hits[places], called[places]
    gained = np.diff(hits, prepend=0.0)
    precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
    return float(gained @ precision / total)


def _brier(units: Prepared, counts: Counts) -> float:
    total = counts.sum()
    return float(counts @ (units.prob - units.truth) ** 2 / total) if total else NAN


def _calibration_error(units: Prepared, counts: Counts, *, bins: float) -> float:
    total = counts.sum()
    if not total:
        return NAN
    number = np.minimum((units.prob * bins).astype(np.intp), int(bins) - 1)
    gaps = np.bincount(number, weights=counts * (units.prob - units.truth), minlength=int(bins))
    return float(np.abs(gaps).sum() / total)


def _calls(units: Prepared, counts: Counts, threshold: float) -> tuple[float, ...]:
    first = int(np.searchsorted(units.prob, threshold, side="left"))
    total, present = float(counts.sum()), float(counts @ units.truth)
    called, hits = float(counts[first:].sum()), float(counts[first:] @ units.truth[first:])
    return hits, called - hits, present - hits, total - present - (called - hits)


def _f1(units: Prepared, counts: Counts, *, threshold: float) -> float:
    hits, alarms, misses, _ = _calls(units, counts, threshold)
    whole = 2 * hits + alarms + misses
    return 2 * hits / whole if whole else NAN


def _sensitivity(units: Prepared, counts: Counts, *, threshold: float) -> float:
    hits, _, misses, _ = _calls(units, counts, threshold)
    return hits / (hits + misses) if hits + misses else NAN


def _specificity(units: Prepared, counts: Counts, *, threshold: float) -> float:
    _, alarms, _, rest = _calls(units, counts, threshold)
    return rest / (rest + alarms) if rest + alarms else NAN


WEIGHTED: Mapping[str, Callable[..., float]] = {
    "auroc/empirical": _auroc,
    "average_precision/step": _average_precision,
    "brier/binary": _brier,
    "calibration_error/equal_width": _calibration_error,
    "f1/threshold": _f1,
    "sensitivity/threshold": _sensitivity,
    "specificity/threshold": _specificity,
}
"""By record id; each takes ``(prepared, counts)`` and the parameters of its twin."""


def draw_counts(
    count: int, *, draws: int, rng: np.random.Generator, groups: Sequence[str] = ()
) -> npt.NDArray[np.int32]:
    """How often each unit is drawn, ``(draws, count)``; whole groups are drawn together."""
    if groups:
        _, cluster = np.unique(np.asarray(groups), return_inverse=True)
        size = int(cluster.max()) + 1
    else:
        cluster, size = None, count
    result = np.empty((draws, count), dtype=np.int32)
    for number in range(draws):
        drawn = np.bincount(rng.integers(size, size=size), minlength=size).astype(np.int32)
        result[number] = drawn if cluster is None else drawn[cluster]
    return result


def bootstrap_labels(
    labels: Sequence[Prepared],
    metrics: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    count: int,
    draws: int,
    rng: np.random.Generator,
    groups: Sequence[str] = (),
) -> npt.NDArray[np.float64]:
    """Metrics of several findings on the same resamples, ``(draws, labels, metrics)``.

    Args:
        labels: What ``prepare`` gave for each finding.
        metrics: Ids of ``WEIGHTED`` with their parameters.
        count: Number of all units.
        draws: How many resamples.
        rng: What decides.
        groups: Cluster of each unit, or empty.
    """
    result = np.empty((draws, len(labels), len(metrics)))
    batch = max(1, min(draws, 20_000_000 // max(count, 1)))
    for start in range(0, draws, batch):
        size = min(batch, draws - start)
        drawn = draw_counts(count, draws=size, rng=rng, groups=groups)
        for row, counts in enumerate(drawn, start=start):
            for column, units in enumerate(labels):
                own = np.take(counts, units.rows, mode="clip")  # clip: without a check
                for place, (name, parameters) in enumerate(metrics):
                    result[row, column, place] = (
                        WEIGHTED[name](units, own, **parameters) if len(own) else NAN
                    )
    return result
