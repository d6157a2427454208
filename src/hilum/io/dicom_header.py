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
from hilum.io.limits import MAX_HEADER_READS, MAX_INFLATED_BYTES

__all__ = ["DicomHeader", "is_transfer_syntax", "read_header"]

_PIXEL_KEYWORDS = {
    (0x7FE0, 0x0008): "FloatPixelData",
    (0x7FE0, 0x0009): "DoubleFloatPixelData",
    (0x7FE0, 0x0010): "PixelData",
}
_UNDEFINED_LENGTH = 0xFFFFFFFF
_META_SCAN_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 18
_MAX_CHARSET_BYTES = 1024
_CHARSET_TAGS = (b"\x08\x00\x05\x00", b"\x00\x08\x00\x05")  # little, big endian
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
        ResourceLimitError: a deflated data set inflates beyond the limit, or the header has
            more elements than any image needs.
    """
    try:
        file = _inflate_if_deflated(file)
        with quiet():
            bounded = _Bounded(file, MAX_HEADER_READS)
            dataset = pydicom.dcmread(bounded, stop_before_pixels=True, force=True)
            return _locate_pixels(dataset, file)
    except HilumError:
        raise
    except Exception as error:
        raise UnreadableImageError(
            "the DICOM header is damaged or cut short; export the image again"
        ) from error


class _Bounded:
    """A stream that is read so many times and not more: elements cost far more than their bytes.

    pydicom looks every name of a character set up while it reads, so their number is bounded, too.
    """

    def __init__(self, file: BinaryIO, reads: int) -> None:
        self._file = file
        self._left = reads
        self._tag = b""
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Read as the stream itself does.

        Raises:
            ResourceLimitError: it was read too often.
        """
        self._left -= 1
        is_long_charset = size > _MAX_CHARSET_BYTES and self._tag in _CHARSET_TAGS
        if self._left < 0 or is_long_charset:
            raise ResourceLimitError(
                "the header has more elements than any image needs; check what the file holds"
            )
        data = self._file.read(size)
        if size == 8:  # every element begins with one such piece
            self._tag = data[:4]
        return data


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
    if not is_transfer_syntax(syntax) and length != _UNDEFINED_LENGTH:
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


def is_transfer_syntax(syntax: UID) -> bool:
    """Whether it is a transfer syntax of the standard, not any other identifier."""
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
    inflated = io.BytesIO()
    inflated.write(_make_meta(ExplicitVRLittleEndian))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflater.eof and (waiting := file.read(_CHUNK_BYTES)):
        while waiting and not inflater.eof:
            inflated.write(inflater.decompress(waiting, _CHUNK_BYTES))
            waiting = inflater.unconsumed_tail
            if inflated.tell() > MAX_INFLATED_BYTES:
                raise ResourceLimitError(
                    f"the deflated data set inflates to more than {MAX_INFLATED_BYTES // 2**20} "
                    "MiB, which is more than is read; check what the file holds"
                )
    inflated.seek(0)
    return inflated


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
