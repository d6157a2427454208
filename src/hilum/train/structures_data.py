"""Examples for ``hilum-structures``: phantoms made to look like films, and real films.

Phantoms know every plane; real films know the anatomy alone, by annotation or by the shipped
anatomy network, and are there so that the features keep fitting real films.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hilum.train.anatomy_data import UNKNOWN, Pool
from hilum.train.appearance import randomise_appearance
from hilum.train.augment import add_opacities, erase_boxes, sample_tone, sample_warp
from hilum.train.images import ByteImage, stretch_percentiles
from hilum.train.phantom_pool import DEVICES, PLANES, POINTS, PhantomPool
from hilum.types import FloatImage

__all__ = ["Example", "StructuresRecipe", "draw_phantom", "draw_real", "swap_sides"]


@dataclass(frozen=True, slots=True)
class StructuresRecipe:
    """Everything that decides the result; stored beside the weights.

    ``phantom_steps`` batches of ``batch`` phantoms are followed by ``mixed_steps`` batches of
    ``mix``: phantoms, annotated adults, films labelled by the anatomy network. With
    ``is_warm`` the network begins as the shipped anatomy network, else from ImageNet; its first
    ``frozen_blocks`` stay as they are.
    """

    size: int = 256
    phantoms: int = 500
    phantom_steps: int = 0
    batch: int = 10
    mixed_steps: int = 530
    mix: tuple[int, int, int] = (5, 2, 1)
    learning_rate: float = 1.0e-3
    encoder_rate: float = 2e-4
    fresh_rate: float = 5e-3
    point_sigma: float = 0.02
    mirror: float = 0.2
    is_warm: bool = True
    frozen_blocks: int = 5
    seed: int = 7


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """An augmented example: image ``(size, size)``, ``planes`` and point heat maps.

    ``planes`` are ``(planes, size / 2, size / 2)`` shares in [0, 1], ``heat`` ``(points, size / 2,
    size / 2)``, the resolution at which the network computes; NaN where nothing is known.
    """

    image: FloatImage
    planes: FloatImage
    heat: FloatImage


def swap_sides(names: tuple[str, ...]) -> list[int]:
    """The order of the planes of a mirrored image: left and right change places."""
    swapped = {"left": "right", "right": "left"}
    partners = [
        "_".join([swapped.get(word, word) for word in name.split("_", 1)]) for name in names
    ]
    return [names.index(partner) for partner in partners]


def draw_phantom(
    pool: PhantomPool, films: ByteImage, recipe: StructuresRecipe, rng: np.random.Generator
) -> Example:
    """Draw a phantom, move it, and give it the look of any film."""
    index = int(rng.integers(len(pool.images)))
    warp = sample_warp(rng, zoom=(0.75, 1.35), degrees=10.0, shift=0.08, mirror=recipe.mirror)
    masks = pool.masks(index).astype(np.uint8)
    first = len(PLANES) - len(DEVICES)
    for row in range(first, len(PLANES)):
        masks[row] = cv2.dilate(masks[row], np.ones((3, 3), np.uint8))  # a line is thin
    planes = np.moveaxis(masks, 0, -1).astype(np.float32)
    planes = np.moveaxis(_halve(warp.apply(planes, size=recipe.size)), -1, 0)
    if warp.is_mirrored:
        planes = planes[swap_sides(PLANES)]
    image = warp.apply(stretch_percentiles(pool.images[index]), size=recipe.size)
    image = randomise_appearance(np.clip(image, 0.0, 1.0), films, rng)
    if rng.random() < 0.3:
        lungs = cv2.resize(planes[:2].max(0), image.shape[::-1])
        image = add_opacities(image, lungs, rng)
    image = erase_boxes(image, rng) if rng.random() < 0.3 else image
    side = recipe.size // 2
    heat = np.zeros((len(POINTS), side, side), np.float32)
    for row, (x, y) in enumerate(pool.points[index]):
        if np.isfinite(x):
            heat[row] = _spot(warp.point(float(x), float(y)), side, recipe.point_sigma)
        elif row and planes[first + row - 1].any():
            heat[row] = np.nan  # two devices of a kind: which tip is which is not told
    return Example(image, np.ascontiguousarray(planes), heat)


def draw_real(pool: Pool, recipe: StructuresRecipe, rng: np.random.Generator) -> Example:
    """Draw a real film; it knows the anatomy's planes and perhaps the carina."""
    index = int(rng.integers(len(pool.images)))
    warp = sample_warp(rng, zoom=(0.7, 1.2), degrees=14.0, shift=0.1, mirror=recipe.mirror)
    targets = pool.targets[index]
    known = np.moveaxis((targets != UNKNOWN).astype(np.float32), 0, -1)
    values = np.moveaxis(np.where(targets == UNKNOWN, 127, targets), 0, -1)
    values = warp.apply(values.astype(np.float32) / np.float32(254), size=recipe.size)
    hidden = warp.apply(1.0 - known, size=recipe.size) > 0.01
    lungs = np.where(hidden, 0, values)[..., :2].max(-1)
    values[hidden] = np.nan
    anatomy = np.moveaxis(_halve(values), -1, 0)
    if warp.is_mirrored:
        anatomy = anatomy[[1, 0, 2, 3]]
    side = recipe.size // 2
    planes = np.full((len(PLANES), side, side), np.nan, np.float32)
    planes[: len(anatomy)] = anatomy
    image = warp.apply(stretch_percentiles(pool.images[index]), size=recipe.size)
    if rng.random() < 0.4:
        image = add_opacities(image, lungs, rng)
    image = sample_tone(rng).apply(image)
    image = erase_boxes(image, rng) if rng.random() < 0.5 else image
    heat = np.full((len(POINTS), side, side), np.nan, np.float32)
    x, y = pool.carina[index]
    if np.isfinite(x):
        heat[0] = _spot(warp.point(float(x), float(y)), side, recipe.point_sigma)
    return Example(image, planes, heat)


def _halve(values: FloatImage) -> FloatImage:
    """Means of 2 x 2 pixels of ``(rows, columns, planes)``; NaN where one of them is."""
    rows, columns, count = values.shape
    return np.asarray(values.reshape(rows // 2, 2, columns // 2, 2, count).mean((1, 3)))


def _spot(point: tuple[float, float], side: int, sigma: float) -> npt.NDArray[np.float32]:
    grid = (np.arange(side, dtype=np.float32) + 0.5) / side
    squared = (grid[None, :] - point[0]) ** 2 + (grid[:, None] - point[1]) ** 2
    return np.exp(-squared / (2 * sigma**2)).astype(np.float32)
