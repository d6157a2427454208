"""Where things are: boxes, orientations and pixel spacing, in source pixels.

Source pixels have x to the right and y down, in the stored pixel matrix of the file that a
radiograph came from, with the origin at the top-left corner of its top-left pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import require

__all__ = ["Box", "Orientation", "Point", "Spacing", "SpacingOrigin"]

Point = tuple[float, float]


class SpacingOrigin(StrEnum):
    """The plane that ``Spacing`` refers to."""

    CALIBRATED = "calibrated"
    """PixelSpacing: calibrated or at the patient's plane, as the file declares."""
    PATIENT = "patient"
    """ImagerPixelSpacing divided by the estimated magnification."""
    DETECTOR = "detector"
    """ImagerPixelSpacing as it is: lengths are magnified by an unknown factor."""


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distance of neighbouring pixel centres: ``row_mm`` down, ``column_mm`` across."""

    row_mm: float
    column_mm: float
    origin: SpacingOrigin

    def __post_init__(self) -> None:
        for value in (self.row_mm, self.column_mm):
            require(0.0 < value < 10.0, f"pixel spacing must be in (0, 10) mm, got {value}")


@dataclass(frozen=True, slots=True)
class Orientation:
    """How upright pixels came from the stored pixel matrix of the file.

    The stored matrix (``source_rows`` by ``source_columns``) was first mirrored left to
    right when ``is_mirrored``, then turned counter-clockwise by ``quarter_turns`` times 90
    degrees (the convention of ``numpy.rot90``).

    >>> upright = Orientation(source_rows=2, source_columns=4, quarter_turns=1)
    >>> upright.shape
    (4, 2)
    >>> upright.point_to_source(0.0, 0.0)
    (4.0, 0.0)
    """

    source_rows: int
    source_columns: int
    quarter_turns: int = 0
    is_mirrored: bool = False

    def __post_init__(self) -> None:
        require(
            self.source_rows > 0 and self.source_columns > 0,
            f"an image has rows and columns, got {self.source_rows} x {self.source_columns}",
        )
        require(self.quarter_turns in (0, 1, 2, 3), "quarter_turns must be 0, 1, 2 or 3")

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, columns)`` of the upright pixels."""
        if self.quarter_turns % 2:
            return self.source_columns, self.source_rows
        return self.source_rows, self.source_columns

    def turned(self, quarter_turns: int) -> Orientation:
        """The orientation after ``quarter_turns`` more counter-clockwise turns."""
        turns = (self.quarter_turns + quarter_turns) % 4
        return Orientation(self.source_rows, self.source_columns, turns, self.is_mirrored)

    def point_to_source(self, x: float, y: float) -> Point:
        """Map a point ``(x, y)`` of the upright pixels to source pixels."""
        rows, columns = self.shape
        for _ in range(self.quarter_turns):
            x, y = rows - y, x
            rows, columns = columns, rows
        return (self.source_columns - x, y) if self.is_mirrored else (x, y)

    def point_from_source(self, x: float, y: float) -> Point:
        """Map a point ``(x, y)`` of source pixels to the upright pixels."""
        columns, rows = self.source_columns, self.source_rows
        if self.is_mirrored:
            x = columns - x
        for _ in range(self.quarter_turns):
            x, y = y, columns - x
            rows, columns = columns, rows
        return x, y

    def box_to_source(self, box: Box) -> Box:
        """Map a box of the upright pixels to source pixels."""
        x0, y0 = self.point_to_source(box.x, box.y)
        x1, y1 = self.point_to_source(box.x + box.width, box.y + box.height)
        return Box(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))

    def apply(self, source: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Turn an array ``(source_rows, source_columns, ...)`` upright (a view)."""
        return np.rot90(source[:, ::-1] if self.is_mirrored else source, self.quarter_turns)

    def undo(self, upright: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Bring an upright array back to the layout of the source (a view)."""
        source = np.rot90(upright, -self.quarter_turns)
        return source[:, ::-1] if self.is_mirrored else source


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in pixels; ``x``, ``y`` is its top-left corner."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        values = (self.x, self.y, self.width, self.height)
        require(all(np.isfinite(values)), f"a box must be finite, got {values}")
        require(self.width > 0 and self.height > 0, f"a box must have an extent, got {values}")

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> Point:
        """Centre ``(x, y)`` in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2
