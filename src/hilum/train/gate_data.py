"""The images that train and judge the gate: which radiographs, which variants, which labels.

``plan`` lists every image as a ``Sample`` before any pixel is read, so that the set is the
same in every run; ``draw`` makes the pixels of one sample from its own random generator.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from hilum.errors import MissingExtraError, UnreadableImageError
from hilum.models.manifest import InputSpec
from hilum.models.preprocess import prepare
from hilum.synth import render
from hilum.train.appearance import randomise_appearance
from hilum.train.augment_gate import vary_chest
from hilum.train.body_parts import Canvas, draw_lateral_chest, expose
from hilum.train.images import read_rows
from hilum.train.negatives import KINDS, add_marks, draw_negative
from hilum.train.phantom_pool import sample_phantom
from hilum.types import FloatImage

__all__ = [
    "HELD_OUT_PHOTOGRAPHS",
    "INPUT",
    "Sample",
    "draw",
    "load_photographs",
    "plan",
    "plan_phantoms",
]

INPUT = InputSpec(rows=224, columns=224, percentiles=(0.5, 99.5))
"""Preprocessing of the gate, the same in training and in the manifest."""

HELD_OUT_PHOTOGRAPHS = frozenset(
    {
        *("chelsea", "coffee", "rocket", "ihc", "moon", "page", "text"),
        *("motorcycle_right", "clock_motion", "flower"),
    }
)
"""Photographs that judge the gate and never train it."""

CHILD_YEARS = 16.0
VARIATIONS = 4
PHANTOM_SIDE = 320


@dataclass(frozen=True, slots=True)
class Sample:
    """One image to draw, and what is known of it.

    ``group`` is the source of a chest radiograph or the kind of a negative. ``view`` and
    ``child`` are empty and None where unknown. ``may_train`` is False for images that only
    judge. Turns are counter-clockwise, applied after mirroring. ``phantom`` is the seed of a
    simulated chest, ``seed`` that of its variation.
    """

    role: str
    group: str
    seed: int
    path: Path | None = None
    patient: str = ""
    view: str = ""
    child: bool | None = None
    may_train: bool = True
    is_varied: bool = True
    quarter_turns: int = 0
    is_inverted: bool = False
    is_mirrored: bool = False
    phantom: int | None = None


def _is_child(age: str) -> bool | None:
    return float(age) < CHILD_YEARS if age else None


def _view(text: str) -> str:
    return text[:2] if text[:2] in ("AP", "PA") else ""


def read_chests(data: Path, *, kermany: int, seed: int) -> list[Sample]:
    """One plain, upright sample for each chest radiograph used; ``kermany`` of its train part."""
    found: list[Sample] = []
    for row in read_rows(data / "nih" / "labels.csv"):
        found.append(
            Sample("chest", "nih", 0, data / "nih" / row["image"], row["patient_id"],
                   row["view"], _is_child(row["age"]), row["split"] == "train")
        )  # fmt: skip
    rows = read_rows(data / "kermany" / "labels.csv")
    rng = np.random.default_rng(seed)
    for split, count in (("train", kermany), ("val", max(1, kermany // 3))):
        part = [row for row in rows if row["split"] == split]
        for index in sorted(rng.permutation(len(part))[:count]):
            row = part[index]
            found.append(
                Sample("chest", "kermany", 0, data / "kermany" / row["image"], row["patient_id"],
                       "", True, split == "train")
            )  # fmt: skip
    for row in read_rows(data / "covid" / "metadata.csv"):
        found.append(
            Sample("chest", "covid", 0, data / "covid" / row["image"], row["patient_id"],
                   _view(row["view"]), _is_child(row["age"]), row["weights_may_use"] == "yes")
        )  # fmt: skip
    for row in read_rows(data / "anatomy" / "masks.csv"):
        may_train = row["weights_may_use"] == "yes"
        path = data / "anatomy" / row["image"]
        found.append(Sample("chest", "anatomy", 0, path, may_train=may_train))
    return [replace(s, is_varied=False, seed=i) for i, s in enumerate(found)]


def _variants(chest: Sample, seed: int) -> list[Sample]:
    """Varied, turned, inverted and mirrored versions of one radiograph."""
    rng = np.random.default_rng([seed, chest.seed])
    seeds = (int(value) for value in rng.integers(0, 2**62, 8))
    varied = replace(chest, is_varied=True)
    out: list[Sample] = []
    for _ in range({"covid": 2, "anatomy": 3}.get(chest.group, 1) if chest.may_train else 0):
        out.append(replace(varied, seed=next(seeds)))
    turned = 1 if chest.group == "kermany" else 2
    for _ in range(turned):
        out.append(
            replace(varied, role="turned", seed=next(seeds), is_varied=chest.may_train,
                    quarter_turns=int(rng.integers(4)), is_inverted=bool(rng.random() < 0.5),
                    is_mirrored=bool(rng.random() < 0.2))
        )  # fmt: skip
    if rng.random() < 0.4:
        out.append(replace(varied, role="mirrored", seed=next(seeds), is_mirrored=True))
    return out


def plan(
    data: Path,
    *,
    kermany: int = 600,
    negatives: int = 105,
    phantoms: int = 300,
    seed: int = 2026,
) -> list[Sample]:
    """Every sample of the training and judging set, in a fixed order.

    Args:
        data: The folder with ``nih``, ``kermany``, ``covid`` and ``anatomy``.
        kermany: How many of the child radiographs are used.
        negatives: Images of each kind of negative (photographs: three times as many).
        phantoms: Simulated chests from the side, and from the front.
        seed: Of everything that is drawn.
    """
    chests = read_chests(data, kermany=kermany, seed=seed)
    samples = list(chests)
    for chest in chests:
        samples += _variants(chest, seed)
    rng = np.random.default_rng([seed, 1])
    for kind in KINDS:
        count = negatives * (3 if kind == "photograph" else 1)
        samples += [Sample("negative", kind, int(s)) for s in rng.integers(0, 2**62, count)]
    seeds = rng.integers(0, 2**62, 2 * negatives)
    samples += [Sample("lateral", "lateral", int(s)) for s in seeds]
    return samples + plan_phantoms(count=phantoms, seed=seed)


def plan_phantoms(*, count: int, seed: int) -> list[Sample]:
    """``count`` phantoms from the side and as many from the front, each in several variations.

    The frontal ones keep the lateral head from learning what a simulation looks like. One in
    five of each only judges.
    """
    rng = np.random.default_rng([seed, 3])
    samples: list[Sample] = []
    for role in ("lateral", "phantom"):
        for number in range(count):
            made = int(rng.integers(2**31))
            samples += [
                Sample(role, f"{role}_phantom", int(s), phantom=made, may_train=number % 5 > 0,
                       is_mirrored=bool(rng.random() < 0.5))
                for s in rng.integers(0, 2**62, VARIATIONS)
            ]  # fmt: skip
    return samples


def load_photographs(*, held_out: bool) -> list[npt.NDArray[np.uint8]]:
    """Grey photographs from the scikit-image and scikit-learn wheels.

    Args:
        held_out: Those that only judge, or those that train.

    Raises:
        MissingExtraError: A wheel is not installed.
    """
    images: list[npt.NDArray[np.uint8]] = []
    for package, folder in (("skimage", "data"), ("sklearn", "datasets/images")):
        spec = importlib.util.find_spec(package)
        places = list(spec.submodule_search_locations or ()) if spec else []
        if not places:
            raise MissingExtraError(f"photographs need the wheel of {package}; pip install it")
        for path in sorted((Path(places[0]) / folder).glob("*.[pj][np]g")):
            image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if image is not None and (path.stem in HELD_OUT_PHOTOGRAPHS) == held_out:
                images.append(np.asarray(image, np.uint8))
    return images


def load_chest(path: Path) -> npt.NDArray[np.uint8]:
    """A radiograph as uint8 ``(rows, columns)``, its long side at most 320."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise UnreadableImageError(f"{path.name} is not a readable image")
    factor = min(1.0, 320 / max(image.shape))
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


@lru_cache(maxsize=2)
def _render_phantom(seed: int, is_lateral: bool) -> FloatImage:
    spec = sample_phantom(np.random.default_rng(seed), is_lateral=is_lateral)
    return render(spec, pixels=(PHANTOM_SIDE, PHANTOM_SIDE)).radiograph.pixels


def _draw_phantom(
    sample: Sample, rng: np.random.Generator, pool: Sequence[npt.NDArray[np.uint8]]
) -> FloatImage:
    """A phantom with the look and the borders of any film, facing either way."""
    assert sample.phantom is not None
    image = _render_phantom(sample.phantom, sample.role == "lateral")
    if sample.is_mirrored:
        image = np.ascontiguousarray(image[:, ::-1])
    if rng.random() < 0.7:
        image = randomise_appearance(image, pool, rng)
    return vary_chest(image, rng)


def draw(
    sample: Sample,
    *,
    photographs: Sequence[npt.NDArray[np.uint8]],
    pool: Sequence[npt.NDArray[np.uint8]],
) -> FloatImage:
    """The network's input for one sample, float32 ``(1, 224, 224)`` in [0, 1]."""
    rng = np.random.default_rng(sample.seed)
    if sample.role == "negative":
        image = draw_negative(sample.group, rng, photographs=photographs, chests=pool)
    elif sample.phantom is not None:
        image = _draw_phantom(sample, rng, pool)
    elif sample.role == "lateral":
        canvas = Canvas(rng, tilt_deg=6.0)
        draw_lateral_chest(canvas)
        image = add_marks(expose(canvas.integral, rng), rng)
    else:
        assert sample.path is not None
        image = np.asarray(load_chest(sample.path) / 255, np.float32)
        if sample.is_varied:
            image = vary_chest(image, rng)
        if sample.is_mirrored:
            image = image[:, ::-1]
        image = np.rot90(1 - image if sample.is_inverted else image, sample.quarter_turns)
    tensor = prepare(np.ascontiguousarray(image), INPUT)
    return np.asarray(tensor[0], np.float32)
