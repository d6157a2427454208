"""Tubes and lines with their tips, as a network sees them that learned from phantoms only.

Shown on request, with that origin; no finding and no sentence of a report rests on them. The
operating points in the model's manifest are scores below which nothing is shown.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import cv2
import numpy as np

from hilum.anatomy.grid import Grid, make_grid
from hilum.anatomy.masks import sanitise
from hilum.anatomy.segmentation import MAPS, SegmentationModel
from hilum.errors import ModelIntegrityError
from hilum.types import Anatomy, FloatImage, Mask, Origin, Point, Radiograph, Structure, Tip

__all__ = ["DeviceSpec", "Trace", "device_specs", "find_devices", "judge_device", "trace_device"]

TIPS = "tips"
NOT_LEARNED = "not looked for: seldom right where it was tried"
MIN_PART = 0.15
"""Share of the largest part of a line from which another part belongs to it."""
SURE, WIDE = 0.7, 0.7
"""Where a wide tube ends: of what probability, and of what share of its usual width it is."""
STUMP = 60.0
"""Sum of probabilities below which a line is but a stump."""


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """A kind of device: ``threshold`` is the probability from which a pixel belongs to its line,
    ``score_by`` is ``amount``, the sum of probabilities over the largest part, or ``certainty``,
    their mean, less for what is shorter than a stump. Its tip is the top of the heat map where
    ``tip_at`` is ``peak``, the lower end of a wide tube where it is ``wide_end``.
    Beside a device named in ``hidden_by`` it is not judged.
    """

    name: str
    threshold: float
    score_by: str
    tip_at: str
    hidden_by: str


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A line on the network's maps: mask, score, mean probability and tip.

    ``score`` is what the spec judges it by. ``tip`` is ``(x, y)`` in pixels of the maps.
    """

    mask: Mask
    score: float
    certainty: float
    tip: Point | None


@cache
def device_specs() -> dict[str, DeviceSpec]:
    """The rows of ``devices.csv`` by name."""
    text = resources.files(__package__).joinpath("devices.csv").read_text(encoding="utf-8")
    return {
        row["name"]: DeviceSpec(
            row["name"],
            float(row["threshold"]),
            row["score_by"],
            row["tip_at"],
            row["hidden_by"],
        )
        for row in csv.DictReader(text.splitlines())
    }


def trace_device(spec: DeviceSpec, line: FloatImage, tip: FloatImage) -> Trace:
    """Take a device from its two maps ``(rows, columns)`` in [0, 1].

    The largest part of the line is kept with what is not much smaller.
    """
    binary = (line > spec.threshold).view(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    if count < 2:
        return Trace(np.zeros(line.shape, np.bool_), 0.0, 0.0, None)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    mask = (areas >= MIN_PART * areas.max())[parts]
    largest = parts == int(areas.argmax())
    amount = float(line[largest].sum())
    certainty = float(line[largest].mean()) * min(1.0, amount / STUMP)
    score = amount if spec.score_by == "amount" else certainty
    point = None
    if spec.tip_at == "peak":
        row, column = (int(n) for n in np.unravel_index(int(tip.argmax()), tip.shape))
        point = column + 0.5, row + 0.5
    elif spec.tip_at == "wide_end":
        point = _wide_end(line)
    return Trace(mask, score, float(line[mask].mean()), point)


def _wide_end(line: FloatImage) -> Point | None:
    """The lowest row at which a tube is as wide as above: a thinner line may go on below."""
    binary = (line > SURE).view(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    if count < 2:
        return None
    tube = parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    widths = tube.sum(1)
    rows = np.flatnonzero(widths)
    usual = np.median(widths[rows[: max(1, len(rows) // 2)]])
    row = int(np.flatnonzero(widths >= max(1.0, WIDE * usual))[-1])
    return float(np.median(np.flatnonzero(tube[row]))) + 0.5, row + 0.5


def judge_device(
    spec: DeviceSpec, traces: Mapping[str, Trace], least: Mapping[str, float]
) -> str | None:
    """Why a device is not shown; None if it is.

    Args:
        spec: Of the device.
        traces: Of every device by name.
        least: The score from which one is shown, by name; one that has none never is.
    """
    if spec.name not in least:
        return NOT_LEARNED
    if traces[spec.name].score < least[spec.name]:
        return "not found"
    other = spec.hidden_by
    if other in least and other in traces and traces[other].score >= least[other]:
        return f"not told apart from a {other.replace('_', ' ')}"
    return None


def find_devices(
    radiograph: Radiograph, model: SegmentationModel, anatomy: Anatomy
) -> dict[str, Structure]:
    """Find tubes, lines and their tips.

    Args:
        radiograph: Upright frontal, air dark.
        model: Its outputs ``probabilities`` and ``tips`` are float32 ``(labels, rows, columns)``
            over the whole image; its labels are names of ``device_specs``. Its calibration holds
            by name ``least``, the score from which a device is shown (without one it
            never is), ``tip_error_mm`` for those whose tip is given, and ``above_carina_sd``,
            the error of a tip's height on phantoms in mm.
        anatomy: Its landmark ``carina`` is what a tip's height is measured from.

    Returns:
        Structures by name with the origin ``phantoms``, with a tip where one is seen. What is
        not found has an empty mask and a problem.

    Raises:
        ModelIntegrityError: The outputs are not such maps.
    """
    labels, outputs = model.manifest.labels, model.run(radiograph.pixels)
    lines, tips = outputs.get(MAPS), outputs.get(TIPS)
    is_known = set(labels) <= set(device_specs())
    if not is_known or lines is None or tips is None or not len(lines) == len(tips) == len(labels):
        raise ModelIntegrityError(
            f"a devices model gives one map a label as {MAPS!r} and as {TIPS!r}, labelled with "
            f"names of {', '.join(device_specs())}; this one has {', '.join(labels)}; "
            "use another model"
        )
    calibration, grid = model.manifest.calibration, make_grid(radiograph)
    least, errors = calibration.get("least", {}), calibration.get("above_carina_sd", {})
    traces = {
        name: trace_device(device_specs()[name], sanitise(line), sanitise(tip))
        for name, line, tip in zip(labels, lines, tips, strict=True)
    }
    found = {}
    for name, trace in traces.items():
        problem = judge_device(device_specs()[name], traces, least)
        if problem is not None:
            empty = np.zeros((grid.orientation.source_rows, grid.orientation.source_columns), bool)
            found[name] = Structure(name, empty, 0.0, problem, Origin.PHANTOMS)
            continue
        mask = grid.mask_to_source(grid.resample(trace.mask.astype(np.float32)))
        has_tip = name in calibration.get("tip_error_mm", {})
        place = _tip(trace, grid, anatomy, errors.get(name)) if has_tip else None
        found[name] = Structure(name, mask, trace.certainty, None, Origin.PHANTOMS, place)
    return found


def _tip(trace: Trace, grid: Grid, anatomy: Anatomy, error_mm: float | None) -> Tip | None:
    """The tip in source pixels; its height above the carina where both and the spacing are known.

    The height is along the image's upright axis, in the plane of the spacing.
    """
    if trace.tip is None:
        return None
    rows, columns = trace.mask.shape
    x, y = trace.tip[0] * grid.columns / columns, trace.tip[1] * grid.rows / rows
    point = grid.point_to_source((x, y))
    carina = anatomy.landmarks.get("carina")
    if carina is None or grid.pixel_mm is None or error_mm is None:
        return Tip(point)
    turn = grid.orientation.point_from_source
    above = (turn(*carina)[1] - turn(*point)[1]) * grid.pixel_mm[0]
    return Tip(point, above, error_mm)
