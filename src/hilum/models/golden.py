"""Golden outputs: what a network must answer on a synthetic image, anywhere.

They catch what a hash cannot: a runtime that computes something else, and a change of our
own preprocessing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import HilumError
from hilum.models.manifest import Golden, Manifest
from hilum.models.session import Model
from hilum.types import FloatImage

__all__ = ["GOLDEN_IMAGE", "VerifyResult", "compute_golden", "golden_image", "verify_model"]

GOLDEN_IMAGE = "thorax-1"
"""Name of the picture that ``golden_image`` draws; a new picture takes a new name."""
MAX_VALUES = 64
DEFAULT_TOLERANCE = 2e-3


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """Outcome of verifying one model; ``max_difference`` is None where nothing was run."""

    name: str
    is_ok: bool
    message: str
    max_difference: float | None = None


def _soft_ellipse(
    x: npt.NDArray[Any], y: npt.NDArray[Any], centre: tuple[float, float], size: tuple[float, float]
) -> npt.NDArray[Any]:
    """About 1 inside an ellipse and 0 outside, with a soft edge."""
    radius = np.hypot((x - centre[0]) / size[0], (y - centre[1]) / size[1])
    return np.asarray(1.0 / (1.0 + np.exp((radius - 1.0) * 18.0)))


def golden_image(rows: int = 512, columns: int = 448) -> FloatImage:
    """Draw a smooth picture that resembles a frontal chest radiograph.

    No random numbers are used, and values are rounded to 12 bits, so that it is the same on
    every machine.

    Returns:
        float32 ``(rows, columns)`` in [0, 1], air dark.
    """
    y, x = np.mgrid[0:rows, 0:columns]
    x, y = (x + 0.5) / columns, (y + 0.5) / rows
    body = _soft_ellipse(x, y, (0.5, 0.62), (0.46, 0.6))
    lungs = _soft_ellipse(x, y, (0.31, 0.47), (0.14, 0.3))
    lungs = np.maximum(lungs, _soft_ellipse(x, y, (0.69, 0.47), (0.14, 0.3)))
    ribs = 0.5 + 0.5 * np.cos(2.0 * np.pi * (9.0 * y + 2.2 * (x - 0.5) ** 2))
    image = 0.05 + 0.6 * body - 0.42 * lungs * body + 0.07 * ribs * lungs
    image += 0.2 * _soft_ellipse(x, y, (0.55, 0.62), (0.15, 0.14)) * body
    image += 0.1 * np.exp(-(((x - 0.5) / 0.045) ** 2)) * body
    image -= 0.12 * np.exp(-(((x - 0.5) / 0.018) ** 2)) * (y < 0.36) * body
    grey = np.round(np.clip(image, 0.0, 1.0) * 4095.0) / 4095.0
    return np.asarray(grey, dtype=np.float32)


def _summarise(array: npt.NDArray[np.float32]) -> dict[str, Any]:
    flat = array.ravel()
    count = min(MAX_VALUES, flat.size)
    picked = flat[np.linspace(0, flat.size - 1, count).astype(int)] if count else flat
    mean = float(flat.mean()) if count else 0.0
    return {
        "shape": list(array.shape),
        "mean": round(mean, 5),
        "values": [round(float(value), 5) for value in picked],
    }


def compute_golden(model: Model, *, tolerance: float = DEFAULT_TOLERANCE) -> Golden:
    """Run ``model`` on the synthetic image and record a summary of every output."""
    outputs = model.run(golden_image())
    return Golden(GOLDEN_IMAGE, {k: _summarise(v) for k, v in outputs.items()}, tolerance)


def _difference(want: Mapping[str, Any], got: Mapping[str, Any]) -> float:
    """Largest difference, relative to the largest golden value where that exceeds 1."""
    wanted = np.array([want["mean"], *want["values"]], dtype=float)
    found = np.array([got["mean"], *got["values"]], dtype=float)
    if list(want["shape"]) != got["shape"] or wanted.shape != found.shape:
        return float("inf")
    difference = float(np.abs(wanted - found).max()) / max(1.0, float(np.abs(wanted).max()))
    return difference if np.isfinite(difference) else float("inf")


def _compare(manifest: Manifest, golden: Golden, model: Model) -> VerifyResult:
    now = compute_golden(model)
    if golden.image != now.image or set(golden.outputs) != set(now.outputs):
        return VerifyResult(
            manifest.name, False, f"golden outputs are of another image or network: {golden.image}"
        )
    worst = max(_difference(golden.outputs[k], now.outputs[k]) for k in golden.outputs)
    is_ok = worst <= golden.tolerance
    verdict = "golden outputs agree" if is_ok else "golden outputs differ"
    message = f"{verdict}: {worst:.2g}, allowed {golden.tolerance:.2g}"
    return VerifyResult(manifest.name, is_ok, message, worst)


def verify_model(manifest: Manifest, directory: Path) -> VerifyResult:
    """Check the hash of the weights and recompute the golden outputs.

    Never raises for a bad model: the result says what is wrong.
    """
    try:
        model = Model(manifest, directory)
        model.read_weights()
        if manifest.golden is None:
            return VerifyResult(manifest.name, False, "the manifest has no golden outputs")
        return _compare(manifest, manifest.golden, model)
    except (HilumError, ValueError, TypeError) as error:
        return VerifyResult(manifest.name, False, str(error))
