"""Text that was burned into the pixels of a radiograph: where it stands, and blanking it.

Burned-in letters differ from anatomy in three ways: their strokes are thin against their
height, all of one grey level, and their edges are one pixel wide, while ribs and vessels
fade over several. What passes these tests and stands in a line with others is text; a
letter or two alone is a side marker ("R", "L"), which says nothing about the patient.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydicom.uid import ExplicitVRLittleEndian

from hilum.errors import UnreadableImageError, require
from hilum.io.burned_in_letters import Letter, find_letters
from hilum.types import Box

__all__ = ["TextBox", "blank_boxes", "blank_dataset", "find_text_boxes"]

_MIN_LETTERS = 3
_MARGIN_SHARE = 0.3
_MARKER_LEVEL = 200


class TextBox(NamedTuple):
    """``box`` in source pixels; ``kind`` is ``text`` or ``marker`` (one or two letters)."""

    box: Box
    kind: str


def find_text_boxes(pixels: npt.NDArray[Any]) -> tuple[TextBox, ...]:
    """Boxes around burned-in text, in order from top to bottom.

    Args:
        pixels: ``(rows, columns)`` or ``(rows, columns, samples)`` of any number type and
            range; bright or dark text.

    Returns:
        Boxes in the pixels given, a little larger than the letters. Text that is blurred,
        steeply turned or has little contrast is missed.

    Raises:
        InvalidValueError: not two or three dimensions.
    """
    require(pixels.ndim in (2, 3), f"expected rows and columns, got {pixels.ndim} dimensions")
    gray = _to_bytes(pixels)
    boxes = []
    for image in (gray, 255 - gray):
        for line in _group_lines(find_letters(image)):
            kind = _kind_of(line, image)
            if kind:
                boxes.append(TextBox(_box_around(line, gray.shape), kind))
    return tuple(sorted(boxes, key=lambda item: (item.box.y, item.box.x)))


def _to_bytes(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Grey levels from 0 to 255 over the whole range."""
    gray = pixels.astype(np.float32)
    if gray.ndim == 3:
        gray = gray.mean(axis=2)
    gray = np.nan_to_num(gray)
    low, high = float(gray.min()), float(gray.max())
    if high <= low:
        return np.zeros(gray.shape, np.uint8)
    return np.asarray((gray - low) * (255.0 / (high - low)), np.uint8)


def _group_lines(letters: list[Letter]) -> list[list[Letter]]:
    """Letters that stand side by side on one line; every letter is in one group."""
    order = sorted(set(letters))
    parent = list(range(len(order)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    reach = 1.6 * max((letter.height for letter in order), default=0)
    for i, first in enumerate(order):
        for j in range(i + 1, len(order)):
            second = order[j]
            if second.left - first.right > reach:
                break
            if _are_neighbours(first, second):
                parent[root(j)] = root(i)
    groups: dict[int, list[Letter]] = {}
    for index, letter in enumerate(order):
        groups.setdefault(root(index), []).append(letter)
    return list(groups.values())


def _are_neighbours(first: Letter, second: Letter) -> bool:
    """Side by side on a line, of about one size, or overlapping."""
    gap = second.left - first.right
    overlap = min(first.bottom, second.bottom) - max(first.top, second.top)
    small, large = sorted((first.height, second.height))
    return overlap >= 0.5 * small and gap <= 1.3 * large and large <= 2.6 * small


def _kind_of(line: list[Letter], gray: npt.NDArray[np.uint8]) -> str:
    """``text``, ``marker`` or "" for neither."""
    if _count_letters(line) >= _MIN_LETTERS and _is_level(line):
        return "text"
    left, right = min(i.left for i in line), max(i.right for i in line)
    top, bottom = min(i.top for i in line), max(i.bottom for i in line)
    height, width = bottom - top, right - left
    rows, columns = gray.shape
    x, y = (left + right) / 2 / columns, (top + bottom) / 2 / rows
    is_aside = abs(x - 0.5) > 0.28 or abs(y - 0.5) > 0.38
    is_sized = height >= max(10, 0.012 * rows) and 0.3 * height <= width <= 2.5 * height
    is_bright = int(gray[top:bottom, left:right].max()) >= _MARKER_LEVEL
    return "marker" if is_aside and is_sized and is_bright else ""


def _is_level(line: list[Letter]) -> bool:
    """Whether most letters stand on one line, as printed ones do and wires do not."""
    heights = np.array([letter.height for letter in line])
    centres = np.array([(letter.top + letter.bottom) / 2 for letter in line])
    height = float(np.median(heights))
    is_even = np.abs(centres - np.median(centres)) <= 0.32 * height
    return float((is_even & (heights <= 1.6 * height)).mean()) >= 0.6


def _count_letters(line: list[Letter]) -> int:
    """Letters side by side; a wide component counts for those that run together in it."""
    apart, last = 0, -1
    for letter in sorted(line):
        if letter.left >= last:
            apart += max(1, round((letter.right - letter.left) / (0.9 * letter.height)))
            last = letter.right
    return apart


def _box_around(line: list[Letter], shape: tuple[int, ...]) -> Box:
    """The box of a line with a margin, cut at the edges of the image."""
    margin = max(2, round(_MARGIN_SHARE * max(letter.height for letter in line)))
    left = max(0, min(letter.left for letter in line) - margin)
    top = max(0, min(letter.top for letter in line) - margin)
    right = min(shape[1], max(letter.right for letter in line) + margin)
    bottom = min(shape[0], max(letter.bottom for letter in line) + margin)
    return Box(float(left), float(top), float(right - left), float(bottom - top))


def blank_boxes(pixels: npt.NDArray[Any], boxes: Iterable[Box]) -> npt.NDArray[Any]:
    """A copy of the pixels with each box filled with the median of its own rim.

    Args:
        pixels: ``(rows, columns)`` or ``(rows, columns, samples)``.
        boxes: in the pixels given.
    """
    result = pixels.copy()
    for box in boxes:
        top, bottom = int(box.y), int(np.ceil(box.y + box.height))
        left, right = int(box.x), int(np.ceil(box.x + box.width))
        area = result[top:bottom, left:right]
        if area.size:
            rim = [area[0], area[-1], area[:, 0], area[:, -1]]
            level = np.median(np.concatenate([part.reshape(len(part), -1) for part in rim]), axis=0)
            area[...] = level.astype(area.dtype) if area.ndim == 3 else area.dtype.type(level[0])
    return result


def blank_dataset(dataset: Any, *, blanks_markers: bool = False) -> int:
    """Blank burned-in text in the pixels of a data set, in place; the number of boxes.

    Pixels without text stay as they are stored, compressed or not; otherwise they are stored
    uncompressed.

    Raises:
        UnreadableImageError: the pixels cannot be decoded.
    """
    if "PixelData" not in dataset:
        return 0
    try:
        pixels = dataset.pixel_array
    except Exception as problem:
        raise UnreadableImageError(
            "the pixels cannot be decoded, so burned-in text cannot be found; "
            "leave out clean_pixel_data or convert the file"
        ) from problem
    samples = int(dataset.get("SamplesPerPixel", 1))
    is_stack = pixels.ndim > (3 if samples > 1 else 2)
    frames = list(pixels) if is_stack else [pixels]
    total = 0
    for number, frame in enumerate(frames):
        found = find_text_boxes(frame)
        boxes = [item.box for item in found if blanks_markers or item.kind == "text"]
        frames[number] = blank_boxes(frame, boxes)
        total += len(boxes)
    if total:
        _store_pixels(dataset, np.stack(frames) if is_stack else frames[0], samples)
    return total


def _store_pixels(dataset: Any, pixels: npt.NDArray[Any], samples: int) -> None:
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize > 1 else "OB"
    dataset["PixelData"].is_undefined_length = False
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    if samples > 1:
        dataset.PlanarConfiguration = 0
        dataset.PhotometricInterpretation = "RGB"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
