"""A thorax as densities on a grid, with named parts and tubes.

Water-like tissue is one number a voxel (its density relative to water), bone a second; ribs,
clavicles, vessels and catheters are tubes, which are integrated in closed form when the
thorax is projected.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hilum.synth.thorax.build import Build
from hilum.synth.thorax.cage import Cage
from hilum.synth.thorax.shapes import fill_tube
from hilum.synth.thorax.space import Array, Grid
from hilum.synth.thorax.trees import Tube

__all__ = ["Part", "Thorax", "Window", "overlap"]

Window = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Occupancy in [0, 1] of a window of the grid."""

    window: Window
    occupancy: Array


@dataclass(slots=True, eq=False)
class Thorax:
    """A thorax under construction: later steps add pathology and devices to it.

    ``soft`` is density relative to water and ``bone`` the share of cortical bone, both
    ``(z, depth, across)`` of ``grid``. ``parts`` are named solids; ``tubes`` lists of tubes by
    name; ``vessels`` are those that displace lung.
    """

    build: Build
    cage: Cage
    grid: Grid
    soft: Array
    bone: Array
    parts: dict[str, Part] = field(default_factory=dict)
    tubes: dict[str, list[Tube]] = field(default_factory=dict)

    def replace_by(self, part: Part, density: float | Array) -> None:
        """Let a solid take the place of the soft tissue that was there."""
        here = self.soft[part.window]
        here += part.occupancy * (density - here)

    def occupancy(self, name: str) -> Array:
        """Occupancy of a part over the whole grid; zero where there is none."""
        whole = np.zeros(self.grid.shape, np.float32)
        if name in self.parts:
            part = self.parts[name]
            whole[part.window] = part.occupancy
        return whole

    def is_filled(self, name: str, point: Array) -> bool:
        """Whether a patient point lies inside a part."""
        part = self.parts[name]
        at = self.grid.index_of(point)
        if any(not cut.start <= n < cut.stop for n, cut in zip(at, part.window, strict=True)):
            return False
        inside = tuple(n - cut.start for n, cut in zip(at, part.window, strict=True))
        return bool(part.occupancy[inside] > 0.5)

    def add_part(self, name: str, window: Window, occupancy: Array, density: float | Array) -> None:
        """Name a solid and let it take the place of the tissue that was there."""
        part = Part(window, occupancy)
        self.parts[name] = part
        self.replace_by(part, density)

    def fill_along(self, axis: Array, radius: Array) -> Part:
        """A tube of round cross-section along patient points as a solid."""
        low, high = axis.min(0), axis.max(0)
        x, y, z = ((low + high) / 2).tolist()
        rx, ry, rz = ((high - low) / 2 + float(np.max(radius)) + 4).tolist()
        window = self.grid.window((x, y, z), (rx, ry, rz))
        return Part(window, fill_tube(self.grid.part(window), axis, radius, self.grid.step_mm))


def overlap(first: Window, second: Window) -> tuple[Window, Window] | None:
    """The common samples of two windows as slices within each; None without any."""
    mine, theirs = [], []
    for a, b in zip(first, second, strict=True):
        low, high = max(a.start, b.start), min(a.stop, b.stop)
        if low >= high:
            return None
        mine.append(slice(low - a.start, high - a.start))
        theirs.append(slice(low - b.start, high - b.start))
    return tuple(mine), tuple(theirs)  # type: ignore[return-value]
