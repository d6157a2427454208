"""Findings of the pleural space: effusion, pneumothorax, thickening, and air under a dome."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.synth.disease.grades import grade, kind_of
from hilum.synth.disease.insertion import (
    block_around,
    lung_block,
    replace_tissue,
    trim,
)
from hilum.synth.thorax.shapes import fill, fill_ellipsoid
from hilum.synth.thorax.space import Array, Vector
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Part, Thorax
from hilum.synth.types import FindingSpec

__all__ = ["add_effusion", "add_pneumoperitoneum", "add_pneumothorax", "add_thickening"]

FLUID_DENSITY = 1.01
THICKENING_DENSITY = 1.03
CALCIUM = 0.35
Values = npt.NDArray[np.floating]


def add_effusion(thorax: Thorax, spec: FindingSpec, side: str) -> list[Part]:
    """Fluid in a pleural space: free with a meniscus, layered when supine, or loculated.

    Free fluid fills what lies below a level and climbs where the lung is held to the wall
    by capillary and elastic forces, most at the side and at the back, least at the front.
    """
    kind = kind_of(spec)
    if kind == "loculated":
        return [_add_pocket(thorax, spec, side)]
    build, b = thorax.build, thorax.cage.half[1]
    level = grade(spec, "level") * build.dome
    climb = grade(spec, "climb") * build.scale
    layer = grade(spec, "layer") * build.scale
    top = -1e9 if kind == "supine" else level - 1.6 * climb
    block = lung_block(thorax, side, z_from=top)

    def upright(x: Array, y: Array, z: Array) -> Values:
        inside = np.clip(-thorax.cage.wall_distance(x, y, z), 0.0, None)
        near = np.clip(1.0 - inside / (34.0 * build.scale), 0.0, 1.0) ** 2
        # the film between lung and wall is thick at the side and the back, thin in front
        ahead = np.clip(0.72 + 0.6 * y / b, 0.25, 1.15)
        return np.asarray((level - climb * near * ahead) - z)

    def lying(x: Array, y: Array, z: Array) -> Values:
        inside = np.clip(-thorax.cage.wall_distance(x, y, z), 0.0, None)
        over = thorax.cage.apex_distance(x, y, z)
        film = 0.12 * layer * np.clip(1.0 - np.minimum(inside, -over) / 8.0, 0.0, 1.0)
        lower = 0.75 + 0.35 * np.clip(z / build.dome, 0.0, 1.2)
        return np.asarray(thorax.cage.half_depth(z) - (layer + film) * lower - y)

    distance = block.field(lying if kind == "supine" else upright)
    part = trim(block.window, fill(distance, block.step_mm) * block.lung)
    replace_tissue(thorax, part, FLUID_DENSITY)
    return [part]


def _add_pocket(thorax: Thorax, spec: FindingSpec, side: str) -> Part:
    """Fluid held in a lens against the wall by adhesions."""
    rng = np.random.default_rng([spec.seed, 3])
    k, sign = thorax.build.scale, 1.0 if side == "left" else -1.0
    z = float(rng.uniform(0.35, 0.8)) * thorax.build.dome
    angle = float(rng.uniform(-0.35, 0.5))
    a, b = float(thorax.cage.half_width(z)), float(thorax.cage.half_depth(z))
    centre = (sign * a * float(np.cos(angle)), b * float(np.sin(angle)), z)
    thick = (14.0 + 40.0 * spec.extent) * k
    radii = (thick, 1.3 * thick + 10 * k, 1.6 * thick + 14 * k)
    block = block_around(thorax, centre, (radii[0] + 4, radii[1] + 4, radii[2] + 4), side)
    lens = fill_ellipsoid(
        thorax.grid.part(block.window), centre, radii, step_mm=thorax.grid.step_mm
    )
    part = trim(block.window, lens * block.lung)
    replace_tissue(thorax, part, FLUID_DENSITY)
    return part


def add_pneumothorax(thorax: Thorax, spec: FindingSpec, side: str) -> list[Part]:
    """Air around a lung that shrinks towards its hilum; the pleura shows as a fine line.

    A small one gathers at the apex: the lung shrinks about a point that moves from its base
    up to the hilum as the extent grows.
    """
    block = lung_block(thorax, side)
    anchor, scale = _anchor(thorax, side, spec.extent), np.float32(grade(spec, "scale"))
    cage = thorax.cage

    def collapsed(x: Array, y: Array, z: Array) -> Values:
        u, v, w = (m + (p - m) / scale for p, m in zip((x, y, z), anchor, strict=True))
        shape = np.maximum(cage.wall_distance(u, v, w), cage.apex_distance(u, v, w))
        under = (w - cage.dome_height(u, v, is_left=side == "left")) * np.float32(0.8)
        return np.asarray(np.maximum(shape, under) * scale)

    distance = block.field(collapsed)
    lung = fill(distance, block.step_mm) * block.lung
    air = block.lung - lung
    before, after = float(block.lung.sum()), max(float(lung.sum()), 1.0)
    here = thorax.soft[block.window]
    # the lung keeps its tissue in less room, though less blood runs through it
    tighter = min((before / after) ** 0.7, 3.0)
    here *= 1.0 + (tighter - 1.0) * lung
    here *= 1.0 - air
    line = np.clip(1.0 - np.abs(distance) / np.float32(block.step_mm), 0.0, 1.0)
    line *= block.lung > 0.98  # the wall needs no line of its own
    here += line * np.float32(0.45)
    name = f"{side}_lung_vessels"
    thorax.tubes[name] = [
        Tube((anchor + (tube.axis - anchor) * scale).astype(np.float32), tube.radius)
        for tube in thorax.tubes.get(name, [])
    ]
    return [trim(block.window, air)]


def _anchor(thorax: Thorax, side: str, extent: float) -> Array:
    """The point that a collapsing lung shrinks towards: its base at first, then its hilum."""
    sign, (a, b) = 1.0 if side == "left" else -1.0, thorax.cage.half
    height = thorax.build.dome
    z = np.interp(extent, (0.0, 0.6, 1.0), (1.05, 0.75, 0.55)) * height
    x = float(thorax.cage.middle(z)) + sign * 0.2 * a
    return np.array([x, 0.1 * b, z], np.float32)


def add_thickening(thorax: Thorax, spec: FindingSpec, side: str) -> list[Part]:
    """A rind on the pleura: an apical cap, or along the side; calcified as a plaque."""
    kind, k = kind_of(spec), thorax.build.scale
    rng = np.random.default_rng([spec.seed, 5])
    thick = grade(spec, "thickness") * k
    height = thorax.build.dome
    low, high = (-1e9, 0.3 * height) if kind == "apical" else (0.3 * height, 1.15 * height)
    block = lung_block(thorax, side, z_from=low, z_to=high)
    rough = 1.0 + 0.25 * block.noise(rng, cells=9)

    def rind(x: Array, y: Array, z: Array) -> Values:
        wall = thorax.cage.wall_distance(x, y, z)
        if kind == "apical":
            wall = np.maximum(wall, thorax.cage.apex_distance(x, y, z))
            fade = np.clip(1.15 - z / (0.22 * height), 0.0, 1.0)
        else:
            spread = np.abs(z - 0.75 * height) / (0.32 * height)
            # a plaque on the side wall, not all around the lung
            fade = np.clip(1.25 - spread, 0.0, 1.0) * np.clip(1.1 - np.abs(y) / 60.0 / k, 0, 1)
        return np.asarray(wall + thick * fade)

    distance = -block.field(rind) - (rough - 1.0) * np.float32(0.5 * thick)
    occupancy = fill(distance, block.step_mm) * block.lung
    part = trim(block.window, occupancy)
    replace_tissue(thorax, part, THICKENING_DENSITY)
    if kind == "calcified":
        thorax.bone[part.window] += part.occupancy * np.float32(CALCIUM)
    return [part]


def add_pneumoperitoneum(thorax: Thorax, spec: FindingSpec, side: str) -> list[Part]:
    """Free air between a dome and what lies under it; a crescent as seen upright."""
    k, is_left = thorax.build.scale, side == "left"
    a, b = thorax.cage.half
    sign = 1.0 if is_left else -1.0
    depth = grade(spec, "crescent") * k
    x0, y0 = np.full((1, 1, 1), sign * 0.46 * a), np.full((1, 1, 1), -0.15 * b)
    top = float(thorax.cage.dome_height(x0, y0, is_left=is_left)[0, 0, 0])
    centre: Vector = (sign * 0.46 * a, -0.15 * b, top + depth / 2)
    block = block_around(thorax, centre, (0.6 * a, 1.1 * b, depth / 2 + 8 * k))
    muscle = 3.0 * k

    def pocket(x: Array, y: Array, z: Array) -> Values:
        dome = thorax.cage.dome_height(x, y, is_left=is_left) + muscle
        wall = thorax.cage.wall_distance(x, y, z) + 4 * k
        # the liver or stomach below keeps a flatter dome of its own
        floor = top + muscle + depth + 0.45 * (dome - top - muscle)
        return np.asarray(np.maximum(np.maximum(dome - z, z - floor), wall))

    part = trim(block.window, fill(block.field(pocket), block.step_mm))
    thorax.replace_by(part, 0.0)
    return [part]
