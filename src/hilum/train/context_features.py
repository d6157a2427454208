"""Features of whole films for ``hilum-context``, as they are and in other acquisitions."""

from __future__ import annotations

import logging
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnxruntime import InferenceSession

from hilum import anatomy
from hilum.findings.places import GRID, PLACES, place_weights
from hilum.models import Model, load_model
from hilum.models.preprocess import resize, stretch_contrast
from hilum.train.augment_film import sample_acquisition
from hilum.train.export_onnx import onnx_session
from hilum.train.findings_data import SIDE, Example
from hilum.train.images import PERCENTILES, load_grey, upright
from hilum.train.networks import ContextEncoder
from hilum.types import FloatImage

__all__ = [
    "ContextRecipe",
    "by_place",
    "compute_changes",
    "compute_features",
    "measured_ratios",
    "network_input",
    "pixels_of",
]

logger = logging.getLogger(__name__)
STRIDES = (1, 2, 4)
"""Cells of the finest map that one cell of each map covers, by side."""


@dataclass(frozen=True, slots=True)
class ContextRecipe:
    """Everything that decides the result; stored beside the weights."""

    size: int = 288
    folds: int = 10
    prior_variance: float = 5.0
    place_share: float = 0.5
    smoothing: float = 0.03
    children_share: float = 0.1
    children_beside: int = 600
    ratio_noise: float = 0.3
    steadiness: float = 60.0
    variants: int = 7
    child_variants: int = 1
    seed: int = 17

    def as_dict(self) -> dict[str, Any]:
        """Plain form for a manifest."""
        return asdict(self)

    def variants_of(self, example: Example) -> int:
        """How many acquisitions of a training film are simulated."""
        return {"nih": self.variants, "kermany": self.child_variants}.get(example.source, 0)

    def blocks(self) -> list[tuple[int, float]]:
        """Size and share of each block of features: pooled ones, then those by place."""
        pooled = (1.0 - self.place_share) / (3 * len(ContextEncoder.CHANNELS))
        by_place = self.place_share / len(ContextEncoder.CHANNELS)
        return [(c, pooled) for c in ContextEncoder.CHANNELS for _ in range(3)] + [
            (c * len(PLACES), by_place) for c in ContextEncoder.CHANNELS
        ]


def compute_features(
    examples: list[Example], recipe: ContextRecipe, cache: Path
) -> npt.NDArray[np.float32]:
    """Features ``(examples, 3776)``: pooled, then means by place; cached on disk."""
    path = cache / f"context-{recipe.size}-{len(examples)}.npy"
    if not path.exists():
        session, finder = _encoder(recipe), load_model("hilum-anatomy")
        rows = []
        for index, example in enumerate(examples):
            rows.append(features_of(pixels_of(example), session, finder, recipe))
            if index % 200 == 199:
                logger.info("context features of %d of %d", index + 1, len(examples))
        np.save(path, np.stack(rows).astype(np.float32))
    return np.asarray(np.load(path))


def compute_changes(
    examples: list[Example], rows: npt.NDArray[np.float32], recipe: ContextRecipe, cache: Path
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """What other acquisitions of the training films change in their features; cached on disk.

    Args:
        examples: Of which those of the training split are varied.
        rows: Their features as they are.
        recipe: How many variants, and the seed.
        cache: Folder.

    Returns:
        Differences ``(m, features)`` and the example ``(m,)`` that each belongs to.
    """
    film = np.array(
        [
            index
            for index, example in enumerate(examples)
            if example.split == "train"
            for _ in range(recipe.variants_of(example))
        ],
        np.int64,
    )
    path = cache / f"varied-{recipe.size}-{len(examples)}-{len(film)}.npy"
    if not path.exists():
        session, finder = _encoder(recipe), load_model("hilum-anatomy")
        found, count = [], np.bincount(film, minlength=len(examples))
        for index in np.unique(film):
            pixels, name = pixels_of(examples[index]), examples[index].path.name
            for variant in range(count[index]):
                rng = np.random.default_rng([recipe.seed, zlib.crc32(name.encode()), variant])
                changed = sample_acquisition(rng).apply(pixels)
                found.append(features_of(changed, session, finder, recipe))
        logger.info("context features of %d variants", len(film))
        np.save(path, np.stack(found))
    return np.load(path) - rows[film], film


def features_of(
    pixels: FloatImage, session: InferenceSession, finder: Model, recipe: ContextRecipe
) -> npt.NDArray[np.float32]:
    """Features ``(3776,)`` of one film ``(512, 512)`` in [0, 1]."""
    radiograph = upright(pixels)
    weights = place_weights(anatomy.segment(radiograph, finder), radiograph.orientation)
    *maps, pooled = session.run(None, {"image": network_input(pixels, recipe)})
    parts = [pooled[0], *by_place([m[0] for m in maps], weights)]
    return np.concatenate(parts).astype(np.float32)


def by_place(maps: list[FloatImage], weights: FloatImage) -> list[FloatImage]:
    """Means ``(places * channels,)`` of each map ``(channels, side, side)`` over the places."""
    means = []
    for features, step in zip(maps, STRIDES, strict=True):
        side = GRID // step
        coarse = weights.reshape(-1, side, step, side, step).sum((2, 4)).reshape(-1, side * side)
        means.append((coarse @ features.reshape(len(features), -1).T).ravel())
    return means


def measured_ratios(examples: list[Example], cache: Path) -> npt.NDArray[np.float64]:
    """Cardiothoracic ratio by ``hilum-anatomy``, NaN for children and where it is missing."""
    path = cache / f"ratios-{len(examples)}.npy"
    if not path.exists():
        finder = load_model("hilum-anatomy")
        ratios = np.full(len(examples), np.nan)
        for index, example in enumerate(examples):
            if example.source != "nih":
                continue
            radiograph = upright(pixels_of(example))
            found = anatomy.segment(radiograph, finder).measurement("cardiothoracic_ratio")
            if found is not None and found.value is not None:
                ratios[index] = found.value
        np.save(path, ratios)
    return np.asarray(np.load(path))


def _encoder(recipe: ContextRecipe) -> InferenceSession:
    outputs = ["fine", "middle", "coarse", "pooled"]
    return onnx_session(ContextEncoder(), side=recipe.size, outputs=outputs)


def pixels_of(example: Example) -> FloatImage:
    """Pixels of an example, ``(512, 512)`` in [0, 1]."""
    return load_grey(example.path, size=SIDE).astype(np.float32) / np.float32(255)


def network_input(pixels: FloatImage, recipe: ContextRecipe) -> FloatImage:
    """The network's input, as reading prepares it."""
    image = stretch_contrast(resize(pixels, recipe.size, recipe.size), *PERCENTILES)
    return image[None, None]
