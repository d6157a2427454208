"""Masks of the structures as PNG files in the stored orientation of the source."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from hilum.errors import InvalidValueError
from hilum.types import Mask, Reading

__all__ = ["encode_mask", "list_masks", "name_mask"]


def name_mask(number: int, structure: str) -> str:
    """Path of a mask relative to the reading: radiograph by number (from 1), structure.

    >>> name_mask(1, "left_lung")
    'masks/r1_left_lung.png'
    """
    return f"masks/r{number}_{structure}.png"


def list_masks(reading: Reading) -> Iterator[tuple[int, str, Mask]]:
    """Every mask of a reading: number of its radiograph, structure, bool (rows, columns).

    A simulated structure that is implausible has none.
    """
    for number, image in enumerate(reading.radiographs, start=1):
        for name, structure in image.anatomy.structures.items():
            if structure.is_simulated and structure.problem is not None:
                continue
            yield number, name, structure.mask


def encode_mask(mask: Mask) -> bytes:
    """Encode a bool mask ``(rows, columns)`` as an 8-bit PNG of 0 and 255.

    Raises:
        InvalidValueError: If the mask is empty or cannot be encoded.
    """
    if mask.size == 0:
        raise InvalidValueError(f"a mask needs rows and columns, got shape {mask.shape}")
    is_encoded, data = cv2.imencode(".png", mask.astype(np.uint8) * np.uint8(255))
    if not is_encoded:
        raise InvalidValueError(f"a mask of shape {mask.shape} could not be written as PNG")
    return bytes(data.tobytes())
