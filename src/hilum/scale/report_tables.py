"""What was made of reports, written as Parquet, CSV or JSONL, block by block."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from hilum.errors import InvalidValueError

__all__ = ["FORMATS", "TableWriter"]

FORMATS = (".parquet", ".csv", ".jsonl")


class TableWriter:
    """Writes rows of one shape to a file that appears only when it is complete.

    Values that are lists or mappings become JSON text in Parquet and CSV. The id column's type
    is that of its first value; a table whose ids mix types gets text.
    """

    def __init__(self, path: Path) -> None:
        """Choose the format by the suffix of ``path``.

        Raises:
            InvalidValueError: An unknown suffix, or a folder that does not exist.
        """
        if path.suffix.lower() not in FORMATS:
            raise InvalidValueError(f"--out must end in {', '.join(FORMATS)}, got {path.name!r}")
        if not path.parent.is_dir():
            raise InvalidValueError(
                f"the folder {str(path.parent)!r} does not exist; make it first"
            )
        self.path = path
        self._part = path.with_name(f".{path.name}.part")
        self._parquet: pq.ParquetWriter | None = None
        self._file: TextIO | None = None
        self._names: list[str] = []

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle in (self._parquet, self._file):
            if handle is not None:
                handle.close()
        if kind is None and self._part.exists():
            self._part.replace(self.path)
        else:
            self._part.unlink(missing_ok=True)

    def write(self, rows: list[Mapping[str, Any]]) -> None:
        """Append rows; all have the columns of the first one."""
        if not rows:
            return
        self._names = self._names or list(rows[0])
        suffix = self.path.suffix.lower()
        if suffix == ".parquet":
            self._write_parquet(rows)
            return
        if self._file is None:
            self._file = self._part.open("w", encoding="utf-8", newline="")
            if suffix == ".csv":
                csv.writer(self._file).writerow(self._names)
        if suffix == ".csv":
            writer = csv.writer(self._file)
            writer.writerows([_flat(row.get(name)) for name in self._names] for row in rows)
        else:
            for row in rows:
                self._file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def _write_parquet(self, rows: list[Mapping[str, Any]]) -> None:
        columns = {name: [_flat(row.get(name)) for row in rows] for name in self._names}
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(self._part, _schema(columns))
        schema = self._parquet.schema
        arrays = [_array(columns[name], schema.field(name).type) for name in self._names]
        self._parquet.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _schema(columns: Mapping[str, list[Any]]) -> pa.Schema:
    fields = []
    for name, values in columns.items():
        kinds = {type(value) for value in values if value is not None}
        kind = pa.string()
        if kinds == {int}:
            kind = pa.int64()
        elif kinds and kinds <= {int, float}:
            kind = pa.float64()
        fields.append(pa.field(name, kind))
    return pa.schema(fields)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        if not pa.types.is_string(kind):
            raise InvalidValueError(
                "the ids of this table mix numbers and text; make them all text"
            ) from error
        return pa.array([None if value is None else str(value) for value in values], kind)


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
