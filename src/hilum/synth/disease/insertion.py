"""What inserting a finding needs: blocks of a lung, regions in them, and what they displace.

A finding is a region: occupancy in [0, 1] of a window of the grid. It takes the place of the
tissue that was there; vessels inside it lose the contrast that they had against the lung.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hilum.synth.thorax.shapes import smooth_noise
from hilum.synth.thorax.space import Array, Grid, Vector
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Part, Thorax, Window

__all__ = [
    "Block",
    "block_around",
    "fade_vessels",
    "lung_block",
    "replace_tissue",
    "sample",
    "sides_of",
    "trim",
    "volume_ml",
]

Field = Callable[[Array, Array, Array], npt.NDArray[np.floating]]
COARSE = 4
"""Distances are smooth: they are computed once for this many samples in the image's plane."""
BLOOD_EXCESS = 0.78
FADE_STEP_MM = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A window of a thorax in which a finding grows.

    ``lung`` is the occupancy of the lung (pleural cavity) in it, a view of the lung's part.
    """

    thorax: Thorax
    window: Window
    lung: Array

    @property
    def step_mm(self) -> float:
        """Spacing in the plane of the image."""
        return self.thorax.grid.step_mm

    def field(self, function: Field) -> Array:
        """A smooth function of patient ``x, y, z`` on every sample of the block."""
        shape = tuple(s.stop - s.start for s in self.window)
        blocks = [-(-shape[0] // COARSE), shape[1], -(-shape[2] // COARSE)]
        at = []
        for values in self.thorax.grid.part(self.window):
            for axis in (0, 2):
                values = _block_centres(values, axis, blocks[axis])
            at.append(values)
        coarse = np.broadcast_to(np.asarray(function(*at), np.float32), blocks)
        return self._refine(coarse, shape)

    def noise(self, rng: np.random.Generator, *, cells: int) -> Array:
        """Noise of about unit spread, smooth over ``1 / cells`` of the block."""
        shape = tuple(s.stop - s.start for s in self.window)
        coarse = smooth_noise(
            (-(-shape[0] // COARSE), shape[1], -(-shape[2] // COARSE)), rng, cells=cells
        )
        return self._refine(coarse, shape)

    def _refine(self, coarse: Array, shape: tuple[int, ...]) -> Array:
        fine = np.empty(shape, np.float32)
        size = (coarse.shape[2] * COARSE, coarse.shape[0] * COARSE)
        for index in range(shape[1]):
            layer = np.ascontiguousarray(coarse[:, index])
            wide = cv2.resize(layer, size, interpolation=cv2.INTER_LINEAR)
            fine[:, index] = wide[: shape[0], : shape[2]]
        return fine


def _block_centres(values: Array, axis: int, count: int) -> Array:
    if values.shape[axis] < 2:
        return values
    first, second = values.take([0], axis), values.take([1], axis)
    at = np.arange(count, dtype=np.float32) * COARSE + np.float32((COARSE - 1) / 2)
    at = at.reshape([-1 if k == axis else 1 for k in range(3)])
    return np.asarray(first + (second - first) * at, np.float32)


def lung_block(thorax: Thorax, side: str, *, z_from: float = -1e9, z_to: float = 1e9) -> Block:
    """The block of a lung between two heights (patient ``z``)."""
    part = thorax.parts[f"{side}_lung"]
    zs, depths, us = part.window
    axis = thorax.grid.axes[0][zs]
    low, high = (int(np.searchsorted(axis, z)) for z in (z_from, z_to))
    high = max(high, low + 2)
    low = min(low, len(axis) - 2)
    window = (slice(zs.start + low, zs.start + min(high, len(axis))), depths, us)
    return Block(thorax, window, part.occupancy[low:high])


def block_around(thorax: Thorax, centre: Vector, reach: float | Vector, side: str = "") -> Block:
    """The block within ``reach`` of a point; without a side the lung is taken as everywhere."""
    grid = thorax.grid
    window = grid.window(centre, reach)
    shape = tuple(s.stop - s.start for s in window)
    if not side:
        return Block(thorax, window, np.ones(shape, np.float32))
    part = thorax.parts[f"{side}_lung"]
    lung = np.zeros(shape, np.float32)
    mine, theirs = [], []
    for a, b in zip(window, part.window, strict=True):
        low, high = max(a.start, b.start), min(a.stop, b.stop)
        if low >= high:
            return Block(thorax, window, lung)
        mine.append(slice(low - a.start, high - a.start))
        theirs.append(slice(low - b.start, high - b.start))
    lung[tuple(mine)] = part.occupancy[tuple(theirs)]
    return Block(thorax, window, lung)


def trim(window: Window, occupancy: Array) -> Part:
    """A part cut to the box that it fills; empty ones keep one sample."""
    cuts = []
    for axis in range(3):
        others = tuple(k for k in range(3) if k != axis)
        filled = np.flatnonzero(occupancy.max(axis=others) > 0)
        low, high = (int(filled[0]), int(filled[-1]) + 1) if filled.size else (0, 1)
        cuts.append(slice(low, high))
    moved = tuple(
        slice(w.start + c.start, w.start + c.stop) for w, c in zip(window, cuts, strict=True)
    )
    return Part(moved, occupancy[tuple(cuts)].copy())  # type: ignore[arg-type]


def volume_ml(grid: Grid, parts: tuple[Part, ...] | list[Part]) -> float:
    """What parts hold, in millilitres."""
    voxel = grid.step_mm**2 * grid.depth_step_mm / 1000.0
    return float(sum(float(part.occupancy.sum(dtype=np.float64)) for part in parts) * voxel)


def replace_tissue(thorax: Thorax, part: Part, density: float | Array) -> None:
    """Put a part in the place of the tissue and take its contrast from the vessels in it."""
    thorax.replace_by(part, density)
    level = float(np.mean(density)) if isinstance(density, np.ndarray) else density
    fade_vessels(thorax, part, max(0.0, (level - 0.28) / BLOOD_EXCESS))


def sample(part: Part, grid: Grid, points: Array) -> Array:
    """Occupancy of a part at patient points ``(n, 3)``, nearest sample, 0 outside."""
    view = grid.to_view(points)
    inside = np.ones(len(view), np.bool_)
    at = []
    for axis, column, cut in zip(grid.axes, (2, 1, 0), part.window, strict=True):
        spacing = float(axis[1] - axis[0])
        index = np.rint((view[:, column] - axis[0]) / spacing).astype(int) - cut.start
        inside &= (index >= 0) & (index < cut.stop - cut.start)
        at.append(np.clip(index, 0, cut.stop - cut.start - 1))
    return np.where(inside, part.occupancy[tuple(at)], np.float32(0)).astype(np.float32)


def fade_vessels(thorax: Thorax, part: Part, share: float) -> None:
    """Take ``share`` of their contrast from the vessels inside a part.

    Vessels are drawn with a fixed excess over lung; a smaller radius stands for less excess.
    """
    if share <= 0:
        return
    for name in ("right_lung_vessels", "left_lung_vessels"):
        tubes = thorax.tubes.get(name, [])
        if not tubes:
            continue
        ends = sample(part, thorax.grid, np.concatenate([tube.axis for tube in tubes]))
        if not ends.any():
            continue
        pieces = np.split(ends, np.cumsum([len(tube.axis) for tube in tubes])[:-1])
        faded = [
            _faded(tube, piece, thorax, part, share) if piece.max() > 0 else tube
            for tube, piece in zip(tubes, pieces, strict=True)
        ]
        thorax.tubes[name] = [tube for tube in faded if tube.radius.max() > 0.05]


def _faded(tube: Tube, inside: Array, thorax: Thorax, part: Part, share: float) -> Tube:
    if inside.max() - inside.min() > 0.2:
        # it crosses the border: only the inner stretch may fade
        tube = _finer(tube)
        inside = sample(part, thorax.grid, tube.axis)
    kept = np.sqrt(np.clip(1.0 - share * inside, 0.0, 1.0))
    return Tube(tube.axis, (tube.radius * kept).astype(np.float32))


def _finer(tube: Tube) -> Tube:
    """The same tube with a point every few millimetres."""
    runs = np.linalg.norm(np.diff(tube.axis, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(runs)])
    at = np.linspace(0.0, along[-1], int(along[-1] / FADE_STEP_MM) + 2)
    axis = np.stack([np.interp(at, along, tube.axis[:, c]) for c in range(3)], 1)
    return Tube(axis.astype(np.float32), np.interp(at, along, tube.radius).astype(np.float32))


def sides_of(side: str, rng: np.random.Generator) -> tuple[str, ...]:
    """The sides that a spec means; an empty one is drawn."""
    if side == "bilateral":
        return ("right", "left")
    return (side,) if side else (("right", "left")[int(rng.integers(2))],)
