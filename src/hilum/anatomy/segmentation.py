"""From a radiograph to its anatomy: run the network, then judge, mark and measure.

Stands between the gate and the findings on the main path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hilum.anatomy.carina import peak_of
from hilum.anatomy.grid import Grid, make_grid
from hilum.anatomy.landmarks import find_landmarks
from hilum.anatomy.masks import CleanMap, bounds_of, clean_map, sanitise
from hilum.anatomy.measurements import measure
from hilum.anatomy.plausibility import Verdict, assess_structures
from hilum.anatomy.tables import structure_specs
from hilum.anatomy.zones import find_zone_rows, split_zones
from hilum.errors import ModelIntegrityError
from hilum.types import Anatomy, FloatImage, Issue, Mask, Point, Radiograph, Structure

__all__ = ["SegmentationManifest", "SegmentationModel", "analyse", "segment"]

MAPS = "probabilities"
HEAT = "carina"


class SegmentationManifest(Protocol):
    """What this room reads of a manifest: the order of the maps, and calibration."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the maps in order."""

    @property
    def calibration(self) -> Mapping[str, Any]:
        """May hold ``quality`` and ``measurement_sd``."""


class SegmentationModel(Protocol):
    """A network with the output ``probabilities`` and perhaps ``carina``."""

    @property
    def manifest(self) -> SegmentationManifest:
        """What the network says about itself."""

    def run(self, pixels: FloatImage) -> Mapping[str, npt.NDArray[np.float32]]:
        """Outputs by name for upright pixels, without the batch axis."""


def segment(radiograph: Radiograph, model: SegmentationModel) -> Anatomy:
    """Find the anatomy of an upright frontal radiograph.

    Args:
        radiograph: Upright, air dark.
        model: Its output ``probabilities`` is float32 ``(4, rows, columns)`` in [0, 1] over
            the whole image, one map a structure in the order of ``manifest.labels``; its
            output ``carina``, if there is one, a heat map ``(1, rows, columns)``.

    Returns:
        Structures, landmarks, zones and measurements in source pixels. What is implausible
        has no landmarks, zones and values, but a problem and a warning.

    Raises:
        ModelIntegrityError: The outputs are not such maps.
    """
    outputs = model.run(radiograph.pixels)
    labels = model.manifest.labels
    maps = outputs.get(MAPS)
    names = structure_specs().keys()
    if set(labels) != names or maps is None or maps.ndim != 3 or len(maps) != len(labels):
        raise ModelIntegrityError(
            f"an anatomy model gives one map each of {', '.join(names)} as {MAPS!r}; this one "
            f"has labels {', '.join(labels)} and outputs "
            f"{ {name: value.shape for name, value in outputs.items()} }; use another model"
        )
    heat = outputs.get(HEAT)
    if heat is not None and (heat.ndim != 3 or len(heat) != 1):
        raise ModelIntegrityError(
            f"the output {HEAT!r} of an anatomy model is (1, rows, columns), got {heat.shape}"
        )
    return analyse(
        radiograph,
        {name: maps[labels.index(name)] for name in names},
        heat=None if heat is None else heat[0],
        calibration=model.manifest.calibration,
    )


def analyse(
    radiograph: Radiograph,
    maps: Mapping[str, FloatImage],
    *,
    heat: FloatImage | None = None,
    calibration: Mapping[str, Any] | None = None,
) -> Anatomy:
    """Anatomy from probability maps, without a network.

    Args:
        radiograph: Upright, air dark.
        maps: Structure to float32 ``(rows, columns)`` in [0, 1], of any resolution over the
            whole upright image.
        heat: Heat map of the carina alike, None to take it from the airways.
        calibration: May hold ``quality`` (see ``plausibility.estimate_quality``) and
            ``measurement_sd`` (see ``measurements.measure``).

    Returns:
        As ``segment``.
    """
    calibration = calibration or {}
    grid, specs = make_grid(radiograph), structure_specs()
    cleans = {
        name: clean_map(grid.resample(sanitise(values)), min_part=specs[name].min_part)
        for name, values in maps.items()
    }
    verdicts = assess_structures(cleans, calibration)
    problems = {name: v.problem for name, v in verdicts.items() if v.problem is not None}
    sound = {name: clean.mask for name, clean in cleans.items() if name not in problems}
    marks = find_landmarks(sound, _carina_peak(heat, grid, sound))
    structures, zones = _draw(cleans, verdicts, grid)
    pixels = grid.resample(radiograph.pixels)
    return Anatomy(
        structures=structures,
        landmarks={name: grid.point_to_source(point) for name, point in marks.items()},
        zones=zones,
        measurements=measure(
            cleans, problems, pixels, grid, model_sd=calibration.get("measurement_sd")
        ),
        warnings=tuple(_warning(name, problem) for name, problem in problems.items()),
    )


def _carina_peak(heat: FloatImage | None, grid: Grid, sound: Mapping[str, Mask]) -> Point | None:
    """The peak of the heat map on the grid, where it lies within the chest that was found."""
    peak = peak_of(heat) if heat is not None and sound else None
    if heat is None or peak is None:
        return None
    x, y = peak[0] * grid.columns / heat.shape[1], peak[1] * grid.rows / heat.shape[0]
    tops, ends, lefts, rights = zip(*map(bounds_of, sound.values()), strict=True)
    is_inside = min(tops) <= y <= max(ends) and min(lefts) <= x <= max(rights)
    return (x, y) if is_inside else None


def _draw(
    cleans: Mapping[str, CleanMap], verdicts: Mapping[str, Verdict], grid: Grid
) -> tuple[dict[str, Structure], dict[str, Mask]]:
    """Masks and zones at full size, in the layout of the source."""
    structures: dict[str, Structure] = {}
    zones: dict[str, Mask] = {}
    down, _ = grid.scale
    for name, clean in cleans.items():
        verdict = verdicts[name]
        mask = grid.mask_to_source(clean.probability)
        structures[name] = Structure(name, mask, verdict.quality, verdict.problem)
        bounds = find_zone_rows(clean.mask) if name.endswith("_lung") else None
        if bounds is not None and verdict.problem is None:
            a, b, c, d = (round(row * down) for row in bounds)
            side = name.removesuffix("_lung")
            zones |= split_zones(mask, (a, b, c, d), side, grid.orientation)
    return structures, zones


def _warning(name: str, problem: str) -> Issue:
    label = structure_specs()[name].label
    return Issue(f"{name}_implausible", f"The {label} cannot be measured: {problem}.")
