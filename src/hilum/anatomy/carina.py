"""The carina: where the trachea forks, and the angle between the main bronchi.

Points and angles are worked out on masks and maps of the working grid (see ``grid``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hilum.anatomy.masks import bounds_of, middle_of, row_extents
from hilum.types import FloatImage, Mask, Point

__all__ = ["Fork", "find_fork", "measure_angle", "peak_of"]

# Grid pixels: a smaller gap below the trachea is a ragged edge, not a fork.
MIN_GAP_AREA = 8
# A heat map below this peak does not say where the carina is.
MIN_PEAK = 0.25
# Main bronchi shorter than this (grid pixels from the carina) have no measurable direction.
MIN_LEG = 9.0
# Where the axes of the bronchi cross, in tracheal widths above the carina.
CROSSING = 0.65


@dataclass(frozen=True, slots=True)
class Fork:
    """Where an airways mask forks; ``is_seen`` is False when it had to be guessed."""

    point: Point
    is_seen: bool


def find_fork(airways: Mask) -> Fork | None:
    """The carina as the top of the gap between the two main bronchi.

    A mask without such a gap is a tube with blurred ends: its carina is then taken where
    the tube widens, and marked as not seen.

    Args:
        airways: bool ``(rows, columns)``, upright.

    Returns:
        The point in grid pixels, or None for an empty mask.
    """
    top, end, left, right = bounds_of(airways)
    if end == top:
        return None
    crop = airways[top:end, left:right]
    is_right_of = np.logical_or.accumulate(crop, axis=1)
    is_left_of = np.logical_or.accumulate(crop[:, ::-1], axis=1)[:, ::-1]
    between = (is_right_of & is_left_of & ~crop).astype(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(between, connectivity=8)
    if count > 1:
        best = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        if stats[best, cv2.CC_STAT_AREA] >= MIN_GAP_AREA:
            row = int(stats[best, cv2.CC_STAT_TOP])
            x = float(np.flatnonzero(parts[row] == best).mean()) + 0.5
            return Fork((left + x, float(top + row)), is_seen=True)
    return Fork(_widening(crop, left, top), is_seen=False)


def _widening(crop: Mask, left: int, top: int) -> Point:
    """Where a tube that does not fork grows to 1.8 times its upper width, else its end."""
    widths = crop.sum(axis=1)
    usual = middle_of(widths[: max(1, len(widths) // 2)])
    wide = np.flatnonzero(widths > 1.8 * usual)
    row = int(wide[0]) if wide.size else len(widths) - 1
    return left + float(np.flatnonzero(crop[row]).mean()) + 0.5, top + row + 0.5


def peak_of(heat: FloatImage) -> Point | None:
    """The centre of the peak of a heat map ``(rows, columns)`` in [0, 1].

    The centre is that of the values above half of the maximum and connected to it, so it is
    finer than a pixel. None when the map has no peak that counts.
    """
    heat = np.nan_to_num(heat, nan=0.0, posinf=0.0, neginf=0.0)
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    top = float(heat[row, column])
    if top < MIN_PEAK:
        return None
    _, parts = cv2.connectedComponents((heat > top / 2).astype(np.uint8))
    ys, xs = np.nonzero(parts == parts[row, column])
    weights = heat[ys, xs] - top / 2
    x, y = float(np.average(xs, weights=weights)), float(np.average(ys, weights=weights))
    return x + 0.5, y + 0.5


def measure_angle(airways: Mask, pixel_size: tuple[float, float]) -> float | None:
    """The interbronchial angle in degrees: between the central axes of the main bronchi.

    Both axes start where they cross in the lower trachea, which is 0.65 tracheal widths
    above the carina for bronchi three quarters as wide as the trachea that part at the
    usual 70 degrees, and end in the middle of the outer third of each bronchus.

    Args:
        airways: bool ``(rows, columns)``, upright.
        pixel_size: Size ``(down, across)`` of a grid pixel in any one unit.

    Returns:
        The angle in (0, 180), None when the mask does not fork or a bronchus is too short.
    """
    top, end, left, right = bounds_of(airways)
    airways = airways[top:end, left:right]
    fork = find_fork(airways)
    if fork is None or not fork.is_seen:
        return None
    x, y = fork.point
    rows, first, last = row_extents(airways[: int(y)])
    if not rows.size:
        return None
    start = y - CROSSING * middle_of(last - first) * pixel_size[1] / pixel_size[0]
    ys, xs = np.nonzero(airways[int(y) :])
    across = (xs + 0.5 - x) * pixel_size[1]
    down = (ys + int(y) + 0.5 - start) * pixel_size[0]
    bearings = []
    for side in (across < 0, across > 0):
        legs = np.stack([across[side], down[side]], axis=1)
        reach = np.hypot(legs[:, 0], legs[:, 1] - (y - start) * pixel_size[0])
        if reach.size < MIN_LEG or reach.max() < MIN_LEG * min(pixel_size):
            return None
        tip = legs[reach >= 2 / 3 * reach.max()].mean(0)
        bearings.append(float(np.degrees(np.arctan2(abs(tip[0]), tip[1]))))
    return sum(bearings)
