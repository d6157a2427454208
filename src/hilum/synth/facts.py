"""What a report may say of a phantom: its findings by name, side, place and visibility.

The truth of a rendered phantom holds masks and numbers; language, questions, timelines and
simulated readers all speak of them through the ``Fact`` made here, so that they agree. How
well a finding is seen is a table (``facts.toml``).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from hilum.synth.disease.bone_findings import broken_bone
from hilum.synth.disease.grades import base_name, grade, kind_of
from hilum.synth.disease.lung_findings import lobe_of
from hilum.synth.disease.pathology import prepare_build, spec_sides
from hilum.synth.thorax.lobes import LOBES
from hilum.synth.types import (
    DeviceSpec,
    FindingSpec,
    FindingTruth,
    Imaging,
    PhantomImage,
    PhantomSpec,
)
from hilum.types import Status, View

__all__ = [
    "Fact",
    "HeartSize",
    "cardiomegaly_status",
    "device_side",
    "fact_table",
    "find_facts",
    "heart_severity",
    "heart_size",
    "lobe_on",
    "mediastinal_shift_mm",
    "spec_name",
    "visibility_of",
]

LOBE_SEEDS = {"consolidation": 23, "pneumonia": 23, "atelectasis": 37}
"""The stream from which each finding draws the lobe that its spec leaves open."""
LEVELS = ("upper", "middle", "lower")
NAMED_PLACES = ("apex", "hilum", "perihilar")
SMALL_MM = 35.0
NODULE_MM = 30.0
"""A nodule is at most this wide, else it is a mass (Fleischner Society glossary, 2008)."""


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """One finding of a phantom as a reader would name it.

    ``index`` points into ``Truth.findings``. ``name`` is the ontology's most precise name,
    ``base`` the finding that was inserted. ``side`` is ``left``, ``right``, ``bilateral`` or
    empty where it means nothing; ``places`` are side-neutral anatomy names (``lower_lobe``,
    ``middle_zone``). ``size_mm`` is the true diameter of what has one, else 0; ``count`` the
    number of nodules, else 1. ``visibility`` in [0, 1] tells how well it is seen.
    """

    index: int
    name: str
    base: str
    kind: str
    side: str
    places: tuple[str, ...]
    severity: str
    size_mm: float
    count: int
    visibility: float
    truth: FindingTruth

    @property
    def is_barely_seen(self) -> bool:
        """Whether a careful reader may miss it."""
        return self.visibility <= float(fact_table()["thresholds"]["barely"])

    @property
    def is_plain(self) -> bool:
        """Whether no reader would hedge."""
        return self.visibility >= float(fact_table()["thresholds"]["plainly"])


@dataclass(frozen=True, slots=True)
class HeartSize:
    """The measured cardiothoracic ratio beside the limit of its projection and age.

    ``verdict`` is ``normal``, ``borderline`` or ``enlarged``.
    """

    ratio: float
    limit: float
    verdict: str


@cache
def fact_table() -> dict[str, Any]:
    """The table ``facts.toml``."""
    text = resources.files(__package__).joinpath("facts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def find_facts(image: PhantomImage) -> tuple[Fact, ...]:
    """Every finding of a phantom that its film can show, in the order of its truth."""
    facts = (
        _fact(image, index, truth)
        for index, truth in enumerate(image.truth.findings)
        if truth.mask is not None
    )
    return tuple(facts)


def _fact(image: PhantomImage, index: int, truth: FindingTruth) -> Fact:
    spec, base, kind = truth.spec, base_name(truth.spec.name), kind_of(truth.spec)
    name = spec_name(spec, scale=image.spec.build.scale)
    side = _side(spec, base, fact_table()["findings"][base]["where"])
    size = 0.0
    if base in ("nodule", "mass", "nodule_or_mass"):
        size = _diameter(spec, image.spec.build.scale)
    places = _places(truth, base, kind, side)
    count = round(grade(spec, "count")) if kind == "multiple" else 1
    return Fact(
        index=index,
        name=name,
        base=base,
        kind=kind,
        side=side,
        places=places,
        severity=spec.severity,
        size_mm=size,
        count=count * (2 if side == "bilateral" else 1),
        visibility=_visibility(image, truth, base, size),
        truth=truth,
    )


def spec_name(spec: FindingSpec, *, scale: float = 1.0) -> str:
    """The ontology's most precise name of what a spec inserts, as a reader would call it.

    Args:
        spec: The finding; aliases that no film can tell (a metastasis) become what is seen.
        scale: Of the body, which decides between nodule and mass where no size is given.
    """
    base, kind = base_name(spec.name), kind_of(spec)
    row = fact_table()["findings"][base]
    if base == "nodule_or_mass":
        return "nodule" if _diameter(spec, scale) <= NODULE_MM else "mass"
    if base == "fracture" and kind != "healed":
        is_clavicle = broken_bone(spec, spec_sides(spec)[0]).endswith("clavicle")
        return "clavicle_fracture" if is_clavicle else "rib_fracture"
    return spec.name if spec.name in row.get("also", ()) else str(row["names"].get(kind, base))


def _diameter(spec: FindingSpec, scale: float) -> float:
    return spec.size_mm or grade(spec, "diameter") * scale


def _side(spec: FindingSpec, base: str, where: str) -> str:
    if base == "scoliosis":
        return spec.side or ("left" if spec.seed % 2 else "right")
    if base in ("emphysema", "edema", "fibrosis") and len(spec_sides(spec)) == 2:
        return "bilateral"
    if not where and base not in ("emphysema", "edema", "fibrosis"):
        return ""
    sides = spec_sides(spec)
    return "bilateral" if len(sides) == 2 else sides[0]


def _places(truth: FindingTruth, base: str, kind: str, side: str) -> tuple[str, ...]:
    """Side-neutral places, from above downwards."""
    spec, where = truth.spec, fact_table()["findings"][base]["where"]
    first = "left" if side == "left" else "right"
    if where == "bone":
        return (broken_bone(spec, first).removeprefix(f"{first}_"),)
    if where == "station":
        return ("paratracheal",) if kind == "paratracheal" else ("hilum",)
    if (where == "lobe" or kind == "lobar") and kind != "linear":
        lobes = [lobe_on(spec, word) for word in spec_sides(spec)]
        return tuple(lobe for lobe in LOBES if lobe in lobes)
    if kind == "linear":
        return (_word(spec) or "lung_base",)
    if base == "pneumothorax":
        return ("apex",) if spec.extent < 0.35 else ()
    if base == "pleural_thickening":
        return ("apex",) if kind == "apical" else ()
    if where == "zone" and _word(spec) in NAMED_PLACES:
        return ("perihilar",) if _word(spec) == "hilum" else (_word(spec),)
    if where in ("zone", "lung") or kind == "loculated":
        return _levels(truth.zones, side)
    return ()


def _levels(zones: tuple[str, ...], side: str) -> tuple[str, ...]:
    """The zones that are reached; none where the two lungs differ."""
    words = ("right", "left") if side == "bilateral" else (side,)
    reached = {word: [v for v in LEVELS if f"{word}_{v}_zone" in zones] for word in words}
    first = reached[words[0]]
    return tuple(f"{v}_zone" for v in first) if all(r == first for r in reached.values()) else ()


def lobe_on(spec: FindingSpec, side: str) -> str:
    """The lobe that a lobar finding takes on one side."""
    base = base_name(spec.name)
    return lobe_of(spec, side, np.random.default_rng([spec.seed, LOBE_SEEDS[base], side == "left"]))


def _word(spec: FindingSpec) -> str:
    return spec.place.removeprefix("right_").removeprefix("left_")


def visibility_of(spec: FindingSpec, imaging: Imaging, *, size_mm: float = 0.0) -> float:
    """How well a finding is seen by the table, in [0, 1], before what hides it is known.

    Args:
        spec: The finding; its extent decides, or ``size_mm`` for what has a diameter.
        imaging: Lying patients hide fluid and air.
        size_mm: Diameter; 0 takes the spec's.
    """
    row = fact_table()["findings"][base_name(spec.name)]
    knots = np.asarray(row.get("seen") or row["seen_mm"], float)
    at = spec.extent if "seen" in row else (size_mm or spec.size_mm)
    seen = float(np.interp(at, knots[:, 0], knots[:, 1]))
    return seen * (float(row["supine"]) if imaging.is_supine else 1.0)


def _visibility(image: PhantomImage, truth: FindingTruth, base: str, size: float) -> float:
    seen = visibility_of(truth.spec, image.spec.imaging, size_mm=size)
    heart = image.truth.masks.get("heart")
    if base == "cardiomegaly" and (found := heart_size(image)) is not None:
        knots = np.asarray(fact_table()["heart"]["seen"], float)
        return float(np.interp(found.ratio - found.limit, knots[:, 0], knots[:, 1]))
    if 0 < size < SMALL_MM and heart is not None and truth.mask is not None:
        hidden = float((truth.mask & heart).sum()) / float(truth.mask.sum())
        if hidden > 0.5:
            seen *= float(fact_table()["thresholds"]["behind_heart"])
    return seen


def heart_size(image: PhantomImage) -> HeartSize | None:
    """The heart's size on a frontal film, None where no ratio can be measured."""
    ratio, table = image.truth.measurements.get("cardiothoracic_ratio"), fact_table()["heart"]
    if ratio is None or image.truth.view is View.LATERAL:
        return None
    limit = float(table["limit_ap" if image.truth.view is View.AP else "limit"])
    if image.spec.build.age_years < table["infant_below_years"]:
        limit = float(table["limit_infant"])
    if ratio > limit + table["margin"]:
        return HeartSize(ratio, limit, "enlarged")
    verdict = "borderline" if ratio > limit - table["margin"] / 2 else "normal"
    return HeartSize(ratio, limit, verdict)


def cardiomegaly_status(image: PhantomImage) -> Status:
    """Whether the heart is enlarged: inserted so, or by its ratio; uncertain where borderline."""
    found = heart_size(image)
    is_inserted = any(base_name(f.name) == "cardiomegaly" for f in image.spec.findings)
    if is_inserted or (found is not None and found.verdict == "enlarged"):
        return Status.PRESENT
    if found is None:
        return Status.NOT_ASSESSED
    return Status.ABSENT if found.verdict == "normal" else Status.UNCERTAIN


def heart_severity(found: HeartSize) -> str:
    """``mild``, ``moderate`` or ``marked`` by how far the ratio is above its limit."""
    rows = fact_table()["heart"]["severity"]
    return next(str(word) for above, word in rows if found.ratio - found.limit <= above)


def device_side(spec: DeviceSpec) -> str:
    """The side a device is named with: the spec's or its usual one, empty where it has none."""
    usual = str(fact_table()["devices"].get(spec.name, ""))
    return spec.side if usual and spec.side in ("left", "right") else usual


def mediastinal_shift_mm(spec: PhantomSpec) -> float:
    """How far disease moved the mediastinum, millimetres to the patient's left."""
    return prepare_build(spec.build, spec.findings).shift - spec.build.shift
