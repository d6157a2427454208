"""The frames of a stored instance, as stored or decoded, and rendered as a picture."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pydicom
from pydicom.encaps import generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from hilum.errors import UnknownStudyError, UnreadableImageError
from hilum.io.dicom import decode_dicom
from hilum.io.dicom_header import read_header
from hilum.io.elements import quiet

__all__ = ["read_frames", "render_png"]

_NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
_MEDIA_TYPES = {
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
"""PS3.18 table 8.7.3-5."""


def read_frames(data: bytes, numbers: list[int]) -> tuple[str, list[bytes]]:
    """Frames by number (from 1), with their media type: compressed ones as they are stored.

    Raises:
        UnknownStudyError: There is no such frame.
        UnreadableImageError: The pixels cannot be read.
    """
    try:
        with quiet():
            dataset = pydicom.dcmread(io.BytesIO(data), force=True)
            syntax = dataset.file_meta.TransferSyntaxUID
            count = int(dataset.get("NumberOfFrames", 1) or 1)
            if not numbers or any(not 1 <= number <= count for number in numbers):
                raise UnknownStudyError(f"the instance has the frames 1 to {count}")
            if syntax.is_encapsulated:
                found = list(generate_frames(dataset.PixelData, number_of_frames=count))
                kind = _MEDIA_TYPES.get(str(syntax), "application/octet-stream")
                return f"{kind}; transfer-syntax={syntax}", [found[n - 1] for n in numbers]
            return _native(dataset, syntax, count, numbers)
    except UnknownStudyError:
        raise
    except Exception as error:
        raise UnreadableImageError("the instance's pixels cannot be read") from error


def _native(dataset: Any, syntax: Any, count: int, numbers: list[int]) -> tuple[str, list[bytes]]:
    if syntax in _NATIVE:
        raw = dataset.PixelData
    else:  # big endian: turned into what clients are sure to read
        pixels = np.ascontiguousarray(dataset.pixel_array)
        raw = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    if dataset.BitsAllocated == 1:
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
        size = int(dataset.Rows) * int(dataset.Columns)
        frames = [
            np.packbits(bits[k * size : (k + 1) * size], bitorder="little").tobytes()
            for k in range(count)
        ]
    else:
        size = int(dataset.Rows) * int(dataset.Columns)
        size *= int(dataset.SamplesPerPixel) * int(dataset.BitsAllocated) // 8
        frames = [raw[k * size : (k + 1) * size] for k in range(count)]
    kind = f"application/octet-stream; transfer-syntax={ExplicitVRLittleEndian}"
    return kind, [frames[n - 1] for n in numbers]


def render_png(data: bytes) -> bytes:
    """The image as Hilum sees it, 8-bit grey PNG.

    Raises:
        UnreadableImageError: It holds no image.
    """
    image = decode_dicom(read_header(io.BytesIO(data)), "stored")
    stored = image.orientation.undo(image.pixels)
    _, encoded = cv2.imencode(".png", np.rint(stored * 255).astype(np.uint8))
    return bytes(encoded)
