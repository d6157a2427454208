"""Where the elements of a DICOM file lie: a tolerant walk that mutations aim by.

It follows lengths as far as they make sense, goes into sequences, and stops at the first thing
that it does not understand. It is no reader: it only has to be right for the seeds.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

__all__ = ["Element", "walk_elements"]

LONG_VRS = {
    b"OB",
    b"OD",
    b"OF",
    b"OL",
    b"OV",
    b"OW",
    b"SQ",
    b"SV",
    b"UC",
    b"UN",
    b"UR",
    b"UT",
    b"UV",
}
UNDEFINED = 0xFFFFFFFF
ITEM_GROUP = 0xFFFE
MAX_ELEMENTS = 3000
IMPLICIT, BIG = b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2.2\0"
DEFLATED = b"1.2.840.10008.1.2.1.99"
IMPLICIT_SEQUENCES = {(0x0008, 0x1140), (0x0028, 0x3000), (0x0028, 0x3010), (0x0040, 0x0275)}


class Element(NamedTuple):
    """Byte offsets of one element: its start, its length field, its value, its end."""

    start: int
    group: int
    element: int
    vr: bytes
    length_at: int
    length_size: int
    value: int
    end: int
    depth: int


def walk_elements(data: bytes) -> list[Element]:
    """The elements of a file that begins with a preamble; empty when there is none."""
    if data[128:132] != b"DICM":
        return []
    found: list[Element] = []
    at = 132
    syntax = b""
    while data[at : at + 2] == b"\x02\x00" and len(found) < MAX_ELEMENTS:
        element = _read(data, at, "<", is_implicit=False, depth=0)
        if element is None:
            return found
        found.append(element)
        if element.element == 0x0010:
            syntax = data[element.value : element.end]
        at = element.end
    if syntax.startswith(DEFLATED):
        return found
    order = ">" if syntax.rstrip(b"\0") == BIG.rstrip(b"\0") else "<"
    _walk(data, at, len(data), order, syntax == IMPLICIT, 0, found)
    return found


def _walk(
    data: bytes, at: int, end: int, order: str, is_implicit: bool, depth: int, found: list[Element]
) -> int:
    while at + 8 <= end and len(found) < MAX_ELEMENTS and depth < 20:
        element = _read(data, at, order, is_implicit=is_implicit, depth=depth)
        if element is None:
            return end
        found.append(element)
        is_end = element.group == ITEM_GROUP and element.element in (0xE00D, 0xE0DD)
        if is_end:
            return element.end
        is_open = element.end == element.value and _length(data, element, order) == UNDEFINED
        is_inner = element.vr == b"SQ" or (element.group, element.element) in IMPLICIT_SEQUENCES
        if is_open or (element.group == ITEM_GROUP and depth % 2 and element.end > element.value):
            limit = end if is_open else element.end
            at = _walk(data, element.value, limit, order, is_implicit, depth + 1, found)
        elif is_inner and element.end > element.value:
            _walk(data, element.value, element.end, order, is_implicit, depth + 1, found)
            at = element.end
        else:
            at = element.end
    return at


def _length(data: bytes, element: Element, order: str) -> int:
    code = "L" if element.length_size == 4 else "H"
    return int(struct.unpack_from(order + code, data, element.length_at)[0])


def _read(data: bytes, at: int, order: str, *, is_implicit: bool, depth: int) -> Element | None:
    if at + 8 > len(data):
        return None
    group, number = struct.unpack_from(f"{order}HH", data, at)
    vr, length_at, size = b"", at + 4, 4
    if not is_implicit and group != ITEM_GROUP:
        vr = data[at + 4 : at + 6]
        if not vr.isalpha():
            return None
        length_at, size = (at + 8, 4) if vr in LONG_VRS else (at + 6, 2)
    if length_at + size > len(data):
        return None
    (length,) = struct.unpack_from(order + ("L" if size == 4 else "H"), data, length_at)
    value = length_at + size
    end = value if length == UNDEFINED and size == 4 else value + length
    if end > len(data):
        return None
    return Element(at, group, number, vr, length_at, size, value, end, depth)
