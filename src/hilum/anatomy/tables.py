"""The facts that the anatomy room rests on, read from the CSV files beside this module.

``structures.csv``: what is segmented, and default coefficients of the self-assessed
quality. ``limits.csv``: what is plausible. ``measurements.csv``: what is measured, with the
default error of the network.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = [
    "Limit",
    "MeasurementSpec",
    "StructureSpec",
    "limits",
    "measurement_specs",
    "structure_specs",
]


@dataclass(frozen=True, slots=True)
class StructureSpec:
    """A structure: its share of the largest part from which another part is kept
    (``min_part``, see ``masks.clean_map``), and how its quality is estimated (see
    ``plausibility.estimate_quality``).
    """

    name: str
    label: str
    min_part: float
    intercept: float
    stability: float
    certainty: float


@dataclass(frozen=True, slots=True)
class Limit:
    """Plausible range of one feature of a structure.

    From ``low`` to ``high`` all is well; outside ``lowest`` to ``highest`` the mask is
    implausible, and ``too_low`` or ``too_high`` says why.
    """

    structure: str
    feature: str
    lowest: float
    low: float
    high: float
    highest: float
    too_low: str
    too_high: str


@dataclass(frozen=True, slots=True)
class MeasurementSpec:
    """A measurement: ``unit`` (``length`` and ``area`` depend on the spacing), the default
    standard deviation of the network's error (``is_relative`` to the value or in the unit),
    and the structures it needs.
    """

    name: str
    unit: str
    is_relative: bool
    model_sd: float
    needs: tuple[str, ...]


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("hilum.anatomy").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def structure_specs() -> dict[str, StructureSpec]:
    """The structures by name, in the order of the network's channels."""
    specs = {}
    for row in _rows("structures.csv"):
        name, label = row.pop("name"), row.pop("label")
        specs[name] = StructureSpec(name, label, **{key: float(row[key]) for key in row})
    return specs


@cache
def limits(structure: str) -> tuple[Limit, ...]:
    """The limits of one structure."""
    numbers = ("lowest", "low", "high", "highest")
    return tuple(
        Limit(
            structure=structure,
            feature=row["feature"],
            **{key: float(row[key]) for key in numbers},
            too_low=row["too_low"],
            too_high=row["too_high"],
        )
        for row in _rows("limits.csv")
        if row["structure"] == structure
    )


@cache
def measurement_specs() -> tuple[MeasurementSpec, ...]:
    """All measurements, in the order in which they are reported."""
    return tuple(
        MeasurementSpec(
            name=row["name"],
            unit=row["unit"],
            is_relative=row["scale"] == "relative",
            model_sd=float(row["model_sd"]),
            needs=tuple(row["needs"].split()),
        )
        for row in _rows("measurements.csv")
    )
