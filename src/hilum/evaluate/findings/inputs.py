"""From tables of predictions and labels to what ``evaluate_findings`` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hilum.errors import InvalidValueError, require
from hilum.evaluate.findings.labelled import Array
from hilum.evaluate.tables import GROUP_COLUMNS, Table, join_tables
from hilum.ontology import dataset_labels, finding_names

__all__ = ["FindingsInputs", "match_findings"]

PREFIX, STATUS = "prob_", "status_"
LABEL_COLUMNS = ("findings", "Finding Labels", "labels")
_VALUES: Mapping[str, float] = {
    "1": 1.0, "1.0": 1.0, "true": 1.0, "present": 1.0, "yes": 1.0,
    "0": 0.0, "0.0": 0.0, "false": 0.0, "absent": 0.0, "no": 0.0, "not_mentioned": 0.0,
    "-1": np.nan, "-1.0": np.nan, "uncertain": np.nan, "": np.nan, "nan": np.nan, "none": np.nan,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FindingsInputs:
    """Matched rows: ids, truth and probability by finding, patients, subgroups, what was lost.

    ``thresholds`` are the reader's operating points, for findings whose status the table
    holds. ``subgroups`` are the values of each asked column as text, ``?`` where empty.
    """

    units: tuple[str, ...]
    truth: Mapping[str, Array]
    prob: Mapping[str, Array]
    thresholds: Mapping[str, float]
    groups: tuple[str, ...]
    subgroups: Mapping[str, tuple[str, ...]]
    excluded: Mapping[str, int]


def match_findings(
    predictions: Table,
    truth: Table,
    *,
    id_column: str | None = None,
    label_column: str | None = None,
    dataset: str = "chestxray14",
    group_column: str | None = None,
    subgroups: Sequence[str] = (),
) -> FindingsInputs:
    """Bring probabilities and labels together by image.

    Predictions are the columns ``prob_<finding>`` of ``hilum batch``, or columns named like
    findings. Truth is either a column of labels joined by ``|`` (all that is not named is
    absent), or a column a finding with 1, 0, -1 or words; -1, ``uncertain`` and empty cells
    are unlabelled.

    Args:
        predictions: One row an image.
        truth: One row an image.
        id_column: See ``join_tables``.
        label_column: Of joined labels; None takes a usual one where the table has it.
        dataset: Whose label names the truth uses (``ontology/labels.csv``).
        group_column: Of patients; None takes a usual one.
        subgroups: Columns of the truth by which performance is split.

    Raises:
        InvalidValueError: No column of probabilities or labels, values that are neither, ids
            twice, nothing in common.
    """
    ids, rows, true_rows, lost = join_tables(predictions, truth, id_column=id_column)
    mine, theirs = predictions.take(rows), truth.take(true_rows)
    prob = _probabilities(mine)
    column = theirs.find(label_column, LABEL_COLUMNS)
    known = _known_labels(dataset)
    if column is not None:
        labels, unknown = _from_joined(theirs.column(column), known)
        lost |= {f"unknown_label:{name}": count for name, count in unknown.items()}
    else:
        labels = _from_columns(theirs, known)
    labels = {name: values for name, values in labels.items() if name in prob}
    require(
        bool(labels),
        f"{truth.name} labels none of the predicted findings ({', '.join(prob)}); name the "
        "column of labels with --labels or the data set with --dataset",
    )
    patients = theirs.find(group_column, GROUP_COLUMNS)
    groups = tuple(str(v) for v in theirs.column(patients)) if patients else ()
    split = {
        name: tuple("?" if v is None else str(v) for v in theirs.column(name)) for name in subgroups
    }
    points = _operating_points(predictions)
    return FindingsInputs(tuple(ids), labels, prob, points, groups, split, lost)


def _probabilities(table: Table) -> dict[str, Array]:
    names = {n.removeprefix(PREFIX): n for n in table.columns if n.startswith(PREFIX)}
    names = names or {n: n for n in finding_names() if n in table.columns}
    require(
        bool(names), f"{table.name} has no column {PREFIX}<finding>, nor one named like a finding"
    )
    return {finding: _numbers(table, column) for finding, column in names.items()}


def _operating_points(table: Table) -> dict[str, float]:
    """The lowest probability that the reader called present, by finding."""
    points = {}
    for column, statuses in table.columns.items():
        finding = column.removeprefix(STATUS)
        if column.startswith(STATUS) and PREFIX + finding in table.columns:
            prob = _numbers(table, PREFIX + finding)
            called = prob[[status == "present" for status in statuses]]
            if len(called):
                points[finding] = float(np.nanmin(called))
    return points


def _numbers(table: Table, column: str) -> Array:
    values = np.full(len(table), np.nan)
    for row, cell in enumerate(table.column(column)):
        if cell is None or cell == "":
            continue
        try:
            values[row] = float(cell)
        except (TypeError, ValueError) as error:
            raise InvalidValueError(
                f"{table.name}, column {column!r}, row {row + 1}: not a number"
            ) from error
    outside = int(((values < 0) | (values > 1)).sum())
    require(not outside, f"{table.name}: {outside} values of {column!r} lie outside [0, 1]")
    return values


def _known_labels(dataset: str) -> dict[str, str]:
    known = {row.label: row.finding for row in dataset_labels() if row.dataset == dataset}
    if not known:
        names = ", ".join(dict.fromkeys(row.dataset for row in dataset_labels()))
        raise InvalidValueError(f"unknown data set {dataset!r}; one of {names}")
    return known


def _from_joined(
    cells: Sequence[Any], known: Mapping[str, str]
) -> tuple[dict[str, Array], dict[str, int]]:
    """Truth by finding from joined labels, and how often each unknown label stood there."""
    findings = [name for name in dict.fromkeys(known.values()) if name]
    values = {name: np.zeros(len(cells)) for name in findings}
    unknown: dict[str, int] = {}
    for row, cell in enumerate(cells):
        labels = [part.strip() for part in str(cell or "").split("|") if part.strip()]
        if not labels:
            for column in values.values():
                column[row] = np.nan
        for label in labels:
            finding = known.get(label, label if label in values else None)
            if finding is None:
                unknown[label] = unknown.get(label, 0) + 1
            elif finding:
                values[finding][row] = 1.0
    return values, unknown


def _from_columns(table: Table, known: Mapping[str, str]) -> dict[str, Array]:
    values: dict[str, Array] = {}
    for column in table.columns:
        finding = known.get(column) or (column if column in finding_names() else None)
        if not finding:
            continue
        own = np.array([_label(table, column, row) for row in range(len(table))])
        values[finding] = np.fmax(values[finding], own) if finding in values else own
    return values


def _label(table: Table, column: str, row: int) -> float:
    cell = table.column(column)[row]
    text = "" if cell is None else str(cell).strip().lower()
    if text not in _VALUES:
        raise InvalidValueError(
            f"{table.name}, column {column!r}, row {row + 1}: a label is 1, 0, -1, empty, or "
            "present, absent, uncertain"
        )
    return _VALUES[text]
