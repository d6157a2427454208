"""Phantoms with their truth as training examples, made once and kept in blocks on disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hilum.synth import PhantomSpec, Truth, render, sample_spec
from hilum.synth.sampling import sample_devices
from hilum.train.images import ByteImage
from hilum.train.phantom_blocks import BlockMaker
from hilum.types import Mask, View

__all__ = [
    "ANATOMY",
    "BLOCK",
    "DEVICES",
    "PLANES",
    "POINTS",
    "STRUCTURES",
    "PhantomPool",
    "load_phantoms",
    "planes_of",
    "sample_phantom",
]

ANATOMY = ("left_lung", "right_lung", "cardiomediastinum", "airways")
STRUCTURES = (
    "ribs",
    "left_clavicle",
    "right_clavicle",
    "spine",
    "aortic_arch",
    "left_hilum",
    "right_hilum",
    "left_hemidiaphragm",
    "right_hemidiaphragm",
)
DEVICES = {
    "endotracheal_tube": ("endotracheal_tube", "tracheostomy_tube"),
    "nasogastric_tube": ("nasogastric_tube",),
    "central_venous_line": ("central_venous_line", "picc", "port_catheter", "dialysis_catheter"),
}
PLANES = (*ANATOMY, *STRUCTURES, *DEVICES)
POINTS = ("carina", *DEVICES)
"""Points by name: the carina, then the tip of each device."""

BLOCK = 50
SIDE = 288
VISIBLE_RIBS = range(1, 11)
DEVICE_SHARES = (
    ("endotracheal_tube", 0.25),
    ("tracheostomy_tube", 0.05),
    ("nasogastric_tube", 0.3),
    ("central_venous_line", 0.25),
    ("picc", 0.08),
    ("port_catheter", 0.06),
    ("dialysis_catheter", 0.06),
    ("ecg_leads", 0.2),
    ("chest_tube", 0.08),
    ("pacemaker", 0.06),
    ("sternotomy_wires", 0.08),
)
MALPOSITIONED = 0.25
LATERAL_BLACK = (3.0, 38.0)
"""Percentile of the body that is black on a lateral film: its lungs are, its shoulders white."""


@dataclass(frozen=True, slots=True, eq=False)
class PhantomPool:
    """Images uint8 ``(count, side, side)`` and what is true of them.

    ``planes`` are masks by ``PLANES``, packed eight columns a byte
    ``(count, planes, side, side / 8)``; ``points`` ``(count, points, 2)`` in unit coordinates
    by ``POINTS``, NaN where there is none; ``ratio`` the cardiothoracic ratio, NaN likewise.
    """

    images: ByteImage
    planes: ByteImage
    points: npt.NDArray[np.float32]
    ratio: npt.NDArray[np.float32]

    def masks(self, index: int) -> npt.NDArray[np.bool_]:
        """The masks of one phantom, bool ``(planes, side, side)``."""
        return np.unpackbits(self.planes[index], axis=-1).astype(bool)

    def split(self, last: int) -> tuple[PhantomPool, PhantomPool]:
        """All but the ``last`` phantoms, and those."""
        at = len(self.images) - last
        parts = [
            PhantomPool(self.images[cut], self.planes[cut], self.points[cut], self.ratio[cut])
            for cut in (slice(0, at), slice(at, None))
        ]
        return parts[0], parts[1]


def sample_phantom(rng: np.random.Generator, *, is_lateral: bool = False) -> PhantomSpec:
    """A phantom as ``sample_spec`` draws it, but with devices as often as an emergency room.

    ``is_lateral`` draws until one is filmed from the side: who lies never is.
    """
    spec = sample_spec(rng, prob_lateral=float(is_lateral))
    while is_lateral and spec.imaging.view is not View.LATERAL:
        spec = sample_spec(rng, prob_lateral=1.0)
    if is_lateral:
        window = (float(rng.uniform(*LATERAL_BLACK)), float(rng.uniform(96.0, 99.8)))
        return replace(spec, imaging=replace(spec.imaging, window=window))
    if rng.random() < 0.35:
        return spec
    devices = sample_devices(DEVICE_SHARES, rng, prob_malpositioned=MALPOSITIONED)
    return replace(spec, devices=devices)


def planes_of(truth: Truth) -> npt.NDArray[np.bool_]:
    """The masks of a truth in the order of ``PLANES``, bool ``(planes, rows, columns)``."""
    masks: dict[str, Mask] = dict(truth.masks)
    sides = [masks[f"{side}_rib_{n}"] for side in ("left", "right") for n in VISIBLE_RIBS]
    masks["ribs"] = np.any(sides, 0)
    empty = np.zeros_like(masks["ribs"])
    for name, kinds in DEVICES.items():
        found = [device.mask for device in truth.devices if device.spec.name in kinds]
        masks[name] = np.any(found, 0) if found else empty
    return np.stack([masks[name] for name in PLANES])


def _points_of(truth: Truth, side: int) -> npt.NDArray[np.float32]:
    """Points of ``POINTS`` in unit coordinates; of two devices of a kind neither tip is told."""
    points = np.full((len(POINTS), 2), np.nan, np.float32)
    points[0] = truth.landmarks["carina"]
    for row, kinds in enumerate(DEVICES.values(), start=1):
        tips = [device.tip for device in truth.devices if device.spec.name in kinds]
        if len(tips) == 1:
            points[row] = tips[0]
    return points / np.float32(side)


def _make_one(seed: list[int]) -> dict[str, np.ndarray]:
    image = render(sample_phantom(np.random.default_rng(seed)), pixels=(SIDE, SIDE))
    ratio = image.truth.measurements.get("cardiothoracic_ratio", np.nan)
    return {
        "images": np.round(image.radiograph.pixels * 255).astype(np.uint8),
        "planes": np.packbits(planes_of(image.truth), axis=-1),
        "points": _points_of(image.truth, SIDE),
        "ratio": np.asarray(ratio, np.float32),
    }


def load_phantoms(folder: Path, *, count: int, seed: int, workers: int = 1) -> PhantomPool:
    """Make or load ``count`` frontal phantoms.

    Args:
        folder: Where the blocks are kept; made when missing.
        count: Phantoms wanted; whole blocks of 50 are made.
        seed: Of everything that is drawn.
        workers: Processes that make missing blocks.
    """
    maker = BlockMaker("phantoms", BLOCK, _make_one)
    return PhantomPool(**maker.load(folder, count=count, seed=seed, workers=workers))
