"""Heat maps against regions: does the map point where the finding is?

Maps are ``(rows, columns)`` of any scale, higher meaning more; regions boolean masks of the
same shape.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.regions.masks import mask_iou

__all__ = [
    "best_iou",
    "contrast_to_noise",
    "energy_inside",
    "iou_at",
    "is_pointing_hit",
]

Map = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]
NAN = float("nan")


def _checked(heat: Map, region: Mask) -> None:
    require(heat.shape == region.shape, f"map {heat.shape} and region {region.shape} differ")
    require(bool(np.isfinite(heat).all()), "a heat map holds finite values")


def is_pointing_hit(heat: Map, region: Mask, *, tolerance_px: float = 0.0) -> float:
    """1.0 when the map's peak lies in the region, or within ``tolerance_px`` of it (Zhang 2018).

    A plateau of equal peaks counts by the share of it that hits. NaN without a region.
    """
    _checked(heat, region)
    if not region.any():
        return NAN
    rows, columns = np.nonzero(heat == heat.max())
    hit = region[rows, columns].astype(float)
    if tolerance_px > 0 and not hit.all():
        inside = np.argwhere(region)
        for index in np.flatnonzero(hit == 0):
            away = np.hypot(inside[:, 0] - rows[index], inside[:, 1] - columns[index])
            hit[index] = away.min() <= tolerance_px
    return float(hit.mean())


def energy_inside(heat: Map, region: Mask) -> float:
    """Share of the map's positive values that lies in the region (Wang 2020); NaN for no energy."""
    _checked(heat, region)
    energy = np.clip(heat, 0, None).astype(float)
    total = energy.sum()
    return float(energy[region].sum() / total) if total > 0 else NAN


def contrast_to_noise(heat: Map, region: Mask) -> float:
    """Difference of the means inside and outside over the root of their summed variances.

    Boecking 2022 (BioViL), the signed form. NaN when either side is empty or nothing varies.
    """
    _checked(heat, region)
    inside, outside = heat[region].astype(float), heat[~region].astype(float)
    if not len(inside) or not len(outside):
        return NAN
    spread = float(np.sqrt(inside.var() + outside.var()))
    return float((inside.mean() - outside.mean()) / spread) if spread > 0 else NAN


def iou_at(heat: Map, region: Mask, *, threshold: float) -> float:
    """IoU of the map at and above ``threshold`` with the region; 1.0 when both are empty."""
    _checked(heat, region)
    return mask_iou(heat >= threshold, region)


def best_iou(heat: Map, region: Mask, *, steps: int = 100) -> float:
    """The highest IoU over ``steps`` evenly spaced thresholds: an upper bound, named so."""
    levels = np.linspace(float(heat.min()), float(heat.max()), steps)
    return max(iou_at(heat, region, threshold=float(level)) for level in levels)
