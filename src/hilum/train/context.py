"""Recipe of ``hilum-context``: what the whole film suggests, by frozen features.

The findings members look at the lungs only. This second opinion looks at the whole film, as
linear heads on frozen ImageNet features. It is kept apart because part of what it reads is
how a film was acquired (see the model card); tone, blur and noise are varied in training and
view and label are balanced to weaken that.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hilum.models.preprocess import resize, stretch_contrast
from hilum.train.augment import sample_tone, sample_warp
from hilum.train.export_onnx import onnx_session
from hilum.train.findings import fold_of, view_weights
from hilum.train.findings_data import HEADS, SIDE, Example
from hilum.train.images import PERCENTILES, load_grey
from hilum.train.networks import ContextEncoder, ContextNet
from hilum.train.novelty import fit_novelty, novelty_limit
from hilum.types import FloatImage

__all__ = ["ContextRecipe", "ContextRun", "train_context"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ContextRecipe:
    """Everything that decides the result; stored beside the weights."""

    size: int = 320
    adult_variants: int = 4
    inverse_penalty: float = 3e-3
    tone_strength: float = 0.8
    seed: int = 17

    def as_dict(self) -> dict[str, Any]:
        """Plain form for a manifest."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class ContextRun:
    """The trained heads, cross-fitted logits ``(examples, heads)`` and the limit of novelty.

    An example of the training split is judged by heads that never saw its patient's fold, all
    others by the final heads.
    """

    net: ContextNet
    logits: npt.NDArray[np.float32]
    novelty_limit: float


def compute_features(
    examples: list[Example], recipe: ContextRecipe, cache: Path
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Features ``(rows, 1296)`` of every example and its variants, and each row's example."""
    path = cache / f"context-{recipe.size}-{recipe.seed}-{len(examples)}.npz"
    if not path.exists():
        session = onnx_session(ContextEncoder(), side=recipe.size, outputs=["features"])
        rows, owners = [], []
        for index, example in enumerate(examples):
            rng = np.random.default_rng([recipe.seed, index])
            pixels: FloatImage = load_grey(example.path, size=SIDE).astype(np.float32)
            pixels = pixels / np.float32(255)
            is_varied = example.source == "nih" and example.split == "train"
            for variant in range(recipe.adult_variants if is_varied else 1):
                image = render(pixels, recipe, rng if variant else None)
                rows.append(session.run(None, {"image": image[None, None]})[0][0])
                owners.append(index)
            if index % 400 == 399:
                logger.info("context features of %d of %d", index + 1, len(examples))
        np.savez(path, rows=np.stack(rows), owners=np.array(owners))
    stored = np.load(path)
    return stored["rows"], stored["owners"]


def render(
    pixels: FloatImage, recipe: ContextRecipe, rng: np.random.Generator | None
) -> FloatImage:
    """The whole film as the network sees it; unvaried, it is what reading prepares."""
    size = recipe.size
    if rng is None:
        return stretch_contrast(resize(pixels, size, size), *PERCENTILES)
    warp = sample_warp(rng, zoom=(0.95, 1.15), degrees=6.0, shift=0.04)
    image = stretch_contrast(resize(warp.apply(pixels, size=2 * size), size, size), *PERCENTILES)
    return sample_tone(rng, strength=recipe.tone_strength).apply(image)


def train_context(
    examples: list[Example],
    *,
    folds: int,
    fold_seed: int,
    cache: Path,
    recipe: ContextRecipe | None = None,
) -> ContextRun:
    """Fit the heads, cross-fitted over the folds of the findings members."""
    recipe = recipe or ContextRecipe()
    rows, owners = compute_features(examples, recipe, cache)
    fold = fold_of([e.patient for e in examples], folds, seed=fold_seed)
    is_train = np.array([e.split == "train" for e in examples])
    logits = np.full((len(examples), len(HEADS)), np.nan, np.float32)
    first = np.unique(owners, return_index=True)[1]  # the unvaried row of each example
    for k in range(folds):
        weight, bias = fit_heads(rows, owners, examples, is_train & (fold != k), recipe)
        out = np.flatnonzero(is_train & (fold == k))
        logits[out] = rows[first[out]] @ weight.T + bias
    weight, bias = fit_heads(rows, owners, examples, is_train, recipe)
    rest = np.flatnonzero(~is_train)
    logits[rest] = rows[first[rest]] @ weight.T + bias
    inside = np.flatnonzero(is_train)
    novelty = fit_novelty(rows[first[inside]])
    limit = novelty_limit(rows[first[inside]], fold[inside])
    logger.info("novelty limit %.3f", limit)
    net = ContextNet(torch.from_numpy(weight), torch.from_numpy(bias), novelty)
    return ContextRun(net, logits, limit)


def fit_heads(
    rows: npt.NDArray[np.float32],
    owners: npt.NDArray[np.int64],
    examples: list[Example],
    chosen: npt.NDArray[np.bool_],
    recipe: ContextRecipe,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Logistic regressions folded to ``weight`` ``(heads, features)`` and ``bias``."""
    labels = np.stack([e.labels for e in examples])
    weights = view_weights(examples, np.flatnonzero(chosen)).numpy()
    matrix = np.zeros((len(HEADS), rows.shape[1]), np.float32)
    bias = np.zeros(len(HEADS), np.float32)
    for head in range(len(HEADS)):
        use = chosen[owners] & np.isfinite(labels[owners, head])
        truth = labels[owners[use], head] > 0.5
        if truth.sum() < 2 or (~truth).sum() < 2:
            continue
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=recipe.inverse_penalty, max_iter=400)
        )
        share = weights[owners[use], head]
        model.fit(rows[use], truth, logisticregression__sample_weight=share)
        scaler, linear = model[0], model[1]
        matrix[head] = linear.coef_[0] / scaler.scale_
        bias[head] = linear.intercept_[0] - float(matrix[head] @ scaler.mean_)
    return matrix, bias
