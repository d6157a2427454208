"""A healthy thorax: solids on a grid, thin things as tubes.

``make_thorax`` turns a ``Build`` into densities and named parts. Water-like tissue is one
number a voxel (its density relative to water), bone a second; ribs, clavicles, vessels and
bronchi are tubes, which are integrated in closed form when the thorax is projected.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.synth.thorax.build import Build
from hilum.synth.thorax.cage import Cage
from hilum.synth.thorax.mediastinum import add_mediastinum
from hilum.synth.thorax.shapes import fill, fill_ellipsoid, refine, smooth_noise
from hilum.synth.thorax.skeleton import add_skeleton, add_spine, arm_end, shoulder_lift
from hilum.synth.thorax.space import Array, Grid, Vector
from hilum.synth.thorax.trees import grow_tree
from hilum.synth.thorax.volume import Part, Thorax, overlap

__all__ = ["LUNG_DENSITY", "make_thorax"]

LUNG_DENSITY = 0.26
FAT_DENSITY = 0.93
MUSCLE_DENSITY = 1.05
COARSE = 4
"""The skin is smooth: its distance is computed on a grid this much coarser."""


def make_thorax(build: Build, grid: Grid | None = None) -> Thorax:
    """Make the healthy thorax of a build; the same build and grid give the same arrays."""
    grid, cage = grid or Grid(), Cage(build)
    thorax = Thorax(
        build,
        cage,
        grid,
        soft=np.zeros(grid.shape, np.float32),
        bone=np.zeros(grid.shape, np.float32),
    )
    _add_body(thorax)
    add_spine(thorax)
    add_mediastinum(thorax)
    for is_left in (False, True):
        _add_lung(thorax, is_left=is_left)
    _add_abdomen(thorax)
    add_skeleton(thorax)
    _add_trees(thorax)
    return thorax


def _add_body(thorax: Thorax) -> None:
    """Skin to skin: muscle with a shell of fat, shoulders, neck, arms and breasts."""
    build, grid, cage = thorax.build, thorax.grid, thorax.cage
    k, step = build.scale, grid.step_mm
    x, y, z = grid.coarser(COARSE).patient
    inner = cage.wall_distance(x, y, z, outset=0.0)
    muscle = 8.0 + build.wall * (1 - build.fat)
    torso = inner - np.float32(muscle)
    torso = np.where(z < -5 * k, np.maximum(torso, (-5 * k - z) * 0.6), torso)
    neck = np.sqrt(x * x + (y - 15 * k) ** 2 * 1.1) - 52 * k
    neck = np.maximum(neck, z - 60 * k)
    body = _blend(torso, neck, 30 * k)
    lifted = shoulder_lift(thorax)
    for side in (-1.0, 1.0):
        centre = (side * 138 * k, 8.0 * k, 28 * k - lifted)
        rho = ((x - centre[0]) / (66 * k)) ** 2 + ((y - centre[1]) / (58 * k)) ** 2
        rho = np.sqrt(rho + ((z - centre[2]) / (58 * k)) ** 2)
        body = _blend(body, (rho - 1) * 58 * k, 45 * k)
    for side in (-1.0, 1.0):
        end = arm_end(thorax, side)
        arm = _capsule_distance(x, y, z, (side * 152 * k, 12 * k, 34 * k - lifted), end) - 40 * k
        body = _blend(body, arm, 24 * k)
    fat = np.float32(build.wall * build.fat)
    body = refine(np.asarray(body, np.float32), grid.shape)
    filled = fill(body, step)
    whole = fill(body - fat, step)
    np.multiply(whole, FAT_DENSITY, out=thorax.soft)
    filled *= np.float32(MUSCLE_DENSITY - FAT_DENSITY)
    thorax.soft += filled
    for side in (-1.0, 1.0):
        if build.breast > 2:
            at = (side * 0.52 * build.width / 2, -build.depth / 2 - muscle - 2, 0.68 * build.height)
            radii = (60 * k, build.breast * 0.9 + 8, 52 * k)
            window = grid.window(at, tuple(r + 4 for r in radii))  # type: ignore[arg-type]
            # it thins out towards its edge
            breast = fill_ellipsoid(grid.part(window), at, radii, step_mm=step, power=1.5)
            here = thorax.soft[window]
            np.maximum(here, breast * 0.94, out=here)


def _blend(first: Array, second: Array, reach: float) -> Array:
    """Union of two signed distances, rounded over ``reach`` (the polynomial smooth minimum)."""
    share = np.clip(0.5 + 0.5 * (second - first) / np.float32(reach), 0.0, 1.0)
    rounded = second + (first - second) * share - np.float32(reach) * share * (1 - share)
    return np.asarray(rounded, np.float32)


def _capsule_distance(x: Array, y: Array, z: Array, start: Vector, end: Vector) -> Array:
    """Distance from the straight line between two patient points."""
    way = np.subtract(end, start)
    at = (x - start[0]) * way[0] + (y - start[1]) * way[1] + (z - start[2]) * way[2]
    at = np.clip(at / float(way @ way), 0.0, 1.0)
    square = (x - start[0] - at * way[0]) ** 2 + (y - start[1] - at * way[1]) ** 2
    return np.asarray(np.sqrt(square + (z - start[2] - at * way[2]) ** 2), np.float32)


def _add_lung(thorax: Thorax, *, is_left: bool) -> None:
    build, grid, cage = thorax.build, thorax.grid, thorax.cage
    side = 1.0 if is_left else -1.0
    a, b = cage.half
    span = build.dome + 0.27 * build.height + 60 * build.scale
    centre = (side * a / 2, 0.0, span / 2)
    window = grid.window(centre, (a / 2 + 30, b + 40, span / 2 + 10))
    x, y, z = grid.part(window)
    wall = cage.wall_distance(x, y, z)
    distance = np.maximum(wall, cage.apex_distance(x, y, z))
    np.maximum(distance, -cage.medial_distance(x, y, z), out=distance)
    under = (z - cage.dome_height(x, y, is_left=is_left)) * np.float32(0.8)
    np.maximum(distance, under, out=distance)
    below = fill(np.maximum(wall, -under), grid.step_mm)
    thorax.parts[f"{'left' if is_left else 'right'}_abdomen"] = Part(window, below)
    np.maximum(distance, -side * (x - cage.middle(z)), out=distance)
    occupancy = fill(distance, grid.step_mm)
    for name in ("heart", "aorta", "spine"):
        part = thorax.parts[name]
        cut = overlap(window, part.window)
        if cut is not None:
            mine, theirs = cut
            occupancy[mine] *= 1.0 - part.occupancy[theirs]
    rng = np.random.default_rng([build.texture, int(is_left)])
    texture = 1.0 + 0.10 * smooth_noise(occupancy.shape, rng, cells=40)
    lower = np.clip(z / build.height, 0.0, 1.2)
    name = "left_lung" if is_left else "right_lung"
    density = LUNG_DENSITY * (0.92 + 0.16 * lower) * texture
    thorax.add_part(name, window, occupancy, density)


def _add_abdomen(thorax: Thorax) -> None:
    """The stomach's bubble and some bowel gas under the left dome."""
    build, grid, k = thorax.build, thorax.grid, thorax.build.scale
    rng = np.random.default_rng([build.texture, 7])
    a, b = thorax.cage.half
    size = float(rng.uniform(0.5, 1.2))
    centre = (0.42 * a, -0.15 * b, build.dome + (12 + 18 + 14 * size) * k)
    radii = (34 * k * size, 32 * k * size, 15 * k * size)
    bubbles = [("stomach_bubble", centre, radii)]
    for index in range(int(rng.integers(0, 5))):
        at = (float(rng.uniform(-0.3, 0.8) * a), float(-0.3 * b), build.dome + 95 * k)
        at = (at[0], at[1], at[2] + float(rng.uniform(-15, 30)) * k)
        r = float(rng.uniform(8, 20)) * k
        bubbles.append((f"bowel_gas_{index}", at, (1.6 * r, r, 0.8 * r)))
    for name, at, size3 in bubbles:
        window = grid.window(at, tuple(r + 3 for r in size3))  # type: ignore[arg-type]
        occupancy = fill_ellipsoid(grid.part(window), at, size3, step_mm=grid.step_mm)
        part = Part(window, occupancy)
        if name == "stomach_bubble":
            thorax.parts[name] = part
        thorax.replace_by(part, 0.0)


def _add_trees(thorax: Thorax) -> None:
    """Pulmonary vessels of both lungs; the larger end as the hila."""
    build, k = thorax.build, thorax.build.scale
    a, b = thorax.cage.half
    for is_left, name in ((False, "right_lung"), (True, "left_lung")):
        side = 1.0 if is_left else -1.0
        rng = np.random.default_rng([build.texture, 11 + int(is_left)])
        z0 = 0.42 * build.height if is_left else 0.46 * build.height
        x0 = side * (33 if is_left else 36) * k + float(thorax.cage.middle(z0))
        root = np.array([x0, 0.05 * b, z0], np.float32)
        spots, roots = [], []
        for _ in range(14):
            u, v, w = rng.uniform((0.35, -0.7, 0.05), (0.95, 0.8, 1.15))
            spots.append((side * a * u, b * v, build.dome * w))
            roots.append(root + rng.normal(0.0, 1.0, 3) * np.array([3.0, 9.0, 10.0]) * k)

        def is_inside(point: npt.NDArray[np.float32], name: str = name) -> bool:
            return thorax.is_filled(name, point)

        thorax.tubes[f"{name}_vessels"] = grow_tree(
            np.asarray(roots, np.float32),
            np.asarray(spots, np.float32),
            is_inside,
            rng,
            radius=5.6 * k,
            least=0.8 * k,
        )
