"""Multi-scale structural similarity, and how alike a set of images is to itself."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hilum.errors import require

__all__ = ["SCALE_WEIGHTS", "ms_ssim", "pairwise_ms_ssim", "ssim"]

Array = npt.NDArray[np.float64]
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales, finest first (Wang 2003)."""
WINDOW, SIGMA = 11, 1.5
STABILISERS = (0.01**2, 0.03**2)
"""For images of data range 1."""
LEAST_SIDE = WINDOW * 2 ** (len(SCALE_WEIGHTS) - 1)


def _smooth(image: Array) -> Array:
    """Gaussian means where the whole window lies in the image."""
    line = cv2.getGaussianKernel(WINDOW, SIGMA, cv2.CV_64F)
    edge = WINDOW // 2
    smoothed: Array = np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, line, line))
    return smoothed[edge:-edge, edge:-edge]


def _parts(first: Array, second: Array) -> tuple[float, float]:
    """Mean SSIM and mean contrast-structure term of one scale."""
    mean1, mean2 = _smooth(first), _smooth(second)
    variance1 = _smooth(first * first) - mean1**2
    variance2 = _smooth(second * second) - mean2**2
    covariance = _smooth(first * second) - mean1 * mean2
    c1, c2 = STABILISERS
    contrast = (2 * covariance + c2) / (variance1 + variance2 + c2)
    luminance = (2 * mean1 * mean2 + c1) / (mean1**2 + mean2**2 + c1)
    return float((luminance * contrast).mean()), float(contrast.mean())


def _require_pair(first: Any, second: Any, least: int) -> tuple[Array, Array]:
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    require(
        first.ndim == 2 and first.shape == second.shape and min(first.shape) >= least,
        f"two images of one shape and at least {least} pixels a side, got {first.shape} and "
        f"{second.shape}; resize them",
    )
    return first, second


def ssim(first: Any, second: Any) -> float:
    """Structural similarity of two images ``(rows, columns)`` in [0, 1] (Wang 2004).

    Gaussian window of 11 pixels and deviation 1.5, population variances, mean over the places
    where the window fits.
    """
    return _parts(*_require_pair(first, second, WINDOW))[0]


def ms_ssim(first: Any, second: Any) -> float:
    """Multi-scale SSIM of two images ``(rows, columns)`` in [0, 1] (Wang 2003).

    Five scales, halved by means of 2 x 2 pixels; a negative term counts as 0, since it has no
    fractional power.

    Raises:
        InvalidValueError: Shapes differ, or a side is below 176 pixels.
    """
    first, second = _require_pair(first, second, LEAST_SIDE)
    result, last = 1.0, len(SCALE_WEIGHTS) - 1
    for scale, weight in enumerate(SCALE_WEIGHTS):
        similarity, contrast = _parts(first, second)
        result *= max(similarity if scale == last else contrast, 0.0) ** weight
        first, second = _halved(first), _halved(second)
    return result


def _halved(image: Array) -> Array:
    rows, columns = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    cells = image[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2)
    return np.ascontiguousarray(cells.mean(axis=(1, 3)))


def pairwise_ms_ssim(images: Any, *, rng: np.random.Generator, partners: int = 10) -> Array:
    """Mean MS-SSIM of each image with others of its set, ``(images,)``.

    Args:
        images: ``(images, rows, columns)`` in [0, 1].
        rng: Who meets whom: each image its next ``partners`` in a random circle.
        partners: At most this many on either side, so the mean over images is that over pairs.
    """
    stack = np.asarray(images)
    require(stack.ndim == 3 and len(stack) >= 2, f"at least two images, got {stack.shape}")
    circle = rng.permutation(len(stack))
    sums, counts = np.zeros(len(stack)), np.zeros(len(stack))
    for step in range(1, min(partners, len(stack) // 2) + 1):
        for place, one in enumerate(circle):
            other = circle[(place + step) % len(stack)]
            if 2 * step == len(stack) and place >= step:
                break  # halfway around, every pair would come twice
            value = ms_ssim(stack[one], stack[other])
            sums[[one, other]] += value
            counts[[one, other]] += 1
    return np.asarray(sums / counts)
