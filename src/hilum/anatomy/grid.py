"""The working grid of the anatomy room, between the network's maps and the source pixels.

The network sees every image stretched to one square, so its pixels have no fixed shape.
All anatomy is worked out on one grid whose long side is 384 pixels and whose pixels are as
square as those of the image: sizes in it mean the same for every image, and the work does
not grow with the image. Only finished masks are brought to full size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hilum.types import FloatImage, Mask, Orientation, Point, Radiograph

__all__ = ["GRID_SIDE", "Grid", "make_grid"]

GRID_SIDE = 384


@dataclass(frozen=True, slots=True)
class Grid:
    """Working grid of ``rows`` by ``columns`` over the whole upright image.

    ``pixel_mm`` is the distance ``(down, across)`` of neighbouring *upright image* pixels,
    None when the file states none.
    """

    rows: int
    columns: int
    orientation: Orientation
    pixel_mm: tuple[float, float] | None = None

    @property
    def scale(self) -> tuple[float, float]:
        """Upright image pixels per grid pixel, ``(down, across)``."""
        rows, columns = self.orientation.shape
        return rows / self.rows, columns / self.columns

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Size ``(down, across)`` of a grid pixel: mm with a known spacing, else image pixels."""
        (down, across), (row_mm, column_mm) = self.scale, self.pixel_mm or (1.0, 1.0)
        return down * row_mm, across * column_mm

    def resample(self, values: FloatImage) -> FloatImage:
        """Bring a map or an image ``(rows, columns)`` of any size onto the grid."""
        is_smaller = values.shape[0] < self.rows or values.shape[1] < self.columns
        how = cv2.INTER_LINEAR if is_smaller else cv2.INTER_AREA
        resized = cv2.resize(values, (self.columns, self.rows), interpolation=how)
        return np.asarray(resized, np.float32)

    def mask_to_source(self, probability: FloatImage) -> Mask:
        """Threshold a grid map at 0.5 on the source's pixels, with smooth contours."""
        # Eight bits are enough for a contour and four times as fast to enlarge; turning
        # the small map costs nothing, turning the large mask would.
        coarse = np.round(np.clip(probability, 0.0, 1.0) * 255.0).astype(np.uint8)
        coarse = np.ascontiguousarray(self.orientation.undo(coarse))
        size = self.orientation.source_columns, self.orientation.source_rows
        fine = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
        _, binary = cv2.threshold(fine, 127, 1, cv2.THRESH_BINARY)
        return np.asarray(binary).view(np.bool_)

    def point_to_source(self, point: Point) -> Point:
        """Map a grid point ``(x, y)`` to source pixels, kept inside the image."""
        down, across = self.scale
        x, y = self.orientation.point_to_source(point[0] * across, point[1] * down)
        right, bottom = float(self.orientation.source_columns), float(self.orientation.source_rows)
        return min(max(x, 0.0), right), min(max(y, 0.0), bottom)


def make_grid(radiograph: Radiograph) -> Grid:
    """The working grid of a radiograph; spacing is turned with the image."""
    rows, columns = radiograph.orientation.shape
    factor = GRID_SIDE / max(rows, columns)
    spacing, pixel_mm = radiograph.spacing, None
    if spacing is not None:
        pixel_mm = (spacing.row_mm, spacing.column_mm)
        if radiograph.orientation.quarter_turns % 2:
            pixel_mm = (spacing.column_mm, spacing.row_mm)
    return Grid(
        rows=max(1, round(rows * factor)),
        columns=max(1, round(columns * factor)),
        orientation=radiograph.orientation,
        pixel_mm=pixel_mm,
    )
