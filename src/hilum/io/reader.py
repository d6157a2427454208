"""One image file becomes one ``Radiograph``, whatever its format."""

from __future__ import annotations

from pathlib import Path

from hilum.errors import HilumError, UnreadableImageError
from hilum.io.dicom import decode_dicom
from hilum.io.dicom_header import read_header
from hilum.io.raster import decode_raster
from hilum.io.source import HEAD_BYTES, FileKind, ImageSource, sniff
from hilum.types import Radiograph

__all__ = ["read_radiograph", "require_image"]


def read_radiograph(source: str | Path | ImageSource) -> Radiograph:
    """Decode one radiograph from a file or an ``ImageSource``.

    The format is told from the content, not from the name. The result has its declared
    polarity and is upright as far as the file says so; whether it is a chest radiograph
    at all is for the gate (``hilum.quality``) to judge.

    Raises:
        UnreadableImageError: the file holds no image that can be decoded.
        ResourceLimitError: it is larger than Hilum reads.
    """
    if not isinstance(source, ImageSource):
        source = ImageSource.from_path(source)
    try:
        with source.open() as file:
            kind = require_image(file.read(HEAD_BYTES))
            file.seek(0)
            if kind is FileKind.DICOM:
                return decode_dicom(read_header(file), source.name)
            return decode_raster(file, source.name)
    except HilumError as error:
        raise type(error)(f"{source.name}: {error}") from error
    except OSError as error:
        raise UnreadableImageError(
            f"{source.name}: the file cannot be read ({error.strerror})"
        ) from error


def require_image(head: bytes) -> FileKind:
    """The kind of image that starts with ``head``: DICOM or raster.

    Raises:
        UnreadableImageError: it is neither.
    """
    kind = sniff(head)
    if kind is FileKind.EMPTY:
        raise UnreadableImageError("the file is empty (0 bytes); copy or export it again")
    if kind is FileKind.ZIP:
        raise UnreadableImageError(
            "a zip archive where one image was expected; open it with open_study"
        )
    if kind is FileKind.OTHER:
        raise UnreadableImageError(
            "not an image: expected DICOM, PNG, JPEG, TIFF, BMP or WebP, whatever its name says"
        )
    return kind
