"""Masks as run lengths in COCO's two forms: plain counts and the compressed string.

Runs go down the columns (Fortran order) and alternate between background and foreground,
starting with background. The string writes the differences to the run before the last in
groups of five bits (Lin et al. 2014; ``maskApi.c`` of the COCO API).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import InvalidValueError
from hilum.types import Mask

__all__ = ["compress_counts", "counts_of", "decode_rle", "encode_rle", "expand_counts"]

LOW, CONTINUES, SIGN, BASE = 0x1F, 0x20, 0x10, 48


def counts_of(mask: Mask) -> list[int]:
    """Run lengths of a mask ``(rows, columns)``; they sum to its size.

    >>> counts_of(np.array([[False, True], [True, True]]))
    [1, 3]
    """
    flat = np.asarray(mask, np.bool_).ravel(order="F")
    if not flat.size:
        return []
    turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = np.concatenate([[0], turns, [flat.size]])
    runs = [int(n) for n in np.diff(ends)]
    return [0, *runs] if flat[0] else runs


def compress_counts(counts: Sequence[int]) -> str:
    """The compressed string of run lengths.

    >>> compress_counts([1, 3])
    '13'
    """
    out = bytearray()
    for place, count in enumerate(counts):
        value = count - (counts[place - 2] if place > 2 else 0)
        while True:
            low = value & LOW
            value >>= 5
            more = value != -1 if low & SIGN else value != 0
            out.append((low | CONTINUES if more else low) + BASE)
            if not more:
                break
    return out.decode("ascii")


def expand_counts(text: str) -> list[int]:
    """Run lengths of a compressed string.

    Raises:
        InvalidValueError: It is cut short, or holds a character that none is written with.
    """
    counts: list[int] = []
    value = shift = 0
    for byte in text.encode("utf-8"):
        code = byte - BASE
        if not 0 <= code < 64:
            raise InvalidValueError(f"run lengths are written in characters 0 to o, got {byte:#x}")
        value |= (code & LOW) << shift
        shift += 5
        if code & CONTINUES:
            continue
        if code & SIGN:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        counts.append(value)
        value = shift = 0
    if shift:
        raise InvalidValueError("the run lengths end within a number")
    return counts


def encode_rle(mask: Mask) -> dict[str, Any]:
    """COCO's compressed RLE of a mask: ``size`` (rows, columns) and ``counts``."""
    return {"size": [int(n) for n in mask.shape], "counts": compress_counts(counts_of(mask))}


def decode_rle(rle: Mapping[str, Any]) -> Mask:
    """The mask ``(rows, columns)`` of a COCO RLE, compressed or not.

    Raises:
        InvalidValueError: Size and run lengths do not fit, or the string is damaged.
    """
    try:
        rows, columns = (int(n) for n in rle["size"])
        written = rle["counts"]
        counts = expand_counts(written) if isinstance(written, str) else [int(n) for n in written]
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InvalidValueError):
            raise
        raise InvalidValueError("an RLE has a size (rows, columns) and counts") from error
    if rows < 0 or columns < 0 or min(counts, default=0) < 0 or sum(counts) != rows * columns:
        raise InvalidValueError(
            f"runs over {sum(counts)} pixels do not fill {rows} x {columns}; is the mask damaged?"
        )
    values = np.arange(len(counts)) % 2 == 1
    flat: npt.NDArray[np.bool_] = np.repeat(values, counts)
    return flat.reshape((rows, columns), order="F")
