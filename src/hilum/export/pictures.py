"""Images as data URIs, so that the HTML report is one file that needs no network."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt

from hilum.errors import InvalidValueError
from hilum.types import FloatImage, Orientation

__all__ = ["encode_heatmap", "encode_radiograph"]

HEAT_COLOUR = (64, 160, 255)  # blue, green, red: amber, which no radiograph holds
HEAT_ALPHA = 0.6
HEAT_SIDE = 256


def encode_radiograph(pixels: FloatImage, *, long_side: int = 1024) -> str:
    """Encode upright pixels ``(rows, columns)`` in [0, 1] as a JPEG data URI.

    The image is shrunk by area average to ``long_side`` pixels at most, never enlarged.
    """
    return _data_uri(_shrink(pixels, long_side) * 255.0, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, 90])


def encode_heatmap(heatmap: FloatImage, orientation: Orientation) -> str:
    """Encode a heat map over the source image as an upright, see-through PNG data URI."""
    upright = _shrink(np.ascontiguousarray(orientation.apply(heatmap)), HEAT_SIDE)
    picture = np.empty((*upright.shape, 4), np.float32)  # (rows, columns, blue green red alpha)
    picture[..., :3] = HEAT_COLOUR
    picture[..., 3] = np.clip(upright, 0.0, 1.0) * HEAT_ALPHA * 255.0
    return _data_uri(picture, ".png", [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _shrink(image: FloatImage, long_side: int) -> FloatImage:
    rows, columns = image.shape
    scale = min(1.0, long_side / max(rows, columns))
    if scale == 1.0:
        return image
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    shrunk: FloatImage = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return shrunk


def _data_uri(picture: npt.NDArray[np.float32], suffix: str, options: list[int]) -> str:
    levels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    is_encoded, data = cv2.imencode(suffix, levels, options)
    if not is_encoded:
        raise InvalidValueError(f"an image of shape {picture.shape} could not be encoded")
    kind = "jpeg" if suffix == ".jpg" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(data.tobytes()).decode('ascii')}"
