"""What a client accepts: media ranges, transfer syntaxes, one part or several (PS3.18 8.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydicom.uid import UID, ExplicitVRLittleEndian
from starlette.exceptions import HTTPException
from starlette.requests import Request

__all__ = [
    "Encoding",
    "MediaRange",
    "choose_file",
    "choose_frames",
    "choose_media",
    "parse_accept",
    "read_accept",
]

ANY = "*/*"
OCTETS = "application/octet-stream"
DICOM_FILE = "application/dicom"
MAX_RANGES = 50
FRAME_TYPES = {
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}
"""Media type of a compressed frame (PS3.18 table 8.7.3-5)."""


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One member of an Accept header; for a multipart range the type of its parts.

    ``is_multipart`` is None where the client leaves it open (``*/*``).
    """

    media_type: str
    is_multipart: bool | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    quality: float = 1.0

    def covers(self, media_type: str) -> bool:
        """Whether ``media_type`` is in the range."""
        main = media_type.partition("/")[0]
        return self.media_type in (ANY, f"{main}/*", media_type)

    @property
    def syntax(self) -> str:
        """The transfer syntax that is asked for, ``*`` for any, "" where none is named."""
        return self.parameters.get("transfer-syntax", "")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How an instance or its frames are to be sent."""

    media_type: str
    syntax: str
    is_multipart: bool


def read_accept(request: Request) -> list[MediaRange]:
    """The media ranges of a request, best first; the query parameter goes before the header."""
    query = request.query_params.get("accept")
    if query:  # a plus sign of a query is read as a space
        return parse_accept(re.sub(r"\bdicom (json|xml)\b", r"dicom+\1", query))
    return parse_accept(request.headers.get("accept", ""))


def parse_accept(text: str) -> list[MediaRange]:
    """The ranges of an Accept header, best first; everything where it is empty.

    >>> found = parse_accept('multipart/related; type="image/jpeg"; q=0.5, image/png')
    >>> [(r.media_type, r.is_multipart) for r in found]
    [('image/png', False), ('image/jpeg', True)]
    """
    ranges = []
    for part in re.findall(r'(?:"[^"]*"|[^,"])+', text)[:MAX_RANGES]:
        pieces = [piece.strip() for piece in re.findall(r'(?:"[^"]*"|[^;"])+', part)]
        if not pieces or "/" not in pieces[0]:
            continue
        media_type, parameters = pieces[0].lower(), _read_parameters(pieces[1:])
        is_multipart = media_type.startswith("multipart/")
        if is_multipart:
            media_type = parameters.get("type", ANY).lower()
        is_open = None if media_type == ANY and not is_multipart else is_multipart
        quality = _read_quality(parameters.get("q", "1"))
        if quality > 0:
            ranges.append(MediaRange(media_type, is_open, parameters, quality))
    if not text.strip():
        ranges = [MediaRange(ANY)]
    return sorted(ranges, key=lambda found: -found.quality)


def _read_parameters(pieces: Sequence[str]) -> dict[str, str]:
    pairs = (piece.partition("=") for piece in pieces)
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _read_quality(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.\d{0,3})?", text) else 0.0


def choose_media(ranges: Sequence[MediaRange], offers: Sequence[str]) -> tuple[str, bool | None]:
    """The best of the offered media types, and whether it is to be a part of several.

    Raises:
        HTTPException: 406, the client accepts none of them.
    """
    for wanted in ranges:
        for offer in offers:
            if wanted.covers(offer):
                return offer, wanted.is_multipart
    raise HTTPException(406, f"this comes as {' or '.join(offers)} only")


def choose_frames(ranges: Sequence[MediaRange], stored: str) -> Encoding:
    """How frames that are stored in the syntax ``stored`` are sent.

    As they are stored where the client accepts that, else decoded as Explicit VR Little Endian,
    which is also what a client gets that names no syntax (PS3.18 8.7.3.5.2).

    Raises:
        HTTPException: 406, neither is accepted.
    """
    compressed = FRAME_TYPES.get(stored, "")
    is_native = not UID(stored).is_encapsulated if UID(stored).is_transfer_syntax else False
    for wanted in ranges:
        is_multipart = wanted.is_multipart is not False
        if compressed and wanted.media_type != ANY and wanted.covers(compressed):
            if wanted.syntax in ("", "*", stored):
                return Encoding(compressed, stored, is_multipart)
        elif wanted.covers(OCTETS):
            if not is_native and wanted.syntax in ("*", stored):
                return Encoding(OCTETS, stored, is_multipart)
            if wanted.syntax in ("", "*", ExplicitVRLittleEndian):
                return Encoding(OCTETS, ExplicitVRLittleEndian, is_multipart)
    raise _no_syntax(stored)


def choose_file(ranges: Sequence[MediaRange], stored: str) -> Encoding:
    """How an instance that is stored in the syntax ``stored`` is sent.

    A client that accepts anything (``*/*``) or any syntax gets what is stored; one that names
    no syntax gets Explicit VR Little Endian, the default of ``application/dicom``.

    Raises:
        HTTPException: 406, neither is accepted.
    """
    for wanted in ranges:
        if not wanted.covers(DICOM_FILE):
            continue
        is_multipart = wanted.is_multipart is not False
        is_any = wanted.media_type == ANY and not wanted.syntax
        if is_any or wanted.syntax in ("*", stored):
            return Encoding(DICOM_FILE, stored, is_multipart)
        if wanted.syntax in ("", ExplicitVRLittleEndian):
            return Encoding(DICOM_FILE, ExplicitVRLittleEndian, is_multipart)
    raise _no_syntax(stored)


def _no_syntax(stored: str) -> HTTPException:
    return HTTPException(
        406,
        f"this is stored in the transfer syntax {stored} and is sent so or as "
        f"{ExplicitVRLittleEndian}; ask for one of them, or for transfer-syntax=*",
    )
