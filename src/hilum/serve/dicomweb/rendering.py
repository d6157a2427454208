"""Instances as pictures: windowed, cropped and scaled as a client asks (PS3.18 8.3.5)."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.uid import ExplicitVRLittleEndian

from hilum.errors import InvalidValueError, UnreadableImageError
from hilum.io.dicom import decode_dicom
from hilum.io.dicom_header import DicomHeader, read_header
from hilum.io.dicom_pixels import decode_frame
from hilum.serve.dicomweb.frames import (
    count_frames,
    declared_frames,
    read_dataset,
    read_frames,
    reading_pixels,
)

__all__ = ["PICTURE_TYPES", "THUMBNAIL", "Look", "Viewport", "Window", "read_look", "render"]

PICTURE_TYPES = ("image/jpeg", "image/png")
"""The default first."""
DEFAULT_QUALITY = 90
MAX_SIDE = 8192
THUMBNAIL = 256
"""Longer side of a thumbnail that no size was asked for, in pixels."""
_FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_NUMBER = r"-?\d{1,9}(?:\.\d{1,9})?"

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Window:
    """Centre and width in modality values; ``function`` as VOILUTFunction names it."""

    center: float
    width: float
    function: str


@dataclass(frozen=True, slots=True)
class Viewport:
    """Width and height to fit into, and the region of the source, all in pixels.

    ``region`` is x, y, width and height; None is the whole image, a negative size flips.
    """

    width: int
    height: int
    region: tuple[float, float, float | None, float | None] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is to look."""

    window: Window | None = None
    viewport: Viewport | None = None
    quality: int = DEFAULT_QUALITY


def read_look(parameters: Mapping[str, str], *, is_thumbnail: bool = False) -> Look:
    """Read ``window``, ``viewport`` and ``quality``.

    >>> read_look({"window": "100,50,linear"}).window
    Window(center=100.0, width=50.0, function='LINEAR')

    Raises:
        InvalidValueError: A value is ill-formed, or out of its range.
    """
    viewport = Viewport(THUMBNAIL, THUMBNAIL) if is_thumbnail else None
    if "viewport" in parameters:
        viewport = _read_viewport(parameters["viewport"], is_thumbnail)
    window = None
    if "window" in parameters and not is_thumbnail:
        window = _read_window(parameters["window"])
    quality = parameters.get("quality", str(DEFAULT_QUALITY))
    if not re.fullmatch(r"[1-9]\d?|100", quality):
        raise InvalidValueError("quality expects a whole number from 1 to 100")
    return Look(window, viewport, int(quality))


def _read_window(text: str) -> Window:
    match = re.fullmatch(rf"({_NUMBER}),({_NUMBER}),([a-z-]+)", text)
    function = _FUNCTIONS.get(match[3]) if match else None
    if match is None or function is None:
        raise InvalidValueError(
            "window expects center,width,function with linear, linear-exact or sigmoid"
        )
    width = float(match[2])
    if width <= 0 or (function == "LINEAR" and width < 1):
        raise InvalidValueError("the window's width must be above 0, of a linear one at least 1")
    return Window(float(match[1]), width, function)


def _read_viewport(text: str, is_thumbnail: bool) -> Viewport:
    pattern = r"(\d{1,5}),(\d{1,5})"
    if not is_thumbnail:
        pattern += rf"(?:,({_NUMBER})?(?:,({_NUMBER})?(?:,({_NUMBER})?(?:,({_NUMBER})?)?)?)?)?"
    match = re.fullmatch(pattern, text, re.ASCII)
    if match is None:
        form = "vw,vh" if is_thumbnail else "vw,vh[,sx,sy,sw,sh]"
        raise InvalidValueError(f"viewport expects {form}")
    width, height = int(match[1]), int(match[2])
    if not 1 <= min(width, height) <= max(width, height) <= MAX_SIDE:
        raise InvalidValueError(f"a viewport has 1 to {MAX_SIDE} pixels a side")
    parts = [float(part) if part else None for part in match.groups()[2:]]
    if not any(part is not None for part in parts):
        return Viewport(width, height)
    x, y, crop_width, crop_height = parts
    return Viewport(width, height, (abs(x or 0.0), abs(y or 0.0), crop_width, crop_height))


def render(data: bytes, media_type: str, look: Look, *, frame: int = 1) -> bytes:
    """A frame of an instance as a picture: grey as Hilum sees it, or in its colours.

    Args:
        data: The DICOM file.
        media_type: One of ``PICTURE_TYPES``.
        look: Window, viewport and quality.
        frame: Its number, from 1.

    Raises:
        UnreadableImageError: It holds no image.
        UnknownStudyError: It has no such frame.
        InvalidValueError: The viewport's region is outside of the image.
    """
    header = read_header(io.BytesIO(data))
    if not header.keyword:
        raise UnreadableImageError("the instance holds no pixels that could be shown")
    dataset = header.dataset
    if frame != 1 or declared_frames(dataset) > 1 or dataset.get("BitsAllocated") == 1:
        with reading_pixels():  # a value of the header may not fit the VR that it is written with
            header = _single_frame(data, frame)
    picture = _scale(_paint(header, look.window), look.viewport)
    extension, options = ".png", []
    if media_type == "image/jpeg":
        extension, options = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, look.quality]
    _, encoded = cv2.imencode(extension, picture, options)
    return bytes(encoded)


def _single_frame(data: bytes, number: int) -> DicomHeader:
    """One frame of a file as an uncompressed file of its own; bits become bytes."""
    dataset = read_dataset(data)
    (pixels,) = read_frames(dataset, [number], is_decoded=True)
    single = pydicom.Dataset()
    for tag in list(dataset.keys()):
        if tag.group == 0x0028 or tag in (0x00080016, 0x00080060):
            single.add(dataset[tag])
    if count_frames(dataset) >= 1 and dataset.BitsAllocated == 1:
        bits = np.unpackbits(np.frombuffer(pixels, np.uint8), bitorder="little")
        size = int(dataset.Rows) * int(dataset.Columns)
        pixels = bits[:size].tobytes()
        single.BitsAllocated = single.BitsStored = 8
        single.HighBit = 7
        single.WindowCenter, single.WindowWidth = "1", "2"  # 0 is black, 1 is white
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated and int(dataset.SamplesPerPixel) == 3:
        single.PhotometricInterpretation, single.PlanarConfiguration = "RGB", 0
    single.pop("NumberOfFrames", None)
    single.PixelData = pixels + b"\0" * (len(pixels) % 2)
    single.file_meta = pydicom.dataset.FileMetaDataset()
    single.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, single, implicit_vr=False, little_endian=True)
    return read_header(io.BytesIO(buffer.getvalue()))


def _paint(header: DicomHeader, window: Window | None) -> Picture:
    """8-bit grey ``(rows, columns)`` or blue, green, red ``(rows, columns, 3)``, as stored."""
    if header.dataset.get("SamplesPerPixel") == 3:
        frame = decode_frame(header)
        values = frame.array.astype(np.float32) * (255.0 / ((1 << frame.bits_stored) - 1))
        return np.ascontiguousarray(np.rint(values[..., ::-1]).clip(0, 255).astype(np.uint8))
    if window is not None:
        _set_window(header.dataset, window)
    image = decode_dicom(header, "stored")
    stored = image.orientation.undo(image.pixels)
    return np.asarray(np.rint(stored * 255), np.uint8)


def _set_window(dataset: Any, window: Window) -> None:
    dataset.pop("VOILUTSequence", None)
    dataset.WindowCenter, dataset.WindowWidth = str(window.center), str(window.width)
    dataset.VOILUTFunction = window.function


def _scale(picture: Picture, viewport: Viewport | None) -> Picture:
    """Crop, flip, and make as large as fits into the viewport without distortion."""
    if viewport is None:
        return picture
    if viewport.region is not None:
        picture = _crop(picture, viewport.region)
    rows, columns = picture.shape[:2]
    factor = min(viewport.width / columns, viewport.height / rows)
    size = (max(1, round(columns * factor)), max(1, round(rows * factor)))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def _crop(picture: Picture, region: tuple[float, float, float | None, float | None]) -> Picture:
    rows, columns = picture.shape[:2]
    x, y, width, height = region
    left, top = math.floor(x), math.floor(y)
    right = columns if width is None else min(columns, math.ceil(x + abs(width)))
    bottom = rows if height is None else min(rows, math.ceil(y + abs(height)))
    if left >= right or top >= bottom:
        raise InvalidValueError("the viewport's region is outside of the image")
    picture = picture[top:bottom, left:right]
    if width is not None and width < 0:
        picture = picture[:, ::-1]
    if height is not None and height < 0:
        picture = picture[::-1]
    return np.ascontiguousarray(picture)
