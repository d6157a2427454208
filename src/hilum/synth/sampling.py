"""Draw phantom studies: who comes, what is wrong, what was put in, how the film is taken.

Numbers only: nothing is rendered here. What occurs how often, on which side and how badly is
a table (``prevalence.csv``); what occurs together is the little that this module adds: the
sick lie more often, and those who lie are filmed from the front, at short distance.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np

from hilum.synth.thorax.build import Build, sample_build
from hilum.synth.types import DeviceSpec, FindingSpec, Imaging, PhantomSpec
from hilum.types import View

__all__ = [
    "Prevalence",
    "prevalences",
    "sample_devices",
    "sample_findings",
    "sample_imaging",
    "sample_spec",
]

HEALTHY = 0.35
SUPINE_DEVICES = (
    ("endotracheal_tube", 0.35),
    ("nasogastric_tube", 0.35),
    ("central_venous_line", 0.5),
    ("ecg_leads", 0.5),
)
UPRIGHT_DEVICES = (("pacemaker", 0.05), ("port_catheter", 0.04), ("sternotomy_wires", 0.06))
COMPANIONS = {"edema": ("pleural_effusion", "cardiomegaly")}
MALPOSITIONED = 0.2


class Prevalence(NamedTuple):
    """How a finding is drawn: relative weight, its sides and places, the range of its extent."""

    name: str
    weight: float
    sides: tuple[str, ...]
    places: tuple[str, ...]
    least: float
    most: float


@cache
def prevalences() -> tuple[Prevalence, ...]:
    """The rows of ``prevalence.csv``."""
    text = resources.files(__package__).joinpath("prevalence.csv").read_text(encoding="utf-8")
    return tuple(
        Prevalence(
            row["name"],
            float(row["weight"]),
            tuple(row["sides"].split("|")),
            tuple(row["places"].split("|")),
            float(row["least"]),
            float(row["most"]),
        )
        for row in csv.DictReader(text.splitlines())
    )


def sample_findings(rng: np.random.Generator) -> tuple[FindingSpec, ...]:
    """None in about a third of all patients, else one to three, with what goes along."""
    if rng.random() < HEALTHY:
        return ()
    rows = prevalences()
    weights = np.array([row.weight for row in rows])
    count = 1 + int(rng.binomial(2, 0.3))
    picked = rng.choice(len(rows), size=count, replace=False, p=weights / weights.sum())
    names = [rows[i].name for i in picked]
    for name in list(names):
        names += [c for c in COMPANIONS.get(name, ()) if c not in names and rng.random() < 0.5]
    by_name = {row.name: row for row in rows}
    return tuple(_sample_finding(by_name[name], rng) for name in names)


def _sample_finding(row: Prevalence, rng: np.random.Generator) -> FindingSpec:
    place = str(rng.choice(row.places))
    side = {"middle_lobe": "right", "lingula": "left"}.get(place) or str(rng.choice(row.sides))
    extent = float(rng.uniform(row.least, row.most))
    size = {"nodule": (8.0, 30.0), "mass": (31.0, 75.0)}.get(row.name)
    return FindingSpec(
        name=row.name,
        side=side,
        place=place,
        extent=extent,
        size_mm=float(rng.uniform(*size)) if size else 0.0,
        seed=int(rng.integers(2**31)),
    )


def sample_imaging(
    build: Build, rng: np.random.Generator, *, prob_supine: float = 0.3, prob_lateral: float = 0.0
) -> Imaging:
    """Draw geometry, beam and display; the field fits the patient with some slack."""
    is_supine = bool(rng.random() < prob_supine)
    is_lateral = not is_supine and bool(rng.random() < prob_lateral)
    size = build.width + 2 * build.wall + float(rng.uniform(30.0, 90.0))
    tall = build.dome + float(rng.uniform(130.0, 190.0)) * build.scale
    side = max(size, tall) if rng.random() < 0.7 else 0.0
    thick = (build.width if is_lateral else build.depth) + 2 * build.wall
    exposure = float(np.exp(np.clip((thick - 210.0) / 70.0, -1.0, 3.0)))  # as the timer would
    view = View.AP if is_supine else View.LATERAL if is_lateral else View.PA
    middle = (build.dome + 40 * build.scale) / 2 + float(rng.normal(0.0, 12.0))
    return Imaging(
        view=view,
        is_supine=is_supine,
        source_mm=float(rng.uniform(1000.0, 1250.0) if is_supine else rng.uniform(1700, 1900)),
        detector_mm=float(rng.uniform(120.0, 200.0)) * build.scale + 40.0,
        kvp=float(rng.uniform(80.0, 100.0) if is_supine else rng.uniform(105.0, 130.0)),
        yaw=float(rng.normal(0.0, 5.0 if is_supine else 2.0)),
        centre_mm=(float(rng.normal(0.0, 8.0)), middle),
        field_mm=(side or size, side or tall),
        dose=exposure * float(np.exp(np.clip(rng.normal(-0.3, 0.5), -1.5, 0.9))),
        scatter=float(rng.uniform(0.5, 0.75)),
        heel=float(rng.uniform(0.0, 0.12)),
        blur_mm=float(rng.uniform(0.15, 0.7)),
        marker=str(rng.choice(["L", "R", ""])),
        window=(float(rng.uniform(0.1, 2.0)), float(rng.uniform(99.7, 100.0))),
        gamma=float(np.exp(rng.normal(-0.3, 0.2))),
        equalise=float(rng.uniform(0.0, 0.5)),
        seed=int(rng.integers(2**31)),
    )


def sample_devices(
    shares: Iterable[tuple[str, float]],
    rng: np.random.Generator,
    *,
    prob_malpositioned: float = MALPOSITIONED,
) -> tuple[DeviceSpec, ...]:
    """Draw each device, in the order given, with the probability that stands beside its name."""
    return tuple(
        DeviceSpec(
            name,
            side=str(rng.choice(["left", "right"])),
            is_correct=bool(rng.random() > prob_malpositioned),
            seed=int(rng.integers(2**31)),
        )
        for name, share in shares
        if rng.random() < share
    )


def sample_spec(
    rng: np.random.Generator, *, prob_child: float = 0.1, prob_lateral: float = 0.0
) -> PhantomSpec:
    """Draw one radiograph: the same generator state gives the same spec."""
    age = float(rng.uniform(0.5, 15.0)) if rng.random() < prob_child else None
    build = sample_build(rng, age_years=age)
    findings = sample_findings(rng)
    prob_supine = 0.15 + 0.15 * len(findings)
    imaging = sample_imaging(build, rng, prob_supine=prob_supine, prob_lateral=prob_lateral)
    usual = SUPINE_DEVICES if imaging.is_supine else UPRIGHT_DEVICES
    return PhantomSpec(build, findings, sample_devices(usual, rng), imaging)
