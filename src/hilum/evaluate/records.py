"""The metric contract: what a score means is written down beside the number.

A metric is a pure function plus a ``MetricRecord``. Records are facts and stand in the tables
``records/*.toml``, one a subject; ``metric`` binds a function to its record by ``id``
(``name/variant``). A name belongs to one definition: what is not the original
implementation carries a variant, and where the original has a trade name, a name, of its own.

The function takes arrays whose first axis is the units (images, reports, questions) and gives
one number, so that any metric can be resampled and compared in pairs without knowing it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib import import_module
from typing import Any

from hilum.errors import InvalidValueError, require
from hilum.evaluate.rows import read_rows

__all__ = [
    "SUBJECTS",
    "Metric",
    "MetricRecord",
    "find_metric",
    "known_metrics",
    "load_records",
]

DIRECTIONS = ("higher", "lower", "neither")

SUBJECTS: Mapping[str, str] = {
    "findings": "hilum.evaluate.findings",
    "regions": "hilum.evaluate.regions",
    "reports": "hilum.evaluate.reports",
    "answers": "hilum.evaluate.answers",
    "images": "hilum.evaluate.images",
    "audit": "hilum.evaluate.audits",
}
"""Where each subject's ``METRICS`` live, a mapping from record id to function."""


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """What a number means, so that two numbers are compared only where they mean the same.

    ``range`` is the closed interval of possible values (``inf`` where there is no bound),
    ``inputs`` what the function takes, ``aggregation`` how units become one number,
    ``source`` where the definition comes from. ``text_normalisation`` and
    ``section_policy`` say what was done to text before (empty where there is none).
    ``version`` rises whenever the same inputs may give another value.
    """

    name: str
    variant: str
    version: int
    direction: str
    range: tuple[float, float]
    inputs: str
    aggregation: str
    source: str
    text_normalisation: str = ""
    section_policy: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for what in ("name", "variant", "inputs", "aggregation", "source"):
            require(bool(getattr(self, what)), f"a metric record needs its {what}: {self.name!r}")
        require(
            self.direction in DIRECTIONS,
            f"{self.id}: direction is one of {', '.join(DIRECTIONS)}, got {self.direction!r}",
        )
        require(self.version >= 1, f"{self.id}: version counts from 1, got {self.version}")
        require(self.range[0] < self.range[1], f"{self.id}: range {self.range} is empty")

    @property
    def id(self) -> str:
        """``name/variant``: what identifies a definition."""
        return f"{self.name}/{self.variant}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; an unbounded end of the range is None."""
        plain = asdict(self)
        plain["range"] = [end if abs(end) != float("inf") else None for end in self.range]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> MetricRecord:
        """The inverse of ``as_dict``; also reads a TOML table.

        Raises:
            InvalidValueError: A field is missing, unknown or out of range.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(plain) - known)
        require(not unknown, f"unknown fields in a metric record: {', '.join(unknown)}")
        low, high = plain.get("range", (None, None))
        ends = (-float("inf") if low is None else low, float("inf") if high is None else high)
        try:
            return cls(**{**plain, "range": (float(ends[0]), float(ends[1]))})
        except TypeError as error:
            raise InvalidValueError(f"an incomplete metric record: {error}") from error


@dataclass(frozen=True, slots=True)
class Metric:
    """A record and its function: arrays by argument name, units first, to one number."""

    record: MetricRecord
    compute: Callable[..., float]


@cache
def load_records(subject: str) -> Mapping[str, MetricRecord]:
    """The records of a subject (``findings``, ``reports``, ...) by id, from its table."""
    rows = read_rows("hilum.evaluate", "records", f"{subject}.toml", key="metric")
    records = [MetricRecord.from_dict(row) for row in rows]
    by_id = {record.id: record for record in records}
    require(len(by_id) == len(records), f"records/{subject}.toml names a metric twice")
    return by_id


@cache
def _metrics_of(subject: str) -> Mapping[str, Metric]:
    records = load_records(subject)
    functions = import_module(SUBJECTS[subject]).METRICS
    missing = sorted(set(records) ^ set(functions))
    require(not missing, f"{subject}: without a record or a function: {', '.join(missing)}")
    return {id_: Metric(record, functions[id_]) for id_, record in records.items()}


def find_metric(subject: str, id_: str) -> Metric:
    """The metric of a subject by ``name/variant``.

    Raises:
        InvalidValueError: There is none of that id; the message lists those there are.
    """
    require(subject in SUBJECTS, f"unknown subject {subject!r}; one of {', '.join(SUBJECTS)}")
    metrics = _metrics_of(subject)
    if id_ not in metrics:
        raise InvalidValueError(f"unknown metric {id_!r}; one of {', '.join(sorted(metrics))}")
    return metrics[id_]


def known_metrics() -> Iterator[tuple[str, Metric]]:
    """Every metric with its subject."""
    for subject in SUBJECTS:
        for found in _metrics_of(subject).values():
            yield subject, found
