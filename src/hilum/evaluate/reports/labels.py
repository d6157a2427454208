"""Label F1: whether two reports claim the same of CheXpert's observations.

Labels are Hilum's (``hilum.text.label_report``), so the names say ``hilum_label``: figures by
the CheXbert network are something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.text import ReportLabels

__all__ = [
    "FIVE",
    "UNCERTAIN",
    "example_f1",
    "label_matrix",
    "macro_f1",
    "micro_f1",
]

Array = npt.NDArray[np.float64]
NAN = float("nan")

FIVE = ("cardiomegaly", "edema", "consolidation", "atelectasis", "pleural_effusion")
"""The five of CheXpert's leader board, over which papers report F1-5."""

UNCERTAIN: Mapping[str, float] = {"positive": 1.0, "negative": 0.0}
"""What an uncertain label counts as, by the name of the policy."""


def label_matrix(
    labels: Sequence[ReportLabels], names: Sequence[str], *, uncertain: str = "positive"
) -> Array:
    """1 where a label is claimed, else 0, ``(reports, names)``; not mentioned is 0.

    Raises:
        InvalidValueError: The policy is neither ``positive`` nor ``negative``.
    """
    require(uncertain in UNCERTAIN, f"uncertain is positive or negative, got {uncertain!r}")
    number = {"present": 1.0, "uncertain": UNCERTAIN[uncertain]}
    return np.array([[number.get(str(own[name]), 0.0) for name in names] for own in labels])


def _f1(truth: Array, found: Array, axis: int | None) -> Array:
    shared = (truth * found).sum(axis=axis)
    total = truth.sum(axis=axis) + found.sum(axis=axis)
    return np.where(total > 0, 2 * shared / np.maximum(total, 1), np.nan)


def micro_f1(truth: Array, found: Array) -> float:
    """F1 of all labels of all reports pooled, ``(reports, labels)`` of 0 and 1."""
    return float(_f1(truth, found, None))


def macro_f1(truth: Array, found: Array) -> float:
    """Mean over labels of their F1; a label that is nowhere claimed counts 0, as in sklearn."""
    return float(np.nan_to_num(_f1(truth, found, 0)).mean()) if len(truth) else NAN


def example_f1(truth: Array, found: Array) -> float:
    """Mean over reports of their F1; a report without labels in both counts 1."""
    if not len(truth):
        return NAN
    return float(np.nan_to_num(_f1(truth, found, 1), nan=1.0).mean())
