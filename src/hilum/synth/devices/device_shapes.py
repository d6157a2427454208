"""What devices are made of: tubes of plastic and metal along a curve, plates and rings.

Metal is counted as millimetres of iron, plastic as millimetres of water, so the barium
stripe of a catheter is a thin wire of the iron that attenuates as much.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hilum.errors import InvalidValueError
from hilum.synth.thorax.space import Array, Vector
from hilum.synth.thorax.trees import Tube

__all__ = ["Make", "Pieces", "known_devices", "make_of"]


class Make(NamedTuple):
    """Radii in millimetres: the metal (or stripe), the plastic, and the wall's distance."""

    metal: float
    plastic: float
    wall: float


@cache
def _makes() -> dict[str, Make]:
    text = resources.files(__package__).joinpath("devices.csv").read_text(encoding="utf-8")
    return {
        row["name"]: Make(float(row["metal_mm"]), float(row["plastic_mm"]), float(row["wall_mm"]))
        for row in csv.DictReader(text.splitlines())
    }


def known_devices() -> tuple[str, ...]:
    """Names of the devices that can be inserted."""
    return tuple(_makes())


def make_of(name: str) -> Make:
    """What a device is made of.

    Raises:
        InvalidValueError: If no device of that name can be inserted.
    """
    if name not in _makes():
        known = ", ".join(known_devices())
        raise InvalidValueError(f"no device {name!r} can be inserted; use one of {known}")
    return _makes()[name]


@dataclass(slots=True)
class Pieces:
    """The metal and plastic tubes of one device under construction."""

    metal: list[Tube] = field(default_factory=list)
    plastic: list[Tube] = field(default_factory=list)

    def add_line(self, axis: Array, make: Make, *, gap: tuple[float, float] = (2.0, 2.0)) -> None:
        """A catheter or tube along a curve; ``gap`` is the share without its stripe."""
        if make.wall > 0:
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                shift = np.array([dx, dy, 0], np.float32) * np.float32(make.wall)
                self.plastic.append(Tube(axis + shift, _constant(axis, make.plastic)))
            stripe = axis + np.array([0.8, -0.6, 0], np.float32) * np.float32(make.wall)
        else:
            if make.plastic > 0:
                self.plastic.append(Tube(axis, _constant(axis, make.plastic)))
            stripe = axis
        share = np.linspace(0.0, 1.0, len(axis))
        for run in (stripe[share < gap[0]], stripe[share > gap[1]]):
            if len(run) > 1:
                self.metal.append(Tube(run, _constant(run, make.metal)))

    def add_wire(self, axis: npt.NDArray[np.floating], radius: float) -> None:
        """Bare metal along a curve."""
        self.metal.append(Tube(axis.astype(np.float32), _constant(axis, radius)))

    def add_ring(self, centre: Vector, radius: float, thick: float, *, tilt: float = 0.0) -> None:
        """A ring of metal that faces the front; ``tilt`` (radians) turns it upwards."""
        turn = np.linspace(0, 2 * np.pi, 25)
        x, flat = np.cos(turn) * radius, np.sin(turn) * radius
        ring = np.stack([x, np.sin(tilt) * flat, np.cos(tilt) * flat], 1)
        self.add_wire(np.asarray(centre) + ring, thick)

    def add_can(self, centre: Vector, half: tuple[float, float], thick: float) -> None:
        """A rounded metal case that faces the front, filled by one wire to and fro."""
        width, height = half
        rows = np.arange(-height + thick, height, 1.1 * thick)
        points = []
        for index, row in enumerate(rows):
            # corners as round as a coin's at the top and bottom
            reach = width * (1 - (abs(row) / height) ** 2.8) ** (1 / 2.8) - 0.5 * thick
            sign = 1 if index % 2 else -1
            points += [(sign * -reach, 0.0, row), (sign * reach, 0.0, row)]
        self.add_wire(np.asarray(centre, np.float32) + np.asarray(points, np.float32), thick)
        turn = np.linspace(0, 2 * np.pi, 49)
        c, s = np.cos(turn), np.sin(turn)
        edge = np.stack([np.sign(c) * np.abs(c) ** (2 / 2.8) * (width - thick / 2), 0 * c, s], 1)
        edge[:, 2] = np.sign(s) * np.abs(s) ** (2 / 2.8) * (height - thick / 2)
        self.add_wire(np.asarray(centre) + edge, 0.6 * thick)


def _constant(axis: Array, radius: float) -> Array:
    return np.full(len(axis), radius, np.float32)
