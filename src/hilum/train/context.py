"""Recipe of ``hilum-context``: what the whole film suggests, by frozen features.

The findings members look at the lungs only. This second opinion looks at the whole film, as
linear heads on frozen ImageNet features: means over places of the lungs and the heart (by the
masks of ``hilum-anatomy``), and what is pooled over the film. It is kept apart because part
of what it reads is how a film was acquired (see the model card). Two things weaken that: view
and label are balanced, and the heads are kept steady between acquisitions of one film.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hilum import anatomy
from hilum.findings.places import PLACES, side_weights
from hilum.findings.second_opinion import RATIO, SMALL_CHILD
from hilum.models import load_model
from hilum.train.context_age import age_weights, is_small_child, small_child_figures
from hilum.train.context_features import (
    ContextRecipe,
    compute_changes,
    compute_features,
    measured_ratios,
    network_input,
    pixels_of,
)
from hilum.train.dual import Blocks, fit_linear, fit_ridge
from hilum.train.export_onnx import onnx_session
from hilum.train.findings import fold_of, view_weights
from hilum.train.findings_data import HEADS, Example
from hilum.train.images import upright
from hilum.train.networks import ContextEncoder, ContextNet
from hilum.train.novelty import fit_novelty, novelty_limit

__all__ = [
    "CONTEXT_HEADS",
    "REGIONS",
    "ContextRun",
    "train_context",
]

logger = logging.getLogger(__name__)
CONTEXT_HEADS = (*HEADS, SMALL_CHILD, RATIO)
"""The last is no logit: a second estimate of the ratio, from the image without its masks."""
REGIONS = {"pleural_effusion": ("lower", "base")}
"""Heads whose evidence points at the finding, and where it may lie.

Evidence for atelectasis, infiltration and consolidation pointed no better than chance; edema is
spread over both lungs, so that nothing could be shown (docs/models/hilum-context.md).
"""
GROUPS = {"pneumonia_child": "child", SMALL_CHILD: "all"}
"""Whose films scale the features of a head; adults' where nothing is said."""
NORMALS = 120
"""About as many normal films say what evidence is usual."""


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """Linear heads on raw features: ``weight`` ``(heads, features)`` and two biases.

    ``bias`` ``(heads,)`` goes with the pooled features, ``place_bias`` ``(heads, places)`` makes
    each place's part zero on the average film.
    """

    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    place_bias: npt.NDArray[np.float32]

    def apply(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Outputs ``(n, heads)`` of features ``(n, features)``."""
        return rows @ self.weight.T + self.bias + self.place_bias.sum(1)


@dataclass(frozen=True, slots=True, eq=False)
class ContextRun:
    """The trained heads, cross-fitted logits ``(examples, heads)`` and the limit of novelty.

    An example of the training split is judged by heads that never saw its patient, all others
    by the final heads. ``ratio`` has the figures of the estimated ratio, ``small_child`` those
    of telling small children from others, ``regions`` the places and usual evidence of the
    heads whose evidence is shown.
    """

    net: ContextNet
    logits: npt.NDArray[np.float32]
    novelty_limit: float
    ratio: dict[str, float]
    small_child: dict[str, float]
    regions: dict[str, dict[str, Any]]


def train_context(
    examples: list[Example], *, cache: Path, recipe: ContextRecipe | None = None
) -> ContextRun:
    """Fit the heads, cross-fitted over patients."""
    recipe = recipe or ContextRecipe()
    rows = compute_features(examples, recipe, cache)
    ratios = measured_ratios(examples, cache)
    changes = compute_changes(examples, rows, recipe, cache)
    fold = fold_of([e.patient for e in examples], recipe.folds, seed=recipe.seed)
    is_train = np.array([e.split == "train" for e in examples])
    outputs = np.full((len(examples), len(CONTEXT_HEADS)), np.nan, np.float32)
    for k in range(recipe.folds):
        heads = fit_heads(rows, changes, ratios, examples, is_train & (fold != k), recipe)
        out = np.flatnonzero(is_train & (fold == k))
        outputs[out] = heads.apply(rows[out])
        logger.info("context heads without fold %d", k)
    heads = fit_heads(rows, changes, ratios, examples, is_train, recipe)
    rest = np.flatnonzero(~is_train)
    outputs[rest] = heads.apply(rows[rest])
    pooled = rows[is_train, ContextNet.NOVELTY_FROM : ContextEncoder.POOLED]
    limit = novelty_limit(pooled, fold[is_train])
    net = ContextNet(
        torch.from_numpy(heads.weight),
        torch.from_numpy(heads.bias),
        torch.from_numpy(heads.place_bias),
        fit_novelty(pooled),
    )
    ratio = ratio_figures(outputs[:, -1], ratios, is_train)
    small = small_child_figures(outputs[:, CONTEXT_HEADS.index(SMALL_CHILD)], examples)
    logger.info("novelty limit %.3f, ratio %s, small child %s", limit, ratio, small)
    normals = [e for e, t in zip(examples, is_train, strict=True) if t and e.labels[0] == 0]
    return ContextRun(
        net=net,
        logits=outputs[:, : len(HEADS)],
        novelty_limit=limit,
        ratio=ratio,
        small_child=small,
        regions=usual_evidence(net, normals[:: max(1, len(normals) // NORMALS)], recipe),
    )


def usual_evidence(
    net: ContextNet, normals: list[Example], recipe: ContextRecipe
) -> dict[str, dict[str, Any]]:
    """Mean evidence of normal films by side and place, for each head of ``REGIONS``."""
    session = onnx_session(net, side=recipe.size, outputs=["logits", "evidence", "novelty"])
    finder = load_model("hilum-anatomy")
    found: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in REGIONS}
    for example in normals:
        pixels = pixels_of(example)
        radiograph = upright(pixels)
        weights = side_weights(anatomy.segment(radiograph, finder), radiograph.orientation)
        evidence = session.run(["evidence"], {"image": network_input(pixels, recipe)})[0][0]
        for name, places in REGIONS.items():
            index = [PLACES.index(place) for place in places]
            maps = evidence[CONTEXT_HEADS.index(name)][index]
            mine = weights[:, index]
            total = np.maximum(mine.sum((2, 3)), 1e-6)
            found[name].append((mine * maps[None]).sum((2, 3)) / total)
    return {
        name: {"places": list(REGIONS[name]), "usual": np.mean(rows, 0).round(4).tolist()}
        for name, rows in found.items()
    }


def ratio_figures(
    found: npt.NDArray[np.float32],
    measured: npt.NDArray[np.float64],
    is_train: npt.NDArray[np.bool_],
) -> dict[str, float]:
    """Spread of the cross-fitted estimate about the measured ratio, and their correlation."""
    use = is_train & np.isfinite(measured)
    error = found[use] - measured[use]
    return {
        "sd": round(float(np.sqrt((error * error).mean())), 4),
        "correlation": round(float(np.corrcoef(found[use], measured[use])[0, 1]), 4),
        "n": int(use.sum()),
    }


def fit_heads(
    rows: npt.NDArray[np.float32],
    changes: tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]],
    ratios: npt.NDArray[np.float64],
    examples: list[Example],
    chosen: npt.NDArray[np.bool_],
    recipe: ContextRecipe,
) -> Heads:
    """Logistic regressions of the labels and the age, ridge regression of the measured ratio.

    Features are scaled, and their changes between acquisitions taken, by the films of the age
    group that the head is for. The head of adult
    pneumonia also learns from children of another hospital, with a tenth of the weight and a
    bias of their own: without them it tells sick from healthy children worse than chance.
    """
    labels = np.stack([e.labels for e in examples]).astype(np.float64)
    weights = view_weights(examples, np.flatnonzero(chosen)).numpy().astype(np.float64)
    truths = np.column_stack([labels, is_small_child(examples), ratios])
    weights = np.column_stack([weights, age_weights(examples, chosen), np.ones(len(examples))])
    is_child = np.array([e.source == "kermany" for e in examples])
    scales = {}
    for group, members in (
        ("adult", ~is_child),
        ("child", is_child),
        ("all", np.ones_like(is_child)),
    ):
        mine = chosen & members
        scales[group] = Blocks(
            rows[mine],
            recipe.blocks(),
            changes=changes[0][mine[changes[1]]],
            steadiness=recipe.steadiness,
        )
    count = len(CONTEXT_HEADS)
    heads = Heads(
        np.zeros((count, rows.shape[1]), np.float32),
        np.zeros(count, np.float32),
        np.zeros((count, len(PLACES)), np.float32),
    )
    for head, name in enumerate(CONTEXT_HEADS):
        scale = scales[GROUPS.get(name, "adult")]
        truth = truths[:, head]
        use = np.flatnonzero(chosen & np.isfinite(truth))
        if name == RATIO:
            linear, offset = fit_ridge(scale.apply(rows[use]), truth[use], noise=recipe.ratio_noise)
        elif not 2 <= truth[use].sum() <= len(use) - 2:
            continue
        else:
            films, share = use, weights[use, head]
            if name == "pneumonia_adult":
                films, share = _with_children(use, share, chosen & is_child, recipe)
                truth = np.where(is_child, labels[:, HEADS.index("pneumonia_child")], truth)
            linear, offset = fit_linear(
                scale.apply(rows[films]),
                truth[films] * (1 - 2 * recipe.smoothing) + recipe.smoothing,
                share,
                variance=recipe.prior_variance,
                apart=len(films) - len(use),
            )
        _place(heads, head, scale.raw(linear), scale.mean, offset)
    return heads


def _with_children(
    adults: npt.NDArray[np.int64],
    share: npt.NDArray[np.float64],
    is_child: npt.NDArray[np.bool_],
    recipe: ContextRecipe,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Films and weights of the adults with children after them, together a small share.

    The children are taken at even steps: in the table the healthy come before the sick.
    """
    found = np.flatnonzero(is_child)
    steps = np.linspace(0, len(found) - 1, min(recipe.children_beside, len(found)))
    children = found[steps.astype(np.int64)]
    each = recipe.children_share * len(adults) / max(len(children), 1)
    return np.concatenate([adults, children]), np.concatenate([share, np.full(len(children), each)])


def _place(
    heads: Heads,
    head: int,
    weight: npt.NDArray[np.float64],
    mean: npt.NDArray[np.float64],
    offset: float,
) -> None:
    """Enter one head, the features' means being taken into its biases."""
    heads.weight[head] = weight
    moved = weight * mean
    pooled = ContextEncoder.POOLED
    heads.bias[head] = offset - moved[:pooled].sum()
    start = pooled
    for channels in ContextEncoder.CHANNELS:
        stop = start + channels * len(PLACES)
        heads.place_bias[head] -= moved[start:stop].reshape(len(PLACES), channels).sum(1)
        start = stop
