"""Where things are: the patient's space, the grid that samples it, and the beam through it.

Patient space is in millimetres with its origin between the lung apices: ``x`` to the
patient's left, ``y`` to the back, ``z`` to the feet. A grid is an array
``(z, depth, across)`` seen along its second axis: for frontal views depth is ``y`` and
across is ``x``, for lateral views depth is ``x`` and across is ``y``; a yaw turns the
patient between the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hilum.errors import require

__all__ = ["Array", "Beam", "Grid", "Vector"]

Array = npt.NDArray[np.float32]
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Grid:
    """Samples of patient space turned by ``yaw`` degrees about the body's axis.

    ``across_mm`` and ``depth_mm`` are half extents from the body's axis, ``z_mm`` the range
    along it. ``step_mm`` is the spacing in the plane of the image, ``depth_step_mm`` along the
    beam, which may be coarser as the image integrates over it. A yaw of 0 looks from the
    front (the patient's left on the right), 90 from the patient's right side.
    """

    across_mm: float = 230.0
    depth_mm: float = 150.0
    z_mm: tuple[float, float] = (-120.0, 380.0)
    step_mm: float = 1.6
    depth_step_mm: float = 4.0
    yaw: float = 0.0

    @cached_property
    def axes(self) -> tuple[Array, Array, Array]:
        """Coordinates of ``z``, depth and across in millimetres, one vector each."""
        return (
            _centred(self.z_mm[0], self.z_mm[1], self.step_mm),
            _centred(-self.depth_mm, self.depth_mm, self.depth_step_mm),
            _centred(-self.across_mm, self.across_mm, self.step_mm),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of samples along ``z``, depth and across."""
        z, depth, across = self.axes
        return len(z), len(depth), len(across)

    @cached_property
    def patient(self) -> tuple[Array, Array, Array]:
        """Patient coordinates ``x``, ``y``, ``z`` that broadcast to ``shape``."""
        z, depth, across = self.axes
        turn = math.radians(self.yaw)
        c, s = np.float32(math.cos(turn)), np.float32(math.sin(turn))
        u, v = across[None, None, :], depth[None, :, None]
        if self.yaw == 0:
            return u, v, z[:, None, None]
        return u * c - v * s, u * s + v * c, z[:, None, None]

    def coarser(self, factor: int) -> Grid:
        """The same space sampled ``factor`` times coarser in the plane of the image."""
        return replace(self, step_mm=self.step_mm * factor)

    def to_view(self, points: npt.ArrayLike) -> Array:
        """Patient points ``(n, 3)`` as ``(across, depth, z)`` of the view."""
        xyz = np.asarray(points, np.float32).reshape(-1, 3)
        turn = math.radians(self.yaw)
        c, s = math.cos(turn), math.sin(turn)
        x, y, z = xyz.T
        return np.stack([x * c + y * s, -x * s + y * c, z], 1).astype(np.float32)

    def index_of(self, point: npt.ArrayLike) -> tuple[int, int, int]:
        """The sample of ``z``, depth and across nearest to a patient point; may lie outside."""
        x, y, z = (float(value) for value in np.asarray(point))
        turn = math.radians(self.yaw)
        c, s = math.cos(turn), math.sin(turn)
        return (
            math.floor((z - self.z_mm[0]) / self.step_mm),
            math.floor((y * c - x * s + self.depth_mm) / self.depth_step_mm),
            math.floor((x * c + y * s + self.across_mm) / self.step_mm),
        )

    def window(self, centre: Vector, reach: float | Vector) -> tuple[slice, slice, slice]:
        """Slices of the samples within ``reach`` (half extents in patient axes) of a point."""
        rx, ry, rz = (reach, reach, reach) if isinstance(reach, int | float) else reach
        (across, depth, z), turn = self.to_view([centre])[0], math.radians(self.yaw)
        c, s = abs(math.cos(turn)), abs(math.sin(turn))
        spans = ((z, rz), (depth, rx * s + ry * c), (across, rx * c + ry * s))
        return tuple(  # type: ignore[return-value]
            slice(int(np.searchsorted(axis, m - r)), int(np.searchsorted(axis, m + r)))
            for axis, (m, r) in zip(self.axes, spans, strict=True)
        )

    def part(self, window: tuple[slice, slice, slice]) -> tuple[Array, Array, Array]:
        """Patient coordinates of a window, broadcasting to its shape."""
        zs, ds, us = window
        x, y, z = self.patient
        cut = (slice(None), ds if x.shape[1] > 1 else slice(None), us)
        x = x[cut] if x.shape[2] > 1 else x[:, ds]
        y = y[:, ds, us] if y.shape[2] > 1 else y[:, ds]
        return x, y, z[zs]


def _centred(low: float, high: float, step: float) -> Array:
    count = max(1, round((high - low) / step))
    return (low + (np.arange(count, dtype=np.float32) + 0.5) * np.float32(step)).astype(np.float32)


@dataclass(frozen=True)
class Beam:
    """A point source, the patient and a flat detector behind.

    ``source_mm`` is the distance from source to detector, ``axis_mm`` from the body's axis to
    the detector. ``from_back`` is True when the beam enters at the far depth end (PA: the
    source behind the patient). ``centre_mm`` is where the central ray meets the body's axis:
    across and z. ``field_mm`` is the detector's width and height, ``pixels`` its columns and
    rows.
    """

    source_mm: float = 1800.0
    axis_mm: float = 180.0
    from_back: bool = True
    centre_mm: tuple[float, float] = (0.0, 135.0)
    field_mm: tuple[float, float] = (420.0, 420.0)
    pixels: tuple[int, int] = (512, 512)

    def __post_init__(self) -> None:
        require(
            self.source_mm > self.axis_mm + 200.0 > 200.0,
            f"the source must stand before the patient, got {self.source_mm} mm for a body axis "
            f"{self.axis_mm} mm before the detector",
        )

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Width and height of a pixel on the detector."""
        return self.field_mm[0] / self.pixels[0], self.field_mm[1] / self.pixels[1]

    def magnification(self, depth: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Size on the detector over size at ``depth`` mm from the body's axis."""
        towards = -np.asarray(depth, float) if self.from_back else np.asarray(depth, float)
        return np.asarray(self.source_mm / (self.source_mm - self.axis_mm + towards))

    def project(self, points: Array) -> Array:
        """View points ``(n, 3)`` (across, depth, z) to pixels ``(n, 2)`` (column, row).

        Pixel (0, 0) is the centre of the top-left pixel.
        """
        scale = self.magnification(points[:, 1])
        u = (points[:, 0] - self.centre_mm[0]) * scale
        v = (points[:, 2] - self.centre_mm[1]) * scale
        (width, height), (du, dv) = self.pixels, self.pixel_mm
        return np.stack([u / du + width / 2 - 0.5, v / dv + height / 2 - 0.5], 1).astype(np.float32)

    def obliquity(self) -> Array:
        """Path length through a slice over its thickness, ``(rows, columns)``."""
        (width, height), (du, dv) = self.pixels, self.pixel_mm
        u = (np.arange(width) - width / 2 + 0.5) * du
        v = (np.arange(height) - height / 2 + 0.5) * dv
        ray = np.sqrt(1.0 + (u[None] ** 2 + v[:, None] ** 2) / self.source_mm**2)
        return np.asarray(ray, np.float32)
