"""Sanity checks of explanations: attacks within a bound, and models whose weights are random.

A map that stays the same when the model's weights, or the labels it learned from, are
randomised does not explain the model (Adebayo 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from hilum.errors import require
from hilum.evaluate.audits.explanations import Explainer, Predictor
from hilum.evaluate.findings.labelled import NAN
from hilum.evaluate.images.structure import WINDOW, ssim
from hilum.types import FloatImage

__all__ = [
    "MapSimilarity",
    "attack",
    "attack_map",
    "compare_maps",
    "search_perturbation",
]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MapSimilarity:
    """SSIM of maps scaled to [0, 1], rank correlation of maps and of their absolute values."""

    ssim: float
    rank: float
    absolute_rank: float


def _scaled(heat: Array) -> Array:
    span = float(np.ptp(heat))
    return (heat - heat.min()) / span if span > 0 else np.zeros_like(heat)


def _rank_correlation(first: Array, second: Array) -> float:
    ranks = [rankdata(heat.ravel()) for heat in (first, second)]
    if min(np.ptp(r) for r in ranks) == 0.0:
        return NAN
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def compare_maps(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> MapSimilarity:
    """How alike two maps ``(rows, columns)`` are; ranks are NaN where a map is constant.

    Raises:
        InvalidValueError: Shapes differ, or a side is below 11 pixels.
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    require(
        one.shape == other.shape and one.ndim == 2 and min(one.shape) >= WINDOW,
        f"maps of one shape, at least {WINDOW} pixels a side, got {one.shape} and {other.shape}",
    )
    return MapSimilarity(
        ssim(_scaled(one), _scaled(other)),
        _rank_correlation(one, other),
        _rank_correlation(np.abs(one), np.abs(other)),
    )


def search_perturbation(
    objective: Callable[[FloatImage], float],
    image: FloatImage,
    *,
    bound: float,
    steps: int,
    rng: np.random.Generator,
) -> FloatImage:
    """The image within ``bound`` (maximum norm) and [0, 1] that random search finds best.

    Starts from random vertical stripes or the image itself, then sets random squares to plus or
    minus the bound and keeps what raises the objective (Andriushchenko 2020).

    Args:
        objective: To be raised.
        image: float32 ``(rows, columns)`` in [0, 1].
        bound: Largest change of a pixel.
        steps: Evaluations of the objective after the first two.
        rng: What decides.
    """
    require(bound > 0 and steps >= 1, f"a positive bound and a step, got {bound}, {steps}")
    rows, columns = image.shape

    def bounded(change: npt.NDArray[Any]) -> FloatImage:
        return np.clip(image + change.astype(np.float32), 0.0, 1.0).astype(np.float32)

    change = np.tile(rng.choice([-bound, bound], size=columns), (rows, 1))
    best, value = bounded(change), objective(bounded(change))
    if (own := objective(image)) > value:
        change, best, value = np.zeros(image.shape), image, own
    for step in range(steps):
        share = 0.5 * (1 - step / steps) ** 2
        side = max(1, round(share * min(rows, columns)))
        top, left = rng.integers(rows - side + 1), rng.integers(columns - side + 1)
        trial = change.copy()
        trial[top : top + side, left : left + side] = rng.choice([-bound, bound])
        found = bounded(trial)
        if (reached := objective(found)) > value:
            change, best, value = trial, found, reached
    return best


def attack(
    model: Predictor,
    image: FloatImage,
    *,
    rng: np.random.Generator,
    bound: float = 0.02,
    steps: int = 100,
) -> float:
    """The largest change of the model's answer that random search finds within the bound."""
    own = float(model(image))
    found = search_perturbation(
        lambda x: abs(float(model(x)) - own), image, bound=bound, steps=steps, rng=rng
    )
    return abs(float(model(found)) - own)


def attack_map(
    model: Predictor,
    explainer: Explainer,
    image: FloatImage,
    *,
    rng: np.random.Generator,
    bound: float = 0.02,
    steps: int = 100,
    tolerance: float = 0.05,
) -> float:
    """Rank correlation of the map with the worst that random search finds for it.

    The answer of the model is held within ``tolerance`` (Ghorbani 2019); NaN for a constant map.
    """
    own, heat = float(model(image)), np.asarray(explainer(image), np.float64)

    def difference(changed: FloatImage) -> float:
        if abs(float(model(changed)) - own) > tolerance:
            return -2.0
        found = _rank_correlation(heat, np.asarray(explainer(changed), np.float64))
        return -1.0 if np.isnan(found) else -found

    worst = search_perturbation(difference, image, bound=bound, steps=steps, rng=rng)
    return _rank_correlation(heat, np.asarray(explainer(worst), np.float64))
