"""Phantoms with tubes and lines as training examples, made once and kept in blocks on disk.

Made at the resolution at which a line of two millimetres is still seen; every phantom is drawn
from the seed and its number alone, so that any number of workers gives the same set.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hilum.synth import Truth, render, sample_spec
from hilum.synth.sampling import sample_devices
from hilum.train.images import ByteImage
from hilum.train.phantom_blocks import BlockMaker

__all__ = ["KINDS", "SIDE", "DevicePool", "load_device_phantoms", "masks_and_tips"]

KINDS = {
    "endotracheal_tube": ("endotracheal_tube", "tracheostomy_tube"),
    "nasogastric_tube": ("nasogastric_tube",),
    "central_venous_line": (
        *("central_venous_line", "picc", "port_catheter", "dialysis_catheter"),
        "pulmonary_artery_catheter",
    ),
    "chest_tube": ("chest_tube",),
    "pacemaker": ("pacemaker", "icd"),
}
"""What the network tells apart, and what of the phantom's devices belongs to each."""

SIDE = 512
BLOCK = 20
SHARES = (
    ("endotracheal_tube", 0.35),
    ("tracheostomy_tube", 0.05),
    ("nasogastric_tube", 0.35),
    ("central_venous_line", 0.28),
    ("picc", 0.1),
    ("port_catheter", 0.07),
    ("dialysis_catheter", 0.06),
    ("pulmonary_artery_catheter", 0.04),
    ("chest_tube", 0.18),
    ("pacemaker", 0.12),
    ("icd", 0.05),
    # what is none of them and must not be taken for one
    ("ecg_leads", 0.4),
    ("sternotomy_wires", 0.12),
    ("surgical_clips", 0.1),
    ("prosthetic_valve", 0.06),
    ("spinal_hardware", 0.03),
)
WITHOUT = 0.15
"""Share of phantoms with nothing but what is none of them."""
MALPOSITIONED = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class DevicePool:
    """Images uint8 ``(count, side, side)`` and the devices on them.

    ``planes`` are masks by ``KINDS``, packed eight columns a byte ``(count, kinds, side,
    side / 8)``; ``tips`` ``(count, kinds, 2)`` in unit coordinates, NaN where there is none or
    two; ``carina`` ``(count, 2)``; ``spacing`` millimetres a pixel down and across;
    ``above_mm`` ``(count, kinds)`` the true distance of a tip above the carina, NaN likewise.
    """

    images: ByteImage
    planes: ByteImage
    tips: npt.NDArray[np.float32]
    carina: npt.NDArray[np.float32]
    spacing: npt.NDArray[np.float32]
    above_mm: npt.NDArray[np.float32]

    def masks(self, index: int) -> npt.NDArray[np.bool_]:
        """The masks of one phantom, bool ``(kinds, side, side)``."""
        return np.unpackbits(self.planes[index], axis=-1).astype(bool)

    def part(self, start: int, end: int | None = None) -> DevicePool:
        """The phantoms from ``start`` on, up to ``end``."""
        return DevicePool(**{name: getattr(self, name)[start:end] for name in self.__slots__})


def masks_and_tips(
    truth: Truth, side: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Masks ``(kinds, side, side)``, tips ``(kinds, 2)`` in unit coordinates, distances in mm."""
    masks = np.zeros((len(KINDS), side, side), bool)
    tips = np.full((len(KINDS), 2), np.nan, np.float32)
    above = np.full(len(KINDS), np.nan, np.float32)
    for row, names in enumerate(KINDS.values()):
        found = [device for device in truth.devices if device.spec.name in names]
        for device in found:
            masks[row] |= device.mask
        if len(found) == 1:
            tips[row] = np.asarray(found[0].tip) / side
            distance = found[0].above_carina_mm
            above[row] = np.nan if distance is None else distance
    return masks, tips, above


def _make_one(seed: list[int]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shares = SHARES[-5:] if rng.random() < WITHOUT else SHARES
    devices = sample_devices(shares, rng, prob_malpositioned=MALPOSITIONED)
    image = render(replace(sample_spec(rng), devices=devices), pixels=(SIDE, SIDE))
    masks, tips, above = masks_and_tips(image.truth, SIDE)
    return {
        "images": np.round(image.radiograph.pixels * 255).astype(np.uint8),
        "planes": np.packbits(masks, axis=-1),
        "tips": tips,
        "carina": np.asarray(image.truth.landmarks["carina"], np.float32) / SIDE,
        "spacing": np.asarray(image.truth.spacing_mm, np.float32),
        "above_mm": above,
    }


def load_device_phantoms(folder: Path, *, count: int, seed: int, workers: int = 1) -> DevicePool:
    """Make or load ``count`` frontal phantoms, most of them with devices.

    Args:
        folder: Where the blocks are kept; made when missing.
        count: Phantoms wanted; whole blocks of 20 are made.
        seed: Of everything that is drawn.
        workers: Processes that make missing blocks.
    """
    maker = BlockMaker("devices", BLOCK, _make_one)
    return DevicePool(**maker.load(folder, count=count, seed=seed, workers=workers))
