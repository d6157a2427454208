"""Scores of one subject from columns of arrays: value, interval, exclusions, hash in one step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from hilum.errors import require
from hilum.evaluate.records import find_metric
from hilum.evaluate.resampling import bootstrap_interval
from hilum.evaluate.scores import Interval, Score, gather, hash_array

__all__ = ["Scorer", "ignoring", "jackknife_interval"]

Array = npt.NDArray[Any]
Columns = Mapping[str, str | tuple[str, ...]]
BLOCKS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """The arrays of an evaluation and how intervals over its units come about.

    ``kind`` is a subject of ``SUBJECTS``, ``groups`` the patient of each unit or empty,
    ``draws`` of the bootstrap (0 for no interval). Units of which an argument is missing are
    counted under ``excluded_as``, or not at all where it is empty.
    """

    kind: str
    arrays: Mapping[str, Array]
    groups: Sequence[str] = ()
    draws: int = 2000
    level: float = 0.95
    seed: int = 0
    excluded_as: str = "unlabelled"
    undefined: Mapping[str, str] = field(default_factory=dict)

    def score(
        self,
        id_: str,
        subject: str,
        columns: Columns,
        parameters: Mapping[str, Any] | None = None,
        *,
        by: str = "bootstrap",
        note: str = "",
    ) -> Score:
        """Compute a metric and its interval.

        Args:
            id_: ``name/variant`` of the metric.
            subject: What is scored.
            columns: Array names by argument.
            parameters: Keyword arguments of the metric.
            by: ``bootstrap``, ``jackknife`` (delete a block) or ``none``.
            note: What else to say; why, where the value is NaN.
        """
        metric, stated = find_metric(self.kind, id_), dict(parameters or {})
        arrays = gather(self.arrays, columns)

        def compute(**drawn: Array) -> float:
            return metric.compute(**drawn, **stated)

        value = compute(**arrays)
        interval = None
        if self.draws and not np.isnan(value):
            rng = np.random.default_rng(self.seed)
            shared: dict[str, Any] = {"rng": rng, "groups": self.groups, "level": self.level}
            if by == "jackknife":
                limits = metric.record.range
                interval = jackknife_interval(compute, arrays, value, limits=limits, **shared)
            elif by == "bootstrap":
                interval = bootstrap_interval(compute, arrays, draws=self.draws, **shared)
        if np.isnan(value):
            note = note or self.undefined.get(metric.record.name, "undefined on these units")
        counted = _counted(arrays)
        left_out = int((~counted).sum())
        return Score(
            metric.record,
            subject,
            value,
            int(counted.sum()),
            dict(columns),
            interval,
            stated,
            {self.excluded_as: left_out} if left_out and self.excluded_as else {},
            hash_array(*arrays.values()),
            note,
        )


def _counted(arrays: Mapping[str, Array]) -> npt.NDArray[np.bool_]:
    """Units of which no argument is missing altogether."""
    known = [
        ~np.isnan(values.reshape(len(values), -1)).all(axis=1)
        for values in arrays.values()
        if values.dtype.kind == "f"
    ]
    count = len(next(iter(arrays.values())))
    return np.all(known, axis=0) if known else np.ones(count, dtype=bool)


def jackknife_interval(
    compute: Callable[..., float],
    arrays: Mapping[str, Array],
    value: float,
    *,
    rng: np.random.Generator,
    groups: Sequence[str] = (),
    level: float = 0.95,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> Interval | None:
    """Normal interval from leaving out one of twenty random blocks of units at a time.

    For metrics that repeated units would distort, as nearest neighbours do under the
    bootstrap (Shao and Tu 1995, section 2.3). Groups stay together; None where a block leaves
    the metric undefined. ``limits`` are the metric's possible values.
    """
    count = len(next(iter(arrays.values())))
    names = np.asarray(groups) if len(groups) else np.arange(count)
    _, member = np.unique(names, return_inverse=True)
    clusters = int(member.max()) + 1
    blocks = min(BLOCKS, clusters)
    if blocks < 3:
        return None
    block = rng.permutation(np.arange(clusters) % blocks)[member]
    values = np.array(
        [compute(**{k: v[block != b] for k, v in arrays.items()}) for b in range(blocks)]
    )
    if np.isnan(values).any():
        return None
    error = np.sqrt((blocks - 1) / blocks * np.sum((values - values.mean()) ** 2))
    reach = float(ndtri((1 + level) / 2) * error)
    kind = "group" if len(groups) else "unit"
    low, high = limits
    low, high = max(low, value - reach), min(high, value + reach)
    return Interval(low, high, level, f"jackknife, {blocks} blocks by {kind}")


def ignoring(metric: Callable[..., float], *stated: str) -> Callable[..., float]:
    """The metric as a function of parameters of which some only identify the score."""
    require(bool(stated), "name the parameters that are ignored")

    def compute(*args: Array, **arguments: Any) -> float:
        return metric(*args, **{k: v for k, v in arguments.items() if k not in stated})

    return compute
