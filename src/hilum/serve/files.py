"""Files by what they hold: the name is the SHA-256 of the content, nothing of the input.

The same content is stored once. A file is complete or not there: it is written beside its
place and moved into it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hilum.errors import StorageError, UnknownStudyError, require

__all__ = ["Content", "FileStore", "digest_of", "open_content", "size_of"]

MEGABYTE = 1_000_000
CHUNK_BYTES = 1 << 20

Content = bytes | BinaryIO
"""What comes in: bytes, or an open file that can be read again from its start."""


def open_content(content: Content) -> BinaryIO:
    """The content as a file at its start; bytes are not copied."""
    if isinstance(content, bytes):
        return io.BytesIO(content)
    content.seek(0)
    return content


def size_of(content: Content) -> int:
    """Bytes of the content, without reading it."""
    return len(content) if isinstance(content, bytes) else content.seek(0, io.SEEK_END)


def digest_of(content: Content) -> str:
    """The SHA-256 of the content, read in pieces."""
    digest, file = hashlib.sha256(), open_content(content)
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class FileStore:
    """A folder of files; takes nothing more when less than ``min_free_mb`` is free."""

    root: Path
    min_free_mb: int = 0

    def put(self, content: Content) -> str:
        """Store and return the SHA-256; a file is read twice, and never held in memory.

        Raises:
            StorageError: The disk is full or cannot be written.
        """
        key = digest_of(content)
        place = self.path(key)
        if place.is_file():
            return key
        self.require_space(size_of(content))
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=place.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    shutil.copyfileobj(open_content(content), file, CHUNK_BYTES)
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
        free = self._free() - size
        if free < self.min_free_mb * MEGABYTE:
            raise StorageError(
                f"the disk is full: {max(free, 0) // MEGABYTE} MB would be left, at least "
                f"{self.min_free_mb} MB must stay free; delete studies or raise the capacity"
            )

    def free_mb(self) -> int:
        """Free space on the disk of the files."""
        return self._free() // MEGABYTE

    def _free(self) -> int:
        self.root.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self.root).free

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
