"""From a probability map to one clean mask: parts kept, holes filled, edge smoothed.

Everything here is a pure function on maps and masks of the working grid (see ``grid``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hilum.types import FloatImage, Mask

__all__ = [
    "THRESHOLD",
    "CleanMap",
    "bounds_of",
    "clean_map",
    "clean_parts",
    "middle_of",
    "row_extents",
    "sanitise",
]

THRESHOLD = 0.5
# Beyond this distance from what was kept (grid pixels) a map is silent, so that the faint
# surroundings of a removed part do not come back at a lower threshold.
REACH = 12
EDGE_SIGMA = 1.0

Contour = npt.NDArray[Any]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class CleanMap:
    """A cleaned probability map ``(rows, columns)`` and its mask at 0.5.

    ``kept_share`` in [0, 1] is the area of the parts kept over the area of all parts, and
    ``parts`` the number kept; both are 0 when nothing was found.
    """

    probability: FloatImage
    mask: Mask
    kept_share: float
    parts: int

    def at(self, threshold: float) -> Mask:
        """The mask at another threshold in (0, 1)."""
        if threshold == THRESHOLD:
            return self.mask
        return self.probability > np.float32(threshold)


def sanitise(values: FloatImage) -> FloatImage:
    """A map as float32 in [0, 1]; what is not a number counts as 0."""
    if not np.isfinite(values).all():
        values = np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0)
    return np.clip(np.asarray(values, np.float32), 0.0, 1.0)


def clean_map(probability: FloatImage, *, min_part: float = 1.0) -> CleanMap:
    """Keep the largest part of a map and fill its holes.

    Args:
        probability: float32 ``(rows, columns)`` in [0, 1].
        min_part: Area, relative to the largest part, from which another part is kept
            too, as long as it lies in the same columns; 1 keeps only the largest.

    Returns:
        The map that is 0 away from the kept parts, and above 0.5 exactly in the mask.
    """
    values = np.asarray(cv2.GaussianBlur(probability, (5, 5), EDGE_SIGMA), np.float32)
    binary = (values > THRESHOLD).view(np.uint8)
    contours, _ = cv2.findContours(binary, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return CleanMap(np.zeros_like(values), np.zeros(values.shape, np.bool_), 0.0, 0)
    # cv2.contourArea runs through pixel centres and calls a line of pixels empty.
    areas = np.array([cv2.contourArea(c) + len(c) / 2 + 1 for c in contours])
    kept = _choose_parts(contours, areas, min_part)
    filled = np.zeros_like(binary)
    cv2.drawContours(filled, [contours[i] for i in kept], -1, 1, cv2.FILLED)
    mask = filled.view(np.bool_)
    values = _silence(values, mask, binary)
    share = float(areas[kept].sum() / areas.sum())
    return CleanMap(values, mask, share, len(kept))


def clean_parts(probability: FloatImage, *, min_part: float) -> CleanMap:
    """Keep every part of at least ``min_part`` of the largest, wherever it lies, holes and all.

    For what is many parts or encloses others, as ribs do; else as ``clean_map``.
    """
    binary = (probability > THRESHOLD).view(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if count < 2:
        return CleanMap(np.zeros_like(probability), np.zeros(probability.shape, np.bool_), 0.0, 0)
    is_kept = np.concatenate([[False], areas >= min_part * areas.max()])
    mask = is_kept[parts]
    values = np.where(mask | (binary == 0), probability, np.float32(0.0))
    return CleanMap(values, mask, float(mask.sum() / areas.sum()), int(is_kept.sum()))


def _choose_parts(
    contours: Sequence[Contour], areas: npt.NDArray[np.float64], min_part: float
) -> list[int]:
    """Indices of the largest part and of large ones above or below it."""
    largest = int(areas.argmax())
    left, _, width, _ = cv2.boundingRect(contours[largest])
    kept = [largest]
    for index in np.flatnonzero(areas >= min_part * areas[largest]).tolist():
        x, _, w, _ = cv2.boundingRect(contours[index])
        overlap = min(x + w, left + width) - max(x, left)
        if index != largest and overlap > 0.5 * min(w, width):
            kept.append(index)
    return kept


def _silence(values: FloatImage, mask: Mask, binary: npt.NDArray[np.uint8]) -> FloatImage:
    """Zero what lies far from the mask or was removed, and raise what was filled."""
    size = 2 * REACH + 1
    near = cv2.dilate(mask.view(np.uint8), np.ones((size, size), np.uint8)).view(np.bool_)
    is_found = binary.view(np.bool_)
    cleaned = values * (near & (mask | ~is_found))
    cleaned[mask & ~is_found] = 1.0
    return np.asarray(cleaned, np.float32)


def bounds_of(mask: Mask) -> tuple[int, int, int, int]:
    """First row, end row, first column and end column of a mask; all 0 when it is empty."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return y, y + height, x, x + width


def middle_of(values: npt.NDArray[Any]) -> float:
    """The median of a few values ``(n,)``, n > 0; ``np.median`` takes ten times as long."""
    ordered = np.sort(values)
    count = len(ordered)
    return (float(ordered[(count - 1) // 2]) + float(ordered[count // 2])) / 2


def row_extents(mask: Mask) -> tuple[Indices, Indices, Indices]:
    """First and last column of a mask, row by row.

    Returns:
        ``rows`` that hold mask, and for each its first column and one past its last, all
        int ``(n,)``.
    """
    top, end, left, right = bounds_of(mask)
    block = mask[top:end, left:right]
    first = block.argmax(axis=1) if block.size else np.zeros(0, np.intp)
    last = (right - left) - block[:, ::-1].argmax(axis=1) if block.size else first
    # argmax of an empty row is 0 from both sides: full width without mask in column 0
    is_held = block[:, 0] | (first > 0) if block.size else np.zeros(0, np.bool_)
    rows = np.flatnonzero(is_held)
    return rows + top, first[rows] + left, last[rows] + left
