"""The chest's inner form as functions of patient space: wall, domes, spine, medial border.

Everything that grows in the thorax (lungs, ribs, effusions, devices) asks here where the
inside ends. All functions take and return millimetres and broadcast.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hilum.synth.thorax.build import Build

__all__ = ["Cage"]

Values = npt.NDArray[np.float32]
POWER = 2.5
"""Exponent of the superellipse that a cross-section of the chest is."""
LEFT_DOME_LOWER_MM = 12.0


@dataclass(frozen=True)
class Cage:
    """The inner chest of a build."""

    build: Build

    @cached_property
    def half(self) -> tuple[float, float]:
        """Greatest half width and half depth."""
        return self.build.width / 2, self.build.depth / 2

    def half_width(self, z: npt.ArrayLike) -> Values:
        """Half the inner width at height ``z``."""
        s = np.clip(np.asarray(z, np.float32) / (0.72 * self.build.height), -0.05, 1.0)
        return np.asarray(self.half[0] * (0.30 + 0.70 * (1 - (1 - s) ** 2.3)), np.float32)

    def half_depth(self, z: npt.ArrayLike) -> Values:
        """Half the inner depth at height ``z``."""
        s = np.clip(np.asarray(z, np.float32) / (0.8 * self.build.height), -0.05, 1.0)
        return np.asarray(self.half[1] * (0.48 + 0.52 * (1 - (1 - s) ** 2.0)), np.float32)

    def spine(self, z: npt.ArrayLike) -> tuple[Values, Values]:
        """``x`` and ``y`` of the centre of the vertebral bodies at height ``z``."""
        build, at = self.build, np.asarray(z, np.float32)
        s = at / build.height
        x = build.scoliosis * np.sin(np.pi * (s + 0.1) * 1.2)
        y = 0.52 * self.half[1] + build.kyphosis * np.sin(np.pi * np.clip(s, 0, 1.2) / 1.2)
        return np.asarray(x, np.float32), np.asarray(y, np.float32)

    def wall_distance(self, x: Values, y: Values, z: Values, *, outset: float = 0.0) -> Values:
        """Signed distance from the inner wall (negative inside), widened by ``outset``."""
        a, b = self.half_width(z) + outset, self.half_depth(z) + outset
        shifted = y - 0.45 * (self.spine(z)[1] - 0.52 * self.half[1])  # the back follows the spine
        rho = (np.abs(x / a) ** POWER + np.abs(shifted / b) ** POWER) ** (1 / POWER)
        return np.asarray((rho - 1) * np.minimum(a, b), np.float32)

    def apex_distance(self, x: Values, y: Values, z: Values) -> Values:
        """Signed distance from the rounded roofs over the two apices."""
        k = self.build.scale
        rho = ((np.abs(x) - 50 * k) / (42 * k)) ** 2 + ((y - 12 * k) / (52 * k)) ** 2
        return np.asarray(40 * k * rho - z, np.float32) * np.float32(0.7)

    def dome_height(self, x: Values, y: Values, *, is_left: bool, lift: float = 0.0) -> Values:
        """``z`` of a hemidiaphragm; ``lift`` raises it."""
        build, k = self.build, self.build.scale
        lift = lift + (build.lift_left if is_left else build.lift_right)
        top = build.dome - lift + (LEFT_DOME_LOWER_MM * k if is_left else 0.0)
        side = 1.0 if is_left else -1.0
        a, b = self.half
        rho2 = ((x - side * 0.45 * a) / (0.57 * a)) ** 2 + ((y + 0.15 * b) / (1.15 * b)) ** 2
        drop = 0.27 * build.height * (1 - 0.7 * build.flat)
        curved = drop * (1 - np.sqrt(np.clip(1 - rho2, 0.0, 1.0)))
        return np.asarray(top + curved + 26 * k * np.clip(rho2 - 1, 0.0, 1.5), np.float32)

    def medial_half(self, z: npt.ArrayLike) -> Values:
        """Half the width of the mediastinum apart from heart and great vessels."""
        k, at = self.build.scale, np.asarray(z, np.float32) / self.build.height
        knots = (-0.3, 0.0, 0.15, 0.3, 0.45, 0.65, 1.2)
        halves = (26.0, 20.0, 19.0, 21.0, 24.0, 22.0, 20.0)
        return np.asarray(k * np.interp(at, knots, halves), np.float32)

    def middle(self, z: npt.ArrayLike) -> Values:
        """``x`` of the mediastinum's middle: it follows the spine and the build's shift."""
        deep = np.clip(np.asarray(z, np.float32) / (0.35 * self.build.height), 0.0, 1.0)
        return np.asarray(0.6 * self.spine(z)[0] + self.build.shift * deep, np.float32)

    def medial_distance(self, x: Values, y: Values, z: Values) -> Values:
        """Signed distance from the mediastinum.

        The lungs nearly meet before the great vessels and lie close to the spine behind them.
        """
        b = self.half[1]
        front = 0.30 + 0.70 / (1 + np.exp(-(y + 0.50 * b) / (0.10 * b)))
        back = 0.35 + 0.65 / (1 + np.exp((y - 0.32 * b) / (0.10 * b)))
        half = self.medial_half(z) * np.minimum(front, back)
        return np.asarray(np.abs(x - self.middle(z)) - half, np.float32)

    def rib_axis(self, number: int, *, is_left: bool, points: int = 46) -> Values:
        """Axis of a rib ``(points, 3)`` from the spine to its cartilage; ``number`` from 1."""
        build = self.build
        index, unit = number - 1, build.height / 235.0
        start = (-14.0 + 21.5 * index) * unit
        drop = np.interp(number, (1, 2, 4, 7, 9, 10, 11, 12), (26, 44, 66, 84, 86, 76, 50, 28))
        end = np.interp(number, (1, 4, 6, 8, 10, 11, 12), (146, 144, 138, 126, 108, 82, 58))
        angle = np.radians(np.linspace(4.5, end, points))
        z = start + drop * unit * (angle / np.pi) ** 1.4 * 1.65
        lift = np.clip((np.degrees(angle) - 118.0) / 30.0, 0.0, 1.0)
        z = z - 6.0 * unit * lift  # the cartilage turns up
        a = self.half_width(z) + 4.0 * build.scale
        b = self.half_depth(z) + 4.0 * build.scale
        x = a * np.abs(np.sin(angle)) ** (2 / POWER)
        y = b * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / POWER)
        spine_x, spine_y = self.spine(z)
        y = y + 0.45 * (spine_y - 0.52 * self.half[1])
        near = np.clip(1 - np.degrees(angle) / 40.0, 0.0, 1.0)
        side = 1.0 if is_left else -1.0
        return np.stack([side * x + near * spine_x, y, z], 1).astype(np.float32)
