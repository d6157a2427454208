"""Findings of the heart and mediastinum: calcified arch, hiatal hernia, enlarged nodes."""

from __future__ import annotations

import numpy as np

from hilum.synth.disease.grades import grade, kind_of
from hilum.synth.disease.insertion import replace_tissue, trim
from hilum.synth.thorax.mediastinum import aorta_axis
from hilum.synth.thorax.shapes import fill, fill_ellipsoid
from hilum.synth.thorax.space import Vector
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Part, Thorax
from hilum.synth.types import FindingSpec

__all__ = ["add_aortic_calcification", "add_hernia", "add_nodes"]

NODE_DENSITY = 1.04
ARCH = (18, 28)
"""Points of the aorta's axis between which the arch is seen on end from the front."""


def add_aortic_calcification(thorax: Thorax, spec: FindingSpec) -> list[Tube]:
    """A thin shell of calcium on the outer wall of the arch, as arcs of bone side by side."""
    rng = np.random.default_rng([spec.seed, 59])
    axis = aorta_axis(thorax)
    k, arc = thorax.build.scale, np.radians(grade(spec, "arc"))
    turn = np.linspace(-arc / 2, arc / 2, 14) + rng.normal(0.0, 0.15)
    tubes = []
    for index in range(*ARCH):
        # angle 0 looks to the patient's left and up, where the knob meets the lung
        ring = np.stack([np.cos(turn - 0.5), 0 * turn, np.sin(turn - 0.5)], 1)
        wall = axis[index] + ring * (0.98 * thorax.build.aorta)
        thick = np.float32(grade(spec, "radius") * k) * rng.uniform(0.6, 1.0, 14)
        tubes.append(Tube(wall.astype(np.float32), thick.astype(np.float32)))
    thorax.tubes["aortic_calcification"] = tubes
    return tubes


def add_hernia(thorax: Thorax, spec: FindingSpec) -> list[Part]:
    """Stomach behind the heart: a round mass above the hiatus with an air-fluid level."""
    rng = np.random.default_rng([spec.seed, 61])
    k, b = thorax.build.scale, thorax.cage.half[1]
    radius = (spec.size_mm or grade(spec, "diameter") * k) / 2
    z = thorax.build.dome + 8 * k - 0.75 * radius
    middle = float(thorax.cage.middle(z)) + float(rng.uniform(2, 14)) * k
    centre: Vector = (middle, 0.22 * b, z)
    radii = (1.1 * radius, min(radius, 0.42 * b), radius)
    window = thorax.grid.window(centre, (radii[0] + 4, radii[1] + 4, radii[2] + 4))
    at, step = thorax.grid.part(window), thorax.grid.step_mm
    part = trim(window, fill_ellipsoid(at, centre, radii, step_mm=step))
    replace_tissue(thorax, part, 1.02)
    lumen = (radii[0] - 4 * k, radii[1] - 4 * k, radii[2] - 4 * k)
    air = fill_ellipsoid(at, centre, lumen, step_mm=step)
    air *= fill(at[2] - (z + float(rng.uniform(-0.25, 0.15)) * radius), step)
    thorax.replace_by(Part(window, air), 0.0)
    return [part]


def add_nodes(thorax: Thorax, spec: FindingSpec, side: str) -> list[Part]:
    """A lobulated mass of lymph nodes or a wide artery at a hilum, or beside the trachea."""
    rng = np.random.default_rng([spec.seed, 67, side == "left"])
    k, b, h = thorax.build.scale, thorax.cage.half[1], thorax.build.height
    sign = 1.0 if side == "left" else -1.0
    radius = (spec.size_mm or grade(spec, "diameter") * k) / 2
    if kind_of(spec) == "paratracheal":
        z, out = 0.26 * h, 24.0 * k
    else:
        z, out = (0.42 if side == "left" else 0.46) * h, 42.0 * k
    home = np.array([sign * out + float(thorax.cage.middle(z)), 0.02 * b, z])
    reach = 3.4 * radius + 4
    window = thorax.grid.window((float(home[0]), float(home[1]), float(home[2])), reach)
    at = thorax.grid.part(window)
    nodes = np.zeros(tuple(s.stop - s.start for s in window), np.float32)
    for index in range(4):
        jump = rng.normal(0.0, 0.75 * radius, 3) * (index > 0)
        x, y, down = (float(c) for c in home + np.clip(jump, -1.4 * radius, 1.4 * radius))
        size = radius * float(rng.uniform(0.65, 1.0))
        radii = (size, size, 1.15 * size)
        ball = fill_ellipsoid(at, (x, y, down), radii, step_mm=thorax.grid.step_mm)
        np.maximum(nodes, ball, out=nodes)
    part = trim(window, nodes)
    replace_tissue(thorax, part, NODE_DENSITY)
    return [part]
