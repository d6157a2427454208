"""Evaluations as JSON: every score with its record, and the arrays it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hilum._version import __version__
from hilum.errors import InvalidValueError, require
from hilum.evaluate.records import MetricRecord
from hilum.evaluate.scores import Evaluation, Interval, Score
from hilum.types import DISCLAIMER

__all__ = [
    "SCHEMA_VERSION",
    "evaluation_from_dict",
    "evaluation_to_dict",
    "read_evaluation",
    "write_evaluation",
]

SCHEMA_VERSION = 1


def evaluation_to_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Plain values for JSON; NaN becomes None."""
    return {
        "schema_version": SCHEMA_VERSION,
        "hilum_version": __version__,
        "disclaimer": DISCLAIMER,
        "kind": evaluation.kind,
        "settings": dict(evaluation.settings),
        "excluded": dict(evaluation.excluded),
        "scores": [_score_to_dict(score) for score in evaluation.scores],
        "units": list(evaluation.units),
        "groups": list(evaluation.groups),
        "arrays": {name: _array_to_dict(values) for name, values in evaluation.arrays.items()},
    }


def _score_to_dict(score: Score) -> dict[str, Any]:
    return {
        "metric": score.metric.as_dict(),
        "subject": score.subject,
        "value": _number(score.value),
        "interval": asdict(score.interval) if score.interval else None,
        "units": score.units,
        "parameters": dict(score.parameters),
        "excluded": dict(score.excluded),
        "inputs_sha256": score.inputs_sha256,
        "note": score.note,
        "arrays": dict(score.arrays),
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _array_to_dict(values: Any) -> dict[str, Any]:
    array = np.asarray(values)
    flat = array.ravel().tolist()
    if array.dtype.kind == "f":
        flat = [_number(value) for value in flat]
    return {"dtype": array.dtype.str, "shape": list(array.shape), "values": flat}


def _array_from_dict(plain: Mapping[str, Any]) -> Any:
    dtype, flat = np.dtype(plain["dtype"]), plain["values"]
    require(dtype.kind in "fiubU", f"arrays hold numbers or text, got {dtype}")
    if dtype.kind == "f":
        flat = [np.nan if value is None else value for value in flat]
    return np.array(flat, dtype=dtype).reshape(plain["shape"])


def evaluation_from_dict(plain: Mapping[str, Any]) -> Evaluation:
    """The inverse of ``evaluation_to_dict``.

    Raises:
        InvalidValueError: Not an evaluation, or of another schema version.
    """
    version = plain.get("schema_version") if isinstance(plain, Mapping) else None
    require(
        version == SCHEMA_VERSION,
        f"not an evaluation of schema version {SCHEMA_VERSION} (got {version!r}); "
        "write it again with `hilum evaluate`",
    )
    try:
        return Evaluation(
            kind=plain["kind"],
            units=tuple(plain["units"]),
            groups=tuple(plain["groups"]),
            arrays={name: _array_from_dict(v) for name, v in plain["arrays"].items()},
            scores=tuple(_score_from_dict(score) for score in plain["scores"]),
            excluded=plain["excluded"],
            settings=plain["settings"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidValueError(f"a damaged evaluation: {error!r}") from error


def _score_from_dict(plain: Mapping[str, Any]) -> Score:
    interval = plain["interval"]
    return Score(
        metric=MetricRecord.from_dict(plain["metric"]),
        subject=plain["subject"],
        value=float("nan") if plain["value"] is None else plain["value"],
        units=plain["units"],
        arrays={k: v if isinstance(v, str) else tuple(v) for k, v in plain["arrays"].items()},
        interval=Interval(**interval) if interval else None,
        parameters=plain["parameters"],
        excluded=plain["excluded"],
        inputs_sha256=plain["inputs_sha256"],
        note=plain["note"],
    )


def write_evaluation(evaluation: Evaluation, path: Path) -> None:
    """Write the evaluation as JSON."""
    text = json.dumps(evaluation_to_dict(evaluation), indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_evaluation(path: Path) -> Evaluation:
    """Read an evaluation that ``write_evaluation`` wrote.

    Raises:
        InvalidValueError: The file is missing or holds no evaluation.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidValueError(f"cannot read {path.name}: {error.strerror}") from error
    except ValueError as error:
        raise InvalidValueError(f"{path.name} is no JSON: {error}") from error
    return evaluation_from_dict(plain)
