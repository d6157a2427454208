"""Logistic regression in its dual form: more features than films, many blocks of them.

With a Gaussian prior on the weights the solution is a combination of the training films, so
Newton's method runs on their Gram matrix (kernel logistic regression; Zhu and Hastie 2005)
and costs the same for a hundred features as for thousands.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

__all__ = ["Blocks", "fit_dual", "fit_linear", "fit_ridge"]

Array = npt.NDArray[np.float64]
BIAS_VARIANCE = 10.0
STEPS = 15


class Blocks:
    """Scaling of features under which each block has its share of the variance.

    Every feature gets mean 0 and spread 1 over the given rows, and each block of ``size``
    features is then scaled so that a film's squared length is on average its ``share``.

    With ``changes`` the prior also keeps a head steady: the variance of its logit between
    acquisitions of one film, times ``steadiness``, is added to the penalty, as if it had learned
    from small changes of that kind (Bishop 1995, training with noise). The features are
    turned so that the penalty is spherical again.
    """

    def __init__(
        self,
        rows: npt.NDArray[np.float32],
        blocks: list[tuple[int, float]],
        *,
        changes: npt.NDArray[np.float32] | None = None,
        steadiness: float = 0.0,
    ) -> None:
        """Take what the scale is of.

        Args:
            rows: Features ``(n, features)``.
            blocks: (size, share) in the order of the features.
            changes: Differences ``(m, features)`` between acquisitions of one film.
            steadiness: Weight of their mean square; 0 leaves them out.
        """
        self.mean = rows.mean(0, dtype=np.float64)
        spread = rows.std(0, dtype=np.float64) + 1e-3
        factors = np.concatenate([np.full(n, np.sqrt(share / n)) for n, share in blocks])
        self.gain = factors / spread
        self.root: Array | None = None
        if changes is not None and len(changes) and steadiness > 0:
            scaled = changes * self.gain.astype(np.float32)
            penalty = (scaled.T @ scaled).astype(np.float64) * (steadiness / len(scaled))
            self.root = np.linalg.cholesky(penalty + np.eye(len(penalty)))

    def apply(self, rows: npt.NDArray[np.float32]) -> Array:
        """Scaled features ``(n, features)``."""
        scaled = np.asarray((rows - self.mean) * self.gain, np.float64)
        if self.root is None:
            return scaled
        return np.asarray(solve_triangular(self.root, scaled.T, lower=True).T)

    def raw(self, weights: Array) -> Array:
        """Weights ``(features,)`` on raw features, from those on scaled ones."""
        if self.root is not None:
            weights = solve_triangular(self.root, weights, lower=True, trans="T")
        return np.asarray(weights * self.gain)


def fit_dual(gram: Array, truth: Array, weights: Array) -> Array:
    """Dual coefficients ``(n,)`` of the penalised maximum of the weighted likelihood.

    Args:
        gram: Prior covariance of the logits, ``(n, n)``, that of the bias included.
        truth: Labels in [0, 1], soft ones allowed.
        weights: Of each film.
    """
    logits = np.zeros(len(truth))
    alpha = np.zeros(len(truth))
    for _ in range(STEPS):
        prob = 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
        curvature = np.maximum(weights * prob * (1.0 - prob), 1e-6)
        root = np.sqrt(curvature)
        target = curvature * logits + weights * (truth - prob)
        inner = np.eye(len(truth)) + root[:, None] * gram * root[None]
        alpha = target - root * np.linalg.solve(inner, root * (gram @ target))
        found = gram @ alpha
        if float(np.abs(found - logits).max()) < 1e-3:
            break
        logits = found
    return alpha


def fit_ridge(scaled: Array, values: Array, *, noise: float) -> tuple[Array, float]:
    """Ridge regression: weights ``(features,)`` on scaled features, and the bias.

    ``noise`` is the variance of the noise relative to that of the prior.
    """
    mean = float(values.mean())
    gram = scaled @ scaled.T + noise * np.eye(len(values))
    return np.linalg.solve(gram, values - mean) @ scaled, mean


def fit_linear(
    scaled: Array, truth: Array, weights: Array, *, variance: float, apart: int = 0
) -> tuple[Array, float]:
    """Weights ``(features,)`` on scaled features, and the bias.

    Args:
        scaled: Features ``(n, features)``.
        truth: Labels in [0, 1].
        weights: Of each film.
        variance: Prior variance of the logit of a film of average length.
        apart: The last ``apart`` films have a bias of their own besides, which is left out of the
            result: what tells their source from the others' is not learned as disease.
    """
    gram = variance * (scaled @ scaled.T) + BIAS_VARIANCE
    start = len(scaled) - apart
    gram[start:, start:] += BIAS_VARIANCE
    alpha = fit_dual(gram, truth, weights)
    return variance * (alpha @ scaled), BIAS_VARIANCE * float(alpha.sum())
