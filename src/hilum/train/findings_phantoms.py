"""Phantoms as examples for the findings' members: a data set of ``hilum phantom dataset``.

They teach the heads of what was inserted, and with its boxes the opacity map. The conditional
heads learn from abnormal phantoms only, as they do from real films. Pneumonia is a diagnosis and
is not taught; the split is ``phantom``, so that neither calibration nor any figure counts one.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hilum.errors import InvalidValueError
from hilum.train.findings_data import HEADS, Example
from hilum.types import Box

__all__ = ["OPACITIES", "SPLIT", "load_phantom_examples"]

SPLIT = "phantom"
OPACITIES = (
    "airspace_opacity",
    "alveolar_edema",
    "consolidation",
    "ground_glass_opacity",
    "infiltration",
    "lung_opacity",
    "pneumonia",
)
"""Insertions that a reader would box as an opacity; the rest leave the map unknown."""
_LABELS = {
    "lung_opacity": OPACITIES,
    "infiltration": ("infiltration",),
    "pleural_effusion": ("pleural_effusion", "loculated_effusion"),
    "atelectasis": ("atelectasis", "linear_atelectasis", "lobar_collapse"),
    "edema": ("edema", "interstitial_edema", "alveolar_edema"),
    "consolidation": ("consolidation", "airspace_opacity", "pneumonia"),
    "nodule_or_mass": ("nodule", "mass", "nodule_or_mass", "metastasis", "cavity"),
    "pleural_thickening": ("pleural_thickening", "apical_cap", "pleural_plaque"),
}
"""Names of insertions by the head that they make positive."""


def load_phantom_examples(folder: Path) -> list[Example]:
    """The frontal films of a data set of phantoms, every split of it.

    Raises:
        InvalidValueError: The folder is no such data set, or its images are not PNG.
    """
    try:
        rows = pq.read_table(folder / "manifest.parquet").to_pylist()
        notes = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InvalidValueError(
            f"{folder.name} is no data set of phantoms; make one with `hilum phantom dataset`"
        ) from error
    boxes = _boxes(notes)
    frontal = [row for row in rows if row["view"] != "LATERAL"]
    if any(not row["path"].endswith(".png") for row in frontal):
        raise InvalidValueError(f"{folder.name} holds DICOM; make it with --format png")
    return [_example(folder, row, boxes.get(row["path"], ())) for row in frontal]


def _boxes(notes: dict[str, list[dict[str, object]]]) -> dict[str, tuple[Box, ...]]:
    """Boxes of opacities in unit coordinates, by the image's path."""
    images = {image["id"]: image for image in notes["images"]}
    names = {kind["id"]: kind["name"] for kind in notes["categories"]}
    found: dict[str, list[Box]] = {}
    for note in notes["annotations"]:
        image = images[note["image_id"]]
        if names[note["category_id"]] in OPACITIES:
            x, y, width, height = np.asarray(note["bbox"], float) / np.tile(
                np.array([image["width"], image["height"]], float), 2
            )
            box = Box(float(x), float(y), float(width), float(height))
            found.setdefault(str(image["file_name"]), []).append(box)
    return {path: tuple(own) for path, own in found.items()}


def _example(folder: Path, row: dict[str, object], boxes: tuple[Box, ...]) -> Example:
    labels = np.full(len(HEADS), np.nan, np.float32)
    is_healthy = not any(value for name, value in row.items() if name.startswith("label_"))
    for head, names in _LABELS.items():
        if head == "lung_opacity" or not is_healthy:
            labels[HEADS.index(head)] = any(row.get(f"label_{name}") for name in names)
    return Example(
        path=folder / str(row["path"]),
        source="phantom",
        split=SPLIT,
        patient=f"phantom-{row['patient']}",
        view="",
        labels=labels,
        boxes=boxes or (() if is_healthy else None),
    )
