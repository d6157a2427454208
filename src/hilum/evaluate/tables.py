"""Tables from disk, and the rows of two tables brought together by image."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hilum.errors import InvalidValueError, require

__all__ = ["FORMATS", "Table", "join_tables", "read_table"]

FORMATS = (".parquet", ".csv", ".tsv", ".jsonl")
ID_COLUMNS = ("image", "path", "id", "file", "filename", "study", "report_id", "unit")
GROUP_COLUMNS = ("patient_id", "patient", "subject_id", "group")


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length by name; an empty cell of a CSV is None. ``name`` is the file's."""

    name: str
    columns: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def column(self, name: str) -> Sequence[Any]:
        """A column.

        Raises:
            InvalidValueError: There is none of that name; the message lists those there are.
        """
        if name not in self.columns:
            raise InvalidValueError(
                f"{self.name} has no column {name!r}; it has {', '.join(self.columns)}"
            )
        return self.columns[name]

    def find(self, wanted: str | None, usual: Sequence[str]) -> str | None:
        """The column ``wanted``, or the first of the ``usual`` ones that the table has."""
        if wanted is not None:
            self.column(wanted)
            return wanted
        return next((name for name in usual if name in self.columns), None)

    def where(self, conditions: Sequence[tuple[str, str]]) -> Table:
        """The rows whose columns have the given values as text."""
        keep = [
            row
            for row in range(len(self))
            if all(str(self.column(name)[row]) == value for name, value in conditions)
        ]
        return self.take(keep)

    def take(self, rows: Sequence[int]) -> Table:
        """Those rows, in that order."""
        columns = {name: [values[row] for row in rows] for name, values in self.columns.items()}
        return Table(self.name, columns)


def read_table(path: Path) -> Table:
    """Read a Parquet, CSV, TSV or JSONL table.

    Raises:
        InvalidValueError: An unknown suffix, a missing or damaged file, no row, rows of a CSV
            that are longer than its heading.
    """
    suffix = path.suffix.lower()
    require(suffix in FORMATS, f"a table ends in {', '.join(FORMATS)}, got {path.name!r}")
    try:
        columns = _READERS[suffix](path)
    except OSError as error:
        raise InvalidValueError(
            f"cannot read {path.name}: {error.strerror or 'no such table'}"
        ) from error
    except ValueError as error:
        raise InvalidValueError(f"{path.name} is damaged: {error}") from error
    table = Table(path.name, columns)
    require(len(table) > 0, f"{path.name} has no row")
    return table


def _read_delimited(path: Path) -> dict[str, list[Any]]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines, delimiter=delimiter))
    if any(None in row for row in rows):
        raise InvalidValueError("a row has more cells than the heading")
    names = list(rows[0]) if rows else []
    return {name: [row[name] or None for row in rows] for name in names}


def _read_lines(path: Path) -> dict[str, list[Any]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    if not all(isinstance(row, dict) for row in rows):
        raise InvalidValueError("every line is a JSON object")
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _read_parquet(path: Path) -> dict[str, list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise InvalidValueError("not a Parquet file") from error
    return {str(name): table.column(name).to_pylist() for name in table.column_names}


_READERS = {
    ".parquet": _read_parquet,
    ".csv": _read_delimited,
    ".tsv": _read_delimited,
    ".jsonl": _read_lines,
}


def join_tables(
    first: Table, second: Table, *, id_column: str | None = None
) -> tuple[list[str], list[int], list[int], dict[str, int]]:
    """Rows of two tables that are of one image, matched by file name without folders.

    Where no file name agrees, names without suffix are tried.

    Args:
        first: Predictions.
        second: Truth.
        id_column: Column of both; None takes the first usual one of each.

    Returns:
        Ids, rows of the first, rows of the second, and how many rows had no counterpart.

    Raises:
        InvalidValueError: No id column, an id twice in one table, no counterpart at all.
    """
    names = []
    for table in (first, second):
        column = table.find(id_column, ID_COLUMNS)
        if column is None:
            raise InvalidValueError(
                f"{table.name} has no column of ids; name it with --id (it has "
                f"{', '.join(table.columns)})"
            )
        names.append([str(value) for value in table.column(column)])
    for key in (_file_name, _stem):
        keys = [
            _unique(t, [key(v) for v in n]) for t, n in zip((first, second), names, strict=True)
        ]
        place = {value: row for row, value in enumerate(keys[1])}
        pairs = [(row, place[value]) for row, value in enumerate(keys[0]) if value in place]
        if pairs:
            break
    else:
        raise InvalidValueError(
            f"no image of {first.name} stands in {second.name}; ids are compared by file name"
        )
    lost = {
        "prediction_without_truth": len(first) - len(pairs),
        "truth_without_prediction": len(second) - len(pairs),
    }
    ids = [keys[0][row] for row, _ in pairs]
    lost = {why: count for why, count in lost.items() if count}
    return ids, [a for a, _ in pairs], [b for _, b in pairs], lost


def _file_name(value: str) -> str:
    return PurePosixPath(value.replace("\\", "/")).name


def _stem(value: str) -> str:
    return PurePosixPath(value.replace("\\", "/")).stem


def _unique(table: Table, keys: list[str]) -> list[str]:
    twice = [key for key, count in Counter(keys).items() if count > 1]
    require(
        not twice,
        f"{table.name} names {len(twice)} images more than once; each image has one row",
    )
    return keys
