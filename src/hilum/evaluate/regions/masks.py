"""Masks: overlap and distance of surfaces, in pixels or millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hilum.errors import require

__all__ = [
    "SurfaceDistances",
    "box_of_mask",
    "dice",
    "hausdorff_95",
    "mask_iou",
    "mask_of_boxes",
    "mean_surface_distance",
    "normalised_surface_dice",
    "surface_distances",
]

Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]
NAN = float("nan")


def _checked(first: Mask, second: Mask) -> tuple[Mask, Mask]:
    require(first.shape == second.shape, f"masks of {first.shape} and {second.shape} differ")
    return first.astype(bool), second.astype(bool)


def dice(found: Mask, truth: Mask) -> float:
    """Twice the intersection over the sum of sizes (Dice 1945); 1.0 when both are empty."""
    found, truth = _checked(found, truth)
    total = int(found.sum()) + int(truth.sum())
    return 2.0 * int((found & truth).sum()) / total if total else 1.0


def mask_iou(found: Mask, truth: Mask) -> float:
    """Intersection over union (Jaccard 1901); 1.0 when both are empty."""
    found, truth = _checked(found, truth)
    union = int((found | truth).sum())
    return int((found & truth).sum()) / union if union else 1.0


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceDistances:
    """Distance of every border pixel of one mask to the other's nearest border pixel.

    In the unit of ``spacing``; both empty when a mask is empty.
    """

    of_found: Array
    of_truth: Array


def surface_distances(
    found: Mask, truth: Mask, *, spacing: tuple[float, float] = (1.0, 1.0)
) -> SurfaceDistances:
    """Distances between borders (pixels of a mask with a 4-neighbour outside it).

    Args:
        found: Boolean ``(rows, columns)``.
        truth: The same shape.
        spacing: Down and across, in mm for millimetres, (1, 1) for pixels.
    """
    found, truth = _checked(found, truth)
    if not found.any() or not truth.any():
        return SurfaceDistances(np.array([]), np.array([]))
    borders = [_border(mask) for mask in (found, truth)]
    to_found, to_truth = (
        ndimage.distance_transform_edt(~border, sampling=spacing) for border in borders
    )
    return SurfaceDistances(to_truth[borders[0]], to_found[borders[1]])


def _border(mask: Mask) -> Mask:
    cross = ndimage.generate_binary_structure(2, 1)
    inner: Mask = ndimage.binary_erosion(mask, cross, border_value=0)
    return mask & ~inner


def mean_surface_distance(
    found: Mask, truth: Mask, *, spacing: tuple[float, float] = (1.0, 1.0)
) -> float:
    """Mean over the border pixels of both masks together; NaN when a mask is empty."""
    away = surface_distances(found, truth, spacing=spacing)
    everyone = np.concatenate([away.of_found, away.of_truth])
    return float(everyone.mean()) if len(everyone) else NAN


def hausdorff_95(found: Mask, truth: Mask, *, spacing: tuple[float, float] = (1.0, 1.0)) -> float:
    """The larger of both directions' 95th percentiles; NaN when a mask is empty."""
    away = surface_distances(found, truth, spacing=spacing)
    if not len(away.of_found):
        return NAN
    return float(max(np.percentile(away.of_found, 95), np.percentile(away.of_truth, 95)))


def normalised_surface_dice(
    found: Mask, truth: Mask, *, tolerance: float, spacing: tuple[float, float] = (1.0, 1.0)
) -> float:
    """Share of both borders within ``tolerance`` of the other (Nikolov 2018), by border pixels.

    1.0 when both masks are empty, 0.0 when one is.
    """
    away = surface_distances(found, truth, spacing=spacing)
    if not len(away.of_found):
        return float(not found.any() and not truth.any())
    close = int((away.of_found <= tolerance).sum()) + int((away.of_truth <= tolerance).sum())
    return close / (len(away.of_found) + len(away.of_truth))


def box_of_mask(mask: Mask) -> tuple[float, float, float, float] | None:
    """The smallest box ``(x, y, width, height)`` around a mask; None when it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    return float(columns[0]), float(rows[0]), float(width), float(height)


def mask_of_boxes(boxes: Array, *, shape: tuple[int, int]) -> Mask:
    """The pixels whose centre lies in any of the boxes ``(n, 4)``."""
    mask = np.zeros(shape, dtype=bool)
    down, across = np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5
    for x, y, width, height in np.asarray(boxes, dtype=float).reshape(-1, 4):
        inside_rows = (down >= y) & (down < y + height)
        inside_columns = (across >= x) & (across < x + width)
        mask |= inside_rows[:, None] & inside_columns[None, :]
    return mask
