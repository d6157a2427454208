"""A phantom on disk: the image, its masks and the truth as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hilum.errors import InvalidValueError
from hilum.synth.types import DeviceTruth, FindingTruth, PhantomImage
from hilum.types import DISCLAIMER, Mask

__all__ = ["truth_to_dict", "write_image", "write_mask", "write_phantom"]

BITS = (8, 16)


def write_image(image: PhantomImage, path: Path, *, bits: int = 16) -> None:
    """Write the pixels as a grey PNG, air dark.

    Raises:
        InvalidValueError: ``bits`` is neither 8 nor 16, or the file cannot be written.
    """
    if bits not in BITS:
        raise InvalidValueError(f"a PNG has 8 or 16 bits, got {bits}")
    top = 2**bits - 1
    grey = np.round(image.radiograph.pixels * top).astype(np.uint16 if bits == 16 else np.uint8)
    _write(path, grey)


def write_phantom(
    image: PhantomImage, folder: Path, *, bits: int = 16, name: str = "image"
) -> None:
    """Write ``image.png``, ``truth.json`` and ``masks/*.png`` into a folder, made when missing.

    Another film of the study has another ``name`` and goes into ``NAME.png``, ``NAME.json`` and
    ``NAME_masks``.

    Structures are ``masks/NAME.png``, findings ``masks/finding_N.png`` and devices
    ``masks/device_N.png`` in the order of the truth.

    Raises:
        InvalidValueError: The folder cannot be written.
    """
    is_first = name == "image"
    masks = folder / ("masks" if is_first else f"{name}_masks")
    try:
        masks.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidValueError(f"cannot make the folder {folder}: {error.strerror}") from error
    write_image(image, folder / f"{name}.png", bits=bits)
    truth = image.truth
    for structure, mask in truth.masks.items():
        write_mask(masks / f"{structure}.png", mask)
    for number, finding in enumerate(truth.findings, start=1):
        if finding.mask is not None:
            write_mask(masks / f"finding_{number}.png", finding.mask)
    for number, device in enumerate(truth.devices, start=1):
        write_mask(masks / f"device_{number}.png", device.mask)
    text = json.dumps(truth_to_dict(image), indent=2)
    told = folder / ("truth.json" if is_first else f"{name}.json")
    told.write_text(text + "\n", encoding="utf-8")


def truth_to_dict(image: PhantomImage) -> dict[str, Any]:
    """The truth as JSON data without its masks; points and boxes in pixels of the image."""
    truth = image.truth
    return {
        "disclaimer": f"Simulated, no patient. {DISCLAIMER}",
        "rows": image.radiograph.pixels.shape[0],
        "columns": image.radiograph.pixels.shape[1],
        "view": str(truth.view),
        "spacing_mm": list(truth.spacing_mm),
        "landmarks": {name: list(point) for name, point in truth.landmarks.items()},
        "measurements": truth.measurements,
        "structures": sorted(truth.masks),
        "findings": [_finding(item) for item in truth.findings],
        "devices": [_device(item) for item in truth.devices],
        "spec": asdict(image.spec),
    }


def _finding(item: FindingTruth) -> dict[str, Any]:
    box = item.box
    return {
        "name": item.spec.name,
        "side": item.spec.side,
        "place": item.spec.place,
        "severity": item.spec.severity,
        "size_mm": item.spec.size_mm,
        "box": [box.x, box.y, box.width, box.height] if box is not None else None,
        "zones": list(item.zones),
        "volume_ml": item.volume_ml,
    }


def _device(item: DeviceTruth) -> dict[str, Any]:
    return {
        "name": item.spec.name,
        "is_correct": item.spec.is_correct,
        "tip": list(item.tip),
        "tip_place": item.tip_place,
        "above_carina_mm": item.above_carina_mm,
    }


def write_mask(path: Path, mask: Mask) -> None:
    """Write a mask as a PNG: 0 outside, 255 inside."""
    _write(path, mask.astype(np.uint8) * np.uint8(255))


def _write(path: Path, pixels: np.ndarray[Any, np.dtype[Any]]) -> None:
    _, data = cv2.imencode(".png", pixels)
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise InvalidValueError(f"cannot write {path}: {error.strerror}") from error
