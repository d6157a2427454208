"""Recipe of ``hilum-structures``: what no real film here has masks of, from phantoms.

The network learns ribs, clavicles, spine, aortic arch, hila, hemidiaphragms, tubes and lines
from phantoms made to look like films. Real films take part with the anatomy alone. The same
recipe without real films is the measure of how far phantoms carry.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from hilum.models.registry import shipped_directory
from hilum.train.anatomy import dice_of, evaluate, log_scores, pseudo_label
from hilum.train.anatomy_data import (
    AnatomyRecipe,
    Pool,
    load_adults,
    load_children,
    load_unlabelled,
)
from hilum.train.images import ByteImage, stretch_percentiles
from hilum.train.networks import AnatomyNet, StructuresNet
from hilum.train.phantom_pool import ANATOMY, PLANES, POINTS, PhantomPool, load_phantoms
from hilum.train.restore import freeze_norms, restore_convolutions
from hilum.train.structures_data import Example, StructuresRecipe, draw_phantom, draw_real

__all__ = [
    "blend",
    "cold_network",
    "fit",
    "mix_phantoms",
    "score_phantoms",
    "structures_loss",
    "train_structures",
    "warm_network",
]

PLANE_WEIGHTS = {
    "cardiomediastinum": 2.0,
    "airways": 2.0,
    "left_clavicle": 2.0,
    "right_clavicle": 2.0,
    "left_hemidiaphragm": 2.0,
    "right_hemidiaphragm": 2.0,
    "endotracheal_tube": 3.0,
    "nasogastric_tube": 3.0,
    "central_venous_line": 3.0,
}
CHILDREN = 300
MIXED_SHARE = 0.5
"""Weight of the network that saw phantoms; the mean is better than either (docs/log.md)."""
HELD_OUT = 25
"""Phantoms that train nothing."""
logger = logging.getLogger(__name__)
Draw = Callable[[np.random.Generator], list[Example]]


def structures_loss(logits: Tensor, planes: Tensor, heat: Tensor) -> Tensor:
    """Cross-entropy and soft Dice of the planes, weighted cross-entropy of the points.

    Args:
        logits: ``(batch, planes + points, rows, columns)``, at half the image's size.
        planes: ``(batch, planes, rows, columns)`` in [0, 1], NaN where unknown.
        heat: ``(batch, points, rows, columns)`` likewise.
    """
    weights = torch.tensor([PLANE_WEIGHTS.get(name, 1.0) for name in PLANES])
    found = logits[:, : len(PLANES)]
    known = torch.isfinite(planes)
    truth = torch.nan_to_num(planes)
    entropy = F.binary_cross_entropy_with_logits(found, truth, reduction="none") * known
    loss = (entropy * weights[:, None, None]).sum() / known.sum().clamp(min=1)
    probs = torch.sigmoid(found) * known
    dice = 1 - (2 * (probs * truth).sum((2, 3)) + 20) / ((probs + truth * known).sum((2, 3)) + 20)
    is_known = known.flatten(2).float().mean(2) > 0.5
    loss = loss + (dice * is_known * weights).sum() / is_known.sum().clamp(min=1)
    has_point = torch.isfinite(heat)
    spots = torch.nan_to_num(heat)
    entropy = F.binary_cross_entropy_with_logits(logits[:, len(PLANES) :], spots, reduction="none")
    weighted = entropy * has_point * (1 + 20 * spots)
    return loss + 2.0 * weighted.sum() / has_point.sum().clamp(min=1)


def cold_network(*, frozen_blocks: int) -> StructuresNet:
    """The network with an ImageNet encoder."""
    planes, points = len(PLANES) - len(ANATOMY), len(POINTS) - 1
    return StructuresNet(planes=planes, points=points, frozen_blocks=frozen_blocks)


def warm_network(*, frozen_blocks: int) -> StructuresNet:
    """The network whose anatomy is the shipped one, with its normalisations folded away."""
    net = cold_network(frozen_blocks=frozen_blocks)
    restore_convolutions(net.anatomy, shipped_directory() / "hilum-anatomy.onnx", side=256)
    return net


def blend(first: AnatomyNet, second: AnatomyNet, *, share: float) -> AnatomyNet:
    """A network with the weighted mean of two networks' weights, ``share`` being the second's.

    What went on from the first keeps to its neighbourhood, where the mean is as good as either
    (Wortsman et al. 2022).
    """
    net, mine, other = AnatomyNet(), first.state_dict(), second.state_dict()
    mixed = {
        name: torch.lerp(value, other[name], share) if value.is_floating_point() else value
        for name, value in mine.items()
    }
    net.load_state_dict(mixed)
    return net


def fit(
    net: StructuresNet,
    draw: Draw,
    recipe: StructuresRecipe,
    *,
    steps: int,
    rng: np.random.Generator,
) -> StructuresNet:
    """Train for ``steps`` batches; returns the moving average of the weights."""
    encoder = [p for p in net.anatomy.encoder.parameters() if p.requires_grad]
    known = {id(p) for p in net.anatomy.encoder.parameters()}
    decoder = [p for p in net.anatomy.parameters() if id(p) not in known]
    fresh = [*net.detail.parameters(), *net.out.parameters()]
    parts = {recipe.learning_rate: decoder, recipe.fresh_rate: fresh}
    if encoder:
        parts[recipe.encoder_rate] = encoder
    rates = list(parts)
    groups = [{"params": part, "lr": rate} for rate, part in parts.items()]
    optimiser = torch.optim.AdamW(groups, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=rates, total_steps=steps, pct_start=0.1
    )
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.98), use_buffers=True
    )
    net.train()
    if recipe.is_warm:
        freeze_norms(net.anatomy)
    began, running = time.monotonic(), 0.0
    for step in range(steps):
        examples = draw(rng)
        image = torch.from_numpy(np.stack([e.image for e in examples]))[:, None]
        logits = net(image.contiguous(memory_format=torch.channels_last))
        planes = torch.from_numpy(np.stack([e.planes for e in examples]))
        heat = torch.from_numpy(np.stack([e.heat for e in examples]))
        loss = structures_loss(logits, planes, heat)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(net)
        running += loss.item()
        if step % 20 == 19:
            rate = (time.monotonic() - began) / (step + 1)
            logger.info("step %d/%d loss %.4f, %.2f s a step", step + 1, steps, running / 20, rate)
            running = 0.0
    net.load_state_dict(average.module.state_dict())
    return net


def _teach(data: Path, cache: Path, recipe: AnatomyRecipe, start: AnatomyNet | None) -> Pool:
    """Unlabelled adults as the anatomy network sees them that is begun with, or the shipped one."""
    teacher = start or AnatomyNet()
    if start is None:
        restore_convolutions(teacher, shipped_directory() / "hilum-anatomy.onnx", side=recipe.size)
    path = cache / "structures-taught.npz"
    if path.exists():
        with np.load(path) as stored:
            return Pool(**{name: stored[name] for name in ("images", "targets", "union", "carina")})
    pool = pseudo_label(teacher, load_unlabelled(data, recipe, cache), recipe)
    np.savez_compressed(
        path, images=pool.images, targets=pool.targets, union=pool.union, carina=pool.carina
    )
    return pool


def _children(data: Path, cache: Path, recipe: AnatomyRecipe) -> Pool:
    """Children whose two lungs are told apart."""
    pool = load_children(data, recipe, cache, split="train")
    both = np.flatnonzero((pool.targets[:, 0, 0, 0] != 255) & (pool.targets[:, 1, 0, 0] != 255))
    rows = both[:: max(1, len(both) // CHILDREN)]
    return Pool(pool.images[rows], pool.targets[rows], pool.union[rows], pool.carina[rows])


def mix_phantoms(
    net: AnatomyNet, data: Path, *, cache: Path, phantoms: int, workers: int = 1
) -> tuple[AnatomyNet, dict[str, Any]]:
    """Go on from a trained anatomy with phantoms among the real films, and keep a mean of both.

    Returns:
        The network, and the recipe with the ``development`` figures of the anatomy.
    """
    recipe = StructuresRecipe(phantoms=phantoms)
    checkpoint, mixed = cache / f"anatomy-mixed-{phantoms}.pt", AnatomyNet()
    if checkpoint.exists():
        mixed.load_state_dict(torch.load(checkpoint))
    else:
        whole, _ = train_structures(data, cache=cache, recipe=recipe, workers=workers, start=net)
        mixed.load_state_dict(whole.anatomy.state_dict())
        torch.save(mixed.state_dict(), checkpoint)
    net = blend(net, mixed, share=MIXED_SHARE)
    real = AnatomyRecipe(size=recipe.size)
    figures = evaluate(net, load_adults(data, real, usable=False), real)
    log_scores("anatomy with phantoms", figures)
    return net, {"recipe": {**asdict(recipe), "share": MIXED_SHARE}, "development": figures}


def train_structures(
    data: Path,
    *,
    cache: Path,
    recipe: StructuresRecipe | None = None,
    workers: int = 1,
    start: AnatomyNet | None = None,
) -> tuple[StructuresNet, dict[str, Any]]:
    """Train the network.

    Args:
        data: The folder of the real radiographs.
        cache: Keeps phantoms, decoded images and checkpoints.
        recipe: Its ``mixed_steps`` of 0 trains on phantoms alone.
        workers: Processes that make phantoms.
        start: The anatomy to begin with; None takes the shipped one if the recipe is warm.

    Returns:
        The network, and its resolved recipe with the ``development`` figures of the anatomy on
        real films and the ``figures`` of every plane on phantoms that trained nothing.
    """
    recipe = recipe or StructuresRecipe()
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    phantoms, held_out = load_phantoms(
        cache / "phantoms", count=recipe.phantoms, seed=recipe.seed, workers=workers
    ).split(HELD_OUT)
    real = AnatomyRecipe(size=recipe.size)
    films = load_unlabelled(data, real, cache)
    begin = warm_network if recipe.is_warm else cold_network
    net = begin(frozen_blocks=recipe.frozen_blocks)
    if start is not None:
        net.anatomy.load_state_dict(start.state_dict())
    net = net.to(memory_format=torch.channels_last)
    if recipe.phantom_steps:
        draw = _phantoms_alone(phantoms, films, recipe)
        net = fit(net, draw, recipe, steps=recipe.phantom_steps, rng=rng)
    if recipe.mixed_steps:
        pools = (load_adults(data, real, usable=True), _teach(data, cache, real, start),
                 _children(data, cache, real))  # fmt: skip
        draw = _mixed(phantoms, films, pools, recipe)
        net = fit(net, draw, recipe, steps=recipe.mixed_steps, rng=rng)
    development = evaluate(net.anatomy, load_adults(data, real, usable=False), real)
    log_scores("anatomy of the development adults", development)
    figures = score_phantoms(net, held_out, recipe)
    log_scores("phantoms held out", figures)
    return net, {"recipe": asdict(recipe), "development": development, "figures": figures}


def score_phantoms(
    net: StructuresNet, pool: PhantomPool, recipe: StructuresRecipe
) -> dict[str, list[float]]:
    """Dice of each plane on phantoms, one value a phantom that has it."""
    net.eval()
    scores: dict[str, list[float]] = {f"phantom_{name}": [] for name in PLANES}
    side, size = pool.images.shape[1], (recipe.size, recipe.size)
    for index, image in enumerate(pool.images):
        grey = cv2.resize(stretch_percentiles(image), size, interpolation=cv2.INTER_AREA)
        with torch.no_grad():
            maps = torch.sigmoid(net(torch.from_numpy(grey)[None, None]))[0].numpy()
        for name, values, truth in zip(PLANES, maps, pool.masks(index), strict=False):
            if truth.any():
                found = cv2.resize(values, (side, side)) > 0.5
                scores[f"phantom_{name}"].append(dice_of(found, truth))
    return scores


def _phantoms_alone(phantoms: PhantomPool, films: ByteImage, recipe: StructuresRecipe) -> Draw:
    def draw(rng: np.random.Generator) -> list[Example]:
        return [draw_phantom(phantoms, films, recipe, rng) for _ in range(recipe.batch)]

    return draw


def _mixed(
    phantoms: PhantomPool,
    films: ByteImage,
    pools: tuple[Pool, Pool, Pool],
    recipe: StructuresRecipe,
) -> Draw:
    adults, taught, children = pools
    simulated, annotated, learned = recipe.mix

    def draw(rng: np.random.Generator) -> list[Example]:
        batch = [draw_phantom(phantoms, films, recipe, rng) for _ in range(simulated)]
        batch += [draw_real(adults, recipe, rng) for _ in range(annotated)]
        for _ in range(learned):
            pool = children if rng.random() < 0.25 else taught
            batch.append(draw_real(pool, recipe, rng))
        return batch

    return draw
