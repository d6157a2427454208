"""Files by what they hold: the name is the SHA-256 of the content, nothing of the input.

The same content is stored once. A file is complete or not there: it is written beside its
place and moved into it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hilum.errors import StorageError, UnknownStudyError, require

__all__ = ["FileStore"]

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class FileStore:
    """A folder of files; takes nothing more when less than ``min_free_mb`` is free."""

    root: Path
    min_free_mb: int = 0

    def put(self, data: bytes) -> str:
        """Store and return the SHA-256.

        Raises:
            StorageError: The disk is full or cannot be written.
        """
        key = hashlib.sha256(data).hexdigest()
        place = self.path(key)
        if place.is_file():
            return key
        self.require_space(len(data))
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=place.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(place)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise StorageError(f"the file cannot be stored: {error.strerror}") from error
        return key

    def require_space(self, size: int = 0) -> None:
        """Raise ``StorageError`` when ``size`` more bytes would leave too little free."""
        self.root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.root).free - size
        if free < self.min_free_mb * MEGABYTE:
            raise StorageError(
                f"the disk is full: {max(free, 0) // MEGABYTE} MB would be left, at least "
                f"{self.min_free_mb} MB must stay free; delete studies or raise the capacity"
            )

    def path(self, key: str) -> Path:
        """Where the content with this SHA-256 is, or would be."""
        require(re.fullmatch(r"[0-9a-f]{64}", key) is not None, "a key is a SHA-256")
        return self.root / key[:2] / key[2:]

    def read(self, key: str) -> bytes:
        """The content.

        Raises:
            UnknownStudyError: It is not there.
        """
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError as error:
            raise UnknownStudyError("the file is not in the store") from error

    def remove(self, key: str) -> None:
        """Delete; what is not there is deleted already."""
        with contextlib.suppress(FileNotFoundError):
            self.path(key).unlink()
