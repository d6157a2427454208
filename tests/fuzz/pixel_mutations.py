"""Mutations of compressed pixels, of transfer syntaxes, and bombs that inflate."""

from __future__ import annotations

import struct
import zlib
from functools import cache

import numpy as np

__all__ = ["make_bomb", "make_flood", "mutate_pixels"]

Rng = np.random.Generator
SYNTAXES = (
    *(b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.2"),
    *(b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4.51"),
    *(b"1.2.840.10008.1.2.4.57", b"1.2.840.10008.1.2.4.70", b"1.2.840.10008.1.2.4.80"),
    *(b"1.2.840.10008.1.2.4.81", b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.4.91"),
    *(b"1.2.840.10008.1.2.4.201", b"1.2.840.10008.1.2.4.203", b"1.2.840.10008.1.2.5"),
    *(b"1.2.840.10008.1.2.4.100", b"1.2.840.10008.5.1.4.1.1.2", b"1.2.3.4.5", b"", b"x"),
)
META = b"\x02\x00\x10\x00UI"
PIXELS = (b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff", b"\xe0\x7f\x10\x00OW\0\0\xff\xff\xff\xff")
ITEM, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
MARKERS = (b"\xff\x4f\xff\x51", b"\xff\xc0", b"\xff\xc1", b"\xff\xc3", b"\xff\xf7", b"\xff\xc4")


def other_syntax(rng: Rng, data: bytearray) -> None:
    at = data.find(META)
    if at < 0:
        return
    (length,) = struct.unpack_from("<H", data, at + 6)
    uid = SYNTAXES[int(rng.integers(0, len(SYNTAXES)))]
    uid += b"\0" * (len(uid) % 2)
    data[at + 6 : at + 8 + length] = struct.pack("<H", len(uid)) + uid


def _fragments(data: bytearray) -> tuple[int, list[bytes]]:
    """Where the encapsulated pixel data begins, and its items; -1 where there is none."""
    at = max(data.find(pattern) for pattern in PIXELS)
    if at < 0:
        return -1, []
    start = at + 12
    items = []
    at = start
    while data[at : at + 4] == ITEM and at + 8 <= len(data):
        (length,) = struct.unpack_from("<L", data, at + 4)
        items.append(bytes(data[at + 8 : at + 8 + length]))
        at += 8 + length
    return start, items


def fragments(rng: Rng, data: bytearray) -> None:
    """Offset tables that lie, fragments lost, doubled, empty, endless or without an end."""
    start, items = _fragments(data)
    if start < 0 or not items:
        return
    kind = int(rng.integers(0, 9))
    if kind == 0:
        words = rng.choice([0, 1, 8, 0xFFFFFFFF, 0x7FFFFFFF, len(data)], int(rng.integers(1, 40)))
        items[0] = struct.pack(f"<{len(words)}L", *(int(word) for word in words))
    elif kind == 1:
        items.insert(1, b"")
    elif kind == 2:
        items[1:1] = [b""] * int(rng.choice([10, 1000, 50_000]))
    elif kind == 3:
        items = [items[0], *(part for item in items[1:] for part in _split(rng, item))]
    elif kind == 4 and len(items) > 1:
        del items[int(rng.integers(1, len(items)))]
    elif kind == 5:
        items += items[1:] * int(rng.integers(1, 5))
    elif kind == 6 and len(items) > 1:
        items[-1] = items[-1][: int(rng.integers(0, len(items[-1]) + 1))]
    body = b"".join(ITEM + struct.pack("<L", len(item)) + item for item in items)
    if kind == 7:
        at = len(body) - len(items[-1]) - 4
        body = (
            body[:at]
            + struct.pack("<L", int(rng.choice([0xFFFFFFFF, 1 << 31, 1 << 24])))
            + items[-1]
        )
    data[start:] = body + (b"" if kind == 8 else END)


def _split(rng: Rng, item: bytes) -> list[bytes]:
    cut = 2 * int(rng.integers(0, len(item) // 2 + 1))
    return [item[:cut], item[cut:]]


def codestream(rng: Rng, data: bytearray) -> None:
    """Bytes after a marker of JPEG, JPEG-LS or JPEG 2000: sizes, components, tables, tiles."""
    start, _ = _fragments(data)
    places = [at for m in MARKERS if start >= 0 and (at := data.find(m, start)) >= 0]
    if not places:
        return
    at = places[int(rng.integers(0, len(places)))]
    for _ in range(int(rng.integers(1, 6))):
        place = at + int(rng.integers(2, 60))
        if place + 4 > len(data):
            return
        if rng.random() < 0.5:
            data[place] = int(rng.choice([0, 1, 2, 3, 4, 7, 8, 16, 17, 127, 128, 255]))
        else:
            word = int(rng.choice([0, 1, 64, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]))
            data[place : place + 4] = struct.pack(">L", word)


def compressed_bytes(rng: Rng, data: bytearray) -> None:
    start, _ = _fragments(data)
    if start < 0 or start + 8 >= len(data):
        return
    for _ in range(int(rng.integers(1, 30))):
        data[int(rng.integers(start, len(data)))] = int(rng.integers(0, 256))


def rle_header(rng: Rng, data: bytearray) -> None:
    start, items = _fragments(data)
    if start < 0 or len(items) < 2:
        return
    at = start + 16 + len(items[0])
    for _ in range(int(rng.integers(1, 4))):
        place = at + 4 * int(rng.integers(0, 16))
        word = int(rng.choice([0, 1, 2, 3, 15, 16, 63, 64, 65, 0x7FFFFFFF, 0xFFFFFFFF, len(data)]))
        data[place : place + 4] = struct.pack("<L", word)


PIXEL_MUTATIONS = (
    *(other_syntax, fragments, fragments, codestream, codestream, codestream),
    *(compressed_bytes, rle_header),
)


def mutate_pixels(rng: Rng, data: bytearray) -> None:
    """One mutation of pixel data or transfer syntax."""
    PIXEL_MUTATIONS[int(rng.integers(0, len(PIXEL_MUTATIONS)))](rng, data)


@cache
def _deflated_block(pattern: bytes) -> bytes:
    """16 MiB of a pattern, deflated so that copies of the result can follow each other."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    raw = pattern * ((16 << 20) // len(pattern))
    return deflater.compress(raw) + deflater.flush(zlib.Z_FULL_FLUSH)


PATTERNS = (
    bytes(16),  # no elements at all
    b"\x09\x00\x10\x10LO\x00\x00",  # one private element again and again
    b"\xfe\xff\x00\xe0\x00\x00\x00\x00",  # items without a sequence
    b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"[:16],
)
HEADS = (
    b"",
    b"\x08\x00\x60\x00CS\x02\x00DX",
    b"\x10\x00\x10\x00UC\0\0\x00\x00\x00\x30",
    b"\x10\x00\x20\x00UT\0\0\xf0\xff\xff\xff",
    b"\x08\x00\x60\x00CS\x02\x00DX\x28\x00\x10\x00US\x02\x00\x00\x08\x28\x00\x11\x00US\x02\x00\x00\x08"
    b"\xe0\x7f\x10\x00OW\0\0\x00\x00\x00\x40",
    b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff",
)


def make_bomb(rng: Rng) -> bytes:
    """A deflated file of some kilobytes or megabytes that inflates to 16 MiB up to 2 GiB."""
    uid = b"1.2.840.10008.1.2.1.99"
    element = META + struct.pack("<H", len(uid)) + uid
    meta = (
        bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00" + struct.pack("<L", len(element)) + element
    )
    head = HEADS[int(rng.integers(0, len(HEADS)))]
    deflater = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    opening = deflater.compress(head) + deflater.flush(zlib.Z_FULL_FLUSH)
    blocks = int(rng.choice([1, 4, 16, 40, 128]))
    pattern = PATTERNS[int(rng.integers(0, len(PATTERNS)))]
    closing = b"\x03\x00" if rng.random() < 0.7 else b""
    return meta + opening + _deflated_block(pattern) * blocks + closing


def make_flood(rng: Rng) -> bytes:
    """A plain file of some megabytes that holds nothing but tiny elements or values."""
    meta = META + struct.pack("<H", 20) + b"1.2.840.10008.1.2.1\0"
    count = int(rng.choice([20_000, 200_000, 1_000_000]))
    numbers = np.arange(count)
    elements = np.zeros((count, 8), np.uint8)
    groups = 0x0009 + 2 * (numbers // 0xF000)
    elements[:, 0], elements[:, 1] = groups & 255, groups >> 8
    places = 0x1000 + numbers % 0xF000
    elements[:, 2], elements[:, 3] = places & 255, places >> 8
    elements[:, 4:6] = np.frombuffer(b"LO" if rng.random() < 0.5 else b"US", np.uint8)
    body = elements.tobytes()
    kind = int(rng.integers(0, 4))
    if kind == 3:  # a character set of a million names
        names = b"1\\" * count
        body = b"\x08\x00\x05\x00UT\0\0" + struct.pack("<L", len(names)) + names
    elif kind == 1:  # within one sequence, of defined length
        item = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(body)) + body
        body = b"\x40\x00\x75\x02SQ\0\0" + struct.pack("<L", len(item)) + item
    elif kind == 2:  # or undefined
        body = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" + body
    return bytes(128) + b"DICM" + meta + body
