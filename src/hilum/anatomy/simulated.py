"""Structures that were learned from simulated radiographs alone, kept apart by their origin.

No film here has outlines of ribs, clavicles, spine, aortic arch, hila and hemidiaphragms, so
nothing measures how well they are found on real films. They are shown on request, never
measured and never spoken of in a report; what lies where no such structure can lie, seen from
the lungs that were found, is not shown at all.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from hilum.anatomy.grid import Grid, make_grid
from hilum.anatomy.masks import THRESHOLD, CleanMap, bounds_of, clean_parts, sanitise
from hilum.anatomy.segmentation import MAPS, SegmentationModel
from hilum.errors import ModelIntegrityError
from hilum.types import Anatomy, Box, FloatImage, Mask, Origin, Radiograph, Structure

__all__ = ["SimulatedSpec", "judge", "segment_simulated", "simulated_specs"]

NO_LUNGS = "the lungs it is judged by were not found"
NUMBERS = (
    *("threshold", "min_part", "area_low", "area_high"),
    *("x_low", "x_high", "y_low", "y_high"),
)


@dataclass(frozen=True, slots=True)
class SimulatedSpec:
    """A structure and where it may lie.

    ``threshold`` is the probability from which a pixel belongs to it, below a half for what real
    films show less clearly than phantoms. ``min_part`` is the share of the largest part from
    which another part is kept. Areas are shares of the box around both lungs, ``x`` (from the
    patient's right) and ``y`` the place of the centre within that box, 0 to 1 being inside.
    """

    name: str
    label: str
    threshold: float
    min_part: float
    area_low: float
    area_high: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    too_small: str
    too_large: str


@cache
def simulated_specs() -> dict[str, SimulatedSpec]:
    """The rows of ``simulated.csv`` by name."""
    text = resources.files(__package__).joinpath("simulated.csv").read_text(encoding="utf-8")
    return {row["name"]: _spec(row) for row in csv.DictReader(text.splitlines())}


def _spec(row: dict[str, str]) -> SimulatedSpec:
    numbers = {key: float(row[key]) for key in NUMBERS}
    words = {key: row[key] for key in row if key not in numbers}
    return SimulatedSpec(**words, **numbers)  # type: ignore[arg-type]


def segment_simulated(
    radiograph: Radiograph, model: SegmentationModel, anatomy: Anatomy
) -> dict[str, Structure]:
    """Find the structures of a network that only ever saw simulated ones.

    Args:
        radiograph: Upright frontal, air dark.
        model: Its output ``probabilities`` is float32 ``(labels, rows, columns)`` over the whole
            image; its labels are names of ``simulated_specs``.
        anatomy: What the anatomy network found; its lungs say what is plausible.

    Returns:
        Structures by name with the origin ``phantoms``. One that is implausible has an empty
        mask and its problem; ``quality`` is the network's own certainty, no estimate of a Dice.

    Raises:
        ModelIntegrityError: The outputs are not such maps.
    """
    labels, maps = model.manifest.labels, model.run(radiograph.pixels).get(MAPS)
    if not set(labels) <= set(simulated_specs()) or maps is None or len(maps) != len(labels):
        raise ModelIntegrityError(
            f"a structures model gives one map a label as {MAPS!r}, labelled with names of "
            f"{', '.join(simulated_specs())}; this one has {', '.join(labels)}; use another model"
        )
    grid = make_grid(radiograph)
    chest = chest_box(anatomy, grid)
    return {
        name: _structure(name, grid.resample(sanitise(values)), chest, grid)
        for name, values in zip(labels, maps, strict=True)
    }


def chest_box(anatomy: Anatomy, grid: Grid) -> Box | None:
    """The box around both lungs in pixels of the grid; None unless both are plausible."""
    lungs = [anatomy.structures.get(f"{side}_lung") for side in ("right", "left")]
    if any(lung is None or lung.problem is not None or not lung.mask.any() for lung in lungs):
        return None
    both = np.logical_or.reduce([lung.mask for lung in lungs if lung is not None])
    upright = grid.orientation.apply(both)
    top, end, left, right = bounds_of(np.ascontiguousarray(upright))
    down, across = grid.scale
    return Box(left / across, top / down, (right - left) / across, (end - top) / down)


def judge(spec: SimulatedSpec, mask: Mask, chest: Box | None) -> str | None:
    """Why a mask ``(rows, columns)`` of the grid cannot be that structure; None if it can."""
    if chest is None:
        return NO_LUNGS
    area = float(mask.sum()) / (chest.width * chest.height)
    if area < spec.area_low:
        return spec.too_small if area else "not found"
    if area > spec.area_high:
        return spec.too_large
    rows, columns = np.nonzero(mask)
    x = (float(columns.mean()) + 0.5 - chest.x) / chest.width
    y = (float(rows.mean()) + 0.5 - chest.y) / chest.height
    if not (spec.x_low <= x <= spec.x_high and spec.y_low <= y <= spec.y_high):
        return "not where it can lie"
    return None


def _structure(name: str, values: FloatImage, chest: Box | None, grid: Grid) -> Structure:
    spec = simulated_specs()[name]
    clean = clean_parts(_centre(values, spec.threshold), min_part=spec.min_part)
    problem = judge(spec, clean.mask, chest)
    if problem is not None:
        empty = np.zeros((grid.orientation.source_rows, grid.orientation.source_columns), np.bool_)
        return Structure(name, empty, 0.0, problem, Origin.PHANTOMS)
    mask = grid.mask_to_source(clean.probability)
    return Structure(name, mask, _certainty(clean), None, Origin.PHANTOMS)


def _centre(values: FloatImage, threshold: float) -> FloatImage:
    """A map in [0, 1] bent so that ``threshold`` becomes one half."""
    below = values * np.float32(THRESHOLD / threshold)
    above = 1.0 - (1.0 - values) * np.float32((1.0 - THRESHOLD) / (1.0 - threshold))
    return np.where(values < threshold, below, above).astype(np.float32)


def _certainty(clean: CleanMap) -> float:
    """Mean of the map within its mask, from 0 at the threshold to 1."""
    inside = float(clean.probability[clean.mask].mean())
    return min(1.0, max(0.0, (inside - THRESHOLD) / (1.0 - THRESHOLD)))
