"""The thorax crop that the findings network looks at, shared by reading and training.

Looking only at the lungs and what lies between them gives the network more pixels of what
matters and hides most of what betrays the projection (arms, markers, borders).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hilum.types import Box, Mask

__all__ = ["MARGINS", "crop_array", "thorax_box"]

MARGINS = (0.06, 0.07, 0.06, 0.10)
"""Margins left, top, right and bottom of the lungs, as shares of their extent."""
MIN_SHARE = 0.25
"""A lung box smaller than this share of either side is not trusted: the whole image is used."""


def thorax_box(lungs: Mask) -> Box:
    """The box around the lungs with margins, in the pixels of ``lungs``.

    Args:
        lungs: Union of both lungs, bool ``(rows, columns)``, upright.

    Returns:
        The box, within the image; the whole image where the lungs are too small to trust.
    """
    rows, columns = lungs.shape
    xs, ys = np.flatnonzero(lungs.any(0)), np.flatnonzero(lungs.any(1))
    whole = Box(0.0, 0.0, float(columns), float(rows))
    if xs.size == 0:
        return whole
    left, right, top, bottom = xs[0], xs[-1] + 1, ys[0], ys[-1] + 1
    width, height = float(right - left), float(bottom - top)
    if width < MIN_SHARE * columns or height < MIN_SHARE * rows:
        return whole
    x0 = max(0.0, float(left) - MARGINS[0] * width)
    y0 = max(0.0, float(top) - MARGINS[1] * height)
    x1 = min(float(columns), float(right) + MARGINS[2] * width)
    y1 = min(float(rows), float(bottom) + MARGINS[3] * height)
    return Box(x0, y0, x1 - x0, y1 - y0)


def crop_array(image: npt.NDArray[np.float32], box: Box) -> npt.NDArray[np.float32]:
    """The pixels inside ``box`` (rounded outwards), a view of ``(rows, columns)``."""
    top, left = int(box.y), int(box.x)
    bottom, right = int(np.ceil(box.y + box.height)), int(np.ceil(box.x + box.width))
    return image[top:bottom, left:right]
