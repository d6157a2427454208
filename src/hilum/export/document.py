"""The public document of a reading: what stands in ``reading.json``.

The contract is ``reading.schema.json`` beside this module, JSON Schema draft 2020-12. A
schema describes one version and is closed: a new field, too, takes a new version.
Coordinates are source pixels, x to the right and y down.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import PurePath
from typing import Any

import numpy as np

from hilum._version import __version__
from hilum.ontology import findings as finding_concepts
from hilum.types import (
    DISCLAIMER,
    Change,
    Finding,
    Issue,
    Measurement,
    RadiographReading,
    Reading,
    Statement,
    Study,
    Tip,
)

__all__ = ["SCHEMA_VERSION", "finding_code", "load_schema", "reading_to_dict"]

SCHEMA_VERSION = "1.1.0"

MaskPaths = Mapping[tuple[int, str], str]
"""Path of a mask by the number of its radiograph (from 1) and the name of its structure."""


def load_schema() -> dict[str, Any]:
    """The JSON Schema of ``reading.json``.

    >>> load_schema()["properties"]["schema_version"]["const"] == SCHEMA_VERSION
    True
    """
    text = resources.files(__package__).joinpath("reading.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def reading_to_dict(reading: Reading, *, mask_paths: MaskPaths | None = None) -> dict[str, Any]:
    """Turn a reading into plain values that ``json.dump`` takes and the schema accepts.

    Args:
        reading: What was read.
        mask_paths: Where the masks were written, relative to the document; without it
            every mask is null.

    Returns:
        Probabilities and scores rounded to 4 decimals, coordinates to 0.01 pixels.
    """
    paths = mask_paths or {}
    report = reading.report
    return {
        "schema_version": SCHEMA_VERSION,
        "hilum_version": __version__,
        "disclaimer": DISCLAIMER,
        "study_uid": reading.study.uid,
        "radiographs": [
            _radiograph(image, {name: path for (n, name), path in paths.items() if n == number})
            for number, image in enumerate(reading.radiographs, start=1)
        ],
        "report": {
            "indication": report.indication,
            "technique": report.technique,
            "comparison": report.comparison,
            "findings": [_statement(s) for s in report.findings],
            "impression": [_statement(s) for s in report.impression],
        },
        "changes": [_change(c) for c in reading.changes],
        "priors": [_prior(p) for p in reading.study.priors],
        "unreadable": [
            {"source": u.source, "reason": u.reason} for u in reading.study.unreadable
        ],
        "models": dict(reading.models),
        "settings": _plain(reading.settings),
    }  # fmt: skip


def finding_code(name: str) -> str | None:
    """The code of a finding, SNOMED CT before RadLex; None where the ontology has none.

    Where no code means the finding itself it is that of the nearest wider concept.

    >>> finding_code("pneumonia")
    'SCT:233604007'
    >>> finding_code("mediastinal_shift") is None
    True
    """
    concept = next((c for c in finding_concepts() if c.name == name), None)
    if concept is None:
        return None
    if concept.snomed:
        return f"SCT:{concept.snomed}"
    return f"RADLEX:{concept.radlex}" if concept.radlex else None


def _radiograph(image: RadiographReading, mask_paths: Mapping[str, str]) -> dict[str, Any]:
    radiograph, quality = image.radiograph, image.quality
    spacing, orientation = radiograph.spacing, radiograph.orientation
    return {
        "source": radiograph.source,
        "sop_instance_uid": radiograph.sop_instance_uid,
        "acquired": _time(radiograph.acquired),
        "rows": radiograph.rows,
        "columns": radiograph.columns,
        "view": radiograph.view.value,
        "view_origin": radiograph.view_origin,
        "spacing_mm": [round(spacing.row_mm, 5), round(spacing.column_mm, 5)] if spacing else None,
        "spacing_origin": spacing.origin.value if spacing else None,
        "orientation": {
            "quarter_turns": orientation.quarter_turns,
            "is_mirrored": orientation.is_mirrored,
        },
        "is_inverted": radiograph.is_inverted,
        "notes": [_issue(i) for i in radiograph.notes],
        "quality": {
            "accepted": quality.accepted,
            "reasons": [_issue(i) for i in quality.reasons],
            "warnings": [_issue(i) for i in (*quality.warnings, *image.anatomy.warnings)],
            "scores": {name: _rounded(value, 4) for name, value in quality.scores.items()},
        },
        "anatomy": {
            name: {
                "mask": mask_paths.get(name),
                "quality": _rounded(structure.quality, 4),
                "problem": structure.problem,
                "origin": structure.origin.value,
                **({"tip": _tip(structure.tip)} if structure.tip else {}),
            }
            for name, structure in image.anatomy.structures.items()
        },
        "landmarks": {
            name: [_rounded(x, 2), _rounded(y, 2)]
            for name, (x, y) in image.anatomy.landmarks.items()
        },
        "measurements": [_measurement(m) for m in image.anatomy.measurements],
        "findings": [_finding(f) for f in image.findings],
    }


def _tip(tip: Tip) -> dict[str, Any]:
    return {
        "point": [_rounded(tip.point[0], 2), _rounded(tip.point[1], 2)],
        "above_carina_mm": _rounded(tip.above_carina_mm, 1),
        "uncertainty_mm": _rounded(tip.uncertainty_mm, 1),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    interval = finding.interval
    return {
        "id": finding.id,
        "code": finding_code(finding.name),
        "name": finding.name,
        "status": finding.status.value,
        "probability": _rounded(finding.probability, 4),
        "interval": [_rounded(limit, 4) for limit in interval] if interval else None,
        "operating_point": _rounded(finding.operating_point, 4),
        "regions": [
            {
                "box": [_rounded(v, 2) for v in (r.box.x, r.box.y, r.box.width, r.box.height)],
                "score": _rounded(r.score, 4),
            }
            for r in finding.regions
        ],
        "zones": list(finding.zones),
        "problem": finding.problem,
    }


def _measurement(measurement: Measurement) -> dict[str, Any]:
    return {
        "id": measurement.id,
        "name": measurement.name,
        "value": _rounded(measurement.value, 4),
        "unit": measurement.unit,
        "uncertainty": _rounded(measurement.uncertainty, 4),
        "problem": measurement.problem,
    }


def _statement(statement: Statement) -> dict[str, Any]:
    return {"text": statement.text, "evidence": [item.id for item in statement.evidence]}


def _change(change: Change) -> dict[str, Any]:
    return {
        "id": change.id,
        "finding": change.finding,
        "kind": change.kind.value,
        "evidence": list(change.evidence),
        "prior_date": _time(change.prior_date),
    }


def _prior(study: Study) -> dict[str, Any]:
    return {
        "study_uid": study.uid,
        "date": _time(study.date),
        "sources": [radiograph.source for radiograph in study.radiographs],
    }


def _issue(issue: Issue) -> dict[str, str]:
    return {"id": issue.id, "code": issue.code, "message": issue.message}


def _time(moment: dt.datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _rounded(value: float | None, digits: int) -> float | None:
    if value is None or not np.isfinite(value):
        return None
    return round(float(value), digits)


def _plain(value: Any) -> Any:
    """Settings may hold paths, dates, tuples and numpy scalars: make them plain."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, PurePath | dt.date):
        return str(value)
    return value if value is None or isinstance(value, str | bool | int) else repr(value)
