"""Nodules and masses: solids of known volume with a margin, calcium or a cavity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.synth.disease.grades import grade, kind_of
from hilum.synth.disease.insertion import replace_tissue, trim
from hilum.synth.thorax.lobes import choose_point
from hilum.synth.thorax.shapes import fill
from hilum.synth.thorax.space import Array, Grid
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Part, Thorax, Window
from hilum.synth.types import FindingSpec

__all__ = ["add_nodules", "fill_ball"]

DENSITY = 1.0
CALCIUM = 0.45
SPICULES = 22
FINE = 5
"""A nodule may be no larger than a sample: it is filled on a grid this much finer."""


def add_nodules(thorax: Thorax, spec: FindingSpec, side: str) -> tuple[list[Part], list[Tube]]:
    """Insert one nodule or mass of ``size_mm``, or several for the kind ``multiple``."""
    rng = np.random.default_rng([spec.seed, 17, side == "left"])
    kind = kind_of(spec)
    size = spec.size_mm or grade(spec, "diameter") * thorax.build.scale
    count = round(grade(spec, "count")) if kind == "multiple" else 1
    parts, tubes = [], []
    for index in range(count):
        diameter = size * (float(rng.uniform(0.5, 1.0)) if index else 1.0)
        margin = min(0.5 * diameter + 3.0, 30.0)
        centre = choose_point(thorax, side, spec.place, rng, margin=margin)
        rough = {"lobulated": 0.16, "spiculated": 0.10}.get(kind, 0.0)
        part = fill_ball(thorax.grid, centre, diameter / 2, rng, rough=rough)
        replace_tissue(thorax, part, DENSITY)
        if kind == "calcified":
            thorax.bone[part.window] += part.occupancy * np.float32(CALCIUM)
        if kind == "cavitary":
            _hollow(thorax, part, centre, diameter / 2)
        if kind == "spiculated":
            tubes += _spicules(centre, diameter / 2, rng)
        parts.append(part)
    if tubes:
        thorax.tubes.setdefault(f"{side}_spicules_vessels", []).extend(tubes)
    return parts, tubes


def fill_ball(
    grid: Grid, centre: Array, radius: float, rng: np.random.Generator, *, rough: float = 0.0
) -> Part:
    """A ball, its surface waved by ``rough`` of the radius; the volume stays the sphere's."""
    x, y, z = (float(c) for c in centre)
    reach = radius * (1 + 2.5 * rough) + 2 * grid.step_mm
    window = _not_empty(grid, grid.window((x, y, z), reach + grid.depth_step_mm))
    fine = FINE if radius < 12 else 2
    at = [_finer(a, fine) - np.float32(c) for a, c in zip(grid.part(window), centre, strict=True)]
    distance = np.sqrt(at[0] ** 2 + at[1] ** 2 + at[2] ** 2)
    limit: npt.NDArray[np.floating] | float = radius
    if rough:
        ways = rng.normal(size=(12, 3))
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        wave = np.zeros(distance.shape, np.float32)
        for way in ways:
            cosine = sum(a * np.float32(w) for a, w in zip(at, way, strict=True))
            wave += np.exp(4.0 * (cosine / np.maximum(distance, 1e-3) - 1.0))
        limit = radius * (1 + rough * (wave - wave.mean()) / max(float(wave.std()), 1e-6))
    occupancy = fill(distance - limit, grid.step_mm / fine)
    occupancy = _average(occupancy, tuple(s.stop - s.start for s in window))
    if rough:
        wished = 4 / 3 * np.pi * radius**3
        have = float(occupancy.sum()) * grid.step_mm**2 * grid.depth_step_mm
        if abs(have / wished - 1) > 0.01:
            scaled = radius * (wished / have) ** (1 / 3)
            return _rescaled(grid, centre, radius, scaled, (at, limit, window))
    return trim(window, occupancy)


def _rescaled(
    grid: Grid,
    centre: Array,
    radius: float,
    scaled: float,
    drawn: tuple[list[Array], npt.NDArray[np.floating] | float, Window],
) -> Part:
    at, limit, window = drawn
    distance = np.sqrt(at[0] ** 2 + at[1] ** 2 + at[2] ** 2)
    fine = at[2].shape[0] // max(window[0].stop - window[0].start, 1)
    occupancy = fill(distance - limit * (scaled / radius), grid.step_mm / fine)
    return trim(window, _average(occupancy, tuple(s.stop - s.start for s in window)))


def _not_empty(grid: Grid, window: Window) -> Window:
    cuts = []
    for cut, size in zip(window, grid.shape, strict=True):
        low = min(cut.start, size - 1)
        cuts.append(slice(low, max(cut.stop, low + 1)))
    return tuple(cuts)  # type: ignore[return-value]


def _finer(values: Array, times: int) -> Array:
    """Coordinates of ``times`` samples within each sample, along every axis that varies."""
    for axis in range(3):
        size = values.shape[axis]
        if size < 2 or times == 1:
            continue
        first, second = values.take([0], axis), values.take([1], axis)
        at = (np.arange(size * times, dtype=np.float32) + 0.5) / np.float32(times) - 0.5
        at = at.reshape([-1 if k == axis else 1 for k in range(3)])
        values = (first + (second - first) * at).astype(np.float32)
    return values


def _average(fine: Array, shape: tuple[int, ...]) -> Array:
    z, d, u = (n // m for n, m in zip(fine.shape, shape, strict=True))
    split = fine.reshape(shape[0], z, shape[1], d, shape[2], u)
    return np.asarray(split.mean(axis=(1, 3, 5), dtype=np.float32))


def _hollow(thorax: Thorax, part: Part, centre: Array, radius: float) -> None:
    """Put air in the upper and middle part of a mass; fluid stays below its level."""
    x, y, z = (
        a - np.float32(c) for a, c in zip(thorax.grid.part(part.window), centre, strict=True)
    )
    inner = np.sqrt(x * x + y * y + z * z) - 0.68 * radius
    air = fill(np.maximum(inner, z - 0.2 * radius), thorax.grid.step_mm)
    here = thorax.soft[part.window]
    here *= 1.0 - air


def _spicules(centre: Array, radius: float, rng: np.random.Generator) -> list[Tube]:
    """Fine strands that run from a nodule into the lung."""
    tubes = []
    for _ in range(SPICULES):
        way = rng.normal(size=3)
        way /= np.linalg.norm(way)
        long = radius * float(rng.uniform(1.3, 2.0)) + 2.0
        axis = np.stack([centre + 0.8 * radius * way, centre + long * way]).astype(np.float32)
        thick = float(np.clip(0.08 * radius, 0.5, 1.4))
        tubes.append(Tube(axis, np.array([thick, 0.25], np.float32)))
    return tubes
