"""The header of a DICOM file: everything before the pixel data, and where that begins.

The pixel data itself is not loaded here: a multi-frame file may be large, and one frame is
all that is read from it later.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import pydicom
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    UID_dictionary,
)

from hilum.errors import HilumError, ResourceLimitError, UnreadableImageError
from hilum.io.elements import quiet, read_text
from hilum.io.limits import MAX_FILE_BYTES

__all__ = ["DicomHeader", "read_header"]

_PIXEL_KEYWORDS = {
    (0x7FE0, 0x0008): "FloatPixelData",
    (0x7FE0, 0x0009): "DoubleFloatPixelData",
    (0x7FE0, 0x0010): "PixelData",
}
_UNDEFINED_LENGTH = 0xFFFFFFFF
_META_SCAN_BYTES = 1 << 16
_TRANSFER_SYNTAX_TAG = b"\x02\x00\x10\x00UI"


@dataclass(frozen=True, slots=True, eq=False)
class DicomHeader:
    """A data set without its pixels.

    ``file`` is the stream that the pixels are read from: the file itself, or the inflated
    copy of a deflated one. The pixel data's value begins at ``offset`` and has ``length``
    bytes (None when undefined: encapsulated in fragments). ``keyword`` is "" when the file
    holds no pixel data.
    """

    dataset: Any
    file: BinaryIO
    syntax: UID
    is_little_endian: bool
    keyword: str = ""
    vr: str = ""
    offset: int = 0
    length: int | None = None


def read_header(file: BinaryIO) -> DicomHeader:
    """Read the data set of an open DICOM file up to its pixel data.

    Files without preamble or file meta information are read too, as far as pydicom can
    guess their encoding.

    Raises:
        UnreadableImageError: the file is not DICOM, or is damaged before the pixel data.
        ResourceLimitError: a deflated data set inflates beyond the limit.
    """
    try:
        file = _inflate_if_deflated(file)
        with quiet():
            dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True)
            return _locate_pixels(dataset, file)
    except HilumError:
        raise
    except Exception as error:
        raise UnreadableImageError(
            "the DICOM header is damaged or cut short; export the image again"
        ) from error


def _locate_pixels(dataset: Any, file: BinaryIO) -> DicomHeader:
    if len(dataset) == 0:
        raise UnreadableImageError("the file holds no DICOM elements; export the image again")
    is_implicit, is_little = dataset.original_encoding
    syntax = UID(read_text(dataset.file_meta, "TransferSyntaxUID"))
    order = "<" if is_little else ">"
    head = file.read(8)
    if len(head) < 8:
        return DicomHeader(dataset, file, syntax, is_little)
    group, element = struct.unpack(f"{order}HH", head[:4])
    keyword = _PIXEL_KEYWORDS.get((group, element), "")
    if is_implicit:
        vr, (length,) = "", struct.unpack(f"{order}L", head[4:])
    else:
        vr, (length,) = head[4:6].decode("latin-1"), struct.unpack(f"{order}L", file.read(4))
    if not _is_known(syntax) and length != _UNDEFINED_LENGTH:
        syntax = _guess_syntax(is_implicit, is_little)
    return DicomHeader(
        dataset=dataset,
        file=file,
        syntax=syntax,
        is_little_endian=is_little,
        keyword=keyword,
        vr=vr,
        offset=file.tell(),
        length=None if length == _UNDEFINED_LENGTH else length,
    )


def _is_known(syntax: UID) -> bool:
    return syntax in UID_dictionary and bool(syntax.is_transfer_syntax)


def _guess_syntax(is_implicit: bool, is_little: bool) -> UID:
    if is_implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian


def _inflate_if_deflated(file: BinaryIO) -> BinaryIO:
    """Inflate a deflated data set within bounds; pydicom alone would inflate any bomb."""
    start = file.tell()
    head = file.read(_META_SCAN_BYTES)
    file.seek(start)
    at = head.find(_TRANSFER_SYNTAX_TAG)
    if at < 0 or not head[at + 8 :].startswith(DeflatedExplicitVRLittleEndian.encode()):
        return file
    file.seek(start + _find_meta_end(head))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflater.decompress(file.read(), MAX_FILE_BYTES)
    if inflater.unconsumed_tail:
        raise ResourceLimitError(
            f"the deflated data set inflates to more than {MAX_FILE_BYTES // 2**20:,} MiB, which "
            "is more than is read; check what the file holds"
        )
    return io.BytesIO(_make_meta(ExplicitVRLittleEndian) + data)


def _find_meta_end(head: bytes) -> int:
    """Offset of the first element after the file meta information (group 2)."""
    at = 132 if head[128:132] == b"DICM" else 0
    while head[at : at + 2] == b"\x02\x00":
        if head[at + 4 : at + 6] in (b"OB", b"UN", b"OW", b"SQ", b"UT"):
            at += 12 + int.from_bytes(head[at + 8 : at + 12], "little")
        else:
            at += 8 + int.from_bytes(head[at + 6 : at + 8], "little")
    return at


def _make_meta(syntax: UID) -> bytes:
    """A preamble and the least file meta information that names ``syntax``."""
    value: bytes = syntax.encode() + b"\x00" * (len(syntax) % 2)
    element = _TRANSFER_SYNTAX_TAG + struct.pack("<H", len(value)) + value
    length = struct.pack("<L", len(element))
    return bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00" + length + element
