"""Overlap of two bags of items: the one F1 that graph, structure and timeline scores share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt

__all__ = ["bag_counts", "f1_of_counts", "mean_f1_of_counts"]

Counts = npt.NDArray[np.float64]
NAN = float("nan")


def bag_counts(found: Iterable[Hashable], wanted: Iterable[Hashable]) -> tuple[int, int, int]:
    """How many items two bags share, and the sizes of the first and the second.

    >>> bag_counts("aab", "abc")
    (2, 3, 3)
    """
    first, second = Counter(found), Counter(wanted)
    return (first & second).total(), first.total(), second.total()


def f1_of_counts(counts: Counts) -> float:
    """F1 over all units pooled, from rows of ``bag_counts``; NaN where nothing is anywhere."""
    shared, found, wanted = counts.sum(axis=0)
    return float(2 * shared / (found + wanted)) if found + wanted else NAN


def mean_f1_of_counts(counts: Counts) -> float:
    """Mean of each unit's F1; a unit with nothing in both counts 1, in one 0."""
    if not len(counts):
        return NAN
    total = counts[:, 1] + counts[:, 2]
    values = np.where(total > 0, 2 * counts[:, 0] / np.maximum(total, 1), 1.0)
    return float(values.mean())
