"""Fill simple solids into a grid: every function returns occupancy in [0, 1].

Occupancy falls from 1 to 0 over one sample at the surface, so that volumes and chords keep
their size between samples. Coordinates are patient millimetres that broadcast.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from hilum.synth.thorax.space import Array, Vector

__all__ = ["fill", "fill_ellipsoid", "fill_tube", "refine", "smooth_noise"]

Coordinates = tuple[Array, Array, Array]


def fill(distance: npt.NDArray[np.floating], step_mm: float) -> Array:
    """Occupancy of what lies at a negative signed distance (millimetres)."""
    # in place: these are the largest arrays of the room
    filled = np.divide(distance, np.float32(step_mm))
    np.subtract(0.5, filled, out=filled)
    np.clip(filled, 0.0, 1.0, out=filled)
    return np.asarray(filled, np.float32)


def refine(coarse: Array, shape: tuple[int, int, int]) -> Array:
    """Interpolate a smooth field ``(z, depth, across)`` to finer ``z`` and ``across``."""
    fine = np.empty(shape, np.float32)
    for index in range(shape[1]):
        layer = np.ascontiguousarray(coarse[:, index])
        fine[:, index] = cv2.resize(layer, (shape[2], shape[0]), interpolation=cv2.INTER_LINEAR)
    return fine


def fill_ellipsoid(
    at: Coordinates,
    centre: Vector,
    radii: Vector,
    *,
    step_mm: float,
    tilt: float = 0.0,
    power: float = 2.0,
) -> Array:
    """A (super)ellipsoid, turned by ``tilt`` radians in the x-z plane (clockwise as seen).

    ``power`` above 2 makes it boxier.
    """
    x, y, z = (a - np.float32(c) for a, c in zip(at, centre, strict=True))
    if tilt:
        c, s = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
        x, z = x * c + z * s, -x * s + z * c
    if power == 2.0:
        square = (x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2
        rho = np.sqrt(square)
    else:
        terms = [np.abs(a / r) ** power for a, r in zip((x, y, z), radii, strict=True)]
        rho = (terms[0] + terms[1] + terms[2]) ** (1.0 / power)
    return fill((rho - 1.0) * np.float32(min(radii)), step_mm)


def fill_tube(at: Coordinates, axis: npt.ArrayLike, radius: npt.ArrayLike, step_mm: float) -> Array:
    """A tube of round cross-section along patient points ``(n, 3)``, round at its ends."""
    points = np.asarray(axis, np.float32)
    radii = np.broadcast_to(np.asarray(radius, np.float32), len(points))
    x, y, z = at
    nearest = np.full(np.broadcast_shapes(x.shape, y.shape, z.shape), np.inf, np.float32)
    for a, b, ra, rb in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
        d = b - a
        length2 = max(float(d @ d), 1e-6)
        t = ((x - a[0]) * d[0] + (y - a[1]) * d[1] + (z - a[2]) * d[2]) / length2
        t = np.clip(t, 0.0, 1.0)
        square = (x - a[0] - t * d[0]) ** 2 + (y - a[1] - t * d[1]) ** 2
        square = square + (z - a[2] - t * d[2]) ** 2
        np.minimum(nearest, np.sqrt(square) - (ra + t * (rb - ra)), out=nearest)
    return fill(nearest, step_mm)


def smooth_noise(shape: tuple[int, ...], rng: np.random.Generator, *, cells: int) -> Array:
    """Noise of unit spread, smooth over about ``1 / cells`` of each axis, float32 ``shape``."""
    coarse = rng.standard_normal([min(n, cells + 3) for n in shape]).astype(np.float32)
    for axis, size in enumerate(shape):
        have = coarse.shape[axis]
        at = np.linspace(0, have - 1, size, dtype=np.float32)
        low = np.minimum(at.astype(int), have - 2) if have > 1 else np.zeros(size, int)
        part = (at - low).reshape([-1 if k == axis else 1 for k in range(len(shape))])
        part = part * part * (3 - 2 * part)
        high = np.minimum(low + 1, have - 1)
        coarse = np.take(coarse, low, axis) * (1 - part) + np.take(coarse, high, axis) * part
    return np.asarray(coarse / max(float(coarse.std()), 1e-6), np.float32)
