"""Findings of both lungs' framework: edema, emphysema, fibrosis."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.synth.disease.grades import grade, kind_of
from hilum.synth.disease.insertion import fade_vessels, lung_block, trim
from hilum.synth.thorax.lobes import choose_point
from hilum.synth.thorax.shapes import fill, fill_ellipsoid
from hilum.synth.thorax.space import Array
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Part, Thorax
from hilum.synth.types import FindingSpec

__all__ = ["add_edema", "add_emphysema", "add_fibrosis"]

Values = npt.NDArray[np.floating]
Inserted = tuple[list[Part], list[Tube]]


def _hilum(thorax: Thorax, sign: float) -> Array:
    z = 0.46 * thorax.build.height
    x = sign * 38 * thorax.build.scale + float(thorax.cage.middle(z))
    return np.array([x, 0.05 * thorax.cage.half[1], z], np.float32)


def add_edema(thorax: Thorax, spec: FindingSpec, side: str) -> Inserted:
    """Fluid of a failing heart: wide upper vessels, septal lines, cuffs, a central haze."""
    rng = np.random.default_rng([spec.seed, 43, side == "left"])
    sign, k = (1.0 if side == "left" else -1.0), thorax.build.scale
    hilum = _hilum(thorax, sign)
    _cephalise(thorax, side, float(hilum[2]), grade(spec, "cephalisation"))
    block, dome = lung_block(thorax, side), thorax.build.dome
    wide = (52.0 + 26.0 * spec.extent) * k

    def wings(x: Array, y: Array, z: Array) -> Values:
        r2 = ((x - hilum[0]) / wide) ** 2 + ((y - hilum[1]) / (1.1 * wide)) ** 2
        r2 = r2 + ((z - hilum[2] - 18 * k) / (1.35 * wide)) ** 2
        spared = np.clip(-thorax.cage.wall_distance(x, y, z) / (16.0 * k), 0.15, 1.0)
        lower = 0.30 * np.clip(z / dome, 0.0, 1.1)
        return np.asarray(np.exp(-r2 * 1.1) * spared + lower)

    rough = 1.0 + (0.22 + 0.18 * spec.extent) * block.noise(rng, cells=22)
    occupancy = np.clip(block.field(wings) * rough, 0.0, 1.0) * block.lung
    part = trim(block.window, occupancy)
    haze = grade(spec, "haze") * (1.3 if kind_of(spec) == "alveolar" else 1.0)
    here = thorax.soft[part.window]
    here += part.occupancy * np.float32(haze)
    fade_vessels(thorax, part, 0.75 * haze)
    tubes = _septal_lines(thorax, sign, round(grade(spec, "lines")), rng)
    tubes += _cuffs(hilum, sign, k, rng)
    thorax.tubes.setdefault(f"{side}_septal_vessels", []).extend(tubes)
    return [part], tubes


def _cephalise(thorax: Thorax, side: str, height: float, factor: float) -> None:
    """Widen the vessels above a height and narrow a little those below."""
    name = f"{side}_lung_vessels"
    thorax.tubes[name] = [
        Tube(t.axis, t.radius * np.float32(factor if t.axis[0, 2] < height else 0.5 + 0.5 / factor))
        for t in thorax.tubes.get(name, [])
    ]


def _septal_lines(thorax: Thorax, sign: float, count: int, rng: np.random.Generator) -> list[Tube]:
    """Kerley's B lines: short, level, at the pleura of the lateral base."""
    k, cage, b = thorax.build.scale, thorax.cage, thorax.cage.half[1]
    tubes = []
    for _ in range(count):
        z = float(rng.uniform(0.68, 1.02)) * thorax.build.dome
        y = float(rng.uniform(-0.35, 0.35)) * b
        shifted = abs(y) / float(cage.half_depth(z))
        x = float(cage.half_width(z)) * (1 - shifted**2.5) ** 0.4 - 1.0
        long = float(rng.uniform(9.0, 20.0)) * k
        ends = [(sign * x, y, z), (sign * (x - long), y, z + float(rng.normal(0.0, 1.5)))]
        axis = np.asarray(ends, np.float32)
        tubes.append(Tube(axis, np.array([0.75, 0.5], np.float32) * np.float32(k)))
    return tubes


def _cuffs(hilum: Array, sign: float, k: float, rng: np.random.Generator) -> list[Tube]:
    """Thickened bronchial walls seen end on, as rings beside the hilum."""
    turn = np.linspace(0, 2 * np.pi, 13)
    tubes = []
    for _ in range(4):
        u, v, w = rng.uniform((6, -18, -26), (36, 18, 34)) * k
        radius = float(rng.uniform(2.6, 3.8)) * k
        centre = hilum + np.array([sign * u, v, w])
        ring = np.stack([np.cos(turn) * radius, 0 * turn, np.sin(turn) * radius], 1)
        tubes.append(Tube((centre + ring).astype(np.float32), np.full(13, 0.9 * k, np.float32)))
    return tubes


def add_emphysema(thorax: Thorax, spec: FindingSpec, side: str) -> Inserted:
    """Less tissue and thinner vessels; bullae as walled air, most in the upper lobes."""
    rng = np.random.default_rng([spec.seed, 47, side == "left"])
    lung, name = thorax.parts[f"{side}_lung"], f"{side}_lung_vessels"
    if spec.name != "bulla":
        here = thorax.soft[lung.window]
        here *= 1.0 - np.float32(1 - grade(spec, "density")) * lung.occupancy
        thin = np.float32(1.0 - 0.4 * spec.extent)
        thorax.tubes[name] = [Tube(t.axis, t.radius * thin) for t in thorax.tubes.get(name, [])]
    bullae = []
    if kind_of(spec) == "bullous":
        for _ in range(round(grade(spec, "bullae"))):
            bullae.append(_add_bulla(thorax, spec, side, rng))
    return bullae if spec.name == "bulla" else [lung], []


def _add_bulla(thorax: Thorax, spec: FindingSpec, side: str, rng: np.random.Generator) -> Part:
    """A bubble of air in the lung with a hair-thin wall."""
    k, lung = thorax.build.scale, thorax.parts[f"{side}_lung"]
    radius = float(rng.uniform(14, 20 + 22 * spec.extent)) * k
    centre = choose_point(thorax, side, spec.place or "upper_zone", rng, margin=0.8 * radius)
    where = (float(centre[0]), float(centre[1]), float(centre[2]))
    window = thorax.grid.window(where, radius + 6)
    at, step = thorax.grid.part(window), thorax.grid.step_mm
    air = fill_ellipsoid(at, where, (radius, radius, 1.15 * radius), step_mm=step)
    outer = (radius + 1.4, radius + 1.4, 1.15 * radius + 1.4)
    wall = fill_ellipsoid(at, where, outer, step_mm=step) - air
    inside = np.zeros_like(air)
    mine, theirs = _within(lung, window)
    inside[mine] = lung.occupancy[theirs]
    here = thorax.soft[window]
    here += np.clip(wall, 0, 1) * inside * np.float32(0.9)
    part = trim(window, air * inside)
    thorax.replace_by(part, 0.01)
    fade_vessels(thorax, part, 1.0)
    return part


def _within(
    part: Part, window: tuple[slice, slice, slice]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    cuts = [
        (max(a.start, b.start), min(a.stop, b.stop), a.start, b.start)
        for a, b in zip(window, part.window, strict=True)
    ]
    mine = tuple(slice(lo - a, max(hi, lo) - a) for lo, hi, a, _ in cuts)
    theirs = tuple(slice(lo - b, max(hi, lo) - b) for lo, hi, _, b in cuts)
    return mine, theirs


def add_fibrosis(thorax: Thorax, spec: FindingSpec, side: str) -> Inserted:
    """A net of fine lines under the pleura of the bases, with some haze."""
    rng = np.random.default_rng([spec.seed, 53, side == "left"])
    k, cage, dome = thorax.build.scale, thorax.cage, thorax.build.dome
    block = lung_block(thorax, side, z_from=0.35 * dome)
    rind = (16.0 + 24.0 * spec.extent) * k

    def shell(x: Array, y: Array, z: Array) -> Values:
        inside = -cage.wall_distance(x, y, z)
        over = cage.dome_height(x, y, is_left=side == "left") - z
        lower = np.clip((z / dome - 0.35) / 0.4, 0.0, 1.0)
        return np.asarray(np.minimum(inside, over + 0 * inside) - rind * lower)

    rough = 7.0 * block.noise(rng, cells=20)
    part = trim(block.window, fill(block.field(shell) + rough, 10.0) * block.lung)
    here = thorax.soft[part.window]
    here += part.occupancy * np.float32(grade(spec, "density"))
    tubes = _net(thorax, part, round(grade(spec, "lines") / 2), rng)
    thorax.tubes.setdefault(f"{side}_reticular_vessels", []).extend(tubes)
    return [part], tubes


def _net(thorax: Thorax, part: Part, count: int, rng: np.random.Generator) -> list[Tube]:
    """Bent strands that start where a part is filled."""
    filled = np.argwhere(part.occupancy > 0.4)
    if not len(filled):
        return []
    picked = filled[rng.integers(0, len(filled), count)]
    x, y, z = (np.broadcast_to(a, part.occupancy.shape) for a in thorax.grid.part(part.window))
    k, tubes = thorax.build.scale, []
    for i, j, m in picked:
        start = np.array([x[i, j, m], y[i, j, m], z[i, j, m]], np.float32)
        steps = rng.normal(0.0, 4.2 * k, (3, 3)).astype(np.float32)
        axis = np.concatenate([start[None], start + np.cumsum(steps, 0)]).astype(np.float32)
        radius = np.full(4, float(rng.uniform(0.6, 1.2)) * k, np.float32)
        tubes.append(Tube(axis, radius))
    return tubes
