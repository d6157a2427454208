"""Mutations of bytes and of raw elements: what a broken disk, wire or writer leaves."""

from __future__ import annotations

import struct

import numpy as np
from dicom_elements import Element, walk_elements

__all__ = ["BYTE_MUTATIONS", "ELEMENT_MUTATIONS"]

Rng = np.random.Generator
LENGTHS = (0, 1, 2, 3, 7, 8, 255, 256, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF)
HUGE = (0x80000000, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF)
VRS = (
    b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR "
    b"US UT UV XX \0\0 ??"
).split(b" ")
TEXTS = (
    b"",
    b"\0",
    b" ",
    b"\\",
    b"\\" * 4000,
    b"9" * 400,
    b"-1",
    b"1e308\\-1e308",
    b"nan\\inf\\-inf",
    b"0x10",
    b"\x1b$B\x1b(B\x1b$)C",
    b"\xff\xfe\xfd\xfc",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"A=B=C=D=E^^^^^^^^",
    b"../../../../etc/passwd",
    b"'; DROP TABLE studies; --",
    b"<script>alert(1)</script>",
    b"%n%s%x",
    b"1.2.840." + b"9" * 120,
    b"1..2",
    b"19000101" * 3,
    b"20261301",
    b"999Y",
    b"\r\n\t\x07",
)


def _place(rng: Rng, data: bytearray) -> int:
    # the header is where most of the structure is
    limit = len(data) if rng.random() < 0.4 else min(len(data), 4096)
    return int(rng.integers(0, max(1, limit)))


def flip(rng: Rng, data: bytearray) -> None:
    for _ in range(int(rng.integers(1, 20))):
        data[_place(rng, data)] ^= 1 << int(rng.integers(0, 8))


def overwrite(rng: Rng, data: bytearray) -> None:
    at = _place(rng, data)
    size = int(rng.integers(1, 64))
    data[at : at + size] = rng.bytes(min(size, max(0, len(data) - at)))


def insert(rng: Rng, data: bytearray) -> None:
    at = _place(rng, data)
    data[at:at] = rng.bytes(int(rng.integers(1, 128)))


def cut_out(rng: Rng, data: bytearray) -> None:
    at = _place(rng, data)
    del data[at : at + int(rng.integers(1, 256))]


def repeat(rng: Rng, data: bytearray) -> None:
    at = _place(rng, data)
    block = bytes(data[at : at + int(rng.integers(1, 512))])
    data[at:at] = block * int(rng.integers(1, 40))


def swap(rng: Rng, data: bytearray) -> None:
    first, second = sorted(_place(rng, data) for _ in range(2))
    size = min(int(rng.integers(1, 200)), second - first, len(data) - second)
    if size > 0:
        one, other = data[first : first + size], data[second : second + size]
        data[first : first + size], data[second : second + size] = other, one


def truncate(rng: Rng, data: bytearray) -> None:
    del data[_place(rng, data) :]


def zero_tail(rng: Rng, data: bytearray) -> None:
    at = _place(rng, data)
    data[at:] = bytes(len(data) - at)


def interesting_word(rng: Rng, data: bytearray) -> None:
    at = _place(rng, data)
    value = int(rng.choice([*LENGTHS, *HUGE]))
    data[at : at + 4] = struct.pack(str(rng.choice(["<L", ">L"])), value)


def break_preamble(rng: Rng, data: bytearray) -> None:
    kind = int(rng.integers(0, 4))
    if kind == 0:
        del data[:132]
    elif kind == 1:
        data[128:132] = rng.bytes(4)
    elif kind == 2:
        data[:128] = rng.bytes(128)
    else:
        data[:0] = rng.bytes(int(rng.integers(1, 200)))


BYTE_MUTATIONS = (
    *(flip, overwrite, insert, cut_out, repeat, swap),
    *(truncate, zero_tail, interesting_word, break_preamble),
)


def _pick(rng: Rng, data: bytearray) -> Element | None:
    elements = walk_elements(bytes(data))
    return elements[int(rng.integers(0, len(elements)))] if elements else None


def wrong_length(rng: Rng, data: bytearray) -> None:
    element = _pick(rng, data)
    if element is None:
        return
    real = element.end - element.value
    value = int(rng.choice([*LENGTHS, *HUGE, real + 1, real + 2, max(0, real - 1), real * 2]))
    limit = 8 * element.length_size
    code = "<L" if element.length_size == 4 else "<H"
    raw = struct.pack(code, value & ((1 << limit) - 1))
    data[element.length_at : element.length_at + element.length_size] = raw


def wrong_vr(rng: Rng, data: bytearray) -> None:
    element = _pick(rng, data)
    if element is not None and element.vr:
        data[element.start + 4 : element.start + 6] = VRS[int(rng.integers(0, len(VRS)))][:2]


def wrong_tag(rng: Rng, data: bytearray) -> None:
    element = _pick(rng, data)
    if element is None:
        return
    other = _pick(rng, data)
    if other is not None and rng.random() < 0.5:
        data[element.start : element.start + 4] = data[other.start : other.start + 4]
    else:
        data[element.start : element.start + 4] = rng.bytes(4)


def without_element(rng: Rng, data: bytearray) -> None:
    element = _pick(rng, data)
    if element is not None:
        del data[element.start : element.end]


def moved_element(rng: Rng, data: bytearray) -> None:
    element, other = _pick(rng, data), _pick(rng, data)
    if element is None or other is None:
        return
    raw = bytes(data[element.start : element.end])
    if rng.random() < 0.5:
        del data[element.start : element.end]
    at = min(other.start, len(data))
    data[at:at] = raw * int(rng.integers(1, 4))


def wrong_value(rng: Rng, data: bytearray) -> None:
    """Another value of right length, so that what follows is still read."""
    element = _pick(rng, data)
    if element is None or (element.length_size == 4 and element.end - element.value > 4096):
        return
    text = TEXTS[int(rng.integers(0, len(TEXTS)))] if rng.random() < 0.7 else rng.bytes(16)
    text += b" " * (len(text) % 2)
    limit = 0xFFFE if element.length_size == 2 else 0xFFFFFFF0
    code = "<H" if element.length_size == 2 else "<L"
    data[element.length_at : element.end] = struct.pack(code, min(len(text), limit)) + text


def wrong_words(rng: Rng, data: bytearray) -> None:
    """Extreme numbers in a short binary element (Rows, BitsStored, descriptors)."""
    element = _pick(rng, data)
    if element is None or not 2 <= element.end - element.value <= 64:
        return
    for at in range(element.value, element.end - 1, 2):
        word = int(
            rng.choice([0, 1, 2, 3, 7, 8, 9, 16, 17, 32, 64, 255, 4096, 32767, 32768, 65535])
        )
        data[at : at + 2] = struct.pack("<H", word)


def nested(rng: Rng, data: bytearray) -> None:
    """Sequences in sequences, of undefined length, closed or not."""
    element = _pick(rng, data)
    if element is None or element.group == 2:
        return
    depth = int(rng.choice([3, 30, 300, 3000]))
    head = (
        b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff"
        if element.vr
        else b"\x40\x00\x75\x02\xff\xff\xff\xff"
    )
    opening = (head + b"\xfe\xff\x00\xe0\xff\xff\xff\xff") * depth
    closing = (b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0") * depth
    data[element.start : element.start] = opening + (closing if rng.random() < 0.6 else b"")


def private_block(rng: Rng, data: bytearray) -> None:
    """Private elements of all kinds, with and without their creator."""
    element = _pick(rng, data)
    if element is None or element.group == 2:
        return
    group = int(rng.choice([0x0009, 0x0029, 0x7FE1, 0x0043, 0x6001]))
    parts = []
    for number in range(int(rng.integers(1, 50))):
        vr = VRS[int(rng.integers(0, len(VRS) - 3))]
        value = rng.bytes(2 * int(rng.integers(0, 20)))
        is_long = vr in (b"OB", b"OW", b"UN", b"SQ", b"UT", b"UC", b"OD", b"OF", b"OL", b"OV")
        length = struct.pack("<HL", 0, len(value)) if is_long else struct.pack("<H", len(value))
        parts.append(struct.pack("<HH", group, 0x1000 + number) + vr + length + value)
    data[element.start : element.start] = b"".join(parts)


ELEMENT_MUTATIONS = (
    *(wrong_length, wrong_vr, wrong_tag, without_element, moved_element),
    *(wrong_value, wrong_value, wrong_words, wrong_words, nested, private_block),
)
