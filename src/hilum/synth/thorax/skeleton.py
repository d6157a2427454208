"""Spine and sternum as solids; ribs, clavicles and scapulae as tubes."""

from __future__ import annotations

import numpy as np

from hilum.synth.thorax.curves import smooth_curve
from hilum.synth.thorax.shapes import fill, fill_ellipsoid
from hilum.synth.thorax.space import Array, Vector
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Part, Thorax

__all__ = ["add_skeleton", "add_spine", "arm_end", "shoulder_lift", "vertebra_heights"]

CANCELLOUS = 0.07
"""Cancellous bone as a share of cortical bone, beyond the tissue it lies in."""


def vertebra_heights(thorax: Thorax) -> Array:
    """``z`` of the centres of the vertebral bodies T1 to L2."""
    unit = thorax.build.height / 235.0
    steps = np.linspace(19.0, 27.0, 14) * unit
    return np.asarray(-18.0 * unit + np.cumsum(steps) - steps[0], np.float32)


def add_spine(thorax: Thorax) -> None:
    """Vertebral bodies with endplates, their arches and the sternum."""
    build, grid, cage, k = thorax.build, thorax.grid, thorax.cage, thorax.build.scale
    z_low, z_high = grid.z_mm
    b = cage.half[1]
    centre = (0.0, 0.62 * b, (z_low + z_high) / 2)
    window = grid.window(centre, (45 * k + abs(build.scoliosis), 75 * k, (z_high - z_low) / 2))
    x, y, z = grid.part(window)
    sx, sy = cage.spine(z)
    girth = (14.5 + 3.5 * np.clip(z / build.height, 0, 1.3)) * k
    around = np.sqrt(((x - sx) / 1.12) ** 2 + (y - sy) ** 2) - girth
    heights = vertebra_heights(thorax)
    gap = np.min(np.abs(z[..., None] - (heights[:-1] + heights[1:]) / 2), -1)
    body = fill(around, grid.step_mm)
    disc = np.clip(1.0 - gap / (3.0 * k), 0.0, 1.0)
    plate = np.clip(1.0 - np.abs(gap - 3.2 * k) / (1.6 * k), 0.0, 1.0)
    cortex = np.clip(1.0 - np.abs(around + 1.5) / 2.0, 0.0, 1.0)
    bone = body * (1 - disc) * (CANCELLOUS + 0.10 * plate + 0.12 * cortex)
    arch = fill(np.sqrt((x - sx) ** 2 + (y - sy - girth - 14 * k) ** 2) - 9 * k, grid.step_mm)
    process = np.abs(np.min(np.abs(z[..., None] - heights), -1)) < 7 * k
    bone = bone + arch * process * 0.10
    flanks = np.sqrt((np.abs(x - sx) - 21 * k) ** 2 + (y - sy - girth - 6 * k) ** 2) - 6 * k
    bone = bone + fill(flanks, grid.step_mm) * process * 0.10
    thorax.parts["spine"] = Part(window, body)
    thorax.bone[window] += (bone * build.bone).astype(np.float32)
    sternum = grid.window((0.0, -b, 0.35 * build.height), (24 * k, 30 * k, 0.34 * build.height))
    x, y, z = grid.part(sternum)
    front = -cage.half_depth(z) - 4 * k
    plane = np.maximum(np.abs(x) - 16 * k, np.abs(y - front) - 5 * k)
    plane = np.maximum(plane, np.abs(z - 0.35 * build.height) - 0.33 * build.height)
    thorax.bone[sternum] += fill(plane, grid.step_mm) * np.float32(0.14 * build.bone)


def add_skeleton(thorax: Thorax) -> None:
    """Ribs, clavicles, scapulae and humeri as tubes of bone."""
    cage, k = thorax.cage, thorax.build.scale
    for is_left in (False, True):
        word, side = ("left", 1.0) if is_left else ("right", -1.0)
        for number in range(1, 13):
            axis = cage.rib_axis(number, is_left=is_left)
            radius = np.full(len(axis), (4.9 if number > 1 else 5.6) * k, np.float32)
            radius *= np.linspace(0.92, 1.1, len(axis), dtype=np.float32)
            # bone gives way to cartilage
            radius *= np.clip((len(axis) - np.arange(len(axis))) / 6.0, 0.25, 1.0)
            thorax.tubes[f"{word}_rib_{number}"] = [Tube(axis, radius)]
        knots = np.array(
            [
                (side * 17 * k, -0.62 * cage.half[1], 26 * k),
                (side * 62 * k, -0.66 * cage.half[1], 10 * k),
                (side * 105 * k, -0.25 * cage.half[1], 4 * k),
                (side * 148 * k, 0.05 * cage.half[1], 2 * k),
            ],
            np.float32,
        )
        axis = smooth_curve(knots, 24)
        girth = np.interp(np.linspace(0, 1, 24), (0, 0.15, 0.6, 1), (8.5, 6.0, 5.4, 7.0)) * k
        thorax.tubes[f"{word}_clavicle"] = [Tube(axis, girth.astype(np.float32))]
        humerus = np.array(
            [(side * 160 * k, 10 * k, 24 * k - shoulder_lift(thorax)), arm_end(thorax, side)]
        )
        thorax.tubes[f"{word}_humerus"] = [
            Tube(humerus.astype(np.float32), np.array([20 * k, 11 * k], np.float32))
        ]
        thorax.tubes[f"{word}_scapula"] = _scapula(thorax, side)
        _add_plate(thorax, side)


def shoulder_lift(thorax: Thorax) -> float:
    """How far the shoulders rise with the arms for a lateral view, millimetres."""
    return 60.0 * thorax.build.scale if abs(thorax.grid.yaw) > 45 else 0.0


def arm_end(thorax: Thorax, side: float) -> Vector:
    """Where an upper arm leads: down, aside, or (for a lateral view) up before the head."""
    build, k = thorax.build, thorax.build.scale
    reach = build.width / 2 + build.wall
    if abs(thorax.grid.yaw) > 45:
        return (side * 120 * k, -70 * k, -200 * k)
    if build.arms_up:
        return (side * (reach + 110 * k), 0.0, -40 * k)
    return (side * (reach + 48 * k), 15 * k, 340 * k)


def _scapula(thorax: Thorax, side: float) -> list[Tube]:
    """Borders, spine and acromion of a scapula; the plate itself is nearly invisible."""
    k = thorax.build.scale
    top, edge, tip, glenoid = _scapular_corners(thorax)
    acromion = (1.05 * thorax.cage.half[0], 0.15 * thorax.cage.half[1], 2 * k)
    lines = [
        ([top, edge, tip], 1.4),
        ([tip, glenoid], 2.2),
        ([top, glenoid], 1.4),
        ([edge, acromion], 2.6),
    ]
    sign = np.array([side, 1, 1])
    tubes = []
    for line, r in lines:
        axis = smooth_curve(np.asarray(line, np.float32), 12) * sign
        tubes.append(Tube(axis.astype(np.float32), np.full(12, r * k, np.float32)))
    return tubes


def _scapular_corners(thorax: Thorax) -> list[Vector]:
    """Upper angle, medial border, lower angle and glenoid of the left scapula."""
    k, (a, b) = thorax.build.scale, thorax.cage.half
    out = 14 * k if thorax.build.arms_up else 0.0
    return [
        (0.56 * a + out, 0.95 * b, 14 * k),
        (0.60 * a + out, 1.0 * b, 62 * k),
        (0.86 * a + out, 1.05 * b, 146 * k),
        (1.04 * a, 0.35 * b, 36 * k),
    ]


def _add_plate(thorax: Thorax, side: float) -> None:
    """The blade of a scapula, a few millimetres of bone, and the head of the humerus."""
    k, grid = thorax.build.scale, thorax.grid
    corners = np.asarray(_scapular_corners(thorax), np.float32) * np.array([side, 1, 1])
    middle = (corners.min(0) + corners.max(0)) / 2
    reach = (corners.max(0) - corners.min(0)) / 2 + 4
    window = grid.window(tuple(middle.tolist()), tuple(reach.tolist()))
    x, y, z = grid.part(window)
    # the blade's depth: a plane through upper angle, lower angle and glenoid
    matrix = np.column_stack([corners[[0, 2, 3]][:, [0, 2]], np.ones(3)])
    p, q, r = np.linalg.solve(matrix, corners[[0, 2, 3], 1])
    off = np.abs(y - (p * x + q * z + r)) / np.sqrt(1 + p * p + q * q) - 2.0 * k
    order = corners[:, [0, 2]]
    inside = np.full(np.broadcast_shapes(x.shape, z.shape), -np.inf, np.float32)
    for first, second in zip(order, np.roll(order, -1, axis=0), strict=True):
        dx, dz = (second - first) / np.linalg.norm(second - first)
        away = ((x - first[0]) * dz - (z - first[1]) * dx) * side
        np.maximum(inside, -away, out=inside)
    plate = fill(np.maximum(off, inside), grid.step_mm)
    thorax.bone[window] += plate * np.float32(0.5 * thorax.build.bone)
    head: Vector = (side * 158 * k, 10 * k, 36 * k)
    around = grid.window(head, 27 * k)
    ball = fill_ellipsoid(grid.part(around), head, (23 * k,) * 3, step_mm=grid.step_mm)
    thorax.bone[around] += ball * np.float32(0.07 * thorax.build.bone)
