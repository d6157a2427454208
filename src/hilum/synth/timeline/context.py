"""Draw the request and the vital signs of a phantom study so that they fit what is on it."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from hilum.synth.disease.pathology import spec_sides
from hilum.synth.facts import spec_name
from hilum.synth.timeline.context_types import PhantomContext
from hilum.synth.types import FindingSpec, PhantomSpec

__all__ = ["context_table", "sample_context"]

VITALS = (
    "temperature_c",
    "heart_rate",
    "respiratory_rate",
    "systolic_mmhg",
    "diastolic_mmhg",
    "oxygen_saturation",
    "white_cells",
)


@cache
def context_table() -> dict[str, Any]:
    """The table ``contexts.toml``."""
    text = resources.files(__package__).joinpath("contexts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def sample_context(spec: PhantomSpec, *, rng: np.random.Generator) -> PhantomContext:
    """Draw an indication and vital signs for a study.

    With a probability of ``uninformative`` (the table) they are those of anybody; otherwise
    they fit one of the findings, drawn by its extent.

    Args:
        spec: Who is filmed and what is wrong.
        rng: The same state gives the same context.
    """
    table = context_table()
    fitting = [(f, c) for f in spec.findings if (c := _condition(f)) is not None]
    finding, condition = None, dict[str, Any]()
    if fitting and rng.random() >= table["uninformative"]:
        weights = np.array([f.extent for f, _ in fitting])
        finding, condition = fitting[int(rng.choice(len(fitting), p=weights / weights.sum()))]
    vitals = {name: _vital(name, spec, finding, condition, rng) for name in VITALS}
    systolic = round(vitals["systolic_mmhg"])
    return PhantomContext(
        indication=_request(spec, finding, condition, rng),
        age_years=spec.build.age_years,
        sex=spec.build.sex,
        temperature_c=round(vitals["temperature_c"], 1),
        heart_rate=round(vitals["heart_rate"]),
        respiratory_rate=round(vitals["respiratory_rate"]),
        systolic_mmhg=systolic,
        diastolic_mmhg=min(round(vitals["diastolic_mmhg"]), systolic - 15),
        oxygen_saturation=round(vitals["oxygen_saturation"]),
        white_cells=round(vitals["white_cells"], 1),
        fits=spec_name(finding) if finding is not None else "",
    )


def _condition(finding: FindingSpec) -> dict[str, Any] | None:
    """The row of the table that a finding belongs to, None for what causes no complaint."""
    name = spec_name(finding)
    rows = context_table()["conditions"].values()
    return next((dict(row) for row in rows if name in row["findings"]), None)


def _vital(
    name: str,
    spec: PhantomSpec,
    finding: FindingSpec | None,
    condition: dict[str, Any],
    rng: np.random.Generator,
) -> float:
    table = context_table()
    knots = np.asarray(table["normal"][name], float)
    usual = float(np.interp(spec.build.age_years, knots[:, 0], knots[:, 1]))
    value = usual + float(rng.normal(0.0, table["spread"][name]))
    if finding is not None:
        low, high = condition[name]
        value += float(rng.uniform(low, high)) * (0.4 + 0.6 * finding.extent)
    least, most = table["limits"][name]
    return float(np.clip(value, least, most))


def _request(
    spec: PhantomSpec,
    finding: FindingSpec | None,
    condition: dict[str, Any],
    rng: np.random.Generator,
) -> str:
    table = context_table()["requests"]
    names = {device.name for device in spec.devices}
    choices: list[str] = table["generic"] if spec.findings else table["healthy"]
    asks_devices = rng.random() < context_table()["device_request"]
    asks_devices |= finding is None and bool(names & {"endotracheal_tube", "chest_tube"})
    if asks_devices and "endotracheal_tube" in names:
        choices = table["tubes"]
    elif asks_devices and names & {"central_venous_line", "picc", "dialysis_catheter"}:
        choices = table["lines"]
    elif asks_devices and "chest_tube" in names:
        choices = table["drain"]
    elif finding is not None:
        choices = condition["requests"]
    text = str(choices[int(rng.integers(len(choices)))])
    sides = spec_sides(finding) if finding is not None else ()
    if "{side}" in text and len(sides) != 1:
        text = next(c for c in choices if "{side}" not in c)
    return text.format(side=sides[0] if sides else "")
