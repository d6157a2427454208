"""Where tubes and lines run: veins, gullet, windpipe and heart as curves in patient space.

Positions follow surface anatomy: the brachiocephalic veins meet behind the first right
costal cartilage, the cavoatrial junction lies about 4 cm (two vertebral bodies) below the
carina, the gullet behind the windpipe and left of the midline at the hiatus.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hilum.synth.thorax.curves import smooth_curve
from hilum.synth.thorax.mediastinum import airway_axes
from hilum.synth.thorax.space import Array, Vector
from hilum.synth.thorax.volume import Thorax

__all__ = ["JUNCTION_MM", "Paths"]

JUNCTION_MM = 40.0
"""The cavoatrial junction lies this far below the carina."""


class Paths:
    """Named points and curves of one thorax, in patient millimetres."""

    def __init__(self, thorax: Thorax) -> None:
        self.thorax = thorax
        self.k = thorax.build.scale
        self.airways = {name: axis for name, (axis, _) in airway_axes(thorax).items()}

    @property
    def carina(self) -> Array:
        """Where the windpipe forks."""
        return np.asarray(self.airways["trachea"][-1])

    def at(self, x: float, y: float, z: float) -> Vector:
        """A point: ``x`` and ``z`` in adult millimetres, ``y`` a share of the half depth."""
        z = z * self.k
        return x * self.k + float(self.thorax.cage.middle(z)), y * self.thorax.cage.half[1], z

    def below_carina(self, x: float, y: float, down: float) -> Vector:
        """As ``at`` with ``z`` counted downwards from the carina."""
        return self.at(x, y, float(self.carina[2]) / self.k + down)

    def superior_vena_cava(self, tip: float) -> list[Vector]:
        """From the confluence of the veins down to ``tip`` mm below the carina (adult)."""
        top = [self.at(-21, -0.14, 36), self.below_carina(-24, -0.12, -22)]
        lower = [self.below_carina(-26, -0.12, 6), self.below_carina(-27, -0.14, 34)]
        path = top + [point for point in lower if point[2] < self.below_carina(0, 0, tip - 8)[2]]
        wide = -26 - 4 * float(np.clip((tip - JUNCTION_MM) / 40.0, 0.0, 1.0))
        return [*path, self.below_carina(wide, -0.15, tip)]

    def jugular(self, side: float) -> list[Vector]:
        """Down the neck on a side (1 left) to the brachiocephalic vein."""
        return [
            self.at(side * 40, 0.0, -75),
            self.at(side * 35, -0.05, -30),
            self.at(side * 27, -0.18, 6),
            *self._across(side),
        ]

    def subclavian(self, side: float) -> list[Vector]:
        """From the skin below the collarbone under it to the brachiocephalic vein."""
        return [
            self.at(side * 92, -0.62, 40),
            self.at(side * 74, -0.45, 24),
            self.at(side * 48, -0.32, 12),
            self.at(side * 28, -0.24, 14),
            *self._across(side),
        ]

    def arm(self, side: float) -> list[Vector]:
        """From the upper arm through the armpit to the brachiocephalic vein."""
        return [
            self.at(side * 186, 0.1, 130),
            self.at(side * 172, 0.05, 70),
            self.at(side * 138, -0.05, 30),
            self.at(side * 96, -0.25, 18),
            self.at(side * 58, -0.32, 10),
            self.at(side * 28, -0.24, 14),
            *self._across(side),
        ]

    def _across(self, side: float) -> list[Vector]:
        return [self.at(12, -0.28, 24), self.at(-8, -0.24, 31)] if side > 0 else []

    def gullet(self) -> list[Vector]:
        """From the throat to the hiatus."""
        dome = self.thorax.build.dome / self.k
        return [
            self.at(0, 0.12, -75),
            self.at(3, 0.26, 0),
            self.below_carina(4, 0.36, -10),
            self.below_carina(5, 0.38, 50),
            self.at(9, 0.30, dome - 25),
            self.at(15, 0.15, dome + 8),
        ]

    def stomach(self) -> list[Vector]:
        """On from the hiatus along the greater curve."""
        dome = self.thorax.build.dome / self.k
        return [self.at(36, 0.0, dome + 24), self.at(58, -0.1, dome + 46)]

    def heart(self) -> dict[str, Vector]:
        """Places in the heart that leads and catheters reach."""
        build, b, k = self.thorax.build, self.thorax.cage.half[1], self.k
        base = build.dome + 6 * k
        w = (build.heart_width or build.heart_ratio / 0.46) * k
        s = build.shift
        return {
            "entrance": (-26 * w + s, -0.18 * b, base - 82 * k),
            "right_atrium": (-26 * w + s, -0.22 * b, base - 52 * k),
            "appendage": (-20 * w + s, -0.48 * b, base - 80 * k),
            "inflow": (-8 * w + s, -0.3 * b, base - 26 * k),
            "right_ventricle": (44 * w + s, -0.55 * b, base - 14 * k),
            "mid_ventricle": (16 * w + s, -0.48 * b, base - 20 * k),
            "outflow": (10 * w + s, -0.42 * b, base - 92 * k),
            "aortic_valve": (2 * w + s, -0.2 * b, base - 80 * k),
            "mitral_valve": (26 * w + s, 0.0, base - 52 * k),
        }

    def curve(self, knots: Sequence[Vector], points: int = 40) -> Array:
        """A smooth curve through knots, ``(points, 3)``."""
        return smooth_curve(np.asarray(knots, np.float32), points)
