"""Measurements with their uncertainty, from the maps of plausible structures.

Each quantity is measured at the threshold 0.5 and again at others around it. The spread
stands for the doubt about the border; the network's own error, known from images with true
masks and kept in its manifest, is added in quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from hilum.anatomy.carina import measure_angle
from hilum.anatomy.grid import Grid
from hilum.anatomy.landmarks import find_chest_width, find_heart_width
from hilum.anatomy.masks import THRESHOLD, CleanMap, bounds_of
from hilum.anatomy.tables import MeasurementSpec, measurement_specs, structure_specs
from hilum.anatomy.zones import LEVELS, find_zone_rows
from hilum.types import FloatImage, Mask, Measurement

__all__ = ["THRESHOLDS", "measure", "measure_masks", "normalise_opacity"]

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
# Why a measurement may fail although the structures it needs are plausible.
FAILURES = {
    "carina_angle": "the main bronchi cannot be told apart",
    "cardiothoracic_ratio": "the lungs share no row of the image",
    "chest_width": "the lungs share no row of the image",
}


def normalise_opacity(pixels: FloatImage, masks: Mapping[str, Mask]) -> FloatImage:
    """Scale grey values to the image's own range of the thorax.

    0 is the 2nd and 1 the 98th percentile inside the box around the lungs and the heart, so
    that exposure, windowing and what lies beside the chest do not count. Values beyond are
    clipped.

    Args:
        pixels: Grey values on the grid, float32 ``(rows, columns)``, air dark.
        masks: Plausible structures by name on the same grid.

    Returns:
        float32 ``(rows, columns)`` in [0, 1]; all 0 for an image without contrast.
    """
    chest = np.zeros(pixels.shape, np.bool_)
    for name in ("right_lung", "left_lung", "cardiomediastinum"):
        if name in masks:
            chest |= masks[name]
    rows, columns = np.flatnonzero(chest.any(1)), np.flatnonzero(chest.any(0))
    if not rows.size:
        return np.zeros(pixels.shape, np.float32)
    # every other pixel tells the percentiles as well and four times as fast
    box = pixels[rows[0] : rows[-1] + 1 : 2, columns[0] : columns[-1] + 1 : 2]
    low, high = np.percentile(box, (2.0, 98.0))
    if high <= low:
        return np.zeros(pixels.shape, np.float32)
    scaled = (pixels - np.float32(low)) / np.float32(high - low)
    return np.asarray(np.clip(scaled, 0.0, 1.0), np.float32)


def measure_masks(masks: Mapping[str, Mask], opacity: FloatImage, grid: Grid) -> dict[str, float]:
    """Measure once, on masks at one threshold.

    Args:
        masks: Plausible structures by name, bool on the grid.
        opacity: Of ``normalise_opacity``.
        grid: The working grid.

    Returns:
        Name to value, only for what could be measured; lengths and areas in millimetres
        where the spacing is known, else in pixels of the source image.
    """
    values: dict[str, float] = {}
    down, across = grid.pixel_size
    areas: dict[str, float] = {}
    for side in ("right", "left"):
        lung = masks.get(f"{side}_lung")
        if lung is None:
            continue
        areas[side] = values[f"{side}_lung_area"] = float(np.count_nonzero(lung)) * down * across
        values |= _measure_zones(lung, opacity, side)
    if len(areas) == 2 and sum(areas.values()) > 0:
        asymmetry = (areas["left"] - areas["right"]) / (areas["left"] + areas["right"])
        values["lung_area_asymmetry"] = asymmetry
        chest = find_chest_width(masks["right_lung"], masks["left_lung"])
        if chest is not None:
            values["chest_width"] = (chest[1][0] - chest[0][0]) * across
    heart = find_heart_width(masks["cardiomediastinum"]) if "cardiomediastinum" in masks else None
    if heart is not None:
        values["heart_width"] = (heart[1][0] - heart[0][0]) * across
    if {"heart_width", "chest_width"} <= values.keys():
        values["cardiothoracic_ratio"] = values["heart_width"] / values["chest_width"]
    angle = measure_angle(masks["airways"], (down, across)) if "airways" in masks else None
    if angle is not None:
        values["carina_angle"] = angle
    return values


def _measure_zones(lung: Mask, opacity: FloatImage, side: str) -> dict[str, float]:
    """Mean opacity of the three zones of one lung."""
    bounds = find_zone_rows(lung)
    if bounds is None:
        return {}
    start, stop, left, right = bounds_of(lung)
    inside = lung[start:stop, left:right].astype(np.float32)
    counts = cv2.reduce(inside, 1, cv2.REDUCE_SUM).ravel()
    sums = cv2.reduce(inside * opacity[start:stop, left:right], 1, cv2.REDUCE_SUM).ravel()
    values = {}
    for level, first, end in zip(LEVELS, bounds[:-1], bounds[1:], strict=True):
        zone = slice(first - start, end - start)
        if counts[zone].any():
            mean = float(sums[zone].sum() / counts[zone].sum())
            values[f"opacity_{side}_{level}_zone"] = mean
    return values


def measure(
    cleans: Mapping[str, CleanMap],
    problems: Mapping[str, str],
    pixels: FloatImage,
    grid: Grid,
    *,
    model_sd: Mapping[str, Any] | None = None,
) -> tuple[Measurement, ...]:
    """All measurements, each with a value and one standard deviation, or with a problem.

    Args:
        cleans: Cleaned maps by structure.
        problems: Why a structure is implausible, by name; those are not measured.
        pixels: Grey values on the grid, float32 ``(rows, columns)``, air dark.
        grid: The working grid.
        model_sd: Standard deviation of the network's error by measurement, in place of the
            defaults of ``measurements.csv`` and relative where those are.
    """
    sound = {name: clean for name, clean in cleans.items() if name not in problems}
    opacity = normalise_opacity(pixels, {name: clean.mask for name, clean in sound.items()})
    runs = {
        t: measure_masks({name: clean.at(t) for name, clean in sound.items()}, opacity, grid)
        for t in THRESHOLDS
    }
    results = []
    for spec in measurement_specs():
        unit = _unit(spec, has_spacing=grid.pixel_mm is not None)
        value = runs[THRESHOLD].get(spec.name)
        if value is None:
            results.append(Measurement(spec.name, None, unit, problem=_reason(spec, problems)))
            continue
        spread = float(np.std([run[spec.name] for run in runs.values() if spec.name in run]))
        error = float((model_sd or {}).get(spec.name, spec.model_sd))
        error *= abs(value) if spec.is_relative else 1.0
        results.append(Measurement(spec.name, value, unit, uncertainty=math.hypot(spread, error)))
    return tuple(results)


def _unit(spec: MeasurementSpec, *, has_spacing: bool) -> str:
    if spec.unit == "length":
        return "mm" if has_spacing else "px"
    if spec.unit == "area":
        return "mm2" if has_spacing else "px2"
    return spec.unit


def _reason(spec: MeasurementSpec, problems: Mapping[str, str]) -> str:
    """Why a measurement has no value: its structures' problems, else its own."""
    labels = structure_specs()
    reasons = [f"{labels[name].label}: {problems[name]}" for name in spec.needs if name in problems]
    return "; ".join(reasons) or FAILURES.get(spec.name, "the region is empty")
