"""Recipe of ``hilum-findings``: cross-fitted members on a shared frozen trunk.

Adults come as pneumonia-enriched NIH films on which projection and label are entangled, so
every loss term is reweighted until projection says nothing about the label (balanced cells
of view and label). Findings that occur only among the abnormal are learned conditionally,
``P(finding) = P(abnormal) * P(finding | abnormal)``. Patients are split into folds; each
member trains on all folds but one, so calibration and development figures come from
predictions on patients that the member never saw.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from hilum.train.findings_data import HEADS, Example, FeatureBank
from hilum.train.networks import FindingsNet

__all__ = ["FindingsRecipe", "fold_of", "predict", "train_member", "view_weights"]

logger = logging.getLogger(__name__)
HEAD_WEIGHTS = (1.0, 0.7, 0.7, 0.5, 0.5, 0.5, 0.5, 0.5, 0.3, 0.2)


@dataclass(frozen=True, slots=True)
class FindingsRecipe:
    """Everything that decides the result; stored beside the weights."""

    size: int = 256
    folds: int = 3
    members: int = 3
    epochs: int = 12
    batch: int = 24
    children_an_epoch: int = 420
    learning_rate: float = 2e-4
    head_rate: float = 1.5e-3
    weight_decay: float = 0.02
    map_weight: float = 1.0
    smoothing: float = 0.03
    seed: int = 11

    def as_dict(self) -> dict[str, Any]:
        """Plain form for a manifest."""
        return asdict(self)


def fold_of(patients: list[str], folds: int, *, seed: int) -> npt.NDArray[np.int64]:
    """A fold for each example, the same for all examples of one patient."""
    names = sorted(set(patients))
    order = np.random.default_rng(seed).permutation(len(names)) % folds
    fold = dict(zip(names, order, strict=True))
    return np.array([fold[p] for p in patients], np.int64)


def view_weights(examples: list[Example], chosen: npt.NDArray[np.int64]) -> Tensor:
    """Weights ``(examples, heads)`` under which view and label are independent.

    Each cell of view and label gets P(view) P(label) / P(view, label), estimated on the
    chosen examples with one pseudo-count; children and unlabelled entries weigh one.
    """
    weights = np.ones((len(examples), len(HEADS)), np.float32)
    views = np.array([e.view for e in examples])
    labels = np.stack([e.labels for e in examples])
    picked = np.zeros(len(examples), bool)
    picked[chosen] = True
    for head in range(len(HEADS)):
        known = picked & np.isfinite(labels[:, head]) & (views != "")
        for view in ("AP", "PA"):
            for value in (0.0, 1.0):
                cell = known & (views == view) & (labels[:, head] == value)
                both = (cell.sum() + 1) / (known.sum() + 4)
                apart = ((known & (views == view)).sum() + 2) / (known.sum() + 4)
                apart *= ((known & (labels[:, head] == value)).sum() + 2) / (known.sum() + 4)
                weights[(views == view) & (labels[:, head] == value), head] = min(apart / both, 4.0)
    return torch.from_numpy(weights)


def member_loss(
    logits: Tensor,
    opacity: Tensor,
    labels: Tensor,
    maps: Tensor,
    weights: Tensor,
    recipe: FindingsRecipe,
) -> Tensor:
    """Weighted cross-entropy of the known labels plus that of the opacity map."""
    known = torch.isfinite(labels)
    truth = torch.nan_to_num(labels)
    truth = truth * (1 - 2 * recipe.smoothing) + recipe.smoothing
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    head = torch.tensor(HEAD_WEIGHTS)
    loss = (entropy * known * weights * head).sum() / (known * weights * head).sum().clamp(min=1)
    is_mapped = torch.isfinite(maps)
    marked = torch.nan_to_num(maps)
    entropy = F.binary_cross_entropy_with_logits(opacity[:, 0], marked, reduction="none")
    entropy = entropy * is_mapped * (1 + 3 * marked)
    return loss + recipe.map_weight * entropy.sum() / is_mapped.sum().clamp(min=1)


def train_member(
    bank: FeatureBank,
    examples: list[Example],
    chosen: npt.NDArray[np.int64],
    recipe: FindingsRecipe,
    *,
    seed: int,
) -> FindingsNet:
    """Train one member on the chosen examples."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(np.stack([e.labels for e in examples]))
    weights = view_weights(examples, chosen)
    is_child = np.array([e.source == "kermany" for e in examples])
    adults, children = chosen[~is_child[chosen]], chosen[is_child[chosen]]
    epoch_size = len(adults) + min(recipe.children_an_epoch, len(children))
    steps = recipe.epochs * (epoch_size // recipe.batch)
    net = FindingsNet(labels=len(HEADS)).to(memory_format=torch.channels_last)
    inner = [*net.middle.parameters(), *net.late.parameters()]
    known = {id(p) for p in inner}
    outer = [p for p in net.parameters() if id(p) not in known]
    rates = [recipe.learning_rate, recipe.head_rate]
    optimiser = torch.optim.AdamW(
        [{"params": inner, "lr": rates[0]}, {"params": outer, "lr": rates[1]}],
        weight_decay=recipe.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=rates, total_steps=steps + 1, pct_start=0.15
    )
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99)
    )
    began = time.monotonic()
    for epoch in range(recipe.epochs):
        net.train()
        kids = rng.permutation(children)[: recipe.children_an_epoch]
        order = rng.permutation(np.concatenate([adults, kids]))
        total = 0.0
        count = len(order) // recipe.batch
        for start in range(0, count * recipe.batch, recipe.batch):
            index = order[start : start + recipe.batch]
            variant = [int(rng.integers(bank.variants[i])) for i in index]
            features = torch.from_numpy(bank.features[index, variant].astype(np.float32))
            logits, opacity = net(features.contiguous(memory_format=torch.channels_last))
            maps = torch.from_numpy(bank.maps[index, variant].astype(np.float32))
            loss = member_loss(logits, opacity, labels[index], maps, weights[index], recipe)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            average.update_parameters(net)
            total += loss.item()
        pace = (time.monotonic() - began) / (epoch + 1)
        logger.info("epoch %d loss %.4f, %.0f s an epoch", epoch + 1, total / count, pace)
    member = average.module
    assert isinstance(member, FindingsNet)
    return member.eval()


def predict(
    net: FindingsNet, bank: FeatureBank, index: npt.NDArray[np.int64], *, batch: int = 32
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Logits ``(n, heads)`` and opacity logits ``(n, 16, 16)`` of the unvaried examples."""
    logits, maps = [], []
    net.eval()
    for start in range(0, len(index), batch):
        part = index[start : start + batch]
        features = torch.from_numpy(bank.features[part, 0].astype(np.float32))
        with torch.no_grad():
            out, opacity = net(features.contiguous(memory_format=torch.channels_last))
        logits.append(out.numpy())
        maps.append(opacity[:, 0].numpy())
    return np.concatenate(logits), np.concatenate(maps)
