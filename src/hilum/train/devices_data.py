"""Examples for ``hilum-devices``: phantoms made to look like films, with wires that are no device.

A line's contrast is drawn anew, for no two films show a catheter alike; wires drawn across the
film teach that a line is not yet a catheter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from hilum.train.appearance import randomise_appearance
from hilum.train.augment import Warp, add_opacities, erase_boxes, sample_tone, sample_warp
from hilum.train.devices_pool import KINDS, DevicePool
from hilum.train.images import ByteImage, stretch_percentiles
from hilum.types import FloatImage

__all__ = ["DeviceExamples", "DevicesRecipe", "draw_example", "scale_contrast", "thicken"]

WIDE = ("endotracheal_tube", "chest_tube")
"""Tubes whose walls are seen apart; what lies between belongs to them."""


@dataclass(frozen=True, slots=True)
class DevicesRecipe:
    """Everything that decides the result; stored beside the weights.

    ``size`` is that of a training cut, of phantoms that are 512 pixels wide; ``steps`` batches
    of ``batch`` are seen; ``sigma`` is the spread of a tip in pixels of the maps.
    """

    size: int = 384
    phantoms: int = 560
    held_out: int = 80
    steps: int = 600
    batch: int = 4
    learning_rate: float = 3e-3
    encoder_rate: float = 8e-4
    sigma: float = 3.0
    mirror: float = 0.1
    wires: float = 0.6
    disguise: float = 0.6
    seed: int = 11


def thicken(masks: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Lines as the network is to draw them: wide tubes filled, all a pixel wider."""
    out = masks.astype(np.uint8)
    for row, name in enumerate(KINDS):
        if not out[row].any():
            continue
        if name in WIDE:
            out[row] = cv2.morphologyEx(out[row], cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        out[row] = cv2.dilate(out[row], np.ones((3, 3), np.uint8))
    return out


def scale_contrast(image: FloatImage, mask: npt.NDArray[np.uint8], factor: float) -> FloatImage:
    """Make what stands out of its neighbourhood within ``mask`` fainter or stronger."""
    around = cv2.medianBlur(np.round(image * 255).astype(np.uint8), 13)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)
    detail = image - around.astype(np.float32) / np.float32(255)
    return np.clip(image + soft * np.float32(factor - 1) * detail, 0.0, 1.0)


def draw_wires(image: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Draw one to four leads and tubes that lie on the patient, from edge to edge or to a snap."""
    out, side = image.copy(), image.shape[0]
    for _ in range(int(rng.integers(1, 5))):
        first, last = rng.uniform(0, side, 2)
        start = [(0.0, first), (float(side), first), (first, float(side))][int(rng.integers(3))]
        end = (
            (float(side) - start[0], last) if rng.random() < 0.5 else tuple(rng.uniform(0, side, 2))
        )
        bends = rng.uniform(-0.3, 0.3, (2, 2)) * side
        share = np.linspace(0, 1, 40)[:, None]
        a, d = np.asarray(start), np.asarray(end)
        b, c = a + (d - a) / 3 + bends[0], a + (d - a) * 2 / 3 + bends[1]
        path = (1 - share) ** 3 * a + 3 * (1 - share) ** 2 * share * b
        path = path + 3 * (1 - share) * share**2 * c + share**3 * d
        line = np.zeros((side, side), np.float32)
        width = int(rng.choice([1, 1, 2, 3, 6]))
        points = [np.round(path * 8).astype(np.int32)[:, None]]
        cv2.polylines(line, points, False, 1.0, width, cv2.LINE_AA, 3)
        if width == 6:  # a hose: its walls are denser than its middle
            cv2.polylines(line, points, False, 0.3, 3, cv2.LINE_AA, 3)
        if rng.random() < 0.4:
            cv2.circle(line, (int(end[0]), int(end[1])), int(rng.integers(3, 8)), 1.0, -1)
        line = cv2.GaussianBlur(line, (0, 0), float(rng.uniform(0.4, 1.0)))
        out = out + line * np.float32(rng.uniform(0.04, 0.3))
    return np.clip(out, 0.0, 1.0).astype(np.float32)


def draw_example(
    pool: DevicePool, films: ByteImage, recipe: DevicesRecipe, rng: np.random.Generator
) -> tuple[FloatImage, FloatImage, FloatImage]:
    """Draw a phantom, move it and give it the look of any film.

    Returns:
        Image ``(size, size)``, lines and tips ``(kinds, size / 2, size / 2)`` in [0, 1]; tips NaN
        where there are two of a kind.
    """
    index = int(rng.integers(len(pool.images)))
    scale = pool.images.shape[1] / recipe.size
    zoom = (0.8 * scale, 1.25 * scale)
    warp = sample_warp(rng, zoom=zoom, degrees=8.0, shift=0.1, mirror=recipe.mirror)
    native = pool.masks(index)
    image = stretch_percentiles(pool.images[index])
    for mask in native:
        if mask.any():
            wide = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
            image = scale_contrast(image, wide, float(np.exp(rng.normal(0.6, 0.4))))
    masks = np.moveaxis(thicken(native), 0, -1).astype(np.float32)
    lines = np.moveaxis(warp.apply(masks, size=recipe.size), -1, 0)
    half = recipe.size // 2
    lines = lines.reshape(len(KINDS), half, 2, half, 2).max((2, 4))
    image = np.clip(warp.apply(image, size=recipe.size), 0.0, 1.0)
    if rng.random() < recipe.wires:
        image = draw_wires(image, rng)
    if rng.random() < recipe.disguise:
        image = randomise_appearance(image, films, rng)
    else:
        image = sample_tone(rng).apply(image)
    if rng.random() < 0.25:
        image = add_opacities(image, np.ones_like(image), rng)
    image = erase_boxes(image, rng) if rng.random() < 0.2 else image
    tips = _heat(pool.tips[index], lines, warp, recipe)
    return np.clip(image, 0.0, 1.0), np.ascontiguousarray(lines), tips


def _heat(
    tips: npt.NDArray[np.float32], lines: FloatImage, warp: Warp, recipe: DevicesRecipe
) -> FloatImage:
    heat = np.zeros_like(lines)
    half = lines.shape[1]
    grid = np.arange(half, dtype=np.float32) + 0.5
    for row, (x, y) in enumerate(tips):
        if np.isfinite(x):
            u, v = (value * half for value in warp.point(float(x), float(y)))
            squared = (grid[None] - u) ** 2 + (grid[:, None] - v) ** 2
            heat[row] = np.exp(-squared / (2 * recipe.sigma**2))
        elif lines[row].any():
            heat[row] = np.nan
    return heat


class DeviceExamples(IterableDataset[tuple[Tensor, Tensor, Tensor]]):
    """Endless batches for a loader that draws them in a process of its own."""

    def __init__(self, pool: DevicePool, films: ByteImage, recipe: DevicesRecipe) -> None:
        self.pool, self.films, self.recipe = pool, films, recipe

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.recipe.seed)
        while True:
            made = [
                draw_example(self.pool, self.films, self.recipe, rng)
                for _ in range(self.recipe.batch)
            ]
            image, lines, tips = (
                torch.from_numpy(np.stack(part)) for part in zip(*made, strict=True)
            )
            yield image[:, None], lines, tips
