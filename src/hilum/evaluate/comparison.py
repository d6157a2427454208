"""Compare two evaluations: only the same metric, on the same units, in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from hilum.errors import InvalidValueError, require
from hilum.evaluate.records import Metric, find_metric
from hilum.evaluate.resampling import (
    PairedTest,
    adjust_p_values,
    paired_bootstrap,
    paired_permutation,
)
from hilum.evaluate.scores import Evaluation, Score

__all__ = ["Comparison", "compare_evaluations"]

REFERENCES = ("truth", "reference", "weight")
"""Arguments that describe the units and not the system; they must agree."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric in two evaluations; ``test`` is None where the difference is undefined.

    ``permutation_p`` swaps the systems at random, ``adjusted_p`` is the same corrected over
    all comparisons of the call.
    """

    first: Score
    second: Score
    test: PairedTest | None
    permutation_p: float
    adjusted_p: float


def compare_evaluations(
    first: Evaluation,
    second: Evaluation,
    *,
    rng: np.random.Generator,
    draws: int = 2000,
    correction: str = "holm",
) -> tuple[Comparison, ...]:
    """Second minus first for every score that both hold.

    Raises:
        InvalidValueError: The two differ in kind, units, truth or in the record of a metric,
            or no score stands in both; the message names what differs.
    """
    require(first.kind == second.kind, f"one is of {first.kind}, the other of {second.kind}")
    order = _matching_rows(first.units, second.units)
    theirs = {score.key: score for score in second.scores}
    _require_same_records(first.scores, second.scores)
    pairs = [(score, theirs[score.key]) for score in first.scores if score.key in theirs]
    require(bool(pairs), "the two evaluations share no score")
    results = []
    for one, other in pairs:
        metric = find_metric(first.kind, one.metric.id)
        _require_current(metric, one)
        left = first.inputs(one)
        right = {name: values[order] for name, values in second.inputs(other).items()}
        _require_same_truth(one, left, right)
        compute = partial(metric.compute, **one.parameters)
        settings: dict[str, Any] = {"draws": draws, "groups": first.groups}
        test = paired_bootstrap(compute, left, right, rng=rng, **settings)
        p_value = paired_permutation(compute, left, right, rng=rng, **settings)
        results.append((one, other, test, p_value))
    adjusted = adjust_p_values(np.array([row[3] for row in results]), method=correction)
    return tuple(Comparison(*row, float(p)) for row, p in zip(results, adjusted, strict=True))


def _matching_rows(first: Sequence[str], second: Sequence[str]) -> list[int]:
    place = {unit: row for row, unit in enumerate(second)}
    lost = [unit for unit in first if unit not in place]
    if lost or len(first) != len(second):
        raise InvalidValueError(
            f"the evaluations are of different units: {len(lost)} of {len(first)} are missing in "
            f"the second, which has {len(second)}; evaluate both on the same units"
        )
    return [place[unit] for unit in first]


def _require_same_records(first: Sequence[Score], second: Sequence[Score]) -> None:
    """Refuse one name with two definitions, whichever scores carry it."""
    for name in {s.metric.name for s in first} & {s.metric.name for s in second}:
        left = {s.metric.id: s.metric for s in first if s.metric.name == name}
        right = {s.metric.id: s.metric for s in second if s.metric.name == name}
        require(
            bool(set(left) & set(right)),
            f"{name} is another variant in each: {', '.join(left)} against {', '.join(right)}",
        )
        for id_ in set(left) & set(right):
            mine, other = left[id_].as_dict(), right[id_].as_dict()
            changed = [key for key in mine if mine[key] != other[key]]
            require(not changed, f"{id_} is defined otherwise in each: {', '.join(changed)}")


def _require_current(metric: Metric, score: Score) -> None:
    require(
        metric.record.version == score.metric.version,
        f"{score.metric.id} was computed by version {score.metric.version}, this is version "
        f"{metric.record.version}; evaluate again",
    )


def _require_same_truth(score: Score, left: Mapping[str, Any], right: Mapping[str, Any]) -> None:
    for name in left:
        if name in REFERENCES:
            same = left[name].shape == right[name].shape and np.array_equal(
                left[name], right[name], equal_nan=left[name].dtype.kind == "f"
            )
            require(same, f"{score.key}: the {name} differs between the evaluations")
