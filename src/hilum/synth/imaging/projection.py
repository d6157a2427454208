"""Line integrals of a grid and of tubes from a point source onto a flat detector.

A slice parallel to the detector is mapped onto it by pure scaling, so summing scaled slices,
times the obliquity of each ray, is the exact cone-beam integral of the sampled volume (the
shear-warp factorisation of Lacroute and Levoy 1994, with the shear left out). Tubes (ribs,
vessels, catheters) are thinner than voxels and are integrated in closed form instead.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from hilum.synth.thorax.space import Array, Beam, Grid
from hilum.synth.thorax.trees import Tube
from hilum.synth.thorax.volume import Window

__all__ = ["project_mask", "project_tube", "project_tubes", "project_volume", "project_window"]

LONGEST_CHORD = 2.5
"""A tube seen end on is at most this many diameters thick per sample of its axis."""


def project_volume(volume: Array, grid: Grid, beam: Beam, depth_from: int = 0) -> Array:
    """Integrate a volume along the rays.

    Args:
        volume: ``(z, depth, across)`` of the grid, or of consecutive depth samples of it.
        grid: What the samples stand for.
        beam: Geometry.
        depth_from: Index of the first depth sample.

    Returns:
        Integral in millimetres times the unit of ``volume``, float32 ``(rows, columns)``.
    """
    z, depth, across = grid.axes
    total = np.zeros(beam.pixels[::-1], np.float32)
    (width, height), (du, dv) = beam.pixels, beam.pixel_mm
    scales = beam.magnification(depth)
    for index in range(volume.shape[1]):
        layer = volume[:, index]
        if not layer.any():
            continue
        scale = float(scales[depth_from + index])
        fu, fv = grid.step_mm * scale / du, grid.step_mm * scale / dv
        u = (float(across[0]) - beam.centre_mm[0]) * scale / du + width / 2 - 0.5
        v = (float(z[0]) - beam.centre_mm[1]) * scale / dv + height / 2 - 0.5
        matrix = np.array([[fu, 0.0, u], [0.0, fv, v]], np.float64)
        total += cv2.warpAffine(
            np.ascontiguousarray(layer, np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR
        )
    return total * np.float32(grid.depth_step_mm) * beam.obliquity()


def project_window(occupancy: Array, window: Window, grid: Grid, beam: Beam) -> Array:
    """Integrate what fills a window of the grid; as ``project_volume``, but only where it falls.

    Args:
        occupancy: ``(z, depth, across)`` of the window.
        window: Slices of the grid.
        grid: What the samples stand for.
        beam: Geometry.
    """
    zs, depths, us = window
    z, depth, across = grid.axes
    total = np.zeros(beam.pixels[::-1], np.float32)
    (width, height), (du, dv) = beam.pixels, beam.pixel_mm
    # a rim of nothing, so that the outermost samples fade out as they do in the whole grid
    rim = np.zeros((occupancy.shape[0] + 2, occupancy.shape[2] + 2), np.float32)
    for index, scale in enumerate(beam.magnification(depth[depths])):
        layer = occupancy[:, index]
        if not layer.any():
            continue
        rim[1:-1, 1:-1] = layer
        fu, fv = grid.step_mm * float(scale) / du, grid.step_mm * float(scale) / dv
        u = (float(across[us.start]) - grid.step_mm - beam.centre_mm[0]) * float(scale) / du
        v = (float(z[zs.start]) - grid.step_mm - beam.centre_mm[1]) * float(scale) / dv
        u, v = u + width / 2 - 0.5, v + height / 2 - 0.5
        left, right = max(0, math.floor(u)), min(width, math.ceil(u + fu * rim.shape[1]) + 1)
        top, low = max(0, math.floor(v)), min(height, math.ceil(v + fv * rim.shape[0]) + 1)
        if left >= right or top >= low:
            continue
        matrix = np.array([[fu, 0.0, u - left], [0.0, fv, v - top]], np.float64)
        size = (right - left, low - top)
        total[top:low, left:right] += cv2.warpAffine(rim, matrix, size, flags=cv2.INTER_LINEAR)
    return total * np.float32(grid.depth_step_mm) * beam.obliquity()


def project_mask(
    occupancy: Array, grid: Grid, beam: Beam, *, depth_from: int = 0, least_mm: float = 1.0
) -> npt.NDArray[np.bool_]:
    """Pixels whose ray passes at least ``least_mm`` through what ``occupancy`` fills."""
    return project_volume(occupancy, grid, beam, depth_from) >= least_mm


def project_tube(
    axis: npt.ArrayLike,
    radius: npt.ArrayLike,
    grid: Grid,
    beam: Beam,
    *,
    out: Array | None = None,
) -> Array:
    """Add the chord length through a tube along a curve, in millimetres.

    Args:
        axis: Patient points ``(n, 3)`` along the curve.
        radius: Millimetres, one for all or one a point.
        grid: Gives the view's turn.
        beam: Geometry.
        out: Image ``(rows, columns)`` to add to; a new one when None.

    Returns:
        ``out``. Where parts of the same tube overlap, the thickest counts, so that the joints
        of its segments are not counted twice.
    """
    if out is None:
        out = np.zeros(beam.pixels[::-1], np.float32)
    points = grid.to_view(axis)
    radii = np.asarray(radius, float)
    if radii.ndim == 0:
        radii = np.full(len(points), float(radii))
    _draw_tube(out, _nodes(points, radii, beam), weight=1.0)
    return out


def project_tubes(
    tubes: Sequence[Tube],
    grid: Grid,
    beam: Beam,
    *,
    out: Array,
    weight: float = 1.0,
    is_tree: bool = False,
) -> None:
    """Add ``weight`` times the chords through many tubes to ``out``; as ``project_tube``.

    ``is_tree`` says that a tube which starts where an earlier one ends is its branch: among a
    trunk and its branches the thickest counts, so that forks are not counted twice.
    """
    if not tubes:
        return
    points = grid.to_view(np.concatenate([tube.axis for tube in tubes]))
    nodes = _nodes(points, np.concatenate([tube.radius for tube in tubes]), beam)
    start = 0
    if is_tree:
        _draw_trees(tubes, nodes, out, weight)
        return
    for tube in tubes:
        _draw_tube(out, nodes[start : start + len(tube.axis)], weight=weight)
        start += len(tube.axis)


Node = tuple[float, float, float, float, float]
"""Column, row, depth, radius and millimetres a pixel of a point on a tube's axis."""


def _nodes(points: Array, radii: npt.NDArray[np.floating], beam: Beam) -> list[Node]:
    pixels = beam.project(points)
    size = (beam.pixel_mm[0] + beam.pixel_mm[1]) / 2 / beam.magnification(points[:, 1])
    columns = (pixels[:, 0], pixels[:, 1], points[:, 1], radii, size)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _draw_trees(tubes: Sequence[Tube], nodes: Sequence[Node], out: Array, weight: float) -> None:
    """Add the chords through trees; each trunk with its branches counts once on a ray."""
    whole, ends, start = np.zeros_like(out), set[bytes](), 0
    for tube in tubes:
        if tube.axis[0].tobytes() not in ends:
            out += np.float32(weight) * whole
            whole[:] = 0.0
        ends.add(tube.axis[-1].tobytes())
        for first, second in itertools.pairwise(nodes[start : start + len(tube.axis)]):
            _draw_segment(whole, first, second)
        start += len(tube.axis)
    out += np.float32(weight) * whole


def _draw_tube(out: Array, nodes: Sequence[Node], *, weight: float) -> None:
    """Add the chords through one tube; where it overlaps itself the thickest counts."""
    reach = max(node[3] for node in nodes) / min(node[4] for node in nodes) + 2.5
    x, y = [node[0] for node in nodes], [node[1] for node in nodes]
    rows, columns = out.shape
    left, right = max(0, int(min(x) - reach)), min(columns, int(max(x) + reach) + 1)
    top, low = max(0, int(min(y) - reach)), min(rows, int(max(y) + reach) + 1)
    if left >= right or top >= low:
        return
    part = np.zeros((low - top, right - left), np.float32)
    moved = [(n[0] - left, n[1] - top, n[2], n[3], n[4]) for n in nodes]
    for first, second in itertools.pairwise(moved):
        _draw_segment(part, first, second)
    if weight != 1.0:
        part *= np.float32(weight)
    out[top:low, left:right] += part


def _draw_segment(image: Array, first: Node, second: Node) -> None:
    """Chords through a tapered segment, the thickest of it and what is drawn."""
    x0, y0, depth0, radius0, size0 = first
    x1, y1, depth1, radius1, size1 = second
    reach = max(radius0, radius1) / min(size0, size1) + 1.5
    rows, columns = image.shape
    left, right = max(0, int(min(x0, x1) - reach)), min(columns, int(max(x0, x1) + reach) + 2)
    top, low = max(0, int(min(y0, y1) - reach)), min(rows, int(max(y0, y1) + reach) + 2)
    if left >= right or top >= low:
        return
    x = np.arange(left, right, dtype=np.float32)[None] - np.float32(x0)
    y = np.arange(top, low, dtype=np.float32)[:, None] - np.float32(y0)
    dx, dy = x1 - x0, y1 - y0
    length2 = max(dx * dx + dy * dy, 1e-6)
    # np.clip costs more than the arithmetic on pieces this small, of which there are thousands
    t = np.minimum(np.maximum((x * dx + y * dy) / length2, 0.0), 1.0)
    size = size0 + t * (size1 - size0)
    distance = np.sqrt((x - t * dx) ** 2 + (y - t * dy) ** 2) * size
    radius = radius0 + t * (radius1 - radius0)
    # tubes thinner than a pixel keep their mass: widened to it and thinned accordingly
    wide = np.maximum(radius, 0.5 * size)
    chord = 2.0 * np.sqrt(np.maximum(wide * wide - distance * distance, 0.0))
    chord *= (radius / wide) ** 2
    across = math.sqrt(length2) * (size0 + size1) / 2
    tilt = math.hypot(across, depth1 - depth0) / max(across, 1e-3)
    chord *= np.float32(min(tilt, LONGEST_CHORD))
    part = image[top:low, left:right]
    np.maximum(part, chord, out=part)
