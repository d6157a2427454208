"""Rules on pixels: what can be refused or warned about without a network."""

from __future__ import annotations

import cv2
import numpy as np

from hilum.quality.issues import issue
from hilum.quality.limits import limits
from hilum.types import FloatImage, Issue, Radiograph

__all__ = ["check_exposure", "check_image", "neighbour_correlation"]

SMALL = 128
LEVELS = 64


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _reduce(pixels: FloatImage) -> FloatImage:
    """At most ``SMALL`` pixels a side, area-averaged."""
    shape = min(SMALL, pixels.shape[1]), min(SMALL, pixels.shape[0])
    return np.asarray(cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA), np.float32)


def neighbour_correlation(pixels: FloatImage) -> float:
    """Correlation of neighbouring pixels ``(rows, columns)``, the lesser of across and down.

    1 for smooth images, 0 for white noise; 1 for a constant image.
    """
    centred = pixels - pixels.mean()
    power = float((centred**2).mean())
    if power < 1e-12:
        return 1.0
    across = float((centred[:, 1:] * centred[:, :-1]).mean())
    down = float((centred[1:] * centred[:-1]).mean())
    return min(across, down) / power


def _check_format(radiograph: Radiograph) -> list[Issue]:
    limit = limits("image")
    found: list[Issue] = []
    rows, columns = radiograph.pixels.shape
    if min(rows, columns) < limit["minimum_side_px"]:
        found.append(issue("too_small", f"{rows} x {columns}"))
    aspect = max(rows, columns) / min(rows, columns)
    if aspect > limit["maximum_aspect"]:
        found.append(issue("extreme_shape", f"{aspect:.1f}"))
    if radiograph.frames > limit["maximum_frames"]:
        found.append(issue("several_frames", str(radiograph.frames)))
    if radiograph.chroma > limit["colour_photograph_share"]:
        found.append(issue("colour_photograph", _percent(radiograph.chroma)))
    return found


def _check_content(pixels: FloatImage) -> list[Issue]:
    limit = limits("image")
    small = _reduce(pixels)
    low, high = np.percentile(small, [1, 99])
    if high - low < limit["blank_span"]:
        return [issue("blank", "one grey level everywhere")]
    counts = np.bincount((small * (LEVELS - 1)).astype(np.int64).ravel(), minlength=LEVELS)
    share = float(counts.max()) / small.size
    if share > limit["blank_mode_share"]:
        return [issue("blank", f"one grey level on {_percent(share)}")]
    correlation = neighbour_correlation(small)
    if correlation < limit["noise_correlation"]:
        return [issue("noise", f"{correlation:.2f}")]
    return []


def check_image(radiograph: Radiograph) -> tuple[Issue, ...]:
    """Refusals by size, shape, frames, colour and content, without a network."""
    found = _check_format(radiograph)
    return tuple(found or _check_content(radiograph.pixels))


def check_exposure(radiograph: Radiograph) -> tuple[Issue, ...]:
    """Warnings about colour, saturation and contrast in the middle of the image."""
    limit, found = limits("exposure"), []
    if radiograph.chroma > limits("image")["coloured_marks_share"]:
        found.append(issue("coloured_marks", f"{100 * radiograph.chroma:.1f} %"))
    pixels = radiograph.pixels
    margin = (1 - limit["central_fraction"]) / 2
    top, left = (int(margin * side) for side in pixels.shape)
    middle = pixels[top : pixels.shape[0] - top, left : pixels.shape[1] - left]
    step = max(1, min(middle.shape) // 256)
    middle = middle[::step, ::step]
    black = float((middle <= limit["black_level"]).mean())
    white = float((middle >= limit["white_level"]).mean())
    if black > limit["saturated_share"]:
        found.append(issue("over_exposed", f"{_percent(black)} of the middle of the image"))
    if white > limit["saturated_share"]:
        found.append(issue("under_exposed", f"{_percent(white)} of the middle of the image"))
    low, high = np.percentile(middle, [2, 98])
    if high - low < limit["low_contrast_span"]:
        found.append(issue("low_contrast", _percent(float(high - low))))
    return tuple(found)
