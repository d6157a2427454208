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

__all__ = [
    "HEADS",
    "Distance",
    "Heads",
    "Reduction",
    "calibrate",
    "fit_distance",
    "fit_heads",
    "fit_reduction",
    "fuse_chest",
]

Array = npt.NDArray[np.float32]
GRID_KEPT = 24
SUBSPACE = 48
NOVELTY_WEIGHT, NOVELTY_LIMIT = 6.0, 1.7


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
        elif name == "lateral" and s.role != "mirrored":
            rows.append((i, s.role == "lateral"))
        elif name == "ap" and s.role == "chest" and s.view:
            rows.append((i, s.view == "AP"))
        elif name == "child" and s.role == "chest" and s.child is not None:
            rows.append((i, s.child))
    return rows


STRENGTHS = {
    "chest": 1e-3,
    "inverted": 3e-3,
    "mirrored": 1e-3,
    "lateral": 3e-3,
    "ap": 1e-3,
    "child": 1e-3,
    "turns": 3e-3,
}
"""Inverse regularisation of each head."""
HEADS = tuple(STRENGTHS)
"""Names of the heads; ``turns`` is the four-way one."""


def fit_heads(samples: Sequence[Sample], features: Array, *, names: Sequence[str] = HEADS) -> Heads:
    """Fit the heads ``names`` on training samples and their standardised features."""
    weight = np.zeros((len(LABELS), features.shape[1]), np.float32)
    bias = np.zeros(len(LABELS), np.float32)
    for index, name in enumerate(LABELS):
        if name not in names:
            continue
        rows = _select(samples, name)
        target = np.array([flag for _, flag in rows])
        picked = features[[i for i, _ in rows]]
        weight[index], bias[index] = _fit_binary(picked, target, STRENGTHS[name])
    if "turns" not in names:
        return Heads(weight, bias)
    lying = [i for i, s in enumerate(samples) if s.role in ("chest", "turned")]
    turns = np.array([samples[i].quarter_turns for i in lying])
    model = LogisticRegression(C=STRENGTHS["turns"], class_weight="balanced", max_iter=300)
    model.fit(features[lying], turns)
    first = LABELS.index("turned_0")
    weight[first : first + 4], bias[first : first + 4] = model.coef_, model.intercept_
    return Heads(weight, bias)


@dataclass(frozen=True, slots=True)
class Distance:
    """How far an image lies outside the subspace that chest radiographs span.

    ``axes`` ``(48, features)`` are orthonormal principal axes around ``mean`` in standardised
    features; ``scale`` is the root mean square of what they leave of chest radiographs.
    """

    axes: Array
    mean: Array
    scale: float

    def novelty(self, features: Array) -> Array:
        """Length of the residual ``(n,)`` relative to that of a typical chest radiograph."""
        centred = features - self.mean
        squared = (centred**2).sum(axis=1) - ((centred @ self.axes.T) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squared, 0)) / self.scale, np.float32)


def fit_distance(samples: Sequence[Sample], features: Array) -> Distance:
    """Fit the distance on upright chest radiographs, every source with the same weight."""
    rows = np.array([i for i, s in enumerate(samples) if s.role == "chest"])
    groups = np.array([samples[i].group for i in rows])
    share = np.array([1.0 / (groups == group).sum() for group in groups])
    share = share / share.sum()
    picked = features[rows]
    mean = np.asarray((share[:, None] * picked).sum(axis=0), np.float32)
    centred = (picked - mean) * np.sqrt(share)[:, None]
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    found = Distance(np.asarray(axes[:SUBSPACE], np.float32), mean, 1.0)
    scale = float(np.sqrt((share * found.novelty(picked) ** 2).sum()))
    return Distance(found.axes, mean, scale)


def fuse_chest(logits: Array, novelty: Array) -> Array:
    """Lower the chest logit ``(n, labels)`` of what is novel: 0 is then the limit to refuse.

    What the head is unsure of and what looks like no known radiograph is refused; a head
    that is sure, or a familiar look, makes up for the other. Chosen on sources left out.
    """
    fused = logits.copy()
    fused[:, LABELS.index("chest")] -= NOVELTY_WEIGHT * (novelty - NOVELTY_LIMIT)
    return fused


def calibrate(heads: Heads, name: str, logits: Array, target: npt.NDArray[np.bool_]) -> Heads:
    """Rescale one head so that its probabilities hold on sources it has not seen (Platt).

    Args:
        heads: The heads to change.
        name: Label of the head.
        logits: That head's logits ``(n,)`` on sources that were left out.
        target: What is true of them ``(n,)``.
    """
    model = LogisticRegression(class_weight="balanced").fit(logits[:, None], target)
    slope, shift = float(max(0.0, model.coef_[0, 0])), float(model.intercept_[0])
    weight, bias, index = heads.weight.copy(), heads.bias.copy(), LABELS.index(name)
    weight[index] *= slope
    bias[index] = slope * bias[index] + shift
    return Heads(weight, bias)
