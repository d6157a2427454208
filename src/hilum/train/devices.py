"""Recipe of ``hilum-devices``: tubes, lines and their tips, learned from phantoms only."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader

from hilum.train.anatomy_data import AnatomyRecipe, load_unlabelled
from hilum.train.devices_data import DeviceExamples, DevicesRecipe
from hilum.train.devices_net import DevicesNet
from hilum.train.devices_pool import KINDS, load_device_phantoms

__all__ = ["devices_loss", "fit_devices", "train_devices"]

POSITIVE = 6.0
SMOOTH = 50.0
logger = logging.getLogger(__name__)


def devices_loss(logits: Tensor, lines: Tensor, tips: Tensor) -> Tensor:
    """Cross-entropy that minds rare pixels, and soft Dice of a batch's lines, kind by kind.

    Args:
        logits: ``(batch, 2 * kinds, rows, columns)``.
        lines: ``(batch, kinds, rows, columns)`` in [0, 1].
        tips: Likewise, NaN where unknown.
    """
    kinds = lines.shape[1]
    weight = torch.full((kinds, 1, 1), POSITIVE)
    found = logits[:, :kinds]
    entropy = F.binary_cross_entropy_with_logits(found, lines, pos_weight=weight)
    probs = torch.sigmoid(found)
    both, either = (probs * lines).sum((0, 2, 3)), (probs + lines).sum((0, 2, 3))
    is_there = lines.flatten(2).amax((0, 2)) > 0
    dice = (1 - (2 * both + SMOOTH) / (either + SMOOTH)) * is_there
    loss = 5 * entropy + dice.sum() / is_there.sum().clamp(min=1)
    known = torch.isfinite(tips)
    spots = torch.nan_to_num(tips)
    entropy = F.binary_cross_entropy_with_logits(logits[:, kinds:], spots, reduction="none")
    weighted = entropy * known * (1 + 40 * spots)
    return loss + 5 * weighted.sum() / known.sum().clamp(min=1)


def fit_devices(
    net: DevicesNet,
    batches: Any,
    recipe: DevicesRecipe,
    *,
    checkpoint: Path | None = None,
) -> DevicesNet:
    """Train for ``steps`` batches; returns the moving average of the weights."""
    encoder = [p for p in net.encoder.parameters() if p.requires_grad]
    known = {id(p) for p in net.encoder.parameters()}
    fresh = [p for p in net.parameters() if id(p) not in known]
    rates = [recipe.encoder_rate, recipe.learning_rate]
    optimiser = torch.optim.AdamW(
        [{"params": encoder, "lr": rates[0]}, {"params": fresh, "lr": rates[1]}], weight_decay=1e-4
    )
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.97), use_buffers=True
    )
    net.train()
    overlaps: list[Tensor] = []
    began, running = time.monotonic(), 0.0
    for step, (image, lines, tips) in enumerate(islice(batches, recipe.steps)):
        left = 1 - step / recipe.steps
        share = min(1.0, (step + 1) / 30) * min(1.0, 1.4 * left + 0.01)
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * share
        logits = net(image.contiguous(memory_format=torch.channels_last))
        loss = devices_loss(logits, lines, tips)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        average.update_parameters(net)
        running += loss.item()
        with torch.no_grad():
            overlaps.append(_overlap(logits[:, : lines.shape[1]], lines))
        if step % 20 == 19:
            dice = torch.nanmean(torch.stack(overlaps[-20:]), 0)
            logger.info("Dice %s", " ".join(f"{float(d):.2f}" for d in dice))
            rate = (time.monotonic() - began) / (step + 1)
            logger.info("step %d loss %.3f, %.2f s a step", step + 1, running / 20, rate)
            running = 0.0
        if checkpoint is not None and step % 50 == 49:
            torch.save(average.module.state_dict(), checkpoint)
    net.load_state_dict(average.module.state_dict())
    return net


def _overlap(logits: Tensor, lines: Tensor) -> Tensor:
    """Dice of a batch's lines by kind, NaN where there is none."""
    found = logits > 0
    both, either = (found * lines).sum((0, 2, 3)), (found + lines).sum((0, 2, 3))
    return torch.where(lines.amax((0, 2, 3)) > 0, 2 * both / either, torch.nan)


def train_devices(
    data: Path,
    *,
    cache: Path,
    recipe: DevicesRecipe | None = None,
    workers: int = 1,
) -> tuple[DevicesNet, dict[str, Any]]:
    """Train the network.

    Args:
        data: The folder of the real radiographs, which lend phantoms their look and no more.
        cache: Keeps phantoms, decoded images and checkpoints.
        recipe: None for the shipped one.
        workers: Processes that make phantoms.
    """
    recipe = recipe or DevicesRecipe()
    torch.manual_seed(recipe.seed)
    pool = load_device_phantoms(
        cache / "devices", count=recipe.phantoms, seed=recipe.seed, workers=workers
    )
    films = load_unlabelled(data, AnatomyRecipe(), cache)
    examples = DeviceExamples(pool.part(0, len(pool.images) - recipe.held_out), films, recipe)
    # spawn: in a copy of a process whose OpenCV has threads the first call may hang
    loader = DataLoader(
        examples,
        batch_size=None,
        num_workers=1,
        prefetch_factor=4,
        multiprocessing_context="spawn",
    )
    net = DevicesNet(kinds=len(KINDS)).to(memory_format=torch.channels_last)
    checkpoint = cache / "devices-checkpoint.pt"
    net = fit_devices(net, loader, recipe, checkpoint=checkpoint)
    return net, {"recipe": asdict(recipe)}
