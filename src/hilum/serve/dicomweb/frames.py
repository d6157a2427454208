"""The frames of a stored instance, as stored or decoded; whole instances in another syntax."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from hilum.errors import HilumError, UnknownStudyError, UnreadableImageError
from hilum.io.elements import quiet
from hilum.io.limits import require_pixels

__all__ = [
    "count_frames",
    "declared_frames",
    "read_dataset",
    "read_frames",
    "reading_pixels",
    "transcode",
]

_NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)


@contextmanager
def reading_pixels() -> Iterator[None]:
    """Whatever pydicom or a decoder raises over a damaged image becomes UnreadableImageError."""
    try:
        with quiet():
            yield
    except HilumError:
        raise
    except Exception as error:
        raise UnreadableImageError("the instance's pixels cannot be read") from error


def read_dataset(data: bytes) -> Any:
    """The data set of a DICOM file.

    Raises:
        UnreadableImageError: It is damaged.
    """
    with reading_pixels():
        return pydicom.dcmread(io.BytesIO(data), force=True)


def count_frames(dataset: Any) -> int:
    """How many frames the data set declares; 0 where it holds no pixel data."""
    return declared_frames(dataset) if "PixelData" in dataset else 0


def declared_frames(dataset: Any) -> int:
    """How many frames a header declares, whether the pixels were read or not; at least 1."""
    try:
        return max(1, int(dataset.get("NumberOfFrames", 1) or 1))
    except (TypeError, ValueError, OverflowError):
        return 1


def read_frames(dataset: Any, numbers: Sequence[int], *, is_decoded: bool) -> list[bytes]:
    """Frames by number (from 1).

    Args:
        dataset: From ``read_dataset``.
        numbers: Which frames.
        is_decoded: Whether compressed frames are decoded: little endian, planes as stored in
            ``PlanarConfiguration`` 0, colours in RGB.

    Raises:
        UnknownStudyError: There is no such frame.
        UnreadableImageError: The pixels cannot be read.
    """
    count = count_frames(dataset)
    if not numbers or any(not 1 <= number <= count for number in numbers):
        raise UnknownStudyError(f"the instance has {count} frames")
    with reading_pixels():
        syntax = dataset.file_meta.TransferSyntaxUID
        if syntax.is_encapsulated and is_decoded:
            return [_decode(dataset, number - 1) for number in numbers]
        if syntax.is_encapsulated:
            found = list(generate_frames(dataset.PixelData, number_of_frames=count))
        else:
            found = _split_native(dataset, syntax, count)
        return [found[number - 1] for number in numbers]


def _decode(dataset: Any, index: int) -> bytes:
    require_pixels(int(dataset.Rows), int(dataset.Columns))
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    plugin = _plugin_for(dataset.file_meta.TransferSyntaxUID)
    array, _ = decoder.as_array(dataset, index=index, decoding_plugin=plugin)
    return _as_little_endian(array)


def _plugin_for(syntax: Any) -> str:
    """pydicom's own decoder of RLE: pylibjpeg's panics on damaged data; "" for any other syntax."""
    return "pydicom" if syntax == RLELossless else ""


def _as_little_endian(array: Any) -> bytes:
    pixels = np.ascontiguousarray(array)
    return bytes(pixels.astype(pixels.dtype.newbyteorder("<")).tobytes())


def _split_native(dataset: Any, syntax: Any, count: int) -> list[bytes]:
    raw = dataset.PixelData if syntax in _NATIVE else _as_little_endian(dataset.pixel_array)
    size = int(dataset.Rows) * int(dataset.Columns)
    if dataset.BitsAllocated == 1:
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
        parts = [bits[k * size : (k + 1) * size] for k in range(count)]
        return [np.packbits(part, bitorder="little").tobytes() for part in parts]
    size *= int(dataset.SamplesPerPixel) * int(dataset.BitsAllocated) // 8
    return [raw[k * size : (k + 1) * size] for k in range(count)]


def transcode(data: bytes) -> bytes:
    """A DICOM file as Explicit VR Little Endian, the default of PS3.18.

    Raises:
        UnreadableImageError: It cannot be decoded.
    """
    dataset = read_dataset(data)
    with reading_pixels():
        syntax = dataset.file_meta.TransferSyntaxUID
        if syntax.is_encapsulated:
            require_pixels(int(dataset.Rows), int(dataset.Columns) * count_frames(dataset))
            dataset.decompress(generate_instance_uid=False, decoding_plugin=_plugin_for(syntax))
        elif syntax not in _NATIVE:
            _turn_little_endian(dataset)
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        buffer = io.BytesIO()
        pydicom.dcmwrite(
            buffer, dataset, implicit_vr=False, little_endian=True, force_encoding=True
        )
        return buffer.getvalue()


def _turn_little_endian(dataset: Any) -> None:
    """Turn the bytes of a big endian data set's words; the rest pydicom does itself."""
    if "PixelData" in dataset and int(dataset.get("BitsAllocated", 8)) > 8:
        width = int(dataset.BitsAllocated) // 8
        words = np.frombuffer(dataset.PixelData, f">u{width}")
        dataset.PixelData = words.astype(f"<u{width}").tobytes()
