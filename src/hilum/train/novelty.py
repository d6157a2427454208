"""How far a film lies from those that were learned from: probabilistic PCA of its features.

The distance of Tipping and Bishop (1999): along the leading directions each deviation counts
in its own standard deviations, all that is left counts in the residual one. It is part of
``hilum-context``, and a film beyond the limit is not assessed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

__all__ = ["Novelty", "fit_novelty", "novelty_limit"]

DIRECTIONS = 48
QUANTILE = 0.999
Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """``directions`` ``(k, features)`` of standardised features, and the spreads along them."""

    mean: Array
    scale: Array
    directions: Array
    spread: Array
    residual: float

    def distance(self, rows: Array) -> Array:
        """Root mean square deviation ``(n,)`` of features ``(n, features)``; near 1 inside."""
        z = (rows - self.mean) / self.scale
        along = z @ self.directions.T
        rest = np.maximum((z * z).sum(1) - (along * along).sum(1), 0.0)
        square = ((along / self.spread) ** 2).sum(1) + rest / self.residual**2
        return np.asarray(np.sqrt(square / rows.shape[1]), np.float32)


def fit_novelty(rows: Array) -> Novelty:
    """Fit to features ``(n, features)`` of the films that are inside by definition."""
    mean, scale = rows.mean(0), np.maximum(rows.std(0), 1e-3)
    fitted = PCA(DIRECTIONS, random_state=0).fit((rows - mean) / scale)
    return Novelty(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        directions=fitted.components_.astype(np.float32),
        spread=np.sqrt(fitted.explained_variance_).astype(np.float32),
        residual=float(np.sqrt(fitted.noise_variance_)),
    )


def novelty_limit(rows: Array, fold: npt.NDArray[np.int64]) -> float:
    """Distance that one film in a thousand of unseen training patients exceeds.

    Args:
        rows: Features ``(n, features)``.
        fold: A fold for each row, the same for all of one patient.
    """
    distances = np.concatenate(
        [fit_novelty(rows[fold != k]).distance(rows[fold == k]) for k in np.unique(fold)]
    )
    return float(np.quantile(distances, QUANTILE))
