"""Labelled, cropped and augmented examples for ``hilum-findings``, as cached trunk features.

The trunk is frozen, so each augmented crop passes through it once; members of the ensemble
then train on the stored features, which is what makes cross-fitting affordable on two cores.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from hilum.findings.crop import crop_array, thorax_box
from hilum.models.preprocess import resize, stretch_contrast
from hilum.train.augment import Warp, erase_boxes, sample_tone, sample_warp
from hilum.train.export_onnx import onnx_session
from hilum.train.images import PERCENTILES, ByteImage, load_grey, load_mask, read_rows
from hilum.train.networks import FindingsTrunk
from hilum.types import Box, FloatImage

__all__ = ["HEADS", "Example", "FeatureBank", "build_bank", "load_examples"]

HEADS = (
    "pneumonia_adult",
    "pneumonia_child",
    "lung_opacity",
    "infiltration",
    "pleural_effusion",
    "atelectasis",
    "edema",
    "consolidation",
    "nodule_or_mass",
    "pleural_thickening",
)
"""The last seven are conditional: learned among the abnormal adults only."""
NIH_NAMES = {
    "infiltration": ("Infiltration",),
    "pleural_effusion": ("Effusion",),
    "atelectasis": ("Atelectasis",),
    "edema": ("Edema",),
    "consolidation": ("Consolidation",),
    "nodule_or_mass": ("Nodule", "Mass"),
    "pleural_thickening": ("Pleural_Thickening",),
}
SIDE = 512
MAP = 16
LungFinder = Callable[[FloatImage], npt.NDArray[np.bool_]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One labelled radiograph: labels 0, 1 or NaN by head, and what it may be used for.

    ``boxes`` are in unit coordinates of the image; None where opacities were not marked, an
    empty tuple where there are none.
    """

    path: Path
    source: str
    split: str
    patient: str
    view: str
    labels: npt.NDArray[np.float32]
    boxes: tuple[Box, ...] | None
    age: float | None = None
    sex: str = ""


def load_nih(data: Path) -> list[Example]:
    """The adult radiographs; boxes are the RSNA challenge's."""
    root = data / "nih"
    boxes: dict[str, list[Box]] = {}
    for row in read_rows(root / "boxes.csv"):
        if row["source"] == "rsna":
            x, y, width, height = (float(row[k]) / SIDE for k in ("x", "y", "width", "height"))
            boxes.setdefault(row["image"], []).append(Box(x, y, width, height))
    examples = []
    for row in read_rows(root / "labels.csv"):
        named = set(row["findings"].split("|"))
        labels = np.full(len(HEADS), np.nan, np.float32)
        is_abnormal = "Pneumonia" in named
        labels[0] = is_abnormal
        if row["rsna_opacity"]:
            labels[2] = float(row["rsna_opacity"])
        elif not is_abnormal:
            labels[2] = 0.0
        if is_abnormal:
            for head, names in NIH_NAMES.items():
                labels[HEADS.index(head)] = bool(named & set(names))
        marked: tuple[Box, ...] | None = tuple(boxes.get(row["image"], ()))
        if not marked and (is_abnormal or row["rsna_opacity"] == "1"):
            marked = None
        examples.append(
            Example(
                path=root / row["image"],
                source="nih",
                split=row["split"],
                patient=f"nih-{row['patient_id']}",
                view=row["view"],
                labels=labels,
                boxes=marked,
                age=float(row["age"]) if row["age"] else None,
                sex=row["sex"],
            )
        )
    return examples


def load_children(data: Path, *, per_split: dict[str, int], seed: int) -> list[Example]:
    """A random, class-balanced part of the children's radiographs."""
    root = data / "kermany"
    rng = np.random.default_rng(seed)
    examples = []
    for split, wanted in per_split.items():
        rows = [r for r in read_rows(root / "labels.csv") if r["split"] == split]
        for is_sick in (False, True):
            group = [r for r in rows if (r["label"] != "normal") == is_sick]
            chosen = rng.permutation(len(group))[: wanted // 2]
            for index in sorted(chosen):
                labels = np.full(len(HEADS), np.nan, np.float32)
                labels[1] = is_sick
                row = group[index]
                examples.append(
                    Example(
                        path=root / row["image"],
                        source="kermany",
                        split=split,
                        patient=f"kermany-{row['patient_id']}",
                        view="",
                        labels=labels,
                        boxes=None if is_sick else (),
                    )
                )
    return examples


def load_marked(data: Path) -> list[Example]:
    """Adults with outlined ground glass or consolidation: they teach the opacity map only."""
    root = data / "anatomy"
    examples = []
    for row in read_rows(root / "masks.csv"):
        if row["weights_may_use"] != "yes":
            continue
        boxes: list[Box] = []
        for name in ("ground_glass_opacities", "consolidation"):
            path = root / "masks" / Path(row["image"]).stem / f"{name}.png"
            if path.exists():
                boxes += _boxes_of(load_mask(path))
        if boxes:
            labels = np.full(len(HEADS), np.nan, np.float32)
            examples.append(
                Example(
                    path=root / row["image"],
                    source="anatomy",
                    split="train",
                    patient=f"anatomy-{Path(row['image']).stem}",
                    view="",
                    labels=labels,
                    boxes=tuple(boxes),
                )
            )
    return examples


def _boxes_of(mask: npt.NDArray[np.bool_]) -> list[Box]:
    rows, columns = mask.shape
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return [
        Box(s[0] / columns, s[1] / rows, s[2] / columns, s[3] / rows)
        for s in stats[1:count]
        if s[4] > 0.002 * mask.size
    ]


def load_examples(data: Path, *, children: dict[str, int], seed: int) -> list[Example]:
    """All examples of the recipe."""
    return [
        *load_nih(data),
        *load_children(data, per_split=children, seed=seed),
        *load_marked(data),
    ]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureBank:
    """Trunk features of every example in several variants; variant 0 is unvaried.

    ``features`` float16 ``(examples, variants, 40, side/8, side/8)``; ``maps`` float16
    ``(examples, variants, 16, 16)`` opacity truth, NaN where unknown. ``variants`` gives the
    number of valid variants of each example.
    """

    features: npt.NDArray[np.float16]
    maps: npt.NDArray[np.float16]
    variants: npt.NDArray[np.int64]


def crop_warp(box: Box, shape: tuple[int, int], rng: np.random.Generator | None) -> Warp:
    """The warp that cuts ``box`` (pixels of ``shape``) to a square, varied by ``rng``."""
    rows, columns = shape
    centre = np.array([box.centre[0] / columns - 0.5, box.centre[1] / rows - 0.5])
    extent = np.diag([box.width / columns, box.height / rows])
    varied = (
        Warp(np.eye(2, 3, dtype=np.float32), False)
        if rng is None
        else sample_warp(rng, zoom=(0.88, 1.14), degrees=9.0, shift=0.05)
    )
    linear = extent @ varied.matrix[:, :2]
    offset = centre + extent @ varied.matrix[:, 2]
    return Warp(np.column_stack([linear, offset]).astype(np.float32), varied.is_mirrored)


def render_crop(
    pixels: FloatImage, box: Box, warp: Warp, rng: np.random.Generator | None, *, size: int
) -> FloatImage:
    """The square crop as the network sees it; unvaried, it is what reading prepares."""
    if rng is None:
        return stretch_contrast(resize(crop_array(pixels, box), size, size), *PERCENTILES)
    crop = resize(warp.apply(pixels, size=2 * size), size, size)
    crop = stretch_contrast(crop, *PERCENTILES)
    return erase_boxes(sample_tone(rng, strength=0.7).apply(crop), rng, count=1)


def opacity_truth(boxes: tuple[Box, ...] | None, warp: Warp) -> FloatImage:
    """Share of each map cell that a box covers, ``(16, 16)``; NaN where boxes are unknown."""
    if boxes is None:
        return np.full((MAP, MAP), np.nan, np.float32)
    fine = np.zeros((128, 128), np.float32)
    for box in boxes:
        x0, y0 = round(box.x * 128), round(box.y * 128)
        x1, y1 = round((box.x + box.width) * 128), round((box.y + box.height) * 128)
        fine[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = 1.0
    warped = warp.apply(fine, size=MAP * 4)
    return np.asarray(cv2.resize(warped, (MAP, MAP), interpolation=cv2.INTER_AREA), np.float32)


def build_bank(
    examples: list[Example],
    find_lungs: LungFinder,
    *,
    cache: Path,
    size: int = 256,
    variants: dict[str, int],
    seed: int,
) -> FeatureBank:
    """Crop, vary and pass every example through the trunk; cached on disk.

    Args:
        examples: What to compute.
        find_lungs: Maps pixels ``(rows, columns)`` to the lungs' union mask of that shape.
        cache: Folder for the arrays.
        size: Side of the crop in pixels.
        variants: Variants by source of the example (training split only; others get one).
        seed: Of the variation.
    """
    counts = np.array(
        [variants.get(e.source, 1) if e.split == "train" else 1 for e in examples], np.int64
    )
    key = hashlib.sha256(
        repr([(e.path.name, int(c)) for e, c in zip(examples, counts, strict=True)]).encode()
        + f"{size}:{seed}".encode()
    ).hexdigest()[:12]
    path, path_maps = cache / f"bank-{key}.npy", cache / f"bank-{key}-maps.npy"
    if not path_maps.exists():
        _fill_bank(examples, counts, find_lungs, (path, path_maps), size=size, seed=seed)
    return FeatureBank(np.load(path, mmap_mode="r"), np.load(path_maps), counts)


def _fill_bank(
    examples: list[Example],
    counts: npt.NDArray[np.int64],
    find_lungs: LungFinder,
    paths: tuple[Path, Path],
    *,
    size: int,
    seed: int,
) -> None:
    trunk = onnx_session(FindingsTrunk(), side=size, outputs=["trunk"])
    most = int(counts.max())
    shape = (len(examples), most, 40, size // 8, size // 8)
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    store = np.lib.format.open_memmap(paths[0], "w+", np.float16, shape)
    maps = np.full((len(examples), most, MAP, MAP), np.nan, np.float16)
    for index, example in enumerate(examples):
        rng = np.random.default_rng([seed, index])
        image: ByteImage = load_grey(example.path, size=SIDE)
        pixels: FloatImage = image.astype(np.float32) / np.float32(255)
        box = thorax_box(find_lungs(pixels))
        crops = []
        for variant in range(int(counts[index])):
            draw = rng if variant else None
            warp = crop_warp(box, image.shape, draw)
            crops.append(render_crop(pixels, box, warp, draw, size=size))
            maps[index, variant] = opacity_truth(example.boxes, warp)
        (features,) = trunk.run(None, {"image": np.stack(crops)[:, None]})
        store[index, : len(crops)] = features.astype(np.float16)
        if index % 200 == 199:
            logger.info("trunk features of %d of %d examples", index + 1, len(examples))
    store.flush()
    np.save(paths[1], maps)
