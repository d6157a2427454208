"""RLE Lossless frames (PS3.5 annex G).

The segments are unpacked one by one by pylibjpeg's compiled code and put together here:
its decoder of whole frames panics on damaged data, which prints a trace that Python cannot
hold back.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from rle.rle import decode_segment  # type: ignore[import-not-found, unused-ignore]

from hilum.errors import UnreadableImageError

__all__ = ["decode_rle"]

_HEADER_BYTES = 64
_MAX_SEGMENTS = 15


def decode_rle(
    frame: bytes, *, shape: tuple[int, int, int], bytes_per_sample: int
) -> npt.NDArray[Any]:
    """Decode a frame to unsigned integers ``(rows, columns, samples)``.

    Args:
        frame: header and segments, each of which holds one byte of one sample of all
            pixels, most significant byte first.
        shape: rows, columns and samples a pixel.
        bytes_per_sample: 1, 2 or 4.

    Raises:
        UnreadableImageError: the segments do not fit the shape, or are damaged.
    """
    rows, columns, samples = shape
    offsets = _read_offsets(frame, samples * bytes_per_sample)
    planes = np.empty((samples, bytes_per_sample, rows * columns), np.uint8)
    for index, (start, end) in enumerate(pairwise(offsets)):
        try:
            plane = np.frombuffer(decode_segment(frame[start:end]), np.uint8)
        except ValueError as error:
            raise UnreadableImageError(
                "an RLE segment is damaged; export the image again"
            ) from error
        if not rows * columns <= plane.size <= rows * columns + 1:
            raise UnreadableImageError(
                f"an RLE segment holds {plane.size:,} bytes, expected {rows * columns:,}; the file "
                "is damaged, export the image again"
            )
        planes[index // bytes_per_sample, index % bytes_per_sample] = plane[: rows * columns]
    values = np.ascontiguousarray(planes.transpose(2, 0, 1)).view(f">u{bytes_per_sample}")
    return values.astype(values.dtype.newbyteorder("=")).reshape(shape)


def _read_offsets(frame: bytes, expected: int) -> list[int]:
    """Where each segment begins, and the end of the last."""
    if len(frame) < _HEADER_BYTES:
        raise UnreadableImageError("the RLE header is cut short; export the image again")
    count, *offsets = np.frombuffer(frame, "<u4", _HEADER_BYTES // 4).tolist()
    if count != expected or count > _MAX_SEGMENTS:
        raise UnreadableImageError(
            f"the RLE frame has {count} segments, expected {expected}; export the image again"
        )
    bounds = [*offsets[:count], len(frame)]
    if bounds[0] < _HEADER_BYTES or sorted(bounds) != bounds:
        raise UnreadableImageError("the RLE segments are out of order; export the image again")
    return bounds
