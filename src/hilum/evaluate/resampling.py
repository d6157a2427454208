"""Intervals and paired tests for any metric, by resampling its units.

Units that belong together (the images of a patient) are drawn together. Draws are seeded by a
generator that is passed in. A draw for which the metric is undefined (a label that no longer
occurs) is left out, and counted: too many of them make the interval undefined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import InvalidValueError, require
from hilum.evaluate.scores import Interval

__all__ = [
    "PairedTest",
    "adjust_p_values",
    "bootstrap_interval",
    "bootstrap_values",
    "describe_bootstrap",
    "draw_units",
    "paired_bootstrap",
    "paired_permutation",
    "percentile_interval",
]

Array = npt.NDArray[Any]
Compute = Callable[..., float]
MAX_UNDEFINED = 0.2
"""An interval of which more draws were undefined would be too narrow."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """System b minus system a on the same units, with the interval and two-sided p-value."""

    difference: float
    interval: Interval
    p_value: float
    method: str


def draw_units(
    count: int,
    *,
    draws: int,
    rng: np.random.Generator,
    groups: Sequence[str] = (),
    strata: Array | None = None,
) -> Iterator[npt.NDArray[np.intp]]:
    """Indices of ``draws`` bootstrap samples of ``count`` units.

    Args:
        count: How many units there are.
        draws: How many samples.
        rng: What decides.
        groups: The cluster of each unit; whole clusters are drawn with replacement.
        strata: ``(count,)`` values; every stratum keeps its number of units, or of clusters,
            each of which counts for the stratum of its first unit.
    """
    require(count > 0, "nothing to draw from")
    members = _members(count, groups)
    firsts = np.array([rows[0] for rows in members])
    labels = np.zeros(len(members)) if strata is None else np.asarray(strata)[firsts]
    pools = [np.flatnonzero(labels == value) for value in np.unique(labels)]
    for _ in range(draws):
        chosen = np.concatenate([rng.choice(pool, size=len(pool)) for pool in pools])
        if len(members) == count:
            yield firsts[chosen]
        else:
            yield np.concatenate([members[index] for index in chosen])


def _members(count: int, groups: Sequence[str]) -> list[npt.NDArray[np.intp]]:
    if not groups:
        return [np.array([row]) for row in range(count)]
    require(len(groups) == count, f"{len(groups)} groups for {count} units")
    _, inverse = np.unique(np.asarray(groups), return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1)


def bootstrap_values(
    compute: Compute,
    arrays: Mapping[str, Array],
    *,
    draws: int,
    rng: np.random.Generator,
    groups: Sequence[str] = (),
    strata: Array | None = None,
) -> npt.NDArray[np.float64]:
    """The metric on ``draws`` resamples of the units, ``(draws,)``, NaN where undefined."""
    count = len(next(iter(arrays.values())))
    samples = draw_units(count, draws=draws, rng=rng, groups=groups, strata=strata)
    return np.array([compute(**{k: v[rows] for k, v in arrays.items()}) for rows in samples])


def percentile_interval(values: Array, *, level: float = 0.95, method: str) -> Interval | None:
    """The interval between percentiles of resampled values; None where too many are NaN."""
    defined = values[~np.isnan(values)]
    if len(defined) < (1 - MAX_UNDEFINED) * len(values) or not len(defined):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, method)


def bootstrap_interval(
    compute: Compute,
    arrays: Mapping[str, Array],
    *,
    rng: np.random.Generator,
    draws: int = 2000,
    groups: Sequence[str] = (),
    strata: Array | None = None,
    level: float = 0.95,
) -> Interval | None:
    """Percentile bootstrap of any metric (Efron and Tibshirani 1993, chapter 13)."""
    values = bootstrap_values(compute, arrays, draws=draws, rng=rng, groups=groups, strata=strata)
    return percentile_interval(
        values, level=level, method=describe_bootstrap(draws, groups, strata is not None)
    )


def describe_bootstrap(draws: int, groups: Sequence[str], is_stratified: bool = False) -> str:
    """How an interval came about, as it stands beside it."""
    kind = "stratified bootstrap" if is_stratified else "bootstrap"
    return f"{kind} by {'group' if groups else 'unit'}, {draws} draws, percentile"


def paired_bootstrap(
    compute: Compute,
    first: Mapping[str, Array],
    second: Mapping[str, Array],
    *,
    rng: np.random.Generator,
    draws: int = 2000,
    groups: Sequence[str] = (),
    level: float = 0.95,
) -> PairedTest | None:
    """Second minus first with both resampled alike; None where it is undefined.

    The p-value is twice the smaller share of draws on either side of zero, with one added
    to each (Davison and Hinkley 1997, section 4.2.3), so that it is never zero.
    """
    count = len(next(iter(first.values())))
    differences = np.array(
        [
            compute(**{k: v[rows] for k, v in second.items()})
            - compute(**{k: v[rows] for k, v in first.items()})
            for rows in draw_units(count, draws=draws, rng=rng, groups=groups)
        ]
    )
    method = f"paired {describe_bootstrap(draws, groups, False)}"
    interval = percentile_interval(differences, level=level, method=method)
    observed = compute(**second) - compute(**first)
    if interval is None or np.isnan(observed):
        return None
    defined = differences[~np.isnan(differences)]
    below = (np.sum(defined <= 0) + 1) / (len(defined) + 1)
    above = (np.sum(defined >= 0) + 1) / (len(defined) + 1)
    return PairedTest(float(observed), interval, float(min(1.0, 2 * min(below, above))), method)


def paired_permutation(
    compute: Compute,
    first: Mapping[str, Array],
    second: Mapping[str, Array],
    *,
    rng: np.random.Generator,
    draws: int = 2000,
    groups: Sequence[str] = (),
) -> float:
    """Two-sided p-value of the difference when systems are swapped at random by group.

    Arrays that are the same in both (the truth) are not changed by swapping. NaN where the
    observed difference is undefined.
    """
    observed = compute(**second) - compute(**first)
    if np.isnan(observed):
        return float("nan")
    count = len(next(iter(first.values())))
    members = _members(count, groups)
    cluster = np.empty(count, dtype=np.intp)
    for number, rows in enumerate(members):
        cluster[rows] = number
    extreme, defined = 0, 0
    for _ in range(draws):
        swap = (rng.random(len(members)) < 0.5)[cluster]
        left = {k: _swapped(v, second[k], swap) for k, v in first.items()}
        right = {k: _swapped(v, first[k], swap) for k, v in second.items()}
        difference = compute(**right) - compute(**left)
        if not np.isnan(difference):
            defined += 1
            extreme += abs(difference) >= abs(observed) - 1e-12
    return (extreme + 1) / (defined + 1)


def _swapped(own: Array, other: Array, swap: npt.NDArray[np.bool_]) -> Array:
    return np.where(swap.reshape(-1, *[1] * (own.ndim - 1)), other, own)


def adjust_p_values(p_values: Array, *, method: str = "holm") -> npt.NDArray[np.float64]:
    """P-values corrected for many tests, in the given order; NaN stays NaN.

    Args:
        p_values: ``(tests,)`` in [0, 1].
        method: ``bonferroni``, ``holm`` (Holm 1979) or ``benjamini_hochberg`` (1995).

    Raises:
        InvalidValueError: Another method, or a value outside [0, 1].
    """
    values = np.asarray(p_values, dtype=np.float64)
    defined = values[~np.isnan(values)]
    require(bool(np.all((defined >= 0) & (defined <= 1))), "p-values lie in [0, 1]")
    count, order = len(defined), np.argsort(defined, kind="stable")
    ranked = defined[order]
    if method == "bonferroni":
        ranked = ranked * count
    elif method == "holm":
        ranked = np.maximum.accumulate(ranked * np.arange(count, 0, -1))
    elif method == "benjamini_hochberg":
        scaled = ranked * count / np.arange(1, count + 1)
        ranked = np.minimum.accumulate(scaled[::-1])[::-1]
    else:
        raise InvalidValueError(f"method is bonferroni, holm or benjamini_hochberg, got {method!r}")
    adjusted = np.full_like(values, np.nan)
    restored = np.empty_like(defined)
    restored[order] = np.minimum(ranked, 1.0)
    adjusted[~np.isnan(values)] = restored
    return adjusted
