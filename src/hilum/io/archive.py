"""Zip archives, read in memory entry by entry: nothing is ever written to disk.

The central directory is read with ``zipfile``; an entry is then found by its offset, so an
entry can be read in another process without parsing the directory again.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from hilum.errors import ResourceLimitError, UnreadableImageError
from hilum.io import limits

__all__ = ["ArchiveEntry", "list_entries", "read_entry"]

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_ENCRYPTED = 0x1
_TAIL_BYTES = 66_000
_MAX_DIRECTORY_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """One file inside a zip archive: its name and where its compressed bytes are."""

    name: str
    offset: int
    compressed_bytes: int
    size_bytes: int
    method: int
    crc32: int
    is_encrypted: bool


def list_entries(path: Path) -> list[ArchiveEntry]:
    """The files of the archive at ``path``, in its order, folders left out.

    Raises:
        UnreadableImageError: the archive is damaged.
        ResourceLimitError: it declares more entries or bytes than Hilum reads.
    """
    try:
        _require_small_directory(path)
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        if isinstance(error, ResourceLimitError):
            raise
        raise UnreadableImageError(
            "the zip archive is damaged or cut short; make it again"
        ) from error
    total_bytes = sum(info.file_size for info in infos)
    if len(infos) > limits.MAX_ARCHIVE_ENTRIES or total_bytes > limits.MAX_ARCHIVE_BYTES:
        raise ResourceLimitError(
            f"the zip archive declares {len(infos):,} entries of {total_bytes / 2**20:,.0f} MiB; "
            f"at most {limits.MAX_ARCHIVE_ENTRIES:,} entries and "
            f"{limits.MAX_ARCHIVE_BYTES // 2**20:,} MiB are read. Extract it and give the folder"
        )
    return [
        ArchiveEntry(
            name=info.filename,
            offset=info.header_offset,
            compressed_bytes=info.compress_size,
            size_bytes=info.file_size,
            method=info.compress_type,
            crc32=info.CRC,
            is_encrypted=bool(info.flag_bits & _ENCRYPTED),
        )
        for info in infos
        if not info.is_dir()
    ]


def _require_small_directory(path: Path) -> None:
    """Refuse a central directory too large to list, before ``zipfile`` builds it."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, _TAIL_BYTES), 2)
        tail = file.read()
    end, end64 = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    size_bytes = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
    if end64 >= 0 and size_bytes == 0xFFFFFFFF:
        size_bytes = int.from_bytes(tail[end64 + 40 : end64 + 48], "little")
    if size_bytes > _MAX_DIRECTORY_BYTES:
        raise ResourceLimitError(
            f"the zip archive has a table of contents of {size_bytes / 2**20:,.0f} MiB; at most "
            f"{_MAX_DIRECTORY_BYTES // 2**20} MiB are read. Extract it and give the folder"
        )


def read_entry(path: Path, entry: ArchiveEntry, *, limit: int | None = None) -> bytes:
    """The uncompressed bytes of ``entry``, or only the first ``limit`` of them.

    A whole entry is checked against its CRC-32. No more than its declared size is ever
    inflated, and that is bounded, so an archive bomb costs nothing.

    Raises:
        UnreadableImageError: the entry is encrypted, damaged or packed in a way that is
            not supported.
        ResourceLimitError: it is larger, or inflates further, than Hilum reads.
    """
    _require_reasonable(entry)
    wanted = entry.size_bytes if limit is None else min(limit, entry.size_bytes)
    packed = _read_packed(path, entry, wanted if limit is not None else None)
    try:
        if entry.method == zipfile.ZIP_STORED:
            data = packed[:wanted]
        else:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, max(wanted, 1))[:wanted]
    except zlib.error as error:
        raise UnreadableImageError("the zip entry is damaged; make the archive again") from error
    if limit is None and (len(data) != entry.size_bytes or zlib.crc32(data) != entry.crc32):
        raise UnreadableImageError("the zip entry is damaged (its checksum does not fit)")
    return data


def _require_reasonable(entry: ArchiveEntry) -> None:
    if entry.is_encrypted:
        raise UnreadableImageError("the zip entry is encrypted; extract it with its password first")
    if entry.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableImageError(
            f"the zip entry is packed with method {entry.method}; expected stored or deflated"
        )
    ratio = entry.size_bytes / max(1, entry.compressed_bytes)
    is_bomb = entry.size_bytes > limits.RATIO_FREE_BYTES and ratio > limits.MAX_ENTRY_RATIO
    if is_bomb or entry.size_bytes > limits.MAX_ENTRY_BYTES:
        raise ResourceLimitError(
            f"the zip entry would inflate {ratio:,.0f} times to {entry.size_bytes / 2**20:,.0f} "
            f"MiB; at most {limits.MAX_ENTRY_BYTES // 2**20} MiB, and "
            f"{limits.MAX_ENTRY_RATIO} times for large entries, are read"
        )


def _read_packed(path: Path, entry: ArchiveEntry, wanted: int | None) -> bytes:
    """Compressed bytes of ``entry``; about enough for ``wanted`` bytes when given."""
    # Deflate never needs much more input than output; 4 KiB covers any code table.
    size = entry.compressed_bytes if wanted is None else min(entry.compressed_bytes, wanted + 4096)
    try:
        with path.open("rb") as file:
            file.seek(entry.offset)
            header = file.read(_LOCAL_HEADER.size)
            fields = _LOCAL_HEADER.unpack(header)
            if fields[0] != b"PK\x03\x04":
                raise UnreadableImageError("the zip entry is not where the archive says it is")
            file.seek(entry.offset + _LOCAL_HEADER.size + fields[-2] + fields[-1])
            return file.read(size)
    except (OSError, struct.error, ValueError) as error:
        if isinstance(error, UnreadableImageError):
            raise
        raise UnreadableImageError("the zip archive is damaged or cut short") from error
