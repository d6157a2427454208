"""Where the bytes of an image come from: a file, or an entry of a zip archive.

An ``ImageSource`` is small, immutable and can be pickled, so that a batch can hand it to
another process; nothing is read before ``open``.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from hilum.errors import UnreadableImageError
from hilum.io.archive import ArchiveEntry, read_entry
from hilum.io.limits import require_file_size

__all__ = ["IMAGE_SUFFIXES", "FileKind", "ImageSource", "sniff"]

HEAD_BYTES = 264
"""How much of a file is looked at to tell what it is (a DICOM file says so at byte 128)."""

IMAGE_SUFFIXES = frozenset(
    {".dcm", ".dicom", ".dic", ".ima", ".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff"}
    | {".bmp", ".webp", ".zip"}
)
"""File names that claim to be an image (or an archive of images), whatever they hold."""


class FileKind(StrEnum):
    """What the first bytes of a file say it is."""

    DICOM = "DICOM"
    RASTER = "image"
    ZIP = "zip archive"
    EMPTY = "empty file"
    OTHER = "other"


_RASTER_MAGIC = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
)
_BITMAP_HEADER_SIZES = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}


def _is_raster(head: bytes) -> bool:
    """Whether ``head`` opens a PNG, JPEG, TIFF, WebP or BMP file."""
    if head.startswith(_RASTER_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return True
    # Two letters alone are too common; a bitmap also has a known size of its second header.
    return head.startswith(b"BM") and head[14:18] in _BITMAP_HEADER_SIZES


def _is_headerless_dicom(head: bytes) -> bool:
    """Whether ``head`` starts with a data element of group 2 or 8, as files of old do.

    Either endianness; an explicit element names its value representation, an implicit one
    has a short length.
    """
    if len(head) < 8 or head[:4] == b"\x00" * 4:
        return False
    for order in ("little", "big"):
        group = int.from_bytes(head[0:2], order)
        element = int.from_bytes(head[2:4], order)
        if group in (2, 8) and element <= 0x0100:
            if head[4:6].isalpha() and head[4:6].isupper():
                return True
            if order == "little" and int.from_bytes(head[4:8], order) <= 256:
                return True
    return False


def sniff(head: bytes) -> FileKind:
    """Tell what a file is from its first ``HEAD_BYTES`` bytes, never from its name.

    >>> sniff(bytes(128) + b"DICM")
    <FileKind.DICOM: 'DICOM'>
    >>> sniff(b"not an image at all")
    <FileKind.OTHER: 'other'>
    """
    if not head:
        return FileKind.EMPTY
    if head[128:132] == b"DICM":
        return FileKind.DICOM
    if _is_raster(head):
        return FileKind.RASTER
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return FileKind.ZIP
    return FileKind.DICOM if _is_headerless_dicom(head) else FileKind.OTHER


@dataclass(frozen=True, slots=True)
class ImageSource:
    """One image to read.

    ``name`` is for display: the file name, or ``archive.zip!entry``; never a folder of the
    user's disk. ``path`` is the file, or the archive when ``entry`` is given. ``problem``
    says why the source cannot be opened at all (a broken archive, say): it is kept so
    that nothing that was given is lost silently.
    """

    name: str
    path: Path
    entry: ArchiveEntry | None = None
    problem: str | None = None

    @classmethod
    def from_path(cls, path: str | Path) -> ImageSource:
        """The source that is a file on disk."""
        path = Path(path)
        return cls(path.name, path)

    def __str__(self) -> str:
        """The full location, unique within a batch: ``path`` or ``path!entry``."""
        return str(self.path) if self.entry is None else f"{self.path}!{self.entry.name}"

    def open(self) -> BinaryIO:
        """Open the bytes for reading; an archive entry is inflated in memory.

        Raises:
            UnreadableImageError: the file cannot be opened, or the entry is damaged.
            ResourceLimitError: it is larger than Hilum reads.
        """
        if self.problem is not None:
            raise UnreadableImageError(self.problem)
        try:
            if self.entry is not None:
                return io.BytesIO(read_entry(self.path, self.entry))
            if not self.path.is_file():
                missing = "is not a regular file" if self.path.exists() else "does not exist"
                raise UnreadableImageError(f"the file {missing}; check the path")
            require_file_size(self.path.stat().st_size)
            return self.path.open("rb")
        except (OSError, ValueError) as error:
            if isinstance(error, UnreadableImageError):
                raise
            reason = getattr(error, "strerror", None) or "not a usable path"
            raise UnreadableImageError(f"the file cannot be opened ({reason})") from error

    def read_head(self) -> bytes:
        """The first ``HEAD_BYTES`` bytes, for ``sniff``; raises as ``open`` does."""
        if self.entry is not None and self.problem is None:
            return read_entry(self.path, self.entry, limit=HEAD_BYTES)
        with self.open() as file:
            try:
                return file.read(HEAD_BYTES)
            except OSError as error:
                raise UnreadableImageError(f"the file cannot be read ({error.strerror})") from error
