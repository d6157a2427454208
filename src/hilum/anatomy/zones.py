"""The six lung zones: thirds of each lung's height between its apex and the diaphragm.

A zone is the part of the lung between two rows. The lower zone goes on below the dome of
the diaphragm into the costophrenic recess.
"""

from __future__ import annotations

import numpy as np

from hilum.anatomy.masks import bounds_of, middle_of
from hilum.types import Mask, Orientation

__all__ = ["LEVELS", "find_zone_rows", "split_zones"]

LEVELS = ("upper", "middle", "lower")


def find_zone_rows(lung: Mask) -> tuple[int, int, int, int] | None:
    """Rows that bound the zones of one lung.

    The dome is the middle (median) height of the lung's lower edge over the central half
    of its width, which neither the recess at the side nor the heart's border pulls down.

    Args:
        lung: bool ``(rows, columns)``.

    Returns:
        Start of the upper, middle and lower zone and one row past the lung; None if empty.
    """
    top, end, start, stop = bounds_of(lung)
    if end == top:
        return None
    margin = (stop - start) // 4
    # columns as rows of memory: numpy searches those many times faster
    upwards = np.ascontiguousarray(lung[top:end, start + margin : stop - margin][::-1].T)
    upwards = upwards[upwards.any(axis=1)]
    dome = end - int(middle_of(upwards.argmax(axis=1))) if len(upwards) else end
    height = max(dome - top, 0)
    return top, top + round(height / 3), top + round(2 * height / 3), end


def split_zones(
    lung: Mask, bounds: tuple[int, int, int, int], side: str, orientation: Orientation
) -> dict[str, Mask]:
    """Cut a lung into its zones.

    Args:
        lung: bool ``(source_rows, source_columns)``.
        bounds: Start of the three zones and end of the lung, as rows of the upright image.
        side: ``right`` or ``left``, of the patient.
        orientation: How the upright image came from the source.

    Returns:
        Zone name, e.g. ``right_upper_zone``, to bool mask of the shape of ``lung``. The
        zones do not overlap and together are the lung.
    """
    zones = {}
    upright = orientation.apply(lung)
    edges = (0, bounds[1], bounds[2], upright.shape[0])
    for level, start, stop in zip(LEVELS, edges[:-1], edges[1:], strict=True):
        zone = np.zeros(lung.shape, np.bool_)
        orientation.apply(zone)[start:stop] = upright[start:stop]
        zones[f"{side}_{level}_zone"] = zone
    return zones
