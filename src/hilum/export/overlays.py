"""What is drawn over a radiograph: outlines, lines and crosses as SVG paths.

Shapes are in upright pixels, the frame in which the image is shown; masks, landmarks and
boxes come in source pixels and are brought over by the radiograph's orientation.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import cv2
import numpy as np

from hilum.export.wording import format_probability, name_of, order_findings
from hilum.types import (
    Anatomy,
    Box,
    Finding,
    Mask,
    Orientation,
    Point,
    RadiographReading,
    Structure,
)

__all__ = [
    "LAYERS",
    "Shape",
    "draw_overlays",
    "label_boxes",
    "name_region",
    "trace_mask",
    "width_lines",
]

LAYERS = {
    "simulated": "Learned from simulation only",
    "structures": "Anatomy",
    "zones": "Zones",
    "lines": "Measurements",
    "landmarks": "Landmarks",
    "boxes": "Regions",
}
"""Layers from the bottom to the top, and the words on their toggles."""

TRACE_SIDE = 512
"""Masks are traced at this long side at most: an outline needs no more."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One SVG path ``d`` of a layer, and the ids of the evidence that it shows."""

    layer: str
    name: str
    label: str
    d: str
    evidence: tuple[str, ...] = ()


@cache
def _table() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("overlays.toml").read_text("utf-8")
    return tomllib.loads(text)


def draw_overlays(image: RadiographReading) -> tuple[Shape, ...]:
    """Every shape of a radiograph, bottom layer first."""
    orientation, anatomy = image.radiograph.orientation, image.anatomy
    evidence = _evidence_by_target(image)
    shapes: list[Shape] = []
    for name, structure in anatomy.structures.items():
        d = trace_mask(structure.mask, orientation)
        if structure.is_simulated:
            shapes += _simulated(structure, d, orientation)
            continue
        label = name_of(name) + (
            f" (not measured: {structure.problem})" if structure.problem else ""
        )
        shapes.append(Shape("structures", name, label, d, evidence.get(name, ())))
    for name, mask in anatomy.zones.items():
        d = trace_mask(mask, orientation)
        shapes.append(Shape("zones", name, name_of(name), d, evidence.get(name, ())))
    shapes += _lines(anatomy, orientation, evidence)
    size = max(orientation.shape) / 90
    for name, point in anatomy.landmarks.items():
        d = _cross(orientation.point_from_source(*point), size)
        shapes.append(Shape("landmarks", name, name_of(name), d, evidence.get(name, ())))
    for finding in image.findings:
        shapes += _boxes(finding, orientation)
    return tuple(shape for shape in shapes if shape.d)


def _simulated(structure: Structure, d: str, orientation: Orientation) -> Iterator[Shape]:
    """What was learned from phantoms, and where it ends if it is a tube or line."""
    origin, name = "learned from simulated radiographs only, not verified", structure.name
    yield Shape("simulated", name, f"{name_of(name)} ({origin})", d)
    tip = structure.tip
    if tip is None:
        return
    label = f"Tip of {name_of(name).lower()}"
    if tip.above_carina_mm is not None:
        level = "above" if tip.above_carina_mm >= 0 else "below"
        label += (
            f", {abs(tip.above_carina_mm):.0f} mm {level} the carina"
            f" (standard deviation on phantoms {tip.uncertainty_mm:.0f} mm)"
        )
    cross = _cross(orientation.point_from_source(*tip.point), max(orientation.shape) / 60)
    yield Shape("simulated", f"{name}_tip", f"{label} ({origin})", cross)


def trace_mask(mask: Mask, orientation: Orientation) -> str:
    """Trace a source mask as an SVG path in upright pixels; empty for an empty mask.

    Holes are traced too: fill the path by the even-odd rule.
    """
    upright = orientation.apply(mask).astype(np.uint8)
    rows, columns = upright.shape
    scale = min(1.0, TRACE_SIDE / max(rows, columns))
    if scale < 1.0:
        size = max(1, round(columns * scale)), max(1, round(rows * scale))
        upright = cv2.resize(upright * np.uint8(255), size, interpolation=cv2.INTER_AREA) // 128
    factor_x, factor_y = columns / upright.shape[1], rows / upright.shape[0]
    contours, _ = cv2.findContours(
        np.ascontiguousarray(upright), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    parts = []
    for contour in contours:
        points = cv2.approxPolyDP(contour, 0.8, True)[:, 0, :]  # (points, 2) as x, y
        if len(points) > 2:
            # A pixel's index names its corner; its centre lies half a pixel further.
            parts.append(
                _polygon([((x + 0.5) * factor_x, (y + 0.5) * factor_y) for x, y in points])
            )
    return "".join(parts)


def width_lines(anatomy: Anatomy, orientation: Orientation) -> Iterator[tuple[str, Point, Point]]:
    """Names of the measured widths, and the horizontal lines of them in upright pixels."""
    for name, line in _table()["lines"].items():
        ends = [anatomy.landmarks.get(line[end]) for end in ("from", "to")]
        points = [orientation.point_from_source(*end) for end in ends if end is not None]
        if len(points) == 2:
            y = max(points[0][1], points[1][1])
            yield f"{name}_width", (points[0][0], y), (points[1][0], y)


def label_boxes(image: RadiographReading) -> dict[Box, list[Finding]]:
    """The distinct boxes of a radiograph in source pixels and the findings seen in each.

    Several findings often share a box; the most certain comes first and gives it its colour.
    """
    found: dict[Box, list[Finding]] = {}
    for finding in order_findings(image):
        for region in finding.regions:
            found.setdefault(region.box, []).append(finding)
    return found


def name_region(finding: Finding) -> str:
    """What a box says of a finding: its name and probability."""
    name = name_of(finding.name)
    if finding.probability is None:
        return name
    return f"{name} {format_probability(finding.probability)}"


def _evidence_by_target(image: RadiographReading) -> dict[str, tuple[str, ...]]:
    """Evidence ids by the structure, zone, line or landmark that shows them."""
    table = _table()
    pairs: list[tuple[str, str]] = []
    for measurement in image.anatomy.measurements:
        pairs += [(t, measurement.id) for t in table["measurements"].get(measurement.name, ())]
    for finding in image.findings:
        if not finding.regions:
            targets = finding.zones or table["findings"].get(finding.name, ())
            pairs += [(target, finding.id) for target in targets]
    found: dict[str, tuple[str, ...]] = {}
    for target, evidence_id in pairs:
        if evidence_id:
            found[target] = (*found.get(target, ()), evidence_id)
    return found


def _lines(
    anatomy: Anatomy, orientation: Orientation, evidence: dict[str, tuple[str, ...]]
) -> Iterator[Shape]:
    """Horizontal widths between two landmarks, with a riser from each landmark to the line."""
    for name, line in _table()["lines"].items():
        ends = [anatomy.landmarks.get(line[end]) for end in ("from", "to")]
        if ends[0] is None or ends[1] is None:
            continue
        (x0, y0), (x1, y1) = (orientation.point_from_source(*e) for e in ends if e is not None)
        y = max(y0, y1)
        tick = max(orientation.shape) / 80
        d = f"M{x0:.1f} {y0:.1f}V{y + tick:.1f}M{x1:.1f} {y1:.1f}V{y + tick:.1f}"
        d += f"M{x0:.1f} {y:.1f}H{x1:.1f}"
        yield Shape("lines", name, line["label"], d, evidence.get(name, ()))


def _boxes(finding: Finding, orientation: Orientation) -> Iterator[Shape]:
    for region in finding.regions:
        box = region.box
        x0, y0 = orientation.point_from_source(box.x, box.y)
        x1, y1 = orientation.point_from_source(box.x + box.width, box.y + box.height)
        label = name_of(finding.name)
        if finding.probability is not None:
            label += f", probability {format_probability(finding.probability)}"
        d = _polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        yield Shape("boxes", finding.name, label, d, (finding.id,) if finding.id else ())


def _cross(point: Point, size: float) -> str:
    x, y = point
    return f"M{x - size:.1f} {y:.1f}H{x + size:.1f}M{x:.1f} {y - size:.1f}V{y + size:.1f}"


def _polygon(points: list[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"
