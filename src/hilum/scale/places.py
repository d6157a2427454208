"""Where a table and its parts lie: on a disk, or on object storage that speaks the S3 API.

A table is written whole or not at all: on a disk by renaming, on object storage because an object
appears with its last byte.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from hilum.errors import InvalidValueError
from hilum.scale.objects import describe_failure, is_uri, open_bucket

__all__ = ["TABLE", "Place", "find_place"]

TABLE = ""
"""The name of the table itself; its parts have names of their own."""


class Place(Protocol):
    """A table ``NAME.parquet`` and the folder ``NAME.parquet.parts`` beside it."""

    def open(self) -> None:
        """Make the folder of parts, or see that the place can be used; raises ``OSError``."""

    def list_parts(self) -> list[str]:
        """Names of the parts, from old to new."""

    def read(self, name: str) -> pa.Table | None:
        """The table or a part; None where there is none."""

    def write(self, table: pa.Table, name: str) -> None:
        """Write the table or a part, whole or not at all; raises ``OSError``."""

    def remove(self, name: str) -> None:
        """Remove a part."""

    def close(self, *, drop_parts: bool) -> None:
        """Remove the folder of parts, with its parts or only if it is empty."""

    def explain(self, error: OSError) -> str:
        """Why the place cannot be written, for people."""


class _Disk:
    """A place on a disk of this machine."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._folder = out.with_name(f"{out.name}.parts")

    def _file(self, name: str) -> Path:
        return self._folder / name if name else self._out

    def open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def list_parts(self) -> list[str]:
        return sorted(file.name for file in self._folder.glob("part-*.parquet"))

    def read(self, name: str) -> pa.Table | None:
        file = self._file(name)
        return pq.read_table(file) if file.is_file() else None

    def write(self, table: pa.Table, name: str) -> None:
        file = self._file(name)
        partial = file.with_name(f"{file.name}.partial")
        try:
            pq.write_table(table, partial)
            partial.replace(file)
        except OSError:
            partial.unlink(missing_ok=True)
            raise

    def remove(self, name: str) -> None:
        self._file(name).unlink()

    def close(self, *, drop_parts: bool) -> None:
        if drop_parts:
            shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def explain(self, error: OSError) -> str:
        return error.strerror or str(error)


class _Bucket:
    """A place on object storage."""

    def __init__(self, uri: str) -> None:
        self._system, self._key = open_bucket(uri)
        self._folder = f"{self._key}.parts"

    def _name(self, name: str) -> str:
        return f"{self._folder}/{name}" if name else self._key

    def open(self) -> None:
        bucket = self._key.partition("/")[0]
        if self._system.get_file_info(bucket).type.name != "Directory":
            raise InvalidValueError(f"the bucket {bucket!r} does not exist; make it first")

    def list_parts(self) -> list[str]:
        from pyarrow import fs

        selector = fs.FileSelector(self._folder, allow_not_found=True)
        names = (info.base_name for info in self._system.get_file_info(selector) if info.is_file)
        return sorted(name for name in names if name.startswith("part-"))

    def read(self, name: str) -> pa.Table | None:
        key = self._name(name)
        if not self._system.get_file_info(key).is_file:
            return None
        with self._system.open_input_stream(key) as source:
            return pq.read_table(io.BytesIO(source.read()))

    def write(self, table: pa.Table, name: str) -> None:
        content = io.BytesIO()
        pq.write_table(table, content)
        with self._system.open_output_stream(self._name(name)) as target:
            target.write(content.getbuffer())

    def remove(self, name: str) -> None:
        self._system.delete_file(self._name(name))

    def close(self, *, drop_parts: bool) -> None:
        if drop_parts:
            for name in self.list_parts():
                self.remove(name)
            with contextlib.suppress(OSError):  # a marker that pyarrow leaves for an empty folder
                self._system.delete_dir(self._folder)

    def explain(self, error: OSError) -> str:
        return describe_failure(error)


def find_place(out: Path | str) -> Place:
    """The place that ``out`` names: a path, or ``s3://bucket/key``.

    Raises:
        InvalidValueError: It does not end in ``.parquet``, or is a URI of another kind.
    """
    if not str(out).lower().endswith(".parquet") or (not is_uri(str(out)) and Path(out).is_dir()):
        raise InvalidValueError(f"the table is a Parquet file, got {str(out)!r}; name OUT.parquet")
    return _Bucket(str(out)) if is_uri(str(out)) else _Disk(Path(out))
