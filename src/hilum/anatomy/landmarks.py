"""Landmarks of the chest, from masks of the working grid (see ``grid``).

Points are ``(x, y)`` in grid pixels, x to the right and y down. The patient's right is on
the left of the image. A point on an edge lies on the edge of the pixel, not on its centre.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hilum.anatomy.carina import find_fork
from hilum.anatomy.masks import middle_of, row_extents
from hilum.types import Mask, Point

__all__ = [
    "find_apex",
    "find_chest_width",
    "find_costophrenic_angle",
    "find_heart_width",
    "find_landmarks",
]

# Rows below the topmost one over which the apex is averaged across (grid pixels).
APEX_ROWS = 3


def find_apex(lung: Mask) -> Point | None:
    """The top of a lung; None for an empty mask."""
    rows = np.flatnonzero(lung.any(axis=1))
    if not rows.size:
        return None
    top = int(rows[0])
    columns = np.nonzero(lung[top : top + APEX_ROWS])[1]
    return float(columns.mean()) + 0.5, float(top)


def find_costophrenic_angle(lung: Mask, *, is_right: bool) -> Point | None:
    """The lower outer corner of a lung: farthest out and down at 45 degrees.

    Args:
        lung: bool ``(rows, columns)``.
        is_right: Whether it is the patient's right lung, whose outer side is image left.
    """
    rows, first, last = row_extents(lung)
    if not rows.size:
        return None
    outward = -first if is_right else last
    best = int((outward + rows).argmax())
    return float(first[best] if is_right else last[best]), float(rows[best]) + 0.5


def find_heart_width(heart: Mask) -> tuple[Point, Point] | None:
    """The points of the heart farthest to the patient's right and left.

    They may lie on different rows. Their distances to any vertical midline add up to the
    horizontal distance between them, the transverse diameter of the cardiothoracic ratio
    (Danzer 1919).
    """
    rows, first, last = row_extents(heart)
    if not rows.size:
        return None
    low, high = int(first.min()), int(last.max())
    right = float(low), middle_of(rows[first == low]) + 0.5
    left = float(high), middle_of(rows[last == high]) + 0.5
    return right, left


def find_chest_width(right_lung: Mask, left_lung: Mask) -> tuple[Point, Point] | None:
    """Outer borders of the lungs on the row where they are farthest apart.

    Returns:
        The patient's right and left point on one row; None when no row crosses both lungs
        with the right one at the image's left.
    """
    rows, first, _ = row_extents(right_lung)
    others, _, last = row_extents(left_lung)
    shared, at, other_at = np.intersect1d(rows, others, return_indices=True)
    if not shared.size:
        return None
    widths = last[other_at] - first[at]
    widest = int(widths.max())
    if widest <= 0:
        return None
    ties = np.flatnonzero(widths == widest)
    best = int(ties[len(ties) // 2])
    y = float(shared[best]) + 0.5
    return (float(first[at][best]), y), (float(last[other_at][best]), y)


def find_landmarks(masks: Mapping[str, Mask], peak: Point | None = None) -> dict[str, Point]:
    """All landmarks that the given masks allow.

    Args:
        masks: Masks of the plausible structures by name; one that is missing is not used.
        peak: The carina of the network's heat map in grid pixels, which wins over the fork
            of the airways mask.
    """
    found: dict[str, Point | None] = {"carina": peak}
    right, left = masks.get("right_lung"), masks.get("left_lung")
    for side, lung in (("right", right), ("left", left)):
        if lung is not None:
            found[f"{side}_apex"] = find_apex(lung)
            name = f"{side}_costophrenic_angle"
            found[name] = find_costophrenic_angle(lung, is_right=side == "right")
    if peak is None and "airways" in masks:
        fork = find_fork(masks["airways"])
        found["carina"] = fork.point if fork else None
    heart = find_heart_width(masks["cardiomediastinum"]) if "cardiomediastinum" in masks else None
    if heart is not None:
        found["heart_right"], found["heart_left"] = heart
    chest = find_chest_width(right, left) if right is not None and left is not None else None
    if chest is not None:
        found["chest_right"], found["chest_left"] = chest
    return {name: point for name, point in found.items() if point is not None}
