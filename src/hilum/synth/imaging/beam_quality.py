"""Polyenergetic attenuation: the tube's spectrum and what matter lets through.

Mass attenuation coefficients (cm2/g) are those of NIST's XCOM tables (Hubbell and Seltzer),
interpolated log-log; the spectrum is Kramers' (1923) continuous one behind aluminium.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from hilum.synth.thorax.space import Array

__all__ = ["DENSITY", "Spectrum", "attenuation", "make_spectrum"]

DENSITY = {"water": 1.0, "cortical_bone": 1.92, "iron": 7.87, "aluminium": 2.70}
"""g/cm3."""


@cache
def _table() -> dict[str, npt.NDArray[np.float64]]:
    text = resources.files(__package__).joinpath("attenuation.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def attenuation(material: str, kev: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Linear attenuation coefficient of a material at photon energies, 1/mm."""
    table = _table()
    logs = np.interp(np.log(kev), np.log(table["kev"]), np.log(table[material]))
    return np.asarray(np.exp(logs) * DENSITY[material] / 10.0)


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Relative energy fluence by photon energy; ``fluence`` sums to 1."""

    kev: npt.NDArray[np.float64]
    fluence: npt.NDArray[np.float64]

    def transmit(self, water: Array, bone: Array, metal: Array | None = None) -> Array:
        """Share of the beam's energy that passes given thicknesses in millimetres.

        ``metal`` is iron. Shapes broadcast; the result is float32 in (0, 1].
        """
        total = np.zeros(np.broadcast_shapes(water.shape, bone.shape), np.float32)
        for kev, weight in zip(self.kev, self.fluence, strict=True):
            depth = water * np.float32(attenuation("water", kev))
            depth = depth + bone * np.float32(attenuation("cortical_bone", kev))
            if metal is not None:
                depth = depth + metal * np.float32(attenuation("iron", kev))
            total += np.float32(weight) * np.exp(-depth)
        return total


@cache
def make_spectrum(kvp: float, *, aluminium_mm: float = 3.5, bins: int = 8) -> Spectrum:
    """The spectrum of a tube voltage behind an aluminium filter, in ``bins`` energies."""
    edges = np.linspace(22.0, kvp, bins + 1)
    fine = np.linspace(22.0, kvp, 16 * bins + 1)
    fine = (fine[1:] + fine[:-1]) / 2
    energy = (kvp - fine) * np.exp(-attenuation("aluminium", fine) * aluminium_mm)
    weights = np.histogram(fine, edges, weights=energy)[0]
    means = np.histogram(fine, edges, weights=energy * fine)[0] / weights
    return Spectrum(means, weights / weights.sum())
