"""Opacities of the lung: consolidation by lobe, ground glass, patches, atelectasis."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.synth.disease.grades import grade, kind_of
from hilum.synth.disease.insertion import Block, block_around, lung_block, replace_tissue, trim
from hilum.synth.thorax.lobes import LOBES, choose_point, lobe_distance, oblique_distance
from hilum.synth.thorax.shapes import fill, fill_tube
from hilum.synth.thorax.space import Array
from hilum.synth.thorax.volume import Part, Thorax
from hilum.synth.types import FindingSpec

__all__ = ["add_atelectasis", "add_consolidation", "add_ground_glass", "add_patches", "lobe_of"]

CONSOLIDATED = 0.94
COLLAPSED = 1.0
BRONCHI = 7
Values = npt.NDArray[np.floating]


def lobe_of(spec: FindingSpec, side: str, rng: np.random.Generator) -> str:
    """The lobe a spec names for a side, else one drawn; the lingula is the left's middle."""
    word = spec.place.removeprefix("right_").removeprefix("left_")
    if word in ("middle_lobe", "lingula"):
        return "middle_lobe" if side == "right" else "lingula"
    if word in LOBES:
        return word
    by_zone = {"upper_zone": "upper_lobe", "apex": "upper_lobe", "lower_zone": "lower_lobe"}
    by_zone |= {"lung_base": "lower_lobe", "retrocardiac": "lower_lobe"}
    return by_zone.get(word) or ("upper_lobe", "lower_lobe")[int(rng.random() < 0.7)]


def _sheet(block: Block, side: str, place: str, lost: float = 0.0) -> Array:
    """Signed distance from a lobe's fissures; the left lung's upper lobe holds the lingula."""
    thorax = block.thorax

    def whole_left(x: Array, y: Array, z: Array) -> Values:
        return np.asarray(-oblique_distance(thorax, x, y, z) + np.float32(lost))

    if place == "upper_lobe" and side == "left" and lost:
        return block.field(whole_left)
    return block.field(lambda x, y, z: lobe_distance(thorax, place, x, y, z, lost=lost))


def add_consolidation(thorax: Thorax, spec: FindingSpec, side: str) -> list[Part]:
    """Fill airspaces of a lobe: sharp at its fissures, ragged elsewhere, bronchi left open."""
    rng = np.random.default_rng([spec.seed, 23, side == "left"])
    place = lobe_of(spec, side, rng)
    block = lung_block(thorax, side)
    seed = choose_point(thorax, side, place, rng, margin=18.0)
    reach = grade(spec, "reach") * thorax.build.scale
    ragged = 0.16 * min(reach, 70.0) * block.noise(rng, cells=14)
    ragged += 2.5 * block.noise(rng, cells=40)

    def distance(x: Array, y: Array, z: Array) -> Values:
        return np.asarray(
            np.sqrt((x - seed[0]) ** 2 + (y - seed[1]) ** 2 + (z - seed[2]) ** 2) - reach
        )

    occupancy = fill(block.field(distance) + ragged, 9.0)
    occupancy *= fill(_sheet(block, side, place), block.step_mm)
    occupancy *= block.lung
    _leave_bronchi(block, side, seed, occupancy, rng)
    part = trim(block.window, occupancy)
    replace_tissue(thorax, part, CONSOLIDATED)
    return [part]


def _leave_bronchi(
    block: Block, side: str, seed: Array, occupancy: Array, rng: np.random.Generator
) -> None:
    """Take branching bronchi out of a consolidation: they stay full of air."""
    thorax, k = block.thorax, block.thorax.build.scale
    sign, b = 1.0 if side == "left" else -1.0, block.thorax.cage.half[1]
    z = 0.45 * thorax.build.height
    root = np.array([sign * 38 * k + float(thorax.cage.middle(z)), 0.08 * b, z], np.float32)
    for _ in range(BRONCHI):
        end = seed + rng.normal(0.0, 20.0 * k, 3).astype(np.float32)
        bend = (root + end) / 2 + rng.normal(0.0, 5.0 * k, 3).astype(np.float32)
        axis = np.stack([root, bend, end]).astype(np.float32)
        radius = np.array([3.4, 2.6, 1.7], np.float32) * np.float32(k)
        middle, reach = (axis.min(0) + axis.max(0)) / 2, (axis.max(0) - axis.min(0)) / 2 + 5
        tube = thorax.grid.window(tuple(middle.tolist()), tuple(reach.tolist()))
        cut = tuple(
            slice(max(t.start, w.start), min(t.stop, w.stop))
            for t, w in zip(tube, block.window, strict=True)
        )
        if any(c.start >= c.stop for c in cut):
            continue
        lumen = fill_tube(thorax.grid.part(cut), axis, radius, block.step_mm)  # type: ignore[arg-type]
        inner = tuple(
            slice(c.start - w.start, c.stop - w.start)
            for c, w in zip(cut, block.window, strict=True)
        )
        occupancy[inner] *= 1.0 - lumen


def add_ground_glass(thorax: Thorax, spec: FindingSpec, side: str) -> list[Part]:
    """A veil through which vessels stay visible, patchy, over a share of the lung."""
    rng = np.random.default_rng([spec.seed, 29, side == "left"])
    block = lung_block(thorax, side)
    height = thorax.build.dome
    word = spec.place.removeprefix("right_").removeprefix("left_")
    low, high = {"upper_zone": (0.0, 0.45), "upper_lobe": (0.0, 0.5)}.get(word, (0.25, 1.1))

    def zone(x: Array, y: Array, z: Array) -> Values:
        ends = np.maximum(low * height - z, z - high * height) / 25.0
        return np.asarray(np.clip(1.2 - np.clip(ends, 0.0, None), -1.0, 1.2) + 0 * x + 0 * y)

    patchy = block.noise(rng, cells=9) * 0.9 + block.noise(rng, cells=26) * 0.45
    threshold = 1.5 - 1.9 * spec.extent
    occupancy = np.clip((patchy + block.field(zone) - 0.7 - threshold) / 0.9 + 0.5, 0.0, 1.0)
    part = trim(block.window, np.asarray(occupancy * block.lung, np.float32))
    here = thorax.soft[part.window]
    here += part.occupancy * np.float32(grade(spec, "density"))
    return [part]


def add_patches(thorax: Thorax, spec: FindingSpec, side: str) -> list[Part]:
    """Several ill-defined foci, as in bronchopneumonia."""
    if kind_of(spec) == "lobar":
        return add_consolidation(thorax, _as_consolidation(spec), side)
    rng = np.random.default_rng([spec.seed, 31, side == "left"])
    k, parts = thorax.build.scale, []
    home = choose_point(thorax, side, spec.place, rng, margin=15.0)
    for index in range(max(1, round(grade(spec, "foci")))):
        radius = grade(spec, "radius") * k * float(rng.uniform(0.6, 1.1))
        centre = home + rng.normal(0.0, 26.0 * k, 3).astype(np.float32) * (index > 0)
        where = (float(centre[0]), float(centre[1]), float(centre[2]))
        block = block_around(thorax, where, 1.9 * radius + 6.0, side)
        if min(block.lung.shape) < 2 or not block.lung.any():
            continue
        ragged = radius * (0.34 * block.noise(rng, cells=5) + 0.16 * block.noise(rng, cells=14))

        def distance(x: Array, y: Array, z: Array, c: Array = centre, r: float = radius) -> Values:
            flat = ((x - c[0]) / 1.15) ** 2 + (y - c[1]) ** 2 + ((z - c[2]) * 1.1) ** 2
            return np.asarray(np.sqrt(flat) - r)

        occupancy = fill(block.field(distance) + ragged, 0.9 * radius) * block.lung
        part = trim(block.window, occupancy)
        replace_tissue(thorax, part, grade(spec, "density"))
        parts.append(part)
    return parts


def _as_consolidation(spec: FindingSpec) -> FindingSpec:
    return FindingSpec("consolidation", spec.side, spec.place, spec.extent, seed=spec.seed)


def add_atelectasis(thorax: Thorax, spec: FindingSpec, side: str) -> list[Part]:
    """A lobe without air whose fissures have moved into it, or thin plates at the base."""
    if kind_of(spec) == "linear":
        return _add_plates(thorax, spec, side)
    rng = np.random.default_rng([spec.seed, 37, side == "left"])
    place = lobe_of(spec, side, rng)
    block, k = lung_block(thorax, side), thorax.build.scale
    lost = grade(spec, "lost") * k
    a = thorax.cage.half[0]
    sheet = _sheet(block, side, place, lost)
    if place == "lower_lobe":
        # it folds behind the heart: its side moves towards the spine
        width = (0.78 - 0.38 * spec.extent) * a

        def folded(x: Array, y: Array, z: Array) -> Values:
            out = np.abs(x - thorax.cage.middle(z))
            return np.asarray(
                out - width * np.clip(0.15 + 0.95 * z / thorax.build.dome, 0.1, 1.2) + 0 * y
            )

        np.maximum(sheet, block.field(folded) * np.float32(0.85), out=sheet)
    part = trim(block.window, fill(sheet, 2.5) * block.lung)
    density = 0.45 + (COLLAPSED - 0.45) * min(1.0, 2.0 * spec.extent)
    replace_tissue(thorax, part, density)
    return [part]


def _add_plates(thorax: Thorax, spec: FindingSpec, side: str) -> list[Part]:
    """Flat bands of collapse a few millimetres thick above the dome."""
    rng = np.random.default_rng([spec.seed, 41, side == "left"])
    k, parts = thorax.build.scale, []
    place = spec.place or "lower_zone"
    for _ in range(max(1, round(grade(spec, "plates")))):
        centre = choose_point(thorax, side, place, rng, margin=12.0)
        tilt = float(rng.normal(0.0, 0.25))
        radius, half = float(rng.uniform(22, 42)) * k, float(rng.uniform(0.9, 1.9)) * k
        where = (float(centre[0]), float(centre[1]), float(centre[2]))
        block = block_around(thorax, where, (radius, 0.8 * radius, 0.4 * radius + 4), side)
        x, y, z = (p - c for p, c in zip(thorax.grid.part(block.window), centre, strict=True))
        off = z * np.float32(np.cos(tilt)) + x * np.float32(np.sin(tilt)) + x * x / (6 * radius)
        edge = np.sqrt(x * x + (y / 0.8) ** 2) - radius
        sheet = np.maximum(np.abs(off) - half, edge * np.float32(0.4))
        part = trim(block.window, fill(sheet, block.step_mm) * block.lung)
        replace_tissue(thorax, part, 0.95)
        parts.append(part)
    return parts
