"""Burned-in letters: connected components that are thin, of one grey level, and sharp.

Under ``burned_in``, which groups letters to lines.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Letter", "find_letters"]

# Shares of the grey range, of a letter's height or of its contrast; set on synthetic text
# over the development radiographs.
_MIN_CONTRAST = 38.0
_MIN_SHARPNESS = 0.30
_MAX_SPREAD = 0.30
_MIN_HEIGHT = 5
_MAX_HEIGHT_SHARE = 0.12
_MAX_STROKE_SHARE = 0.42
_MIN_FILL = 0.10
_MAX_COMPONENTS = 6000  # more are grain, not letters
_LEVELS = (40, 120)
_WHITE = 248
_MIN_WHITE_CONTRAST = 14.0


class Letter(NamedTuple):
    """The box of a letter: pixels ``left`` to ``right`` and ``top`` to ``bottom`` (exclusive)."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def height(self) -> int:
        """Rows that it covers."""
        return self.bottom - self.top


def find_letters(image: npt.NDArray[np.uint8]) -> list[Letter]:
    """Letters brighter than their background in grey levels from 0 to 255."""
    rows, columns = image.shape
    size = max(9, min(rows, columns) // 28) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (size, size))
    contrast = cv2.morphologyEx(image, cv2.MORPH_TOPHAT, kernel)
    edge_x = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=1) / 2
    edge_y = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=1) / 2
    edges = cv2.dilate(cv2.magnitude(edge_x, edge_y), np.ones((3, 3), np.uint8))
    letters = []
    # letters on a bright background touch it at a low threshold, thin ones vanish at a high
    for level in _LEVELS:
        mask = np.asarray(contrast >= level, np.uint8)
        letters += _read_components(mask, image, contrast, edges, _MIN_CONTRAST)
    # white on nearly white: only the end of the grey range tells it
    mask = np.asarray((image >= _WHITE) & (contrast >= _MIN_WHITE_CONTRAST), np.uint8)
    letters += _read_components(mask, image, contrast, edges, _MIN_WHITE_CONTRAST)
    return letters


def _read_components(
    mask: npt.NDArray[np.uint8],
    image: npt.NDArray[np.uint8],
    contrast: npt.NDArray[np.uint8],
    edges: npt.NDArray[np.float32],
    min_contrast: float,
) -> list[Letter]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    max_height = max(_MIN_HEIGHT * 2, int(_MAX_HEIGHT_SHARE * image.shape[0]))
    width, height, area = (stats[:, column].astype(np.int64) for column in (2, 3, 4))
    is_sized = (height >= _MIN_HEIGHT) & (height <= max_height) & (width <= 12 * height)
    candidates = np.flatnonzero(is_sized & (area >= np.maximum(6, _MIN_FILL * width * height)))
    candidates = candidates[candidates > 0]  # 0 is the background
    if len(candidates) > _MAX_COMPONENTS:
        return []
    letters = []
    for index in candidates:
        left, top, width, height = (int(value) for value in stats[index][:4])
        window = np.s_[top : top + height, left : left + width]
        inside = labels[window] == index
        if _is_letter(inside, image[window], contrast[window], edges[window], min_contrast):
            letters.append(Letter(left, top, left + width, top + height))
    return letters


def _is_letter(
    inside: npt.NDArray[np.bool_],
    image: npt.NDArray[np.uint8],
    contrast: npt.NDArray[np.uint8],
    edges: npt.NDArray[np.float32],
    min_contrast: float,
) -> bool:
    """Thin strokes of one grey level with edges of about a pixel."""
    height, width = inside.shape
    peak = float(np.percentile(contrast[inside], 90))
    if peak < min_contrast:
        return False
    core = inside & (contrast >= 0.6 * peak)
    padded = np.pad(inside.astype(np.uint8), 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)
    stroke = 2.0 * float(depth.max())
    is_bar = width * 3 <= height  # "I" and "1" are all stroke
    if stroke > _MAX_STROKE_SHARE * height + 2.0 and not is_bar:
        return False
    if width > 2.2 * height and _count_strokes(inside) < 0.9 * width / height:
        return False
    if float(image[core].std()) > _MAX_SPREAD * peak:
        return False
    border = inside & (depth[1:-1, 1:-1] <= 1.5)
    return float(np.median(edges[border])) >= _MIN_SHARPNESS * peak


def _count_strokes(inside: npt.NDArray[np.bool_]) -> int:
    """Most strokes that a row of the component crosses; words that run together have many."""
    rows = inside[[len(inside) // 4, len(inside) // 2, 3 * len(inside) // 4]].astype(np.int8)
    return int((np.diff(rows, axis=1, prepend=0) == 1).sum(axis=1).max())
