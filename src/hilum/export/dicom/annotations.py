"""Boxes, widths, landmarks and their words as a Grayscale Softcopy Presentation State.

Graphics are in source pixels (PS3.3 C.10.5.1.2, units PIXEL); a radiograph that was stored
turned is shown upright by the state's spatial transformation, one of wrong polarity by its
presentation LUT.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from highdicom import PresentationLUTTransformation
from highdicom.color import CIELabColor
from highdicom.pr import (
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GrayscaleSoftcopyPresentationState,
    TextObject,
)
from pydicom.dataset import Dataset

from hilum.export.dicom.stamp import Stamp
from hilum.export.overlays import label_boxes, name_region, width_lines
from hilum.export.sources import SourceImage
from hilum.export.wording import format_measurement, name_of
from hilum.types import DISCLAIMER, Box, Finding, Orientation, Point, RadiographReading

__all__ = ["build_annotations"]

LAYERS = (
    ("REGIONS", "Regions of findings", (255, 110, 90)),
    ("WIDTHS", "Widths of heart and chest", (235, 235, 235)),
    ("LANDMARKS", "Landmarks", (70, 190, 220)),
    ("DISCLAIMER", "Disclaimer", (255, 190, 70)),
)
LABELLED = ("carina",)
"""Landmarks with a word; nine words would hide the chest, and the others name themselves."""

PIXEL = "PIXEL"
DISPLAY = "DISPLAY"


def build_annotations(source: SourceImage, stamp: Stamp) -> Dataset:
    """Build the presentation state of a radiograph.

    Raises:
        ValueError: The image has more than one sample a pixel; of highdicom.
    """
    image, header = source.image, source.header
    layers = {
        name: GraphicLayer(name, order, description, CIELabColor.from_rgb(*colour))
        for order, (name, description, colour) in enumerate(LAYERS, start=1)
    }
    objects = _Objects(source, stamp)
    annotations = [
        GraphicAnnotation([header], layers[name], graphic_objects=graphics, text_objects=texts)
        for name, graphics, texts in objects.layers()
    ]
    state = GrayscaleSoftcopyPresentationState(
        referenced_images=[header],
        content_label="HILUM",
        content_description="For research and teaching only, not for diagnosis.",
        graphic_annotations=annotations,
        graphic_layers=list(layers.values()),
        presentation_lut_transformation=PresentationLUTTransformation(_shape(image, header)),
        **stamp.series("annotations", source.number),
    )
    _turn(state, image.radiograph.orientation)
    return state


def _shape(image: RadiographReading, header: Dataset) -> str:
    """The state overrides the image's own polarity (PS3.4 N.2): air is to be dark."""
    is_inverse = header.get("PhotometricInterpretation") == "MONOCHROME1"
    return "INVERSE" if is_inverse != image.radiograph.is_inverted else "IDENTITY"


def _turn(state: Dataset, orientation: Orientation) -> None:
    """Say how the stored image is turned upright.

    DICOM turns clockwise first and flips then (C.10.6); an ``Orientation`` mirrors first and
    turns counter-clockwise then. Behind a mirror the sense of turning is the other one.
    """
    turns = orientation.quarter_turns if orientation.is_mirrored else -orientation.quarter_turns
    if turns % 4 or orientation.is_mirrored:
        state.ImageRotation = 90 * (turns % 4)
        state.ImageHorizontalFlip = "Y" if orientation.is_mirrored else "N"
    # the stored pixels, counted from 1, that are to be seen at two corners (C.10.4)
    rows, columns = orientation.shape
    corners = (0.5, 0.5), (columns - 0.5, rows - 0.5)
    first, last = (orientation.point_to_source(*corner) for corner in corners)
    area = state.DisplayedAreaSelectionSequence[0]
    area.DisplayedAreaTopLeftHandCorner = [int(first[0]) + 1, int(first[1]) + 1]
    area.DisplayedAreaBottomRightHandCorner = [int(last[0]) + 1, int(last[1]) + 1]


class _Objects:
    """Graphic and text objects of a radiograph, tracked by the ids of their evidence."""

    def __init__(self, source: SourceImage, stamp: Stamp) -> None:
        self._source = source
        self._stamp = stamp
        self._image = source.image

    def layers(self) -> Iterator[tuple[str, list[Any], list[Any]]]:
        """Layer, graphics and texts of each layer that is not empty."""
        anatomy, orientation = self._image.anatomy, self._image.radiograph.orientation
        boxes = [box for finding in self._image.findings for box in self._boxes(finding)]
        if boxes:
            labels = [
                self._text("\r\n".join(map(name_region, findings)), _corners(box)[0])
                for box, findings in label_boxes(self._image).items()
            ]
            yield "REGIONS", boxes, labels
        lines = [
            (name, [orientation.point_to_source(*end) for end in ends])
            for name, *ends in width_lines(anatomy, orientation)
        ]
        if lines:
            graphics = [self._graphic("POLYLINE", ends) for _, ends in lines]
            yield "WIDTHS", graphics, [self._width(name, *ends) for name, ends in lines]
        marks = {
            name: self._graphic("POINT", [point], f"r{self._source.number}.landmark.{name}")
            for name, point in anatomy.landmarks.items()
        }
        if marks:
            texts = [
                self._text(name_of(name), anatomy.landmarks[name])
                for name in LABELLED
                if name in marks
            ]
            yield "LANDMARKS", list(marks.values()), texts
        banner = TextObject(
            DISCLAIMER, DISPLAY, bounding_box=(0.0, 0.0, 1.0, 0.04), text_justification="LEFT"
        )
        yield "DISCLAIMER", [], [banner]

    def _boxes(self, finding: Finding) -> Iterator[Any]:
        for number, region in enumerate(finding.regions, start=1):
            corners = _corners(region.box)
            yield self._graphic("POLYLINE", [*corners, corners[0]], f"{finding.id}#{number}")

    def _width(self, name: str, start: Point, end: Point) -> Any:
        middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        measured = self._image.anatomy.measurement(name)
        is_known = measured is not None and measured.value is not None
        value = f" {format_measurement(measured)}" if measured is not None and is_known else ""
        return self._text(f"{name_of(name)}{value}", middle)

    def _graphic(self, kind: str, points: list[Point], tracking: str = "") -> Any:
        rows, columns = self._source.header.Rows, self._source.header.Columns
        data = np.clip(np.array(points, np.float64), 0.0, (columns, rows))  # (points, 2) x, y
        uid = self._stamp.uid("track", tracking) if tracking else None
        return GraphicObject(kind, data, PIXEL, tracking_id=tracking or None, tracking_uid=uid)

    def _text(self, text: str, anchor: Point) -> Any:
        return TextObject(text, PIXEL, anchor_point=anchor, anchor_point_visible=False)


def _corners(box: Box) -> list[Point]:
    right, bottom = box.x + box.width, box.y + box.height
    return [(box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)]
