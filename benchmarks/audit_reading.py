"""Readings for the audit of the shipped models: clean, with parts hidden, under corruption.

What ``audit_shipped.py`` makes its tables of. Nothing here trained on the images that are read:
the validation splits of NIH and Kermany, the covid and anatomy images that may not train.
"""

from __future__ import annotations

import csv
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from hilum import findings, open_study
from hilum.evaluate.audits import age_group, hide_inside, hide_outside, list_corruptions, stress
from hilum.evaluate.images import extract_features
from hilum.evaluate.regions import dice
from hilum.findings.localise import lungs_of
from hilum.models import Model, load_model
from hilum.reading import DEFAULT_MODELS, read_radiograph
from hilum.types import Finding, FloatImage, Mask, Radiograph, RadiographReading

__all__ = [
    "MOVING",
    "SEVERITIES",
    "Case",
    "Row",
    "cases_of",
    "read_anatomy",
    "read_case",
    "read_stressed",
]

SEVERITIES = (1, 3, 5)
MOVING = ("rotation", "cropping")
"""Corruptions after which a mask of the clean image is no longer true."""
NIH = {
    "pneumonia": "Pneumonia",
    "no_finding": "No Finding",
    "infiltration": "Infiltration",
    "pleural_effusion": "Effusion",
    "atelectasis": "Atelectasis",
    "edema": "Edema",
    "consolidation": "Consolidation",
}
NO_PNEUMONIA = ("No Finding", "todo", "")


@dataclass(frozen=True)
class Case:
    """An image with what is known of it; ``truth`` by finding, 1 or 0."""

    unit: str
    path: Path
    source: str
    patient: str
    truth: Mapping[str, float] = field(default_factory=dict)
    view: str = ""
    sex: str = ""
    age: str = ""
    masks: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What was read of a case: probabilities by condition (``clean``, ``lungs hidden``,
    ``outside hidden``, ``box hidden``, or corruption and severity), Dice likewise."""

    case: Case
    accepted: bool
    probs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    dice: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    points: Mapping[str, float] = field(default_factory=dict)
    features: npt.NDArray[np.float64] | None = None
    space: str = ""


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _age(text: str) -> str:
    return age_group(float(text)) if text else ""


def _nih(root: Path) -> list[Case]:
    return [
        Case(
            r["image"],
            root / r["image"],
            "NIH",
            f"nih {r['patient_id']}",
            {name: float(label in r["findings"].split("|")) for name, label in NIH.items()},
            r["view"],
            r["sex"],
            _age(r["age"]),
        )
        for r in _table(root / "labels.csv")
        if r["split"] == "val"
    ]


def _kermany(root: Path) -> list[Case]:
    cases = []
    for r in _table(root / "labels.csv"):
        if r["split"] == "val":
            sick = float(r["label"] != "normal")
            masks = {"lungs": root / r["lung_mask"]} if r["lung_mask"] else {}
            truth = {"pneumonia": sick, "no_finding": 1 - sick}
            patient = f"kermany {r['patient_id']}"
            path = root / r["image"]
            cases.append(Case(r["image"], path, "Kermany", patient, truth, "", "", "", masks))
    return cases


def _covid(root: Path) -> list[Case]:
    return [
        Case(
            r["image"],
            root / r["image"],
            "covid",
            f"covid {r['patient_id']}",
            {"pneumonia": float(r["finding"] not in NO_PNEUMONIA)},
            r["view"].split(" ")[0].replace("?", ""),
            r["sex"],
            _age(r["age"]),
        )
        for r in _table(root / "metadata.csv")
        if r["weights_may_use"] != "yes"
    ]


def _anatomy(root: Path) -> list[Case]:
    cases = []
    for r in _table(root / "masks.csv"):
        folder = root / "masks" / Path(r["image"]).stem
        names = ("left_lung", "right_lung", "cardiomediastinum")
        masks = {n: folder / f"{n}.png" for n in names if (folder / f"{n}.png").exists()}
        if r["weights_may_use"] != "yes" and masks:
            path = root / r["image"]
            cases.append(Case(r["image"], path, "anatomy", r["original"], masks=masks))
    return cases


def cases_of(data: Path) -> dict[str, list[Case]]:
    """Cases by source."""
    makers: Mapping[str, Callable[[Path], list[Case]]] = {
        "nih": _nih,
        "kermany": _kermany,
        "covid": _covid,
        "anatomy": _anatomy,
    }
    return {name: make(data / name) for name, make in makers.items()}


@cache
def _models() -> dict[str, Model]:
    cv2.setNumThreads(1)
    os.environ.setdefault("HILUM_THREADS", "1")
    return {task: load_model(name) for task, name in DEFAULT_MODELS.items()}


@cache
def _context_without_limit() -> Model:
    """The second opinion that does not refuse a film because a part of it was hidden."""
    model = _models()["context"]
    kept = {k: v for k, v in model.manifest.calibration.items() if k != "novelty_limit"}
    return Model(replace(model.manifest, calibration=kept), model.path.parent, threads=1)


def _probs(found: Iterable[Finding]) -> dict[str, float]:
    return {f.name: f.probability for f in found if f.probability is not None}


def _dice(reading: RadiographReading, masks: Mapping[str, Path]) -> dict[str, float]:
    """Dice of every mask that there is; ``lungs`` is the union of both."""
    seen = {n: s.mask for n, s in reading.anatomy.structures.items()}
    result = {}
    for name, path in masks.items():
        truth = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0
        parts = ("left_lung", "right_lung") if name == "lungs" else (name,)
        union = np.zeros_like(truth)
        for part in parts:
            union |= seen.get(part, np.zeros_like(truth))
        result[name] = dice(union, truth)
    return result


def _hidden(reading: RadiographReading) -> dict[str, dict[str, float]]:
    """Findings with the lungs, or everything else, hidden: gate and novelty limit set aside."""
    lungs = lungs_of(reading.anatomy, reading.radiograph.orientation)
    if not lungs.any():
        return {}
    found = {
        "lungs hidden": _assessed(reading, hide_inside, lungs),
        "outside hidden": _assessed(reading, hide_outside, lungs),
    }
    box = _boxed(lungs)
    return found if box.all() else found | {"box hidden": _assessed(reading, hide_inside, box)}


def _assessed(
    reading: RadiographReading,
    hide: Callable[[FloatImage, Mask], FloatImage],
    mask: npt.NDArray[np.bool_],
) -> dict[str, float]:
    """Findings of the changed image, with the anatomy of the whole one."""
    image = reading.radiograph
    changed = replace(image, pixels=hide(np.array(image.pixels), mask))
    found = findings.assess(
        changed,
        reading.anatomy,
        reading.quality,
        _models()["findings"],
        context=_context_without_limit(),
    )
    return _probs(found)


def _boxed(lungs: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The rectangle around both lungs: it hides their outline and the heart as well."""
    box = np.zeros_like(lungs)
    rows, columns = np.flatnonzero(lungs.any(axis=1)), np.flatnonzero(lungs.any(axis=0))
    box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box


def _opened(case: Case) -> Radiograph:
    return open_study(case.path).radiographs[0]


def read_case(case: Case) -> Row:
    """Read a case clean and with parts hidden, with features of the whole film."""
    reading = read_radiograph(_opened(case), _models())
    image = np.array(reading.radiograph.pixels)
    table = extract_features([image])
    probs = {"clean": _probs(reading.findings)}
    if reading.findings:
        probs |= _hidden(reading)
    points = {f.name: f.operating_point for f in reading.findings if f.operating_point is not None}
    return Row(
        case,
        reading.quality.accepted,
        probs,
        {"clean": _dice(reading, case.masks)} if reading.quality.accepted else {},
        points,
        table.values[0],
        table.space,
    )


def _rng(case: Case) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(case.unit.encode()))


def read_stressed(case: Case) -> Row:
    """Read a case under every corruption at three severities; a refusal has no probability."""
    reading = read_radiograph(_opened(case), _models())
    probs = {"clean": _probs(reading.findings)}
    upright = reading.radiograph
    pixels = np.array(upright.pixels)
    for draw, changed in stress(pixels, rng=_rng(case), severities=SEVERITIES):
        again = read_radiograph(replace(upright, pixels=changed), _models())
        probs[f"{draw.name} {draw.severity}"] = _probs(again.findings)
    return Row(case, reading.quality.accepted, probs)


def read_anatomy(case: Case) -> Row:
    """Dice of an annotated case, clean and under corruptions that do not move it."""
    reading = read_radiograph(_opened(case), _models())
    found = {"clean": _dice(reading, case.masks)} if reading.quality.accepted else {}
    upright = reading.radiograph
    pixels = np.array(upright.pixels)
    names = [c.name for c in list_corruptions() if c.name not in MOVING]
    for draw, changed in stress(pixels, rng=_rng(case), names=names, severities=SEVERITIES):
        again = read_radiograph(replace(upright, pixels=changed), _models())
        if again.quality.accepted:
            found[f"{draw.name} {draw.severity}"] = _dice(again, case.masks)
    return Row(case, reading.quality.accepted, dice=found)
