"""PNG, JPEG, TIFF, BMP and WebP files become a ``Radiograph``."""

from __future__ import annotations

from typing import Any, BinaryIO

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from hilum.errors import HilumError, ResourceLimitError, UnreadableImageError
from hilum.io.elements import quiet
from hilum.io.gray import compute_chroma, rgb_to_gray
from hilum.io.limits import require_pixels
from hilum.io.lut import apply_table
from hilum.types import FloatImage, Issue, Orientation, Radiograph

__all__ = ["decode_raster", "make_orientation"]

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
_ORIENTATION_TAG = 0x0112
_TIFF_PHOTOMETRIC_TAG = 262
_TIFF_BITS_TAG = 258
_CONTAINER_BITS = (8, 10, 12, 14, 16)

# EXIF orientation to (quarter turns counter-clockwise, mirrored first), EXIF 2.3 table 6.
_EXIF_TURNS = {
    1: (0, False),
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (1, True),
    6: (3, False),
    7: (3, True),
    8: (1, False),
}


def make_orientation(rows: int, columns: int, exif: int) -> Orientation:
    """How a stored matrix ``(rows, columns)`` is turned upright by an EXIF orientation.

    Values outside 1 to 8 mean upright, as viewers take them.
    """
    turns, is_mirrored = _EXIF_TURNS.get(exif, (0, False))
    return Orientation(rows, columns, turns, is_mirrored)


def decode_raster(file: BinaryIO, source: str) -> Radiograph:
    """Decode an open image file; the pixels are upright, coordinates those of the file.

    8-bit values are taken as they are, deeper ones relative to the smallest usual
    container (10, 12, 14 or 16 bits) that holds them, floats relative to their range.
    Stored resolutions (dpi) are those of a printer or a screen and are not used.

    Raises:
        UnreadableImageError: the file is damaged, or of another format.
        ResourceLimitError: it has more pixels than Hilum decodes.
    """
    try:
        with quiet(), Image.open(file, formats=_FORMATS) as image:
            require_pixels(image.height, image.width)
            return _decode(image, file, source)
    except HilumError:
        raise
    except Image.DecompressionBombError as error:
        raise ResourceLimitError("the image has more pixels than are read; reduce it") from error
    except Exception as error:
        raise UnreadableImageError(
            f"the image is damaged, cut short or not one of {', '.join(_FORMATS)}; save it again"
        ) from error


def _decode(image: Image.Image, file: BinaryIO, source: str) -> Radiograph:
    is_deep = _is_deep_colour(image)  # before anything loads the pixels and drops their layout
    exif = int(image.getexif().get(_ORIENTATION_TAG, 1) or 1)
    frames = int(getattr(image, "n_frames", 1))
    notes: list[Issue] = []
    if frames > 1:
        notes.append(
            Issue("several_frames", f"The file holds {frames} images; the first was read.")
        )
    array, alpha = _read_deep_colour(file) if is_deep else _read_array(image)
    if exif != 1 and _ORIENTATION_TAG not in image.getexif() and image.format == "TIFF":
        # Pillow turns TIFF upright itself and then drops the tag: back to the file's matrix.
        array = _undo_exif(array, exif)
        alpha = None if alpha is None else _undo_exif(alpha, exif)
    pixels, chroma = _normalise(array, notes)
    if alpha is not None:
        pixels = pixels * (alpha.astype(np.float32) / np.float32(np.iinfo(alpha.dtype).max))
    rows, columns = pixels.shape
    orientation = make_orientation(rows, columns, exif)
    return Radiograph(
        pixels=np.ascontiguousarray(orientation.apply(pixels)),
        source=source,
        orientation=orientation,
        frames=frames,
        chroma=chroma,
        notes=tuple(notes),
    )


def _undo_exif(array: npt.NDArray[Any], exif: int) -> npt.NDArray[Any]:
    rows, columns = array.shape[:2]
    turns = _EXIF_TURNS.get(exif, (0, False))[0]
    source = (columns, rows) if turns % 2 else (rows, columns)
    return make_orientation(*source, exif).undo(array)


def _read_array(image: Image.Image) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    """Grey ``(rows, columns)`` or RGB ``(rows, columns, 3)``, and alpha when there is one."""
    if image.mode in ("L", "I", "F") or image.mode.startswith("I;16"):
        array = np.asarray(image)
        if image.mode.startswith("I;16") and _is_white_zero(image):
            array = np.invert(array)
        return array, _read_transparency(image, array)
    if image.mode == "1":
        return np.asarray(image.convert("L")), None
    has_alpha = image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info
    if image.mode == "LA":
        pair = np.asarray(image)
        return pair[..., 0], pair[..., 1]
    if has_alpha:
        rgba = np.asarray(image.convert("RGBA"))
        return rgba[..., :3], rgba[..., 3]
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB")), None


def _read_transparency(image: Image.Image, array: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Alpha of a grey image of which one value is transparent."""
    value = image.info.get("transparency")
    if not isinstance(value, int):
        return None
    return np.where(array == value, 0, 255).astype(np.uint8)


def _is_white_zero(image: Image.Image) -> bool:
    return getattr(image, "tag_v2", {}).get(_TIFF_PHOTOMETRIC_TAG) == 0


def _is_deep_colour(image: Image.Image) -> bool:
    """Whether Pillow would cut a 16-bit colour (or grey with alpha) image to 8 bits."""
    tiles = getattr(image, "tile", None)
    if image.format == "PNG" and tiles:
        return tiles[0][3] in ("LA;16B", "RGB;16B", "RGBA;16B")
    if image.format == "TIFF" and image.mode in ("RGB", "RGBA", "RGBX"):
        return any(bits > 8 for bits in getattr(image, "tag_v2", {}).get(_TIFF_BITS_TAG, ()))
    return False


def _read_deep_colour(file: BinaryIO) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    file.seek(0)
    data = np.frombuffer(file.read(), np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype.kind != "u":
        raise UnreadableImageError("the 16-bit image cannot be decoded; save it as a PNG in grey")
    if decoded.ndim == 2:
        return decoded, None
    return decoded[..., 2::-1], decoded[..., 3] if decoded.shape[2] == 4 else None


def _normalise(array: npt.NDArray[Any], notes: list[Issue]) -> tuple[FloatImage, float]:
    """Grey in [0, 1] and chroma of an array ``(rows, columns)`` or ``(rows, columns, 3)``."""
    if array.ndim == 3:
        full_range = float(np.iinfo(array.dtype).max)
        return rgb_to_gray(array, full_range), compute_chroma(array, full_range)
    if array.dtype == np.uint8:
        return apply_table(array, _ramp(8)), 0.0
    if array.dtype.kind == "f":
        return _stretch_float(array, notes), 0.0
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > 0xFFFF:
        return _stretch_float(array.astype(np.float64), notes), 0.0
    bits = next(bits for bits in _CONTAINER_BITS if high < 1 << bits)
    if bits < 16:
        notes.append(Issue("bit_depth_assumed", f"The values were taken to have {bits} bits."))
    return apply_table(array.astype(np.uint16, copy=False), _ramp(bits)), 0.0


def _ramp(bits: int) -> FloatImage:
    """Table that maps 0 to 0 and the largest value of ``bits`` bits to 1."""
    return np.linspace(0.0, 1.0, 1 << bits, dtype=np.float32)


def _stretch_float(array: npt.NDArray[Any], notes: list[Issue]) -> FloatImage:
    finite = np.isfinite(array)
    if not finite.any():
        raise UnreadableImageError(
            "the image holds no finite pixel (NaN everywhere); save it again"
        )
    if not finite.all():
        notes.append(Issue("not_finite", "Pixels that are not finite are shown as air."))
    low, high = float(array[finite].min()), float(array[finite].max())
    if not high > low:
        return np.zeros(array.shape, np.float32)
    scaled = (np.where(finite, array, low).astype(np.float64) - low) / (high - low)
    return np.clip(scaled, 0.0, 1.0).astype(np.float32)
