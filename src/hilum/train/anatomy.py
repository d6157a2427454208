"""Recipe of ``hilum-anatomy``: lungs, cardiomediastinum, airways and the carina.

Seven rounds. The first two learn from the annotated adults whose licence allows it and from
the lung masks of children; the others add the network's own predictions on unlabelled adults
(self training, Xie et al. 2020) where they are confident. The annotated images that may not train
shipped weights, from other patients, are the development set.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from hilum.anatomy import analyse
from hilum.train.anatomy_data import (
    STRUCTURES,
    UNKNOWN,
    AnatomyRecipe,
    Pool,
    draw_sample,
    load_adults,
    load_children,
    load_unlabelled,
)
from hilum.train.images import ByteImage, stretch_percentiles, upright
from hilum.train.networks import AnatomyNet
from hilum.types import FloatImage

__all__ = ["AnatomyRecipe", "train_anatomy"]

# few images show heart and airways outlined, and the airways are thin: they count for more
CHANNEL_WEIGHTS = torch.tensor([1.0, 1.0, 2.0, 3.0, 1.0])[None, :, None, None]
logger = logging.getLogger(__name__)


def pseudo_label(model: AnatomyNet, images: ByteImage, recipe: AnatomyRecipe) -> Pool:
    """The model's own confident predictions on ``images`` as targets.

    A pixel whose probability is in the doubtful middle is unknown; an image whose lungs are
    too small or whose certainty is low is left out.
    """
    kept, targets, carinas = [], [], []
    for index, image in enumerate(images):
        probs = predict(model, stretch_percentiles(image), size=recipe.size)
        inside = [float(p[p > 0.5].mean()) if (p > 0.5).sum() > 50 else 0.0 for p in probs[:4]]
        if min(inside[:3]) < recipe.confidence or (probs[:2] > 0.5).mean((1, 2)).min() < 0.02:
            continue
        soft = np.stack([cv2.resize(p, image.shape[::-1]) for p in probs])
        target = np.round(soft[:4] * 254).astype(np.uint8)
        target[(soft[:4] > 0.35) & (soft[:4] < 0.65)] = UNKNOWN
        if inside[3] < recipe.confidence:
            target[3] = UNKNOWN
        peak = np.unravel_index(soft[4].argmax(), soft[4].shape)
        carina = (np.array(peak[::-1], np.float32) + 0.5) / image.shape[0]
        kept.append(index)
        targets.append(target)
        carinas.append(carina if soft[4].max() > 0.3 else np.full(2, np.nan, np.float32))
    logger.info("pseudo-labels: kept %d of %d images", len(kept), len(images))
    stack = np.stack(targets)
    unknown = (stack[:, 0] == UNKNOWN) | (stack[:, 1] == UNKNOWN)
    union = np.where(unknown, UNKNOWN, stack[:, :2].max(1)).astype(np.uint8)
    return Pool(images[kept], stack, union, np.stack(carinas).astype(np.float32))


def predict(model: AnatomyNet, image: FloatImage, *, size: int) -> FloatImage:
    """Probability maps ``(5, size, size)`` of one stretched image in [0, 1]."""
    model.eval()  # otherwise batch normalisation would learn from this one image
    small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    with torch.no_grad():
        logits = model(torch.from_numpy(small)[None, None])
    return np.asarray(torch.sigmoid(logits)[0].numpy(), np.float32)


def anatomy_loss(logits: Tensor, targets: Tensor, union: Tensor, carina: Tensor) -> Tensor:
    """Cross-entropy and soft Dice where targets are known, plus the carina's heat map."""
    lungs = torch.maximum(logits[:, 0], logits[:, 1])
    known_sides = torch.isfinite(targets[:, :2]).all(1)
    union = torch.where(known_sides, torch.nan, union)
    planes = torch.cat([logits[:, :4], lungs[:, None]], 1)
    truth = torch.cat([targets, union[:, None]], 1)
    known = torch.isfinite(truth)
    truth = torch.nan_to_num(truth)
    entropy = F.binary_cross_entropy_with_logits(planes, truth, reduction="none")
    loss = (entropy * known * CHANNEL_WEIGHTS).sum() / known.sum().clamp(min=1)
    probs = torch.sigmoid(planes) * known
    overlap = (probs * truth).sum((2, 3))
    total = (probs + truth * known).sum((2, 3))
    is_known = known.flatten(2).float().mean(2) > 0.5
    dice = 1 - (2 * overlap + 20) / (total + 20)
    weighted_dice = dice * is_known * CHANNEL_WEIGHTS[..., 0, 0]
    loss = loss + weighted_dice.sum() / is_known.sum().clamp(min=1)
    has_fork = torch.isfinite(carina)
    fork = torch.nan_to_num(carina)
    entropy = F.binary_cross_entropy_with_logits(logits[:, 4], fork, reduction="none")
    weighted = entropy * has_fork * (1 + 20 * fork)
    return loss + 2.0 * weighted.sum() / has_fork.sum().clamp(min=1)


def run_round(
    model: AnatomyNet,
    pools: list[tuple[Pool, int]],
    recipe: AnatomyRecipe,
    *,
    steps: int,
    rng: np.random.Generator,
    is_averaged: bool,
) -> None:
    """Train for ``steps`` batches that take the given number of examples of each pool."""
    encoder = [p for p in model.encoder.parameters() if p.requires_grad]
    known = {id(p) for p in model.encoder.parameters()}
    decoder = [p for p in model.parameters() if id(p) not in known]
    optimiser = torch.optim.AdamW(
        [
            {"params": encoder, "lr": recipe.encoder_rate},
            {"params": decoder, "lr": recipe.learning_rate},
        ],
        weight_decay=1e-4,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=[recipe.encoder_rate, recipe.learning_rate],
        total_steps=steps,
        pct_start=0.1,
    )
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.98), use_buffers=True
    )
    model.train()
    began, running = time.monotonic(), 0.0
    for step in range(steps):
        samples = [draw_sample(p, recipe, rng) for p, count in pools for _ in range(count)]
        image = torch.from_numpy(np.stack([s.image for s in samples]))[:, None]
        loss = anatomy_loss(
            model(image.contiguous(memory_format=torch.channels_last)),
            torch.from_numpy(np.stack([s.targets for s in samples])),
            torch.from_numpy(np.stack([s.union for s in samples])),
            torch.from_numpy(np.stack([s.carina for s in samples])),
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(model)
        running += loss.item()
        if step % 20 == 19:
            rate = (time.monotonic() - began) / (step + 1)
            logger.info("step %d/%d loss %.4f, %.2f s a step", step + 1, steps, running / 20, rate)
            running = 0.0
    if is_averaged:
        model.load_state_dict(average.module.state_dict())


def evaluate(model: AnatomyNet, pool: Pool, recipe: AnatomyRecipe) -> dict[str, list[float]]:
    """Dice of each structure, and carina error and ratio error, one value an image.

    ``ratio_error`` is that of the maps as they are, ``read_ratio_error`` that of the masks which a
    reading makes of them.
    """
    scores: dict[str, list[float]] = {name: [] for name in STRUCTURES}
    scores |= {"lungs": [], "carina_error": [], "ratio_error": [], "read_ratio_error": []}
    for index, image in enumerate(pool.images):
        probs = predict(model, stretch_percentiles(image), size=recipe.size)
        probs = np.stack([cv2.resize(p, image.shape[::-1]) for p in probs])
        for channel, name in enumerate(STRUCTURES):
            truth = pool.targets[index, channel]
            if not (truth == UNKNOWN).any():
                scores[name].append(dice_of(probs[channel] > 0.5, truth > 127))
        if not (pool.union[index] == UNKNOWN).any():
            scores["lungs"].append(dice_of(probs[:2].max(0) > 0.5, pool.union[index] > 127))
        if np.isfinite(pool.carina[index, 0]):
            peak = np.unravel_index(probs[4].argmax(), probs[4].shape)
            found = (np.array(peak[::-1]) + 0.5) / image.shape[0]
            scores["carina_error"].append(float(np.hypot(*(found - pool.carina[index]))))
        if not (pool.targets[index, :3] == UNKNOWN).any():
            wanted = _ratio(pool.targets[index, :3] > 127)
            scores["ratio_error"].append(abs(_ratio(probs[:3] > 0.5) - wanted))
            read = _read_ratio(image, probs)
            if read is not None:
                scores["read_ratio_error"].append(abs(read - wanted))
    return scores


def _read_ratio(image: ByteImage, probs: FloatImage) -> float | None:
    """The ratio as a reading measures it on these maps; None where a mask is implausible."""
    radiograph = upright(image.astype(np.float32) / np.float32(255))
    maps = dict(zip(STRUCTURES, probs, strict=False))
    found = analyse(radiograph, maps).measurement("cardiothoracic_ratio")
    return None if found is None else found.value


def dice_of(found: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    """Dice coefficient of two masks; 1 where both are empty."""
    total = int(found.sum() + truth.sum())
    return 2.0 * float((found & truth).sum()) / total if total else 1.0


def _ratio(masks: npt.NDArray[np.bool_]) -> float:
    heart = np.flatnonzero(masks[2].any(0))
    lungs = masks[0] | masks[1]
    widths = [np.ptp(np.flatnonzero(row)) + 1 for row in lungs if row.any()]
    return float(np.ptp(heart) + 1) / max(widths) if heart.size and widths else 0.0


def train_anatomy(
    data: Path, *, cache: Path, recipe: AnatomyRecipe | None = None
) -> tuple[AnatomyNet, dict[str, Any]]:
    """Train the network; returns it with its resolved recipe and development figures."""
    recipe = recipe or AnatomyRecipe()
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    adults = load_adults(data, recipe, usable=True)
    held_out = load_adults(data, recipe, usable=False)
    children = load_children(data, recipe, cache, split="train")
    logger.info(
        "%d adults, %d children, %d held out",
        len(adults.images),
        len(children.images),
        len(held_out.images),
    )
    model = AnatomyNet().to(memory_format=torch.channels_last)
    for number, (steps, mix) in enumerate(zip(recipe.steps, recipe.mixes, strict=True)):
        checkpoint = cache / f"anatomy-{number}.pt"
        if checkpoint.exists():
            model.load_state_dict(torch.load(checkpoint))
        else:
            pools = [(adults, mix[0]), (children, mix[1])]
            if mix[2]:
                images = load_unlabelled(data, recipe, cache)
                pools.append((pseudo_label(model, images, recipe), mix[2]))
            is_averaged = number + 1 in recipe.averaged_rounds
            run_round(model, pools, recipe, steps=steps, rng=rng, is_averaged=is_averaged)
            torch.save(model.state_dict(), checkpoint)
        figures = evaluate(model, held_out, recipe)
        log_scores(f"round {number + 1}", figures)
    return model, {"recipe": asdict(recipe), "development": figures}


def log_scores(title: str, scores: dict[str, list[float]]) -> None:
    """Log the mean of each score."""
    text = ", ".join(f"{k} {np.mean(v):.4f} (n={len(v)})" for k, v in scores.items() if v)
    logger.info("%s: %s", title, text)
