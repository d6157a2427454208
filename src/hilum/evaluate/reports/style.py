"""What a report may not do whatever it is compared with: invent measures and priors."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hilum.text import Document, find_comparisons

__all__ = ["comparison_counts", "mean_value", "measurement_counts", "share_of_counts"]

_MEASURE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(mm|cm)\b", re.IGNORECASE)
_SAME = 0.05


def _millimetres(text: str) -> list[float]:
    return [
        float(value.replace(",", ".")) * (10.0 if unit.lower() == "cm" else 1.0)
        for value, unit in _MEASURE.findall(text)
    ]


def measurement_counts(candidate: str, reference: str) -> tuple[int, int]:
    """Measures in mm or cm of the report that the reference lacks (by 5 %), and all of them.

    >>> measurement_counts("A 12 mm nodule, 3 cm above.", "A 1.2 cm nodule.")
    (1, 2)
    """
    known, found = _millimetres(reference), _millimetres(candidate)
    invented = [v for v in found if not any(abs(v - k) <= _SAME * k for k in known)]
    return len(invented), len(found)


def comparison_counts(document: Document) -> tuple[int, int]:
    """Sentences that speak of an earlier image, and all sentences."""
    spoken = {mention.sentence for mention in find_comparisons(document)}
    return len(spoken - {-1}) + (-1 in spoken), max(len(document.sentences), len(spoken))


def share_of_counts(counts: npt.NDArray[np.float64]) -> float:
    """First over second of the summed rows; NaN where the second is zero."""
    part, whole = counts.sum(axis=0)
    return float(part / whole) if whole else float("nan")


def mean_value(value: Sequence[float] | npt.NDArray[np.float64]) -> float:
    """Mean, undefined values left out."""
    array = np.asarray(value, dtype=float)
    kept = array[~np.isnan(array)]
    return float(kept.mean()) if len(kept) else float("nan")
