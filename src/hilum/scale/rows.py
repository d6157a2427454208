"""The table of a batch: one row an image, the same names as in ``reading.json``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from hilum.ontology import finding_names
from hilum.scale.listing import BatchItem
from hilum.types import Issue, Reading, Status, View

__all__ = ["SEPARATOR", "Row", "batch_schema", "error_row", "reading_row"]

Row = dict[str, Any]

SEPARATOR = ";"
"""Between the codes in ``reasons`` and ``warnings``: plain text that every tool reads."""


def batch_schema() -> pa.Schema:
    """Columns of the table.

    ``reasons`` and ``warnings`` are codes joined by ``;`` and empty when there are none.
    ``prob_*``, ``cardiothoracic_ratio`` and ``carina_*`` (source pixels) are null where they
    were not assessed; ``status_*`` is then ``not_assessed``. ``error`` is null unless the
    file could not be read. ``seconds`` is the time that the image took.
    """
    names = finding_names()
    return pa.schema(
        [
            pa.field("path", pa.string(), nullable=False),
            pa.field("accepted", pa.bool_(), nullable=False),
            pa.field("reasons", pa.string(), nullable=False),
            pa.field("warnings", pa.string(), nullable=False),
            pa.field("view", pa.string(), nullable=False),
            *(pa.field(f"prob_{name}", pa.float64()) for name in names),
            *(pa.field(f"status_{name}", pa.string(), nullable=False) for name in names),
            pa.field("cardiothoracic_ratio", pa.float64()),
            pa.field("carina_x", pa.float64()),
            pa.field("carina_y", pa.float64()),
            pa.field("error", pa.string()),
            pa.field("seconds", pa.float64(), nullable=False),
        ]
    )


def _empty_row(path: str, seconds: float) -> Row:
    names = finding_names()
    return {
        "path": path,
        "accepted": False,
        "reasons": "",
        "warnings": "",
        "view": str(View.UNKNOWN),
        **{f"prob_{name}": None for name in names},
        **{f"status_{name}": str(Status.NOT_ASSESSED) for name in names},
        "cardiothoracic_ratio": None,
        "carina_x": None,
        "carina_y": None,
        "error": None,
        "seconds": round(seconds, 4),
    }


def error_row(item: BatchItem, error: str, seconds: float) -> Row:
    """The row of a file that could not be read, with a message on one line."""
    message = " ".join(error.split())[:1000]
    return {
        **_empty_row(item.path, seconds),
        "warnings": SEPARATOR.join(item.warnings),
        "error": message or "unknown error",
    }


def _codes(issues: Iterable[Issue]) -> Iterable[str]:
    return (issue.code for issue in issues)


def reading_row(item: BatchItem, reading: Reading, seconds: float) -> Row:
    """The row of an image that was read or refused."""
    (image,) = reading.radiographs
    row = _empty_row(item.path, seconds)
    verdict, seen = image.quality, image.anatomy
    warnings = (*item.warnings, *_codes(verdict.warnings), *_codes(seen.warnings))
    row["accepted"] = verdict.accepted
    row["reasons"] = SEPARATOR.join(_codes(verdict.reasons))
    row["warnings"] = SEPARATOR.join(dict.fromkeys(warnings))
    row["view"] = str(image.radiograph.view)
    for name in finding_names():
        finding = image.finding(name)
        if finding is not None:
            row[f"prob_{name}"] = finding.probability
            row[f"status_{name}"] = str(finding.status)
    ratio = seen.measurement("cardiothoracic_ratio")
    row["cardiothoracic_ratio"] = None if ratio is None else ratio.value
    row["carina_x"], row["carina_y"] = seen.landmarks.get("carina", (None, None))
    return row
