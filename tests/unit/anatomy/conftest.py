"""A chest drawn from polygons, as perfect probability maps."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from hilum.types import FloatImage, Orientation, Radiograph, Spacing

OUTLINES = {
    "right_lung": "30,12 42,20 45,75 30,70 12,86 13,50 20,22",
    "left_lung": "70,12 58,20 55,75 72,71 88,88 87,50 80,22",
    "cardiomediastinum": "50,30 42,45 40,70 50,82 68,75 66,60 56,35",
}
BRANCHES = [((50, 2), (50, 36)), ((50, 36), (42, 48)), ((50, 36), (60, 48))]


def draw_chest(side: int = 256) -> dict[str, FloatImage]:
    """Probability maps (side, side) of 0 and 1; the heart is 28 % of the image wide."""
    maps = {}
    for name, outline in OUTLINES.items():
        points = np.array([pair.split(",") for pair in outline.split()], float) * side / 100
        canvas = np.zeros((side, side), np.uint8)
        cv2.fillPoly(canvas, [np.round(points).astype(np.int32)], 1)
        maps[name] = canvas.astype(np.float32)
    canvas = np.zeros((side, side), np.uint8)
    for start, end in BRANCHES:
        a, b = ([round(v * side / 100) for v in point] for point in (start, end))
        cv2.line(canvas, a, b, 1, round(0.045 * side))
    maps["airways"] = canvas.astype(np.float32)
    return maps


@pytest.fixture
def chest() -> dict[str, FloatImage]:
    return draw_chest()


@pytest.fixture
def make_radiograph() -> Callable[..., Radiograph]:
    def make(
        rows: int = 300, columns: int = 300, turns: int = 0, spacing: Spacing | None = None
    ) -> Radiograph:
        orientation = Orientation(rows, columns, quarter_turns=turns)
        ramp = np.linspace(0, 1, orientation.shape[0], dtype=np.float32)[:, None]
        pixels = np.ascontiguousarray(np.broadcast_to(ramp, orientation.shape))
        return Radiograph(pixels, "drawn", orientation, spacing=spacing)

    return make
