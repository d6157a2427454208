"""Truth of several readers: agreement among them, and scores against an unsure truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.findings.labelled import NAN, Array

__all__ = [
    "cohen_kappa",
    "fleiss_kappa",
    "krippendorff_alpha",
    "over_plausible_truths",
    "vote_shares",
]


def vote_shares(votes: Array) -> Array:
    """Share of readers who call each unit present, ``(units,)``, NaN where none has voted.

    Args:
        votes: ``(units, readers)`` of 0, 1 or NaN.
    """
    cast = ~np.isnan(votes)
    counts = cast.sum(axis=1)
    present = np.where(cast, votes, 0.0).sum(axis=1)
    return np.where(counts > 0, present / np.maximum(counts, 1), np.nan)


def over_plausible_truths(
    metric: Callable[..., float],
    shares: Array,
    prob: Array,
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    **parameters: float,
) -> npt.NDArray[np.float64]:
    """The metric against ``draws`` truths drawn from the readers' shares, ``(draws,)``.

    Each unit is present with the share of readers who said so (or any probability of
    truth), independently; the spread is what unsure truth adds. Stutz 2023.

    Args:
        metric: A metric of ``truth`` and ``prob``.
        shares: ``(units,)`` in [0, 1], NaN for unlabelled.
        prob: ``(units,)`` predictions.
        rng: What decides.
        draws: How many truths.
        parameters: Handed to the metric.
    """
    require(bool(np.nanmin(shares) >= 0 and np.nanmax(shares) <= 1), "shares lie in [0, 1]")
    values = np.empty(draws)
    for number in range(draws):
        truth = (rng.random(len(shares)) < shares).astype(float)
        values[number] = metric(np.where(np.isnan(shares), np.nan, truth), prob, **parameters)
    return values


def cohen_kappa(first: Array, second: Array) -> float:
    """Agreement of two readers beyond chance on any categories (Cohen 1960); NaN skipped."""
    keep = ~(np.isnan(first) | np.isnan(second))
    first, second = first[keep], second[keep]
    if not len(first):
        return NAN
    kinds = np.union1d(first, second)
    observed = float(np.mean(first == second))
    by_chance = sum(float(np.mean(first == k) * np.mean(second == k)) for k in kinds)
    return (observed - by_chance) / (1 - by_chance) if by_chance < 1 else NAN


def fleiss_kappa(votes: Array) -> float:
    """Agreement of equally many readers a unit beyond chance (Fleiss 1971).

    Args:
        votes: ``(units, readers)`` of categories, none missing.
    """
    require(
        not np.isnan(votes).any(), "Fleiss' kappa takes no missing vote; see krippendorff_alpha"
    )
    kinds = np.unique(votes)
    counts = np.stack([(votes == kind).sum(axis=1) for kind in kinds], axis=1)  # (units, kinds)
    readers = votes.shape[1]
    require(readers > 1, "agreement needs two readers")
    observed = float(((counts**2).sum(axis=1) - readers).mean() / (readers * (readers - 1)))
    by_chance = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return (observed - by_chance) / (1 - by_chance) if by_chance < 1 else NAN


def krippendorff_alpha(votes: Array) -> float:
    """Agreement of any number of readers a unit, nominal categories (Krippendorff 2004).

    Args:
        votes: ``(units, readers)`` of categories or NaN; units with one vote count for nothing.
    """
    kinds = np.unique(votes[~np.isnan(votes)])
    counts = np.stack([(votes == kind).sum(axis=1) for kind in kinds], axis=1).astype(float)
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        return NAN
    cast = counts.sum(axis=1)
    agreeing = ((counts * (counts - 1)).sum(axis=1) / (cast - 1)).sum()
    total, by_kind = cast.sum(), counts.sum(axis=0)
    by_chance = (by_kind * (by_kind - 1)).sum() / (total - 1)
    return float(1 - (total - agreeing) / (total - by_chance)) if total > by_chance else NAN
