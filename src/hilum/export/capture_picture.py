"""A reading burned into a picture: for viewers that show nothing but pixels.

The upright radiograph with outlines, widths, landmarks and regions, a panel that says what
was found, and the disclaimer across the top, outside the image, so that nothing hides it and
it hides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from hilum._version import __version__
from hilum.export.overlays import label_boxes, name_region, width_lines
from hilum.export.wording import (
    STATUSES,
    describe_view,
    format_date,
    format_interval,
    format_measurement,
    format_probability,
    list_zones,
    name_of,
    order_findings,
)
from hilum.types import DISCLAIMER, Box, Finding, Orientation, Point, RadiographReading, Status

__all__ = ["IMAGE_SIDE", "OTHER_OUTLINE", "OUTLINES", "draw_capture"]

IMAGE_SIDE = 1024
"""Long side of the radiograph in the picture."""

PANEL, BANNER, MARGIN = 440, 44, 16
BACKGROUND, PANEL_COLOUR = (0, 0, 0), (22, 24, 28)
WHITE, GREY, AMBER = (235, 235, 235), (150, 155, 160), (255, 190, 70)
OUTLINES = {
    "left_lung": (70, 190, 220),
    "right_lung": (70, 190, 220),
    "cardiomediastinum": (205, 120, 220),
    "airways": (120, 210, 130),
}
"""Colours of the outlines by structure, red first."""

OTHER_OUTLINE = (160, 160, 160)
STATUS_COLOURS = {
    Status.PRESENT: (255, 110, 90),
    Status.UNCERTAIN: AMBER,
    Status.ABSENT: (140, 200, 150),
    Status.NOT_ASSESSED: GREY,
}

SPELLED = str.maketrans({"–": " to ", "²": "2", "’": "'"})
"""What Pillow's own font has no glyph for."""

_Picture = npt.NDArray[np.uint8]


def draw_capture(image: RadiographReading) -> _Picture:
    """Draw a reading's radiograph.

    Args:
        image: A radiograph that was read.

    Returns:
        uint8 ``(rows, columns, 3)``, red first; the radiograph is upright and has a long side
        of ``IMAGE_SIDE``.
    """
    pixels = image.radiograph.pixels
    scale = IMAGE_SIDE / max(pixels.shape)
    rows, columns = (max(1, round(n * scale)) for n in pixels.shape)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    gray = cv2.resize(pixels, (columns, rows), interpolation=how)
    levels = np.clip(np.rint(gray * 255.0), 0, 255).astype(np.uint8)
    lines, needed = _lay_out(image)
    canvas = Image.new("RGB", (columns + PANEL, BANNER + max(rows, needed)), BACKGROUND)
    canvas.paste(Image.fromarray(levels).convert("RGB"), (0, BANNER))
    pen = _Pen(image, canvas, scale)
    pen.draw_image()
    pen.draw_words(lines)
    return np.asarray(canvas, np.uint8)


def _font(size: int) -> Any:
    return ImageFont.load_default(size)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the panel: ``y`` from the panel's top."""

    y: int
    text: str
    colour: tuple[int, int, int]
    font: Any


def _lay_out(image: RadiographReading) -> tuple[list[_Line], int]:
    """The lines of the panel and the height that they need, however many there are."""
    lines: list[_Line] = []
    y = MARGIN
    for text, colour, size in _words(image):
        font = _font(size)
        for part in _wrap(text, font, PANEL - 2 * MARGIN):
            lines.append(_Line(y, part, colour, font))
            y += size + 5
        y += 2
    return lines, y + MARGIN


class _Pen:
    """Draws on a canvas in which the radiograph stands ``scale`` times its upright size."""

    def __init__(self, image: RadiographReading, canvas: Any, scale: float) -> None:
        self._image = image
        self._canvas = canvas
        self._scale = scale
        self._columns = canvas.width - PANEL
        self._draw = ImageDraw.Draw(canvas)

    def draw_image(self) -> None:
        """Outlines, widths, landmarks and boxes."""
        orientation, anatomy = self._image.radiograph.orientation, self._image.anatomy
        for name, structure in anatomy.structures.items():
            if structure.is_simulated:
                continue
            is_sound = structure.problem is None
            colour = OUTLINES.get(name, OTHER_OUTLINE) if is_sound else OTHER_OUTLINE
            for outline in self._outlines(structure.mask, orientation):
                self._draw.line([*outline, outline[0]], fill=colour, width=2)
        for _, start, end in width_lines(anatomy, orientation):
            self._draw.line([self._at(start), self._at(end)], fill=WHITE, width=1)
        for point in anatomy.landmarks.values():
            x, y = self._at(orientation.point_from_source(*point))
            self._draw.line([(x - 5, y), (x + 5, y)], fill=WHITE)
            self._draw.line([(x, y - 5), (x, y + 5)], fill=WHITE)
        for box, findings in label_boxes(self._image).items():
            self._box(box, findings, orientation)

    def _at(self, point: Point) -> Point:
        return point[0] * self._scale, point[1] * self._scale + BANNER

    def _outlines(
        self, mask: npt.NDArray[np.bool_], orientation: Orientation
    ) -> Iterator[list[Point]]:
        upright = np.ascontiguousarray(orientation.apply(mask)).astype(np.uint8)
        size = self._columns, max(1, round(upright.shape[0] * self._scale))
        shown = cv2.resize(upright, size, interpolation=cv2.INTER_NEAREST)
        contours, _ = cv2.findContours(shown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours:
            points = [(float(x), float(y + BANNER)) for x, y in contour[:, 0, :]]
            if len(points) > 2:
                yield points

    def _box(self, box: Box, findings: list[Finding], orientation: Orientation) -> None:
        """A box with the findings that were seen in it, in the colour of the first."""
        corners = (box.x, box.y), (box.x + box.width, box.y + box.height)
        ends = [self._at(orientation.point_from_source(*corner)) for corner in corners]
        (x0, x1), (y0, y1) = sorted(e[0] for e in ends), sorted(e[1] for e in ends)
        colour = STATUS_COLOURS[findings[0].status]
        self._draw.rectangle((x0, y0, x1, y1), outline=colour, width=3)
        height = 22 * len(findings) + 4
        # above the box; below one that leaves no room there
        y = y0 - height - 2 if y0 - height - 2 > BANNER else y1 + 2
        font = _font(17)
        widest = max(self._draw.textlength(name_region(f), font=font) for f in findings)
        x = max(0.0, min(x0, self._columns - widest - 8))
        self._draw.rectangle((x, y, x + widest + 8, y + height), fill=BACKGROUND)
        for line, finding in enumerate(findings):
            shade = STATUS_COLOURS[finding.status]
            self._draw.text((x + 4, y + 2 + 22 * line), name_region(finding), fill=shade, font=font)

    def draw_words(self, lines: list[_Line]) -> None:
        """The banner and the panel."""
        self._draw.rectangle((0, 0, self._canvas.width, BANNER - 1), fill=AMBER)
        text = f"DRAFT BY SOFTWARE. {DISCLAIMER}"
        font = _font(21)
        while font.getlength(text) > self._canvas.width - MARGIN:
            font = _font(font.size - 1)
        self._draw.text((MARGIN // 2, 10), text, fill=BACKGROUND, font=font)
        left, right = self._columns, self._canvas.width
        self._draw.rectangle((left, BANNER, right, self._canvas.height), fill=PANEL_COLOUR)
        for line in lines:
            place = left + MARGIN, BANNER + line.y
            self._draw.text(place, line.text, fill=line.colour, font=line.font)


def _words(image: RadiographReading) -> Iterator[tuple[str, tuple[int, int, int], int]]:
    """Text, colour and size of everything that the panel says."""
    date = format_date(image.radiograph.acquired)
    yield f"Hilum {__version__}", WHITE, 24
    yield f"{describe_view(image)}, {date}", GREY, 17
    for issue in (*image.quality.warnings, *image.anatomy.warnings):
        yield f"! {issue.message}", AMBER, 15
    not_assessed: list[str] = []
    yield "Findings", WHITE, 20
    for finding in order_findings(image):
        if finding.status is Status.NOT_ASSESSED:
            not_assessed.append(name_of(finding.name).lower())
        else:
            yield _describe(finding), STATUS_COLOURS[finding.status], 16
    if not image.findings:
        yield "Not interpreted", GREY, 16
    if not_assessed:
        yield f"Not assessed: {', '.join(not_assessed)}", GREY, 15
    if image.anatomy.measurements:
        yield "Measurements (± 1 SD)", WHITE, 20
    for item in image.anatomy.measurements:
        if item.value is not None:
            yield f"{name_of(item.name)}: {format_measurement(item)}", WHITE, 15


def _describe(finding: Finding) -> str:
    parts = [f"{name_of(finding.name)}: {STATUSES[finding.status]}"]
    if finding.probability is not None:
        interval = f" ({format_interval(finding.interval)})" if finding.interval else ""
        parts.append(f"{format_probability(finding.probability)}{interval}")
    zones = list_zones(finding)
    return ", ".join([*parts, zones] if zones else parts)


def _wrap(text: str, font: Any, width: int) -> list[str]:
    lines = [""]
    for word in text.translate(SPELLED).split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
