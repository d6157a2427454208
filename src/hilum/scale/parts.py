"""Rows on their way to the table: part files that an interruption leaves behind.

Rows are collected and written to ``OUT.parts/part-00000.parquet`` and so on, each file
whole or not at all. At the end the parts, and what an earlier run had put into the table,
become the new table. Every file carries the fingerprint of the run that made it; rows of
another fingerprint (other weights, another folder) are never mixed in.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hilum.errors import InvalidValueError
from hilum.scale.rows import Row, batch_schema

__all__ = ["PartStore"]

METADATA_KEY = b"hilum"

logger = logging.getLogger(__name__)


class PartStore:
    """The rows of one table, on disk and on their way there."""

    def __init__(self, out: Path, metadata: Mapping[str, Any]) -> None:
        """Make the folder of parts.

        Args:
            out: The table, ``.parquet``.
            metadata: Resolved configuration, kept in every file; ``fingerprint`` tells
                which rows belong together.

        Raises:
            InvalidValueError: ``out`` is not a Parquet file that can be written.
        """
        if out.suffix.lower() != ".parquet" or out.is_dir():
            raise InvalidValueError(
                f"the table is a Parquet file, got {str(out)!r}; name OUT.parquet"
            )
        self.out = out
        self.folder = out.with_name(f"{out.name}.parts")
        self.fingerprint = metadata["fingerprint"]
        self.schema = batch_schema().with_metadata({METADATA_KEY: json.dumps(metadata).encode()})
        self.pending: list[Row] = []
        self.flushed_at = time.monotonic()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def forget(self) -> None:
        """Drop the parts of earlier runs."""
        for part in self._parts():
            part.unlink()

    def drop_if_empty(self) -> None:
        """Remove the folder of parts unless rows are in it."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def finished(self) -> dict[str, bool]:
        """Paths that have a row of this fingerprint, and whether that row is an error."""
        found: dict[str, bool] = {}
        for table in self._tables():
            errors = table.column("error").is_valid().to_pylist()
            found.update(zip(table.column("path").to_pylist(), errors, strict=True))
        return found

    def append(self, row: Row) -> None:
        """Add a row; it is on disk after the next ``flush``."""
        self.pending.append(row)

    def flush_when_due(self, *, rows: int, seconds: float) -> None:
        """Write a part once so many rows wait or so much time has passed."""
        if len(self.pending) >= rows or time.monotonic() - self.flushed_at >= seconds:
            self.flush()

    def flush(self) -> None:
        """Write the waiting rows as one part.

        Raises:
            InvalidValueError: The part cannot be written, for instance on a full disk.
        """
        self.flushed_at = time.monotonic()
        if not self.pending:
            return
        taken = [int(part.stem.rpartition("-")[2]) for part in self._parts()]
        part = self.folder / f"part-{max(taken, default=-1) + 1:05d}.parquet"
        self._write(pa.Table.from_pylist(self.pending, schema=self.schema), part)
        self.pending = []

    def merge(self, order: Mapping[str, int]) -> pa.Table:
        """Write the table from all rows, drop the parts, and return the table.

        Args:
            order: Place of every listed image, by path. Rows of images no longer listed are
                left out; of an image read twice, the later row stays.
        """
        self.flush()
        merged = pa.concat_tables([self.schema.empty_table(), *self._tables()])
        newest = {path: row for row, path in enumerate(merged.column("path").to_pylist())}
        rows = [
            newest[path] for path in sorted(newest.keys() & order.keys(), key=order.__getitem__)
        ]
        merged = merged.take(pa.array(rows, pa.int64()))
        merged = merged.replace_schema_metadata(self.schema.metadata)
        self._write(merged, self.out)
        shutil.rmtree(self.folder, ignore_errors=True)
        return merged

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob("part-*.parquet"))

    def _tables(self) -> Iterator[pa.Table]:
        """The earlier table, then the parts from old to new; only rows of this run's kind."""
        for file in (self.out, *self._parts()):
            if not file.is_file():
                continue
            try:
                table = pq.read_table(file)
                known = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
                if known.get("fingerprint") == self.fingerprint:
                    yield table.select(self.schema.names).cast(self.schema)
            except (OSError, ValueError, KeyError) as error:  # ArrowInvalid is a ValueError
                logger.warning("%s is not used again: %s", file.name, error)

    def _write(self, table: pa.Table, file: Path) -> None:
        partial = file.with_name(f"{file.name}.partial")
        try:
            pq.write_table(table, partial)
            partial.replace(file)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> InvalidValueError:
        reason = error.strerror or str(error)
        return InvalidValueError(f"cannot write {str(self.out)!r}: {reason}; choose another --out")
