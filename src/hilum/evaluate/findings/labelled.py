"""What every metric of findings shares: drop what is unlabelled, refuse what is no probability.

Truth is 1 (present), 0 (absent) or NaN (unlabelled, uncertain): an unlabelled image counts
for no metric of that label, neither as negative nor as positive.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hilum.errors import require

__all__ = ["NAN", "Array", "labelled", "macro", "positives"]

Array = npt.NDArray[np.float64]
NAN = float("nan")


def labelled(truth: Array, prob: Array) -> tuple[Array, Array]:
    """The labelled units of one finding that have a prediction.

    Args:
        truth: ``(units,)`` of 0, 1 or NaN.
        prob: ``(units,)`` in [0, 1], NaN where there is no prediction.

    Raises:
        InvalidValueError: Lengths differ, truth is neither 0, 1 nor NaN, or a probability
            lies outside [0, 1].
    """
    truth, prob = np.asarray(truth, dtype=np.float64), np.asarray(prob, dtype=np.float64)
    require(
        truth.shape == prob.shape and truth.ndim == 1,
        f"truth and probabilities of one finding are of one length, got {truth.shape} and "
        f"{prob.shape}",
    )
    keep = ~(np.isnan(truth) | np.isnan(prob))
    truth, prob = truth[keep], prob[keep]
    require(bool(np.all((truth == 0) | (truth == 1))), "truth is 0, 1 or NaN (unlabelled)")
    require(bool(np.all((prob >= 0) & (prob <= 1))), "probabilities lie in [0, 1]")
    return truth, prob


def positives(truth: Array) -> tuple[int, int]:
    """How many are present and how many absent."""
    present = int(np.sum(truth == 1))
    return present, len(truth) - present


def macro(metric: Callable[..., float], *, is_weighted: bool = False) -> Callable[..., float]:
    """The mean of a metric over labels (columns), by number of positives where weighted.

    A label for which the metric is undefined counts for nothing; NaN when all are.
    """

    def compute(truth: Array, prob: Array, **parameters: float) -> float:
        require(truth.ndim == 2, f"macro takes (units, labels), got shape {truth.shape}")
        values = np.array(
            [metric(t, p, **parameters) for t, p in zip(truth.T, prob.T, strict=True)]
        )
        weights = np.ones(len(values))
        if is_weighted:
            weights = np.sum(np.where(np.isnan(prob), 0.0, truth) == 1, axis=0).astype(float)
        keep = ~np.isnan(values) & (weights > 0)
        return float(np.average(values[keep], weights=weights[keep])) if keep.any() else NAN

    return compute
