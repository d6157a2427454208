"""Give the heart the width at which its projected cardiothoracic ratio is the wished one.

The ratio is that of ``truth.measure``: the columns that the heart's shadow spans over the
greatest distance between the outer borders of the lungs. Both are found on a few planes
across the body, projected as the film is, instead of on the whole thorax.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from hilum.synth.thorax.build import Build
from hilum.synth.thorax.cage import Cage
from hilum.synth.thorax.mediastinum import heart_solids
from hilum.synth.thorax.shapes import fill, fill_ellipsoid
from hilum.synth.thorax.space import Array, Beam, Grid

__all__ = ["chest_span", "fit_heart", "heart_span"]

HEART_LEAST_MM = 2.0
LUNG_LEAST_MM = 12.0
STEP_MM = 6.0
WIDTHS = (0.5, 2.2)


def fit_heart(build: Build, grid: Grid, beam: Beam) -> Build:
    """The build with ``heart_width`` set so that it shows ``heart_ratio`` on that beam.

    Args:
        build: A ``heart_width`` it already has is replaced.
        grid: A frontal grid as the thorax will be made on.
        beam: A frontal beam.
    """
    cage = Cage(build)
    wished = build.heart_ratio * chest_span(cage, grid, beam)
    width = build.heart_ratio / 0.46
    span = heart_span(cage, grid, beam, width)
    before, span_before = 0.8 * width, heart_span(cage, grid, beam, 0.8 * width)
    for _ in range(4):
        slope = (span - span_before) / (width - before)
        if abs(span - wished) < 0.5 or slope <= 0:
            break
        before, span_before = width, span
        width = float(np.clip(width + (wished - span) / slope, *WIDTHS))
        span = heart_span(cage, grid, beam, width)
    return replace(build, heart_width=round(width, 5))


def heart_span(cage: Cage, grid: Grid, beam: Beam, width: float) -> float:
    """Columns that the shadow of a heart of that width spans, to a share of a pixel."""
    solids = heart_solids(cage, width=width)
    low = min(c[2] - max(r) for c, r, _ in solids)
    high = max(c[2] + max(r) for c, r, _ in solids)
    z = np.arange(low, high, STEP_MM, dtype=np.float32)[:, None, None]
    x, y, _ = grid.patient
    total = np.zeros((len(z), *np.broadcast_shapes(x.shape, y.shape)[1:]), np.float32)
    for centre, radii, tilt in solids:
        # tilt mixes x and z, so nothing of a solid lies farther out than its longest radius
        near = np.abs(y[0, :, 0] - centre[1]) <= radii[1] + 4 if x.shape[1] == 1 else slice(None)
        yy = y[:, near] if y.shape[1] > 1 else y
        at = (x if x.shape[1] == 1 else x[:, near], yy, z)
        solid = fill_ellipsoid(at, centre, radii, step_mm=grid.step_mm, tilt=tilt)
        total[:, near] = np.maximum(total[:, near], solid)
    thick = _project_planes(total, grid, beam)
    left, right = _borders(thick.max(0), HEART_LEAST_MM)
    return right - left


def chest_span(cage: Cage, grid: Grid, beam: Beam) -> float:
    """Columns between the outer borders of the lungs where they are farthest apart."""
    build = cage.build
    heights = np.linspace(0.7 * build.height, build.dome + 0.12 * build.height, 7)
    z = heights.astype(np.float32)[:, None, None]
    x, y, _ = grid.patient
    inside = fill(cage.wall_distance(x, y, z), grid.step_mm)
    domes = (cage.dome_height(x, y, is_left=left) for left in (False, True))
    right, left = (fill(z - dome, grid.step_mm) for dome in domes)
    inside *= np.where(x < 0, right, left)
    thick = _project_planes(inside, grid, beam)
    spans = [_borders(row, LUNG_LEAST_MM) for row in thick]
    return max(high - low for low, high in spans)


def _project_planes(planes: Array, grid: Grid, beam: Beam) -> Array:
    """Thickness on the detector's columns of planes across the body, ``(planes, columns)``."""
    (columns, _), (du, _) = beam.pixels, beam.pixel_mm
    total = np.zeros((len(planes), columns), np.float32)
    _, depth, across = grid.axes
    for index, scale in enumerate(beam.magnification(depth)):
        layer = np.ascontiguousarray(planes[:, index])
        if not layer.any():
            continue
        shift = (float(across[0]) - beam.centre_mm[0]) * scale / du + columns / 2 - 0.5
        matrix = np.array([[grid.step_mm * scale / du, 0.0, shift], [0.0, 1.0, 0.0]], np.float64)
        total += cv2.warpAffine(layer, matrix, (columns, len(planes)), flags=cv2.INTER_LINEAR)
    return total * np.float32(grid.depth_step_mm)


def _borders(row: Array, least: float) -> tuple[float, float]:
    """Where a row first and last reaches ``least``, between pixels; (0, 0) where it never does."""
    over = np.flatnonzero(row >= least)
    if not over.size:
        return 0.0, 0.0
    low, high = int(over[0]), int(over[-1])
    ends = []
    for inner, outer in ((low, low - 1), (high, high + 1)):
        if not 0 <= outer < len(row):
            ends.append(float(inner))
            continue
        share = (row[inner] - least) / max(float(row[inner] - row[outer]), 1e-6)
        ends.append(inner + (outer - inner) * float(share))
    return ends[0], ends[1]
