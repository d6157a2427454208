"""Heart, great vessels, trachea, bronchi and oesophagus."""

from __future__ import annotations

import numpy as np

from hilum.synth.thorax.cage import Cage
from hilum.synth.thorax.curves import smooth_curve
from hilum.synth.thorax.shapes import fill, fill_ellipsoid
from hilum.synth.thorax.space import Array
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Part, Thorax

__all__ = ["add_mediastinum", "airway_axes", "aorta_axis", "heart_solids"]

BLOOD_DENSITY = 1.06
Solid = tuple[tuple[float, float, float], tuple[float, float, float], float]


def aorta_axis(thorax: Thorax) -> Array:
    """Axis of the aorta from its root over the arch down to the diaphragm."""
    build, k = thorax.build, thorax.build.scale
    b, h = thorax.cage.half[1], build.height
    old = max(0.0, build.age_years - 50.0) / 40.0
    wide = 1.0 + 0.25 * old  # it unfolds with age
    knots = np.array(
        [
            (-8 * k, -0.35 * b, 0.60 * h),
            (-16 * k * wide, -0.38 * b, 0.48 * h),
            (-13 * k, -0.25 * b, 0.36 * h),
            (4 * k, -0.05 * b, 0.29 * h),
            (23 * k * wide, 0.2 * b, 0.31 * h),
            (26 * k * wide, 0.42 * b, 0.40 * h),
            (24 * k * wide, 0.55 * b, 0.60 * h),
            (18 * k, 0.58 * b, 0.85 * h),
            (10 * k, 0.55 * b, 1.25 * h),
        ],
        np.float32,
    )
    moved = build.shift * np.array([1, 1, 1, 1, 1, 0.6, 0.5, 0.4, 0])
    knots[:, 0] += (moved + 0.6 * thorax.cage.spine(knots[:, 2])[0]).astype(np.float32)
    return smooth_curve(knots, 40)


def great_vessels(thorax: Thorax) -> dict[str, tuple[Array, Array]]:
    """Axis and radii of the superior vena cava and of the pulmonary arteries to the hila."""
    build, k = thorax.build, thorax.build.scale
    b, h = thorax.cage.half[1], build.height
    lines = {
        "superior_vena_cava": [
            (-19, -0.20, 0.02, 7),
            (-24, -0.15, 0.20, 9),
            (-24, -0.10, 0.36, 10),
            (-22, -0.1, 0.5, 11),
        ],
        "left_subclavian_artery": [(24, 0.25, 0.28, 9), (25, 0.2, 0.15, 6.5), (29, 0.1, 0.02, 5.5)],
        "right_pulmonary_artery": [
            (6, -0.05, 0.45, 11),
            (-30, 0.02, 0.455, 10),
            (-44, 0.08, 0.50, 8),
            (-52, 0.15, 0.60, 6),
        ],
        "left_pulmonary_artery": [
            (10, -0.12, 0.43, 12),
            (32, 0.05, 0.40, 10.5),
            (43, 0.2, 0.45, 8),
            (50, 0.25, 0.56, 6),
        ],
    }
    made = {}
    for name, knots in lines.items():
        x, y, z, radius = np.asarray(knots, np.float32).T
        moved = x * k + thorax.cage.middle(z * h)
        axis = smooth_curve(np.stack([moved, y * b, z * h], 1).astype(np.float32), 14)
        girth = np.interp(np.linspace(0, 1, 14), np.linspace(0, 1, len(radius)), radius * k)
        made[name] = (axis, girth.astype(np.float32))
    return made


def airway_axes(thorax: Thorax) -> dict[str, tuple[Array, float]]:
    """Axis and radius of the trachea and the two main bronchi; they meet at the carina."""
    build, k = thorax.build, thorax.build.scale
    b, h = thorax.cage.half[1], build.height
    bend = thorax.cage.middle(np.array([0.15 * h, 0.40 * h]))
    fork = np.array([2 * k + bend[1], 0.12 * b, 0.40 * h], np.float32)
    top = np.array([0.0, -0.10 * b, -70.0 * k], np.float32)
    middle = np.array([-1.5 * k + bend[0], 0.0, 0.15 * h], np.float32)
    half = np.radians(build.carina_angle) / 2
    right, left = half * 0.82, half * 1.18  # the right bronchus is the steeper
    ends = {
        "right_main_bronchus": (-np.sin(right) * 34 * k, np.cos(right) * 34 * k, 7.4),
        "left_main_bronchus": (np.sin(left) * 52 * k, np.cos(left) * 52 * k, 6.4),
    }
    axes = {"trachea": (smooth_curve(np.stack([top, middle, fork]), 16), 8.6 * k)}
    for name, (dx, dz, radius) in ends.items():
        end = fork + np.array([dx, 0.03 * b, dz], np.float32)
        axes[name] = (np.stack([fork, (fork + end) / 2, end]), radius * k)
    return axes


def heart_solids(cage: Cage, *, width: float = 1.0) -> list[Solid]:
    """Ellipsoids (centre, radii, tilt) whose union is the heart; ``width`` widens it."""
    build, k, b = cage.build, cage.build.scale, cage.half[1]
    base = build.dome + 15 * k
    tilt = np.radians(build.heart_tilt)
    w, s = width * k, build.shift
    return [
        ((26 * w + s, -0.30 * b, base - 40 * k), (61 * w, 0.50 * b, 45 * k), tilt),  # ventricles
        (
            (-11 * w + s, -0.22 * b, base - 50 * k),
            (37 * w, 0.45 * b, 56 * k),
            -0.12,
        ),  # right atrium
        ((8 * w + s, 0.16 * b, base - 66 * k), (42 * w, 0.30 * b, 32 * k), 0.0),  # left atrium
        ((10 * w + s, -0.28 * b, base - 92 * k), (33 * k, 0.34 * b, 42 * k), 0.35),  # outflow
    ]


def add_mediastinum(thorax: Thorax, *, heart_width: float | None = None) -> None:
    """Add heart, aorta, airways and spine's place to a thorax that has only a body.

    ``heart_width`` widens the heart; None takes it from the wished cardiothoracic ratio.
    """
    build, grid, k = thorax.build, thorax.grid, thorax.build.scale
    width = heart_width or build.heart_width or build.heart_ratio / 0.46
    solids = heart_solids(thorax.cage, width=width)
    b = thorax.cage.half[1]
    reach = (140 * k * width, 1.3 * b, 120 * k)
    window = grid.window((10 * k + build.shift, -0.1 * b, build.dome - 45 * k), reach)
    at = grid.part(window)
    heart = np.zeros(tuple(s.stop - s.start for s in window), np.float32)
    for centre, radii, tilt in solids:
        ball = fill_ellipsoid(at, centre, radii, step_mm=grid.step_mm, tilt=tilt)
        np.maximum(heart, ball, out=heart)
    thorax.add_part("heart", window, heart, BLOOD_DENSITY)
    wide = 45 * k + abs(build.shift) + 0.6 * abs(build.scoliosis)
    column = grid.window((0.0, 0.0, build.dome / 2), (wide, 1.1 * b, build.dome / 2 + 10))
    x, y, z = grid.part(column)
    between = np.maximum(thorax.cage.medial_distance(x, y, z), thorax.cage.wall_distance(x, y, z))
    between = np.maximum(between, np.maximum(-z - 5 * k, z - build.dome - 8 * k))
    thorax.parts["mediastinum"] = Part(column, fill(between, grid.step_mm))
    axis = aorta_axis(thorax)
    radius = np.linspace(1.08, 0.86, len(axis), dtype=np.float32) * build.aorta
    solid = thorax.fill_along(axis, radius)
    thorax.add_part("aorta", solid.window, solid.occupancy, BLOOD_DENSITY)
    for name, (line, r) in airway_axes(thorax).items():
        lumen = thorax.fill_along(line, np.full(len(line), r, np.float32))
        thorax.add_part(name, lumen.window, lumen.occupancy, 0.02)
    for name, (line, girth) in great_vessels(thorax).items():
        vessel = thorax.fill_along(line, girth)
        thorax.add_part(name, vessel.window, vessel.occupancy, BLOOD_DENSITY)
    thorax.tubes["aorta"] = [Tube(axis, radius)]
