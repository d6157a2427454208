"""Reports from files: one text, a folder of texts, or a table with a column of texts.

A source is read in blocks, so that millions of reports need no more memory than one block.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hilum.errors import InvalidValueError

__all__ = ["TABLES", "TEXTS", "ReportRow", "ReportSource", "blocks", "open_reports"]

TEXT_COLUMNS = ("report", "text", "report_text", "note", "note_text", "radiology_report")
PART_COLUMNS = ("indication", "history", "technique", "comparison", "findings", "impression")
ID_COLUMNS = ("id", "report_id", "study_id", "study_uid", "image", "image_id", "uid", "path")
TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")
TEXTS = (".txt", ".text", ".md", ".html", ".htm", ".rtf", "")
MAX_TEXT_BYTES = 64 * 1024 * 1024
csv.field_size_limit(MAX_TEXT_BYTES)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One report: its id and its text, None with a ``problem`` where there is no text."""

    id: Any
    text: str | None
    problem: str = ""
    patient: str = ""


@dataclass(frozen=True, slots=True)
class ReportSource:
    """Where reports come from: ``id_column`` is the name that the id keeps in a result."""

    rows: Iterator[ReportRow]
    total: int | None
    id_column: str


def open_reports(
    path: Path,
    *,
    text_column: str | None = None,
    id_column: str | None = None,
    patient_column: str | None = None,
) -> ReportSource:
    """Open a text file, a folder of text files, or a CSV, TSV, Parquet or JSONL table.

    Args:
        path: Of the source.
        text_column: The table's column of texts; by default the first of the usual names, or
            the columns ``findings``, ``impression`` and their like put together as sections.
        id_column: Its column of ids; by default the first of the usual names, else the first
            column that holds no text, else the row's number.
        patient_column: Its column of patients, for what must be consistent within one.

    Raises:
        InvalidValueError: There is no such file or column, or the table cannot be read.
    """
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in TEXTS)
        if not files:
            raise InvalidValueError(f"no text file ({', '.join(TEXTS[:-1])}) in {path.name}/")
        texts_of = (_read_text(file, file.relative_to(path).as_posix()) for file in files)
        return ReportSource(texts_of, len(files), id_column or "path")
    if not path.is_file():
        raise InvalidValueError(f"no file or folder {str(path)!r}; quote a report to give it here")
    if path.suffix.lower() not in TABLES:
        return ReportSource(iter([_read_text(path, path.name)]), 1, id_column or "path")
    try:
        records, names, total = _open_table(path)
    except (OSError, ValueError, pa.ArrowException, csv.Error) as error:
        raise InvalidValueError(f"{path.name} cannot be read as a table: {error}") from error
    texts = _text_columns(names, text_column, path.name)
    known = _id_column(names, texts, id_column, path.name)
    if patient_column is not None:
        _require_column(patient_column, names, path.name)
    rows = _rows_of(records, texts, known, patient_column)
    return ReportSource(rows, total, known or "row")


def blocks(rows: Iterable[ReportRow], size: int) -> Iterator[list[ReportRow]]:
    """Rows in lists of at most ``size``."""
    iterator = iter(rows)
    while block := list(itertools.islice(iterator, size)):
        yield block


def _read_text(file: Path, name: str) -> ReportRow:
    try:
        if file.stat().st_size > MAX_TEXT_BYTES:
            return ReportRow(name, None, f"larger than {MAX_TEXT_BYTES >> 20} MB")
        return ReportRow(name, _decode(file.read_bytes()))
    except OSError as error:
        return ReportRow(name, None, f"cannot be read: {error.strerror}")


def _decode(data: bytes) -> str:
    """UTF-8 or UTF-16 by its mark, else Windows-1252, which every byte string is."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _open_table(path: Path) -> tuple[Iterator[dict[str, Any]], list[str], int | None]:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        with pq.ParquetFile(path) as table:
            names, total = list(table.schema_arrow.names), table.metadata.num_rows
        return _parquet_records(path), names, total
    if suffix in (".csv", ".tsv"):
        delimiter = "\t" if suffix == ".tsv" else ","
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
            names = list(csv.DictReader(handle, delimiter=delimiter).fieldnames or ())
        return _csv_records(path, delimiter), names, None
    first = next(_json_records(path), {})
    return _json_records(path), list(first), None


# Each reader opens its file when the first row is asked for and closes it after the last.


def _parquet_records(path: Path) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(path) as table:
        for batch in table.iter_batches(batch_size=2000):
            yield from batch.to_pylist()


def _csv_records(path: Path, delimiter: str) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        yield from csv.DictReader(handle, delimiter=delimiter)


def _json_records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        for line in lines:
            if line.strip():
                yield _record(line)


def _record(line: str) -> dict[str, Any]:
    value = json.loads(line)
    if not isinstance(value, dict):
        raise InvalidValueError(f"a line of JSONL holds one object, got {type(value).__name__}")
    return value


def _text_columns(names: Sequence[str], wanted: str | None, file: str) -> tuple[str, ...]:
    if wanted is not None:
        _require_column(wanted, names, file)
        return (wanted,)
    folded = {name.strip().lower(): name for name in names}
    for name in TEXT_COLUMNS:
        if name in folded:
            return (folded[name],)
    parts = tuple(folded[name] for name in PART_COLUMNS if name in folded)
    if not parts:
        raise InvalidValueError(
            f"{file} has the columns {', '.join(names)}; say which holds the report with "
            "--text-column"
        )
    return parts


def _id_column(
    names: Sequence[str], texts: Sequence[str], wanted: str | None, file: str
) -> str | None:
    if wanted is not None:
        _require_column(wanted, names, file)
        return wanted
    folded = {name.strip().lower(): name for name in names}
    usual = next((folded[name] for name in ID_COLUMNS if name in folded), None)
    return usual or next((name for name in names if name not in texts), None)


def _require_column(name: str, names: Sequence[str], file: str) -> None:
    if name not in names:
        raise InvalidValueError(f"{file} has no column {name!r}; it has {', '.join(names)}")


def _rows_of(
    records: Iterable[dict[str, Any]],
    texts: tuple[str, ...],
    id_column: str | None,
    patient_column: str | None,
) -> Iterator[ReportRow]:
    for number, record in enumerate(records):
        key = record.get(id_column) if id_column is not None else number
        patient = str(record.get(patient_column) or "") if patient_column else ""
        values = {name: record.get(name) for name in texts}
        known = {name: str(v) for name, v in values.items() if v is not None and str(v).strip()}
        if not known:
            yield ReportRow(key, None, "no text", patient)
        elif len(texts) == 1:
            yield ReportRow(key, known[texts[0]], "", patient)
        else:
            text = "\n".join(f"{name.upper()}: {part}" for name, part in known.items())
            yield ReportRow(key, text, "", patient)
