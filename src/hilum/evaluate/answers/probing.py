"""Adversarial pairs and consistency: right for a reason, or by saying yes to everything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.errors import require

__all__ = ["mean_by_set", "pair_accuracy"]

Array = npt.NDArray[np.float64]


def _by_key(keys: npt.NDArray[np.str_]) -> list[npt.NDArray[np.intp]]:
    """Rows of each key; rows without a key belong to no set."""
    kept = np.flatnonzero(keys != "")
    if not len(kept):
        return []
    _, inverse = np.unique(keys[kept], return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    return [kept[rows] for rows in np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1)]


def pair_accuracy(value: Array, pair: npt.NDArray[np.str_]) -> float:
    """Share of pairs of which every member is right: the question and its negation or twin.

    Args:
        value: ``(questions,)`` of 1 right, 0 wrong.
        pair: ``(questions,)`` name of the pair, empty for none. A name that stands once (its
            twin was not drawn into a resample, or not asked) counts for nothing.
    """
    require(len(value) == len(pair), f"{len(value)} answers for {len(pair)} pairs")
    sets = [rows for rows in _by_key(pair) if len(rows) > 1]
    return float(np.mean([value[rows].all() for rows in sets])) if sets else float("nan")


def mean_by_set(value: Array, group: npt.NDArray[np.str_]) -> float:
    """Consistency: mean over sets of rephrased questions of the share that agrees with most.

    Args:
        value: ``(questions,)`` of 1 right, 0 wrong (or any category as a number).
        group: ``(questions,)`` name of the set, empty for none.
    """
    sets = [rows for rows in _by_key(group) if len(rows) > 1]
    shares = [np.unique(value[rows], return_counts=True)[1].max() / len(rows) for rows in sets]
    return float(np.mean(shares)) if shares else float("nan")
