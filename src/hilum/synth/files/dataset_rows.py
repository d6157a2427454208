"""Rows of a phantom data set: the manifest's columns and COCO's annotations of a film."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from hilum.synth.devices.devices import known_devices
from hilum.synth.disease.pathology import known_findings
from hilum.synth.files.rle import encode_rle
from hilum.synth.timeline import PhantomContext
from hilum.synth.types import PhantomImage, PhantomSpec
from hilum.types import Box, Mask

__all__ = ["LANDMARKS", "MEASUREMENTS", "Film", "annotations_of", "categories", "columns", "row_of"]

LANDMARKS = (
    "carina",
    "right_apex",
    "left_apex",
    "right_costophrenic_angle",
    "left_costophrenic_angle",
    "heart_right",
    "heart_left",
    "chest_right",
    "chest_left",
)
MEASUREMENTS = ("cardiothoracic_ratio", "carina_angle")


@dataclass(frozen=True, slots=True)
class Film:
    """One film of a data set: whose, which study of theirs, which film of that study.

    ``day`` counts from the patient's first study, ``events`` are (day, kind) of what was done
    since the study before, ``course`` names the course of disease.
    """

    patient: str
    study: int
    number: int
    spec: PhantomSpec
    time: dt.datetime
    context: PhantomContext
    events: tuple[tuple[float, str], ...] = ()
    course: str = ""
    day: float = 0.0

    @property
    def study_name(self) -> str:
        """The study, as it is called in the tables."""
        return f"{self.patient}_S{self.study}"

    @property
    def name(self) -> str:
        """The film, as its files are called."""
        return f"{self.study_name}_{self.number}"


@cache
def columns() -> tuple[tuple[str, str, str], ...]:
    """The manifest's columns: name, type (``string``, ``double``, ``int64``, ``bool``), meaning."""
    plain = (
        ("id", "string", "name of the film and of its files"),
        ("patient", "string", "patient; a split never parts one"),
        ("study", "string", "study; PA and lateral share it"),
        ("split", "string", "train (80 %), val or test (10 % each), by patient"),
        ("path", "string", "image, relative to the data set"),
        ("time", "string", "invented date and time (ISO 8601)"),
        ("day", "double", "days since the patient's first study"),
        ("course", "string", "course of disease; empty for a single study"),
        ("view", "string", "PA, AP or LATERAL"),
        ("is_supine", "bool", "whether the patient lies"),
        ("age_years", "double", "age"),
        ("sex", "string", "F or M"),
        ("chest_width_mm", "double", "inner width of the chest"),
        ("chest_depth_mm", "double", "inner depth of the chest"),
        ("wall_mm", "double", "muscle and fat around it"),
        ("inspiration", "double", "0 to 1"),
        ("rows", "int64", "pixels down"),
        ("columns", "int64", "pixels across"),
        ("row_mm", "double", "detector's pixel spacing down"),
        ("column_mm", "double", "detector's pixel spacing across"),
    )
    labels = [(f"label_{n}", "bool", f"finding {n} was inserted") for n in known_findings()]
    devices = [(f"device_{n}", "bool", f"device {n} was inserted") for n in known_devices()]
    measured = [(n, "double", "true value as projected; null where not seen") for n in MEASUREMENTS]
    points = [
        (f"{name}_{axis}", "double", f"landmark {name}, pixels from the left or top edge")
        for name in LANDMARKS
        for axis in ("x", "y")
    ]
    return (*plain, *labels, *devices, *measured, *points)


def row_of(film: Film, image: PhantomImage, path: str, split: str) -> dict[str, Any]:
    """The film's row of the manifest, a value for every one of ``columns``."""
    build, truth = image.spec.build, image.truth
    rows, width = image.radiograph.pixels.shape
    row = {
        "id": film.name,
        "patient": film.patient,
        "study": film.study_name,
        "split": split,
        "path": path,
        "time": film.time.isoformat(timespec="seconds"),
        "day": film.day,
        "course": film.course,
        "view": str(truth.view),
        "is_supine": image.spec.imaging.is_supine,
        "age_years": build.age_years,
        "sex": build.sex,
        "chest_width_mm": build.width,
        "chest_depth_mm": build.depth,
        "wall_mm": build.wall,
        "inspiration": build.inspiration,
        "rows": rows,
        "columns": width,
        "row_mm": truth.spacing_mm[0],
        "column_mm": truth.spacing_mm[1],
    }
    found = {finding.name for finding in image.spec.findings}
    placed = {device.name for device in image.spec.devices}
    row |= {f"label_{name}": name in found for name in known_findings()}
    row |= {f"device_{name}": name in placed for name in known_devices()}
    row |= {name: truth.measurements.get(name) for name in MEASUREMENTS}
    for name in LANDMARKS:
        row[f"{name}_x"], row[f"{name}_y"] = truth.landmarks.get(name, (None, None))
    return row


@cache
def categories() -> tuple[dict[str, Any], ...]:
    """COCO's categories: findings, then devices; ids count from 1."""
    kinds = [("finding", n) for n in known_findings()] + [("device", n) for n in known_devices()]
    return tuple(
        {"id": place, "name": name, "supercategory": kind}
        for place, (kind, name) in enumerate(kinds, 1)
    )


def annotations_of(image: PhantomImage) -> list[dict[str, Any]]:
    """COCO annotations of the findings and devices on a film, without ``id`` and ``image_id``.

    Boxes are (left, top, width, height) in pixels, masks compressed RLE.
    """
    ids = {(c["supercategory"], c["name"]): c["id"] for c in categories()}
    found: list[dict[str, Any]] = []
    for finding in image.truth.findings:
        if finding.mask is not None:
            category = ids["finding", finding.spec.name]
            told: dict[str, Any] = {"side": finding.spec.side, "severity": finding.spec.severity}
            found.append({**_annotation(category, finding.mask, finding.box), **told})
    for device in image.truth.devices:
        if device.mask.any():
            category = ids["device", device.spec.name]
            told = {"is_correct": device.spec.is_correct, "tip": list(device.tip)}
            found.append({**_annotation(category, device.mask, None), **told})
    return found


def _annotation(category: int, mask: Mask, box: Box | None) -> dict[str, Any]:
    rows, columns_ = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    left, top = float(columns_[0]), float(rows[0])
    extent = [left, top, float(columns_[-1]) + 1 - left, float(rows[-1]) + 1 - top]
    if box is not None:
        extent = [box.x, box.y, box.width, box.height]
    return {
        "category_id": category,
        "bbox": extent,
        "area": int(mask.sum()),
        "iscrowd": 0,
        "segmentation": encode_rle(mask),
    }
