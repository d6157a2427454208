"""Scores: numbers with their record, interval, exclusions and the hash of their inputs.

An ``Evaluation`` holds the arrays that its scores were computed from, unit by unit, so that
another evaluation of the same units can be compared with it in pairs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.records import SUBJECTS, MetricRecord

__all__ = ["Evaluation", "Interval", "Score", "gather", "hash_array"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval: ends, level (0.95) and how it came about (``delong``,
    ``bootstrap by patient, 2000 draws, percentile``)."""

    low: float
    high: float
    level: float
    method: str

    def __post_init__(self) -> None:
        require(0.0 < self.level < 1.0, f"level lies in (0, 1), got {self.level}")
        require(bool(self.method), "an interval names its method")


@dataclass(frozen=True, slots=True)
class Score:
    """One number of an evaluation.

    ``subject`` is what was scored (a finding, ``macro``, a structure, ``all``). ``arrays``
    maps each argument of the metric's function to an array of the evaluation, or to several
    that are its columns; ``parameters`` holds its keyword arguments that are no arrays.
    ``units`` is how many counted, ``excluded`` how many did not and why. NaN where the value
    is undefined, with
    the reason in ``note``.
    """

    metric: MetricRecord
    subject: str
    value: float
    units: int
    arrays: Mapping[str, str | tuple[str, ...]]
    interval: Interval | None = None
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    excluded: Mapping[str, int] = field(default_factory=dict)
    inputs_sha256: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        require(self.units >= 0, f"{self.key}: units cannot be {self.units}")
        low, high = self.metric.range
        inside = np.isnan(self.value) or low - 1e-9 <= self.value <= high + 1e-9
        require(bool(inside), f"{self.key}: {self.value} lies outside {self.metric.range}")
        if np.isnan(self.value):
            require(bool(self.note), f"{self.key}: an undefined score says why in its note")

    @property
    def key(self) -> str:
        """What identifies the score inside an evaluation."""
        extra = ",".join(f"{k}={v}" for k, v in sorted(self.parameters.items()))
        return f"{self.metric.id}[{extra}] of {self.subject}"


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Scores of one system on one set of units.

    ``units`` are ids in the order of the arrays' first axis, ``groups`` the patient (or
    other cluster) of each, which resampling keeps together; empty when every unit stands
    alone. ``settings`` is the resolved configuration, ``excluded`` what was left out before
    any score and why.
    """

    kind: str
    units: tuple[str, ...]
    arrays: Mapping[str, Array]
    scores: tuple[Score, ...]
    groups: tuple[str, ...] = ()
    excluded: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(self.kind in SUBJECTS, f"kind is one of {', '.join(SUBJECTS)}, got {self.kind!r}")
        require(len(set(self.units)) == len(self.units), "units are named once each")
        require(len(self.groups) in (0, len(self.units)), "groups name every unit or none")
        for name, values in self.arrays.items():
            require(
                len(values) == len(self.units),
                f"array {name!r} has {len(values)} rows for {len(self.units)} units",
            )
        keys = [score.key for score in self.scores]
        require(len(set(keys)) == len(keys), "a score of one key occurs twice")
        for score in self.scores:
            used = {name for names in score.arrays.values() for name in _several(names)}
            missing = sorted(used - set(self.arrays))
            require(not missing, f"{score.key}: no array {', '.join(missing)}")

    def inputs(self, score: Score) -> dict[str, Array]:
        """What the score was computed from, by argument of its metric's function."""
        return gather(self.arrays, score.arrays)

    def find(self, name: str, subject: str, **parameters: float | str) -> Score:
        """The score of a metric name and subject (and, where given, of these parameters).

        Raises:
            InvalidValueError: None or several match.
        """
        found = [
            score
            for score in self.scores
            if score.metric.name == name
            and score.subject == subject
            and all(score.parameters.get(k) == v for k, v in parameters.items())
        ]
        require(len(found) == 1, f"{len(found)} scores match {name} of {subject}")
        return found[0]


def gather(
    arrays: Mapping[str, Array], columns: Mapping[str, str | tuple[str, ...]]
) -> dict[str, Array]:
    """Arrays by argument: the one named, or those named stacked as columns."""
    return {
        argument: arrays[names]
        if isinstance(names, str)
        else np.stack([arrays[name] for name in names], axis=1)
        for argument, names in columns.items()
    }


def _several(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def hash_array(*arrays: Array | Sequence[str]) -> str:
    """SHA-256 over dtype, shape and bytes of arrays, in order: the identity of inputs.

    >>> hash_array(np.zeros(2)) == hash_array(np.zeros((2, 1)))
    False
    """
    digest = hashlib.sha256()
    for values in arrays:
        array = np.ascontiguousarray(values)
        if array.dtype.kind in "UO":
            body = "\x1f".join(map(str, array.ravel().tolist())).encode()
            head = f"text{array.shape}"
        else:
            body, head = array.tobytes(), f"{array.dtype.str}{array.shape}"
        digest.update(f"{head}:{len(body)};".encode())
        digest.update(body)
    return digest.hexdigest()
