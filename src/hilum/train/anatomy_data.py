"""Images, masks and augmented examples for ``hilum-anatomy``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from hilum.train.augment import add_opacities, erase_boxes, sample_tone, sample_warp
from hilum.train.images import (
    ByteImage,
    load_all,
    load_grey,
    load_mask,
    patient_of,
    read_rows,
    stretch_percentiles,
)
from hilum.types import FloatImage

__all__ = [
    "STRUCTURES",
    "UNKNOWN",
    "AnatomyRecipe",
    "Pool",
    "Sample",
    "carina_of",
    "draw_sample",
    "load_adults",
    "load_children",
    "load_unlabelled",
]

STRUCTURES = ("left_lung", "right_lung", "cardiomediastinum", "airways")
UNKNOWN = 255


@dataclass(frozen=True, slots=True)
class AnatomyRecipe:
    """Everything that decides the result; stored beside the weights.

    ``mixes`` are the examples a batch of annotated adults, children and unlabelled adults in
    each round, ``steps`` the batches; ``averaged_rounds`` (from 1) end with the moving average
    of their weights.
    """

    size: int = 256
    cache_size: int = 288
    steps: tuple[int, ...] = (420, 320, 320, 240, 240, 320, 320)
    mixes: tuple[tuple[int, int, int], ...] = (
        (8, 4, 0),
        (10, 2, 0),
        (7, 2, 3),
        (8, 1, 3),
        (8, 1, 3),
        (6, 1, 5),
        (6, 1, 5),
    )
    averaged_rounds: tuple[int, ...] = (6, 7)
    learning_rate: float = 1.5e-3
    encoder_rate: float = 3e-4
    carina_sigma: float = 0.02
    confidence: float = 0.8
    seed: int = 7


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Images uint8 ``(count, side, side)`` with targets uint8 ``(count, 4, side, side)``.

    A target is 0 to 254 for a probability of 0 to 1, 255 where nothing is known. ``union`` is
    the lungs' union alike, ``carina`` ``(count, 2)`` in unit coordinates, NaN if unknown.
    """

    images: ByteImage
    targets: ByteImage
    union: ByteImage
    carina: npt.NDArray[np.float32]


def carina_of(airways: npt.NDArray[np.bool_]) -> tuple[float, float] | None:
    """The fork of an airways mask as ``(x, y)`` in pixels, None where it does not fork.

    The longest block of rows in which the mask is split in two starts at the carina.
    """
    best: tuple[int, float, int] | None = None
    start: tuple[float, int] | None = None
    length = 0
    for row in range(airways.shape[0] + 1):
        gap = _widest_gap(airways[row]) if row < airways.shape[0] else None
        if gap is None:
            if start is not None and (best is None or length > best[0]):
                best = (length, *start)
            start, length = None, 0
            continue
        if start is None:
            start = (gap, row)
        length += 1
    if best is None or best[0] < 3:
        return None
    return best[1], float(best[2])


def _widest_gap(line: npt.NDArray[np.bool_]) -> float | None:
    columns = np.flatnonzero(line)
    if columns.size < 4:
        return None
    gaps = np.diff(columns)
    widest = int(gaps.argmax())
    if gaps[widest] < 3:
        return None
    return float(columns[widest] + columns[widest + 1]) / 2 + 0.5


def load_adults(data: Path, recipe: AnatomyRecipe, *, usable: bool) -> Pool:
    """The annotated adults; the ones that may not train weights leave out shared patients."""
    root = data / "anatomy"
    table = read_rows(data / "covid" / "metadata.csv")
    rows = read_rows(root / "masks.csv")
    trained = {patient_of(r["original"], table) for r in rows if r["weights_may_use"] == "yes"}
    rows = [
        r
        for r in rows
        if (r["weights_may_use"] == "yes") == usable
        and (usable or patient_of(r["original"], table) not in trained)
    ]
    side = recipe.cache_size
    images = np.stack([load_grey(root / r["image"], size=side) for r in rows])
    targets = np.full((len(rows), 4, side, side), UNKNOWN, np.uint8)
    carina = np.full((len(rows), 2), np.nan, np.float32)
    for index, row in enumerate(rows):
        for channel, name in enumerate(STRUCTURES):
            path = root / "masks" / Path(row["image"]).stem / f"{name}.png"
            if not path.exists():
                continue
            mask = load_mask(path)
            soft = cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
            targets[index, channel] = np.round(soft * 254)
            fork = carina_of(mask) if name == "airways" else None
            if fork is not None:
                carina[index] = fork[0] / mask.shape[1], fork[1] / mask.shape[0]
    union = np.where(
        (targets[:, 0] == UNKNOWN) | (targets[:, 1] == UNKNOWN), UNKNOWN, targets[:, :2].max(1)
    )
    return Pool(images, targets, union.astype(np.uint8), carina)


def load_children(data: Path, recipe: AnatomyRecipe, cache: Path, *, split: str) -> Pool:
    """Children with a mask of both lungs; sides are told apart where the mask has two parts."""
    root = data / "kermany"
    rows = [r for r in read_rows(root / "labels.csv") if r["lung_mask"] and r["split"] == split]
    side = 224
    images = load_all(root, [r["image"] for r in rows], size=side, cache=cache)
    union = load_all(root, [r["lung_mask"] for r in rows], size=side, cache=cache)
    union = np.where(union > 127, 254, 0).astype(np.uint8)
    targets = np.full((len(rows), 4, side, side), UNKNOWN, np.uint8)
    for index in range(len(rows)):
        count, parts, stats, centres = cv2.connectedComponentsWithStats(union[index])
        large = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] > 0.03 * side * side]
        if len(large) == 2:
            first, second = sorted(large, key=lambda i: centres[i][0])
            targets[index, 1] = np.where(parts == first, 254, 0)
            targets[index, 0] = np.where(parts == second, 254, 0)
    return Pool(images, targets, union, np.full((len(rows), 2), np.nan, np.float32))


def load_unlabelled(data: Path, recipe: AnatomyRecipe, cache: Path) -> ByteImage:
    """Adults without masks that may train weights: uint8 ``(count, side, side)``."""
    nih = [r["image"] for r in read_rows(data / "nih" / "labels.csv") if r["split"] == "train"]
    table = read_rows(data / "covid" / "metadata.csv")
    barred = {
        r["patient_id"] for r in table if r["weights_may_use"] != "yes"
    }  # also keeps the development patients out
    covid = [
        r["image"] for r in table if r["weights_may_use"] == "yes" and r["patient_id"] not in barred
    ]
    side = recipe.cache_size
    return np.concatenate(
        [
            load_all(data / "nih", nih, size=side, cache=cache),
            load_all(data / "covid", covid, size=side, cache=cache),
        ]
    )


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One augmented example at network size; targets NaN where unknown."""

    image: FloatImage
    targets: FloatImage
    union: FloatImage
    carina: FloatImage


def draw_sample(pool: Pool, recipe: AnatomyRecipe, rng: np.random.Generator) -> Sample:
    """Draw and vary one example of ``pool``."""
    index = int(rng.integers(len(pool.images)))
    warp = sample_warp(rng, zoom=(0.7, 1.2), degrees=14.0, shift=0.1)
    tone = sample_tone(rng)
    planes = np.stack([*pool.targets[index], pool.union[index]], -1)
    unknown = np.isin(UNKNOWN, planes)
    shares = np.where(planes == UNKNOWN, 127, planes).astype(np.float32)
    values: FloatImage = shares / np.float32(254)
    known: FloatImage = (planes != UNKNOWN).astype(np.float32)
    values = warp.apply(values, size=recipe.size)
    if unknown:
        # outside the image nothing is anatomy: known and zero
        hidden = warp.apply(1.0 - known, size=recipe.size)
        values[hidden > 0.01] = np.nan
    if warp.is_mirrored:
        values = values[..., [1, 0, 2, 3, 4]]
    image = warp.apply(stretch_percentiles(pool.images[index]), size=recipe.size)
    if rng.random() < 0.35:
        image = add_opacities(image, np.nan_to_num(values[..., 4]), rng)
    image = erase_boxes(tone.apply(image), rng) if rng.random() < 0.5 else tone.apply(image)
    heat = np.full((recipe.size, recipe.size), np.nan, np.float32)
    x, y = pool.carina[index]
    if np.isfinite(x):
        u, v = warp.point(float(x), float(y))
        grid = (np.arange(recipe.size, dtype=np.float32) + 0.5) / recipe.size
        squared = (grid[None, :] - u) ** 2 + (grid[:, None] - v) ** 2
        heat = np.exp(-squared / (2 * recipe.carina_sigma**2)).astype(np.float32)
    planes = np.moveaxis(values, -1, 0).astype(np.float32)
    return Sample(image, planes[:4], planes[4], heat)
