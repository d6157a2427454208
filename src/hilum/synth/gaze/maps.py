"""Heat maps of gaze."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from hilum.errors import require
from hilum.synth.gaze.types import Fixation
from hilum.types import FloatImage

__all__ = ["gaze_map"]


def gaze_map(
    fixations: Iterable[Fixation], shape: tuple[int, int], *, sigma_px: float
) -> FloatImage:
    """Share of the gaze at each pixel: fixations weighed by duration and blurred.

    Args:
        fixations: In pixels of the image; those outside of it do not count.
        shape: Rows and columns.
        sigma_px: Standard deviation of the blur; one degree of visual angle is usual.

    Returns:
        float32 ``(rows, columns)``, not negative, of sum 1, or all 0 without fixations.

    Raises:
        InvalidValueError: If the blur is not positive.
    """
    require(sigma_px > 0, f"sigma_px is positive, got {sigma_px}")
    rows, columns = shape
    dwell = np.zeros(shape, np.float64)
    for fixation in fixations:
        if 0 <= fixation.x < columns and 0 <= fixation.y < rows:
            dwell[int(fixation.y), int(fixation.x)] += fixation.duration_s
    blurred = cv2.GaussianBlur(dwell, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT)
    total = float(blurred.sum())
    return np.asarray(blurred / total if total > 0 else blurred, np.float32)
