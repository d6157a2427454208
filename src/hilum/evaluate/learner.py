"""The fixed learner of audits and of the utility protocol: logistic regression on features.

It stays the same from one evaluation to the next, so that a difference is one of the images
and not of the learner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from hilum.errors import require

__all__ = ["Logistic", "cross_fit", "fit_logistic", "split_groups"]

Array = npt.NDArray[np.float64]
RIDGE = 1.0
"""Weight of half the squared coefficients of standardised features, beside summed losses."""


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """Coefficients ``(dimensions,)`` on raw features and the intercept."""

    coefficients: Array
    intercept: float

    def prob(self, features: Array) -> Array:
        """Probability of the class 1, ``(units,)``, for features ``(units, dimensions)``."""
        return np.asarray(expit(features @ self.coefficients + self.intercept))


def fit_logistic(features: Any, truth: Any, *, ridge: float = RIDGE) -> Logistic:
    """Fit an L2-penalised logistic regression on standardised features.

    Args:
        features: ``(units, dimensions)``, finite; a constant one gets the coefficient 0.
        truth: ``(units,)`` of 0 and 1, both occurring.
        ridge: Penalty on half the squared coefficients, the intercept free.

    Raises:
        InvalidValueError: One class only, or shapes that differ.
    """
    features, truth = np.asarray(features, np.float64), np.asarray(truth, np.float64)
    require(
        features.ndim == 2 and truth.shape == (len(features),),
        f"features (units, dimensions) and truth (units,), got {features.shape}, {truth.shape}",
    )
    require(set(np.unique(truth)) == {0.0, 1.0}, "a classifier learns from both classes, 0 and 1")
    centre, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-12] = np.inf
    standard = (features - centre) / scale
    basis = None
    if len(standard) < standard.shape[1]:
        # the penalised optimum lies in the span of the units: the same fit in fewer dimensions
        left, singular, basis = np.linalg.svd(standard, full_matrices=False)
        standard = left * singular

    def loss(beta: Array) -> tuple[float, Array]:
        logit = standard @ beta[:-1] + beta[-1]
        residual = expit(logit) - truth
        value = np.sum(np.logaddexp(0.0, logit) - truth * logit)
        gradient = np.append(standard.T @ residual + ridge * beta[:-1], residual.sum())
        return float(value + ridge / 2 * np.sum(beta[:-1] ** 2)), gradient

    start = np.zeros(standard.shape[1] + 1)
    options = {"maxiter": 500, "ftol": 1e-12, "gtol": 1e-6}
    beta = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    weights = (beta[:-1] if basis is None else beta[:-1] @ basis) / scale
    return Logistic(weights, float(beta[-1] - weights @ centre))


def split_groups(
    groups: Sequence[str], *, folds: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """The fold of each unit, ``(units,)``; the units of a group share one.

    Raises:
        InvalidValueError: Fewer groups than folds.
    """
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    require(2 <= folds <= len(names), f"{folds} folds need as many groups, got {len(names)}")
    fold = np.arange(len(names)) % folds
    return np.asarray(rng.permutation(fold)[member], dtype=np.intp)


def cross_fit(
    features: Array,
    truth: Array,
    groups: Sequence[str],
    *,
    rng: np.random.Generator,
    folds: int = 5,
    ridge: float = RIDGE,
) -> Array:
    """Out-of-fold probability of every labelled unit, ``(units,)``; NaN where unlabelled.

    A fold whose training part holds one class only stays NaN.
    """
    fold = split_groups(groups, folds=folds, rng=rng)
    result = np.full(len(truth), np.nan)
    known = ~np.isnan(truth)
    for number in range(folds):
        train, test = known & (fold != number), known & (fold == number)
        if test.any() and len(np.unique(truth[train])) == 2:
            fitted = fit_logistic(features[train], truth[train], ridge=ridge)
            result[test] = fitted.prob(features[test])
    return result
