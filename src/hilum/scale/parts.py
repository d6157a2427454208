"""Rows on their way to the table: parts that an interruption leaves behind.

Rows are collected and written to ``OUT.parts/part-00000.parquet`` and so on, each file
whole or not at all. At the end the parts, and what an earlier run had put into the table,
become the new table. Every file carries the fingerprint of the run that made it; rows of
another fingerprint (other weights, another folder) are never mixed in.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from hilum.errors import InvalidValueError
from hilum.scale.objects import is_uri
from hilum.scale.places import TABLE, find_place
from hilum.scale.rows import Row, batch_schema

__all__ = ["PartStore"]

METADATA_KEY = b"hilum"

logger = logging.getLogger(__name__)


class PartStore:
    """The rows of one table, written and on their way there."""

    def __init__(self, out: Path | str, metadata: Mapping[str, Any]) -> None:
        """Make the folder of parts.

        Args:
            out: The table, ``.parquet``, on a disk or ``s3://bucket/key``.
            metadata: Resolved configuration, kept in every file; ``fingerprint`` tells
                which rows belong together.

        Raises:
            InvalidValueError: ``out`` is not a Parquet file that can be written.
        """
        self.out = out if is_uri(str(out)) else Path(out)
        self.place = find_place(out)
        self.fingerprint = metadata["fingerprint"]
        self.schema = batch_schema().with_metadata({METADATA_KEY: json.dumps(metadata).encode()})
        self.pending: list[Row] = []
        self.flushed_at = time.monotonic()
        try:
            self.place.open()
        except OSError as error:
            raise self._unwritable(error) from error

    def forget(self) -> None:
        """Drop the parts of earlier runs."""
        for part in self.place.list_parts():
            self.place.remove(part)

    def drop_if_empty(self) -> None:
        """Remove the folder of parts unless rows are in it."""
        self.place.close(drop_parts=False)

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
        try:
            taken = [int(Path(part).stem.rpartition("-")[2]) for part in self.place.list_parts()]
        except OSError as error:
            raise self._unwritable(error) from error
        part = f"part-{max(taken, default=-1) + 1:05d}.parquet"
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
        self._write(merged, TABLE)
        self.place.close(drop_parts=True)
        return merged

    def _tables(self) -> Iterator[pa.Table]:
        """The earlier table, then the parts from old to new; only rows of this run's kind."""
        for name in (TABLE, *self.place.list_parts()):
            try:
                table = self.place.read(name)
                if table is None:
                    continue
                known = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
                if known.get("fingerprint") == self.fingerprint:
                    yield table.select(self.schema.names).cast(self.schema)
            except (OSError, ValueError, KeyError) as error:  # ArrowInvalid is a ValueError
                logger.warning("%s is not used again: %s", name or "the table", error)

    def _write(self, table: pa.Table, name: str) -> None:
        try:
            self.place.write(table, name)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> InvalidValueError:
        reason = self.place.explain(error)
        return InvalidValueError(f"cannot write {str(self.out)!r}: {reason}; choose another --out")
