"""What reading a file may cost: the bounds that keep bad input cheap.

They are generous for radiographs (the largest detectors give about 18 megapixels) and stop
decompression bombs, mistaken headers and folders that were never meant to be one study.
"""

from __future__ import annotations

from typing import Final

from hilum.errors import ResourceLimitError

__all__ = [
    "MAX_ARCHIVE_BYTES",
    "MAX_ARCHIVE_ENTRIES",
    "MAX_ENTRY_BYTES",
    "MAX_ENTRY_RATIO",
    "MAX_FILE_BYTES",
    "MAX_FOLDER_FILES",
    "MAX_HEADER_READS",
    "MAX_INFLATED_BYTES",
    "MAX_LISTED_UNREADABLE",
    "MAX_PIXELS",
    "MAX_STUDY_IMAGES",
    "MAX_STUDY_PIXELS",
    "RATIO_FREE_BYTES",
    "require_file_size",
    "require_pixels",
]

_MIB: Final = 1 << 20

MAX_PIXELS: Final = 64_000_000
"""Rows times columns of one image."""
MAX_FILE_BYTES: Final = 1024 * _MIB
"""One file on disk."""
MAX_INFLATED_BYTES: Final = 400 * _MIB
"""A deflated data set, inflated in memory: the largest matrix in colour of 16 bits, and more."""
MAX_HEADER_READS: Final = 200_000
"""Pieces that a header is read in, two or three an element; a radiograph has a few hundred."""
MAX_ENTRY_BYTES: Final = 512 * _MIB
"""One entry of an archive, uncompressed: it is held in memory while it is decoded."""
MAX_ARCHIVE_ENTRIES: Final = 20_000
MAX_ARCHIVE_BYTES: Final = 8192 * _MIB
"""All entries of an archive together, uncompressed."""
RATIO_FREE_BYTES: Final = 64 * _MIB
"""Entries up to this size may compress as well as they like (a blank image does)."""
MAX_ENTRY_RATIO: Final = 200
"""Uncompressed to compressed size of a larger entry."""
MAX_FOLDER_FILES: Final = 200_000
"""Files that opening one study looks at."""
MAX_STUDY_IMAGES: Final = 64
"""Decoded images of one call, priors included."""
MAX_STUDY_PIXELS: Final = 320_000_000
"""Decoded pixels of one call, priors included (4 bytes each)."""
MAX_LISTED_UNREADABLE: Final = 50
"""Unreadable files that are listed one by one; the rest are counted."""


def require_pixels(rows: int, columns: int) -> None:
    """Raise ``ResourceLimitError`` for a matrix that is too large to decode."""
    if rows * columns > MAX_PIXELS:
        raise ResourceLimitError(
            f"the image has {rows:,} x {columns:,} pixels; at most {MAX_PIXELS // 1_000_000} "
            "megapixels are read. Reduce it, or check that its header is right"
        )


def require_file_size(size_bytes: int) -> None:
    """Raise ``ResourceLimitError`` for a file that is too large to open."""
    if size_bytes > MAX_FILE_BYTES:
        raise ResourceLimitError(
            f"the file has {size_bytes / _MIB:,.0f} MiB; at most {MAX_FILE_BYTES // _MIB:,} MiB "
            "are read. Radiographs are smaller: check what the file holds"
        )
