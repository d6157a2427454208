"""Whether a map explains: does what it marks matter, and does it follow the model?

The model is a function of one image to a number (a probability), the explainer one of an image
to a map of the same shape. Pixels are not clipped after noise is added, so that a linear
model stays linear.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.findings.labelled import NAN
from hilum.types import FloatImage

__all__ = [
    "Explainer",
    "Predictor",
    "blurred",
    "deletion",
    "infidelity",
    "insertion",
    "max_sensitivity",
    "removal_curve",
]

Array = npt.NDArray[np.float64]
Predictor = Callable[[FloatImage], float]
Explainer = Callable[[FloatImage], npt.NDArray[Any]]
BLUR = 0.1
"""Deviation of the blurred image, as a share of the longer side."""


def blurred(image: FloatImage) -> FloatImage:
    """The image without detail: what stands for removed pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), BLUR * max(image.shape)), np.float32)


def _require_map(image: FloatImage, heat: npt.NDArray[Any]) -> Array:
    require(
        heat.shape == image.shape and bool(np.isfinite(heat).all()),
        f"a finite map of the image's shape {image.shape}, got {heat.shape}",
    )
    return np.asarray(heat, np.float64)


def removal_curve(
    model: Predictor,
    start: FloatImage,
    end: FloatImage,
    heat: npt.NDArray[Any],
    *,
    steps: int = 20,
) -> Array:
    """The model's answers ``(steps + 1,)`` while ``start`` turns into ``end``.

    Args:
        model: Image to number.
        start: ``(rows, columns)``.
        end: Of the same shape.
        heat: The map; its largest values are replaced first, equal ones in reading order.
        steps: Of equally many pixels each.
    """
    heat = _require_map(start, heat)
    require(start.shape == end.shape and steps >= 1, "start and end are of one shape")
    order = np.argsort(-heat.ravel(), kind="stable")
    current, answers = start.copy(), [float(model(start))]
    for part in np.array_split(order, steps):
        current.ravel()[part] = end.ravel()[part]
        answers.append(float(model(current)))
    return np.array(answers)


def _area(curve: Array) -> float:
    return float(np.trapezoid(curve, dx=1.0 / (len(curve) - 1)))


def deletion(
    model: Predictor, image: FloatImage, heat: npt.NDArray[Any], *, steps: int = 20
) -> float:
    """Area under the answers while the most important pixels are blurred away; low is good.

    Petsiuk 2018, with the blurred image instead of black, which on radiographs is air.
    """
    return _area(removal_curve(model, image, blurred(image), heat, steps=steps))


def insertion(
    model: Predictor, image: FloatImage, heat: npt.NDArray[Any], *, steps: int = 20
) -> float:
    """Area under the answers while the most important pixels return; high is good."""
    return _area(removal_curve(model, blurred(image), image, heat, steps=steps))


def infidelity(
    model: Predictor,
    image: FloatImage,
    heat: npt.NDArray[Any],
    *,
    rng: np.random.Generator,
    deviation: float = 0.1,
    samples: int = 50,
    is_scaled: bool = False,
) -> float:
    """Mean squared difference of what the map foretells and what the model does.

    E[(I . map - (f(x) - f(x - I)))^2] with I Gaussian noise (Yeh 2019). With ``is_scaled`` the
    map is first multiplied by the factor that makes this least, as maps without a unit need.
    0 for the gradient of a linear model.
    """
    heat = _require_map(image, heat)
    require(samples >= 2 and deviation > 0, "at least two samples of a positive deviation")
    whole = float(model(image))
    foretold, happened = np.empty(samples), np.empty(samples)
    for number in range(samples):
        noise = rng.normal(scale=deviation, size=image.shape).astype(np.float32)
        foretold[number] = np.sum(noise * heat)
        happened[number] = whole - float(model(image - noise))
    power = float(foretold @ foretold)
    factor = float(foretold @ happened) / power if is_scaled and power > 0 else 1.0
    return float(np.mean((factor * foretold - happened) ** 2))


def max_sensitivity(
    explainer: Explainer,
    image: FloatImage,
    *,
    rng: np.random.Generator,
    radius: float = 0.02,
    samples: int = 10,
) -> float:
    """The largest relative change of the map among random images within ``radius``.

    max |map(x + d) - map(x)| / |map(x)| with d uniform in [-radius, radius] (Yeh 2019); NaN
    where the map is zero.
    """
    own = _require_map(image, explainer(image))
    size = float(np.linalg.norm(own))
    if size == 0.0:
        return NAN
    worst = 0.0
    for _ in range(samples):
        moved = image + rng.uniform(-radius, radius, size=image.shape).astype(np.float32)
        worst = max(worst, float(np.linalg.norm(explainer(moved) - own)) / size)
    return worst
