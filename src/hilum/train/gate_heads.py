"""The heads of the gate: logistic regressions on frozen features, and a distance.

All of them are linear in the features, so they are baked into the network as matrices.
The features are the pooled ones and the grid reduced to a few channels (PCA), both
standardised over the training radiographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from hilum.quality.gate import LABELS
from hilum.train.gate_data import Sample
from hilum.train.gate_features import CELLS

__all__ = ["Distance", "Heads", "Reduction", "fit_distance", "fit_heads", "fit_reduction"]

Array = npt.NDArray[np.float32]
GRID_KEPT = 24
SUBSPACE = 96


@dataclass(frozen=True, slots=True)
class Reduction:
    """From raw features to standardised ones.

    ``channels`` is ``(24, 320)``: principal channels of the grid. ``mean`` and ``scale`` have
    one value a feature, pooled ones first, then ``24 x 49`` of the grid.
    """

    channels: Array
    mean: Array
    scale: Array
    pooled: int

    def raw(self, pooled: npt.NDArray[np.float16], grid: npt.NDArray[np.float16]) -> Array:
        """Features ``(n, pooled + 24 * 49)`` before standardisation."""
        parts = [
            np.einsum("kc,ncs->nks", self.channels, grid[i : i + 512].astype(np.float32))
            for i in range(0, len(grid), 512)
        ]
        cells = np.concatenate(parts).reshape(len(grid), GRID_KEPT * CELLS)
        return np.concatenate([pooled.astype(np.float32), cells], axis=1)

    def apply(self, pooled: npt.NDArray[np.float16], grid: npt.NDArray[np.float16]) -> Array:
        """Standardised features ``(n, pooled + 24 * 49)``."""
        return np.asarray((self.raw(pooled, grid) - self.mean) / self.scale, np.float32)


def fit_reduction(pooled: npt.NDArray[np.float16], grid: npt.NDArray[np.float16]) -> Reduction:
    """Principal channels of the grid and the standardisation, from upright radiographs."""
    step = max(1, len(grid) // 1000)
    cells = grid[::step].astype(np.float32).transpose(0, 2, 1).reshape(-1, grid.shape[1])
    cells = cells - cells.mean(axis=0)
    _, _, axes = np.linalg.svd(cells.T @ cells)
    channels = np.asarray(axes[:GRID_KEPT], np.float32)
    width = pooled.shape[1] + GRID_KEPT * CELLS
    empty = Reduction(channels, np.zeros(width, np.float32), np.ones(width, np.float32), 0)
    raw = empty.raw(pooled, grid)
    # one scale for the whole grid: its cells keep their relative weight
    scale = raw.std(axis=0)
    scale[pooled.shape[1] :] = scale[pooled.shape[1] :].mean()
    floor = 0.1 * float(np.median(scale))
    return Reduction(channels, raw.mean(axis=0), np.maximum(scale, floor), pooled.shape[1])


@dataclass(frozen=True, slots=True)
class Heads:
    """``weight`` ``(labels, features)`` and ``bias`` ``(labels,)``, in the order of LABELS."""

    weight: Array
    bias: Array

    def logits(self, features: Array) -> Array:
        """Logits ``(n, labels)`` of standardised features."""
        return np.asarray(features @ self.weight.T + self.bias, np.float32)


def _fit_binary(
    features: Array, target: npt.NDArray[np.bool_], strength: float
) -> tuple[Array, float]:
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=300)
    model.fit(features, target)
    return np.asarray(model.coef_[0], np.float32), float(model.intercept_[0])


def _select(samples: Sequence[Sample], name: str) -> list[tuple[int, bool]]:
    """Rows that train one binary head and their targets."""
    rows: list[tuple[int, bool]] = []
    for i, s in enumerate(samples):
        if name == "chest" and s.role in ("chest", "mirrored", "negative"):
            rows.append((i, s.role != "negative"))
        elif name == "inverted" and s.role in ("chest", "mirrored", "turned"):
            rows.append((i, s.is_inverted))
        elif name == "mirrored" and s.role in ("chest", "mirrored"):
            rows.append((i, s.is_mirrored))
        elif name == "lateral" and s.role in ("chest", "lateral"):
            rows.append((i, s.role == "lateral"))
        elif name == "ap" and s.role == "chest" and s.view:
            rows.append((i, s.view == "AP"))
        elif name == "child" and s.role == "chest" and s.child is not None:
            rows.append((i, s.child))
    return rows


STRENGTHS = {
    "chest": 3e-3,
    "inverted": 3e-3,
    "mirrored": 1e-3,
    "lateral": 3e-3,
    "ap": 1e-3,
    "child": 1e-3,
    "turns": 3e-3,
}
"""Inverse regularisation of each head."""


def fit_heads(samples: Sequence[Sample], features: Array) -> Heads:
    """Fit every head on training samples and their standardised features."""
    weight = np.zeros((len(LABELS), features.shape[1]), np.float32)
    bias = np.zeros(len(LABELS), np.float32)
    for index, name in enumerate(LABELS):
        if name.startswith("turned"):
            continue
        rows = _select(samples, name)
        target = np.array([flag for _, flag in rows])
        picked = features[[i for i, _ in rows]]
        weight[index], bias[index] = _fit_binary(picked, target, STRENGTHS[name])
    lying = [i for i, s in enumerate(samples) if s.role in ("chest", "turned")]
    turns = np.array([samples[i].quarter_turns for i in lying])
    model = LogisticRegression(C=STRENGTHS["turns"], class_weight="balanced", max_iter=300)
    model.fit(features[lying], turns)
    first = LABELS.index("turned_0")
    weight[first : first + 4], bias[first : first + 4] = model.coef_, model.intercept_
    return Heads(weight, bias)


@dataclass(frozen=True, slots=True)
class Distance:
    """Distance from known chest radiographs in a whitened principal subspace.

    ``whitening`` ``(96, features)`` and ``offset`` ``(96,)`` map standardised features to
    values of unit deviation over upright chest radiographs.
    """

    whitening: Array
    offset: Array

    def novelty(self, features: Array) -> Array:
        """Root mean square of the whitened values ``(n,)``: about 1 for a chest radiograph."""
        white = features @ self.whitening.T + self.offset
        return np.asarray(np.sqrt((white**2).mean(axis=1)), np.float32)


def fit_distance(samples: Sequence[Sample], features: Array) -> Distance:
    """Fit the distance on upright chest radiographs, every source with the same weight."""
    rows = np.array([i for i, s in enumerate(samples) if s.role == "chest"])
    groups = np.array([samples[i].group for i in rows])
    share = np.array([1.0 / (groups == group).sum() for group in groups])
    share = share / share.sum()
    picked = features[rows]
    mean = (share[:, None] * picked).sum(axis=0)
    centred = (picked - mean) * np.sqrt(share)[:, None]
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    kept = min(SUBSPACE, int((singular > 1e-6).sum()))
    whitening = axes[:kept] / singular[:kept, None]
    return Distance(np.asarray(whitening, np.float32), np.asarray(-whitening @ mean, np.float32))
