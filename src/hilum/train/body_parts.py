"""Procedural radiographs of what is not a chest, for training the gate.

Each function lays random parametric shapes (tubes, ellipsoids, shells) on a canvas and
sums ``attenuation x thickness`` along the beam (Beer-Lambert); ``expose`` turns that line
integral into what a detector and a display would show. Nothing here is anatomically
exact: wide variation matters more, so that the gate learns what a chest is rather than
what these drawings are. Stands off the main path; only training imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hilum.types import FloatImage

__all__ = ["BODY_PARTS", "Canvas", "draw_lateral_chest", "expose", "fractal_noise"]

BONE, TISSUE = 0.5, 0.2
"""Linear attenuation in 1/cm of bone and soft tissue near 70 kV; only the ratio matters."""


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], coarsest: int = 3, octaves: int = 5
) -> FloatImage:
    """Smooth random texture ``(rows, columns)`` with zero mean and unit deviation."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        cells = min(coarsest * 2**octave, *shape)
        coarse = rng.standard_normal((cells, cells)).astype(np.float32)
        total += cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC) * 0.6**octave
    return np.asarray((total - total.mean()) / (total.std() + 1e-6), np.float32)


class Canvas:
    """A sum of attenuating shapes seen along the beam; lengths in canvas widths.

    ``integral`` is the line integral ``(rows, columns)``, dimensionless. Every shape is
    placed by ``(x, y)`` after one random similarity transform of the whole canvas, so that
    no two drawings share pose or scale.
    """

    def __init__(self, rng: np.random.Generator, tilt_deg: float = 15.0) -> None:
        self.rng = rng
        self.rows = int(rng.integers(160, 260))
        self.columns = int(rng.integers(160, 260))
        y, x = np.mgrid[0 : self.rows, 0 : self.columns].astype(np.float32)
        x = (x / self.columns - 0.5) * self.columns / 256
        y = (y / self.rows - 0.5) * self.rows / 256
        angle = np.deg2rad(rng.normal(0.0, tilt_deg))
        zoom = float(np.exp(rng.normal(0.0, 0.15)))
        cos, sin = float(np.cos(angle)) / zoom, float(np.sin(angle)) / zoom
        dx, dy = rng.normal(0.0, 0.05, 2)
        self.x = cos * x + sin * y + 0.5 + float(dx)
        self.y = -sin * x + cos * y + 0.5 + float(dy)
        warp = 0.012 * float(rng.uniform(0, 1))
        self.x = self.x + warp * fractal_noise(rng, (self.rows, self.columns), 3, 2)
        self.y = self.y + warp * fractal_noise(rng, (self.rows, self.columns), 3, 2)
        self.integral = np.zeros((self.rows, self.columns), np.float32)

    def add(self, thickness: npt.NDArray[Any], attenuation: float, texture: float = 0.1) -> None:
        """Add a shape of that thickness (canvas widths, taken as 30 cm) to the beam's path."""
        grain = 1 + texture * fractal_noise(self.rng, thickness.shape, 12, 4)
        self.integral += (30 * attenuation) * thickness * np.clip(grain, 0.1, None)

    def ellipsoid(
        self, x: float, y: float, rx: float, ry: float, angle: float = 0.0, depth: float = 0.0
    ) -> FloatImage:
        """Thickness of an ellipsoid with half axes ``rx``, ``ry`` and half depth ``depth``."""
        dx, dy = self.x - x, self.y - y
        u = (np.cos(angle) * dx + np.sin(angle) * dy) / rx
        v = (-np.sin(angle) * dx + np.cos(angle) * dy) / ry
        depth = depth or min(rx, ry)
        return np.asarray(2 * depth * np.sqrt(np.clip(1 - u * u - v * v, 0, None)), np.float32)

    def tube(
        self, start: tuple[float, float], end: tuple[float, float], r0: float, r1: float
    ) -> FloatImage:
        """Thickness of a round tube from ``start`` to ``end`` with radii ``r0`` and ``r1``."""
        ax, ay = start
        bx, by = end[0] - ax, end[1] - ay
        along = ((self.x - ax) * bx + (self.y - ay) * by) / (bx * bx + by * by + 1e-9)
        along = np.clip(along, 0, 1)
        squared = (self.x - ax - along * bx) ** 2 + (self.y - ay - along * by) ** 2
        radius = r0 + (r1 - r0) * along
        return np.asarray(2 * np.sqrt(np.clip(radius**2 - squared, 0, None)), np.float32)

    def bone(self, start: tuple[float, float], end: tuple[float, float], radius: float) -> None:
        """A long bone: cortical shaft around marrow, thickened at both ends."""
        shaft = self.tube(start, end, radius, radius * self.rng.uniform(0.8, 1.2))
        marrow = self.tube(start, end, 0.6 * radius, 0.6 * radius)
        self.add(shaft - 0.7 * marrow, BONE)
        for x, y in (start, end):
            flare = self.rng.uniform(1.1, 1.5) * radius
            self.add(0.5 * self.ellipsoid(x, y, flare, flare), BONE, 0.2)

    def chain(self, points: list[tuple[float, float]], radius: float) -> FloatImage:
        """Thickness of a bent tube through ``points``."""
        parts = [self.tube(a, b, radius, radius) for a, b in pairwise(points)]
        return np.asarray(np.maximum.reduce(parts), np.float32)

    def vertebrae(self, points: list[tuple[float, float]], radius: float) -> None:
        """A column of vertebral bodies centred on ``points``."""
        for (x0, y0), (x1, y1) in pairwise(points):
            gap = 0.12
            a = (x0 + gap * (x1 - x0), y0 + gap * (y1 - y0))
            b = (x1 - gap * (x1 - x0), y1 - gap * (y1 - y0))
            self.add(
                0.7 * np.minimum(self.tube(a, b, radius, radius), np.float32(radius)), BONE, 0.2
            )
            self.add(0.5 * self.ellipsoid(x1, y1, radius * 1.6, radius * 0.2), BONE)


def _arc(
    centre: tuple[float, float], rx: float, ry: float, span: tuple[float, float], steps: int = 9
) -> list[tuple[float, float]]:
    angles = np.linspace(*span, steps)
    return [(centre[0] + rx * float(np.cos(a)), centre[1] + ry * float(np.sin(a))) for a in angles]


def draw_hand(c: Canvas) -> None:
    """A hand or a foot seen from above: five rays of small bones and the wrist."""
    r = c.rng
    spread, length, size = r.uniform(0.02, 0.13), r.uniform(0.09, 0.14), r.uniform(0.8, 2.2)
    c.x, c.y = (c.x - 0.5) / size + 0.5, (c.y - 0.5) / size + 0.5
    wrist = (0.5, r.uniform(0.72, 0.8))
    c.add(0.5 * c.ellipsoid(0.5, 0.62, 0.16, 0.17), TISSUE)
    c.add(c.tube(wrist, (0.5 + r.normal(0, 0.03), 1.3), 0.09, 0.11), TISSUE)
    for ray in range(5):
        fan = (ray - 2) * r.uniform(0.8, 1.2)
        x, y = 0.5 + fan * 0.055, wrist[1] - 0.05
        heading = fan * spread
        for part in range(4 - (ray == 0)):
            step = length * (1.0, 0.75, 0.5, 0.4)[part] * r.uniform(0.9, 1.1)
            end = (x + step * float(np.sin(heading)), y - step * float(np.cos(heading)))
            c.add(c.tube((x, y), end, 0.03, 0.026), TISSUE)
            c.bone((x, y), end, r.uniform(0.009, 0.014))
            x, y = end[0], end[1] - 0.012
    for _ in range(8):
        x, y = wrist[0] + r.normal(0, 0.045), wrist[1] + r.uniform(-0.03, 0.04)
        c.add(0.7 * c.ellipsoid(x, y, 0.022, 0.025, r.uniform(0, 3)), BONE, 0.2)
    c.bone((0.46, wrist[1] + 0.06), (0.45, 1.3), 0.028)
    c.bone((0.55, wrist[1] + 0.07), (0.56, 1.3), 0.022)


def draw_joint(c: Canvas) -> None:
    """A knee, elbow or ankle; sometimes both sides in one image."""
    r = c.rng
    centres = (0.27, 0.73) if r.random() < 0.35 else (0.5,)
    size = r.uniform(0.07, 0.13) * (0.7 if len(centres) == 2 else 1.0)
    for x in centres:
        c.add(c.tube((x, -0.3), (x, 1.3), 2.2 * size, 1.7 * size), TISSUE)
        bend = r.normal(0, 0.12)
        c.bone((x + bend, -0.3), (x, 0.42), 0.55 * size)
        c.bone((x, 0.56), (x - bend, 1.3), 0.5 * size)
        if r.random() < 0.7:
            side = r.choice([-1, 1]) * size
            c.bone((x + side, 0.62), (x + side * 0.9, 1.3), 0.2 * size)
        for side in (-0.55, 0.55):
            for y in (0.45, 0.55):
                c.add(0.8 * c.ellipsoid(x + side * size, y, 0.6 * size, 0.045), BONE, 0.2)
        if r.random() < 0.5:
            c.add(0.6 * c.ellipsoid(x, 0.4, 0.45 * size, 0.05), BONE, 0.2)


def draw_pelvis(c: Canvas) -> None:
    """A pelvis with both hips, or one hip alone when the canvas is shifted."""
    r = c.rng
    if r.random() < 0.4:
        c.x = (c.x - 0.5) * r.uniform(0.45, 0.6) + 0.5 + r.choice([-1, 1]) * 0.24
    c.add(0.35 * c.ellipsoid(0.5, 0.5, r.uniform(0.5, 0.7), 0.8, 0, 0.5), TISSUE)
    c.vertebrae([(0.5, y) for y in np.linspace(-0.1, 0.38, 6)], 0.055)
    c.add(0.4 * c.ellipsoid(0.5, 0.46, 0.1, 0.14), BONE, 0.2)
    for side in (-1, 1):
        c.add(0.2 * c.ellipsoid(0.5 + side * 0.24, 0.33, 0.11, 0.2, side * 0.6), BONE, 0.2)
        ring = c.ellipsoid(0.5 + side * 0.1, 0.72, 0.1, 0.085)
        hole = c.ellipsoid(0.5 + side * 0.1, 0.72, 0.06, 0.05)
        c.add(0.6 * np.clip(ring - 1.5 * hole, 0, None), BONE, 0.2)
        head = (0.5 + side * 0.25, 0.6)
        c.add(0.6 * c.ellipsoid(*head, 0.065, 0.065), BONE, 0.15)
        trochanter = (0.5 + side * r.uniform(0.33, 0.38), 0.68)
        c.add(0.7 * c.tube(head, trochanter, 0.045, 0.05), BONE, 0.15)
        c.bone(trochanter, (0.5 + side * r.uniform(0.28, 0.35), 1.3), 0.045)
    for _ in range(int(r.integers(0, 8))):
        x, y = r.uniform(0.25, 0.75), r.uniform(0, 0.5)
        c.add(-0.5 * c.ellipsoid(x, y, *r.uniform(0.02, 0.06, 2)), TISSUE, 0.3)


def draw_abdomen(c: Canvas) -> None:
    """An abdomen: spine, bowel gas, lower ribs above and iliac wings below."""
    r = c.rng
    c.add(0.35 * c.ellipsoid(0.5, 0.5, r.uniform(0.45, 0.7), 0.9, 0, 0.5), TISSUE)
    bend = r.normal(0, 0.02)
    c.vertebrae([(0.5 + bend * np.sin(3 * y), y) for y in np.linspace(-0.1, 1.1, 10)], 0.05)
    for side in (-1, 1):
        for rib in range(int(r.integers(1, 4))):
            span = (-0.3, 1.2) if side > 0 else (np.pi + 0.3, np.pi - 1.2)
            arc = _arc((0.5, -0.1 + rib * 0.07), 0.35, 0.25, span)
            c.add(0.7 * c.chain(arc, 0.014), BONE)
        c.add(0.4 * c.ellipsoid(0.5 + side * 0.18, 0.35, 0.06, 0.12, side * 0.2), TISSUE)
        if r.random() < 0.7:
            c.add(0.2 * c.ellipsoid(0.5 + side * 0.28, 0.95, 0.13, 0.2, side * 0.6), BONE, 0.2)
    for _ in range(int(r.integers(4, 30))):
        x, y = r.uniform(0.15, 0.85), r.uniform(0.15, 1.0)
        rx, ry = r.uniform(0.015, 0.08, 2)
        c.add(-0.7 * c.ellipsoid(x, y, rx, ry, r.uniform(0, 3)), TISSUE, 0.3)


def draw_skull(c: Canvas) -> None:
    """A skull from the front or from the side, on the upper spine."""
    r = c.rng
    rx, ry = r.uniform(0.28, 0.42), r.uniform(0.3, 0.4)
    c.add(c.ellipsoid(0.5, 0.4, rx, ry, 0, 0.2), 0.6 * TISSUE)
    shell = c.ellipsoid(0.5, 0.4, rx, ry, 0, 0.25)
    c.add(shell - c.ellipsoid(0.5, 0.4, rx - 0.025, ry - 0.025, 0, 0.235), BONE, 0.15)
    is_frontal = r.random() < 0.5
    if is_frontal:
        for side in (-1, 1):
            eye = c.ellipsoid(0.5 + side * 0.14, 0.5, 0.075, 0.06)
            c.add(0.4 * (c.ellipsoid(0.5 + side * 0.14, 0.5, 0.09, 0.075) - eye), BONE)
            c.add(-0.8 * c.ellipsoid(0.5 + side * 0.11, 0.62, 0.05, 0.06), TISSUE)
        c.add(-0.6 * c.ellipsoid(0.5, 0.6, 0.03, 0.08), TISSUE)
    else:
        facing = float(r.choice([-1, 1]))
        c.add(-0.8 * c.ellipsoid(0.5 + facing * 0.24, 0.58, 0.06, 0.05), TISSUE)
        c.add(0.6 * c.ellipsoid(0.5, 0.58, 0.14, 0.05), BONE, 0.3)
    span = (0.25, np.pi - 0.25) if is_frontal else (0.2, 2.0)
    c.add(0.7 * c.chain(_arc((0.5, 0.62), 0.22, 0.22, span), 0.03), BONE)
    for x in np.linspace(0.38, 0.62, 8):
        c.add(0.8 * c.tube((x, 0.7), (x, 0.78), 0.013, 0.009), 1.6 * BONE)
    c.vertebrae([(0.5, y) for y in np.linspace(0.72, 1.2, 7)], 0.05)
    c.add(c.tube((0.5, 0.7), (0.5, 1.3), 0.15, 0.2), 0.7 * TISSUE)


def draw_spine(c: Canvas) -> None:
    """A cervical or lumbar spine from the side or the front."""
    r = c.rng
    width, radius = r.uniform(0.2, 0.6), r.uniform(0.05, 0.1)
    c.add(0.6 * c.tube((0.5, -0.3), (0.5, 1.3), width, width * 1.2), TISSUE)
    bend, phase = r.normal(0, 0.1), r.uniform(0, 6)
    ys = np.linspace(-0.15, 1.15, int(r.integers(6, 12)))
    points = [(0.5 + bend * float(np.sin(2.5 * y + phase)), float(y)) for y in ys]
    c.vertebrae(points, radius)
    if r.random() < 0.7:
        for x, y in points:
            end = (x + 2.6 * radius, y + r.uniform(0.02, 0.08))
            c.add(0.5 * c.tube((x + radius, y), end, 0.03, 0.015), BONE)
    if r.random() < 0.5:
        c.add(0.3 * c.ellipsoid(0.5 - 2 * radius, 0.9, 0.2, 0.3), TISSUE)
        c.add(-0.4 * c.tube((0.3, -0.2), (0.35, 0.5), 0.03, 0.03), TISSUE)


def draw_shoulder(c: Canvas) -> None:
    """A shoulder: humeral head, scapula, clavicle and the outer ribs."""
    r = c.rng
    if r.random() < 0.5:
        c.x = 1 - c.x
    c.add(0.5 * c.ellipsoid(0.3, 0.8, 0.5, 0.6, 0, 0.3), TISSUE)
    c.add(c.tube((0.68, 0.4), (0.8, 1.3), 0.14, 0.11), TISSUE)
    c.add(0.7 * c.ellipsoid(0.66, 0.4, 0.095, 0.095), BONE, 0.15)
    c.bone((0.69, 0.42), (0.8, 1.3), 0.055)
    c.add(0.15 * c.ellipsoid(0.45, 0.62, 0.1, 0.24, 0.3), BONE, 0.2)
    c.add(0.7 * c.chain([(-0.1, 0.42), (0.2, 0.32), (0.4, 0.24), (0.6, 0.27)], 0.025), BONE)
    for rib in range(int(r.integers(2, 6))):
        arc = _arc((0.0, 0.75 + 0.11 * rib), 0.33, 0.3, (-1.4, 0.6))
        c.add(0.7 * c.chain(arc, 0.015), BONE)


def draw_mammogram(c: Canvas) -> None:
    """A breast as a half disc on an edge, with glandular texture on black."""
    r = c.rng
    if r.random() < 0.5:
        c.x = 1 - c.x
    edge = float(c.x.min())
    ry = r.uniform(0.3, 0.5)
    breast = c.ellipsoid(edge, 0.5, r.uniform(0.35, 0.75), ry, r.normal(0, 0.1), 0.07)
    inside = np.minimum(breast, 0.12)
    gland = np.clip(fractal_noise(c.rng, breast.shape, int(r.integers(3, 8)), 6) + 0.3, 0, None)
    c.add(inside, TISSUE, 0.05)
    c.add(inside * gland * r.uniform(0.2, 1.0), 0.8 * TISSUE, 0.2)
    if r.random() < 0.5:
        c.add(0.4 * c.tube((edge, -0.2), (edge + 0.05, 0.35), 0.28, 0.05), TISSUE, 0.05)


def _branch(c: Canvas, at: tuple[float, float], heading: float, radius: float, left: int) -> None:
    r = c.rng
    for _ in range(int(r.integers(2, 5))):
        step = r.uniform(0.04, 0.09)
        end = (at[0] + step * float(np.cos(heading)), at[1] + step * float(np.sin(heading)))
        c.add(c.tube(at, end, radius, radius * 0.93), 3 * BONE, 0.02)
        at, radius, heading = end, radius * 0.93, heading + r.normal(0, 0.35)
    if left:
        for turn in (-0.5, 0.5):
            _branch(c, at, heading + turn * r.uniform(0.4, 1.6), radius * 0.72, left - 1)


def draw_angiogram(c: Canvas) -> None:
    """Vessels full of contrast medium over soft tissue, with a catheter."""
    r = c.rng
    background = np.clip(0.5 + 0.12 * fractal_noise(r, c.x.shape, 3, 3), 0, None)
    c.add(background, TISSUE, 0.02)
    for _ in range(int(r.integers(1, 3))):
        at = (r.uniform(0.2, 0.8), r.uniform(0.0, 0.5))
        _branch(c, at, r.uniform(0.5, 2.6), r.uniform(0.008, 0.025), 3)
        c.add(c.chain(_arc((at[0], at[1] - 0.3), 0.2, 0.3, (2.5, 1.5)), 0.006), 2 * BONE)
    if r.random() < 0.6:
        c.vertebrae([(0.5 + 0.1 * y, float(y)) for y in np.linspace(-0.1, 1.1, 7)], 0.06)


def draw_teeth(c: Canvas) -> None:
    """A panoramic or a bitewing view of teeth in their jaws."""
    r = c.rng
    count, bow = int(r.integers(4, 16)), r.uniform(0, 0.25)
    c.add(0.3 * np.ones_like(c.x), TISSUE, 0.15)
    for row, sign in ((0.42, -1), (0.56, 1)):
        jaw = [(x, row + sign * 0.13 - bow * (2 * x - 1) ** 2) for x in np.linspace(-0.1, 1.1, 9)]
        c.add(0.25 * c.chain(jaw, 0.14), BONE, 0.25)
        for i in range(count):
            x = (i + 0.5) / count + r.normal(0, 0.01)
            y = row - bow * (2 * x - 1) ** 2
            half = 0.42 / count
            tip = (x + r.normal(0, 0.01), y + sign * r.uniform(0.12, 0.18))
            c.add(c.tube((x, y), tip, half, half * 0.4), BONE, 0.1)
            c.add(0.8 * c.ellipsoid(x, y, half, 0.05), 2 * BONE, 0.05)


def draw_barium(c: Canvas) -> None:
    """A contrast study of stomach or bowel: very dense winding tubes."""
    r = c.rng
    draw_abdomen(c)
    at, heading, radius = r.uniform(0.3, 0.7, 2), r.uniform(0, 6), r.uniform(0.02, 0.06)
    for _ in range(int(r.integers(8, 30))):
        end = at + 0.06 * np.array([np.cos(heading), np.sin(heading)])
        c.add(c.tube((at[0], at[1]), (end[0], end[1]), radius, radius), 2 * BONE, 0.05)
        at, heading = np.clip(end, 0.1, 0.9), heading + r.normal(0, 0.6)


def draw_lateral_chest(c: Canvas) -> None:
    """A chest from the side: one lung field, spine behind, sternum and heart in front."""
    r = c.rng
    if r.random() < 0.5:
        c.x = 1 - c.x
    c.add(0.3 * c.ellipsoid(0.5, 0.6, r.uniform(0.36, 0.46), 0.75, 0, 0.5), TISSUE)
    c.add(-1.3 * c.ellipsoid(0.47, 0.5, r.uniform(0.2, 0.28), r.uniform(0.32, 0.42)), TISSUE)
    c.add(0.9 * c.ellipsoid(0.34, 0.63, r.uniform(0.1, 0.15), r.uniform(0.12, 0.18), 0.5), TISSUE)
    c.add(0.5 * c.tube((0.42, 0.05), (0.47, 0.4), 0.12, 0.08), TISSUE)
    c.add(-0.6 * c.tube((0.44, -0.1), (0.48, 0.42), 0.018, 0.018), TISSUE)
    bow = r.uniform(0.02, 0.1)
    ys = np.linspace(-0.1, 1.1, 15)
    c.vertebrae([(0.68 + bow * float(np.sin(3 * y)), float(y)) for y in ys], 0.04)
    c.add(0.5 * c.chain(_arc((0.42, 0.4), 0.25, 0.35, (3.4, 2.4)), 0.014), BONE)
    for rib in range(int(r.integers(6, 11))):
        arc = _arc((0.45, 0.08 + 0.08 * rib), 0.28, 0.12, (0.2, 2.4))
        c.add(0.4 * c.chain(arc, 0.01), BONE)
    for lift in r.uniform(0, 0.06, 2):
        dome = c.ellipsoid(0.5, 1.18 - lift, 0.36, 0.4, 0, 0.2)
        c.add(dome, TISSUE)


BODY_PARTS: dict[str, Callable[[Canvas], None]] = {
    "hand": draw_hand,
    "joint": draw_joint,
    "pelvis": draw_pelvis,
    "abdomen": draw_abdomen,
    "skull": draw_skull,
    "spine": draw_spine,
    "shoulder": draw_shoulder,
    "mammogram": draw_mammogram,
    "angiogram": draw_angiogram,
    "teeth": draw_teeth,
    "barium": draw_barium,
}
"""Every kind of procedural radiograph, by name."""


def expose(integral: FloatImage, rng: np.random.Generator) -> FloatImage:
    """What a detector shows of a line integral ``(rows, columns)``: bone bright, in [0, 1]."""
    blur = cv2.GaussianBlur(integral, (0, 0), float(rng.uniform(0.4, 1.4)))
    beam = np.exp(-np.clip(blur, -2, 12) * rng.uniform(0.25, 0.7))
    scatter = cv2.GaussianBlur(beam, (0, 0), 0.1 * min(integral.shape))
    beam = beam + rng.uniform(0.0, 0.3) * scatter
    counts = 10 ** rng.uniform(2.2, 4.5)
    noise = rng.standard_normal(beam.shape) * np.sqrt(beam / counts)
    shown = -np.log(np.clip(beam + noise, 1e-3, None))
    low, high = np.percentile(shown, [rng.uniform(0, 3), rng.uniform(97, 100)])
    shown = np.clip((shown - low) / (high - low + 1e-6), 0, 1) ** rng.uniform(0.5, 1.8)
    shown = cv2.GaussianBlur(shown, (0, 0), float(rng.uniform(0.3, 0.9)))
    return np.asarray(np.clip(shown, 0, 1), np.float32)
