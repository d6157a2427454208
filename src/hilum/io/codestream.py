"""The size that a compressed frame declares itself, read before any decoder sees it.

A decoder allocates what the codestream says, whatever the DICOM header says, so a small
file could claim a matrix of gigabytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["FrameSize", "read_frame_size"]

_J2K_SIZ = b"\xff\x4f\xff\x51"
# Start-of-frame markers of JPEG (ISO 10918-1 table B.1) and JPEG-LS (ISO 14495-1).
_JPEG_SOF = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = {0x01, *range(0xD0, 0xDA)}


@dataclass(frozen=True, slots=True)
class FrameSize:
    """Rows, columns, components and bits a component that a codestream declares."""

    rows: int
    columns: int
    components: int
    precision: int


def read_frame_size(frame: bytes) -> FrameSize | None:
    """The size that a JPEG, JPEG-LS or JPEG 2000 frame declares, None if it declares none.

    >>> siz = struct.pack(">HHHH8LHB", 0xFF4F, 0xFF51, 41, 0, 9, 7, 1, 0, 9, 7, 0, 0, 1, 11)
    >>> read_frame_size(siz)
    FrameSize(rows=7, columns=8, components=1, precision=12)
    """
    try:
        at = 0 if frame.startswith(_J2K_SIZ) else frame.find(_J2K_SIZ, 0, 4096)
        if at >= 0 and (at == 0 or frame[4:8] == b"jP  "):
            width, height, left, top = struct.unpack_from(">4L", frame, at + 8)
            components, depth = struct.unpack_from(">HB", frame, at + 40)
            return FrameSize(height - top, width - left, components, (depth & 0x7F) + 1)
        return _read_jpeg_size(frame) if frame.startswith(b"\xff\xd8") else None
    except struct.error:
        return None


def _read_jpeg_size(frame: bytes) -> FrameSize | None:
    at = 2
    while at + 4 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_BARE:
            at += 2
        elif marker in _JPEG_SOF:
            precision, rows, columns, components = struct.unpack_from(">BHHB", frame, at + 4)
            return FrameSize(rows, columns, components, precision)
        else:
            at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None
