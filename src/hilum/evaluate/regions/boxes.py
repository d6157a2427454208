"""Boxes: overlap, matching, detection curves. Boxes are ``(x, y, width, height)`` in pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from hilum.errors import require
from hilum.evaluate.regions.masks import mask_iou

__all__ = [
    "Detections",
    "average_precision_at",
    "box_iou",
    "clip_boxes",
    "detections_of",
    "grounding_accuracy",
    "grounding_iou",
    "hit_rate_at",
    "match_boxes",
    "mean_average_precision",
    "union_iou",
]

Array = npt.NDArray[np.float64]
NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes found in one image with their scores, and those that are truly there.

    ``found`` ``(n, 4)``, ``scores`` ``(n,)``, ``truth`` ``(m, 4)``; either may be empty.
    """

    found: Array
    scores: Array
    truth: Array

    def __post_init__(self) -> None:
        for name, boxes in (("found", self.found), ("truth", self.truth)):
            require(
                boxes.ndim == 2 and boxes.shape[1] == 4,
                f"{name} boxes have shape (n, 4), got {boxes.shape}",
            )
            require(
                bool(np.isfinite(boxes).all() and (boxes[:, 2:] > 0).all()),
                f"{name} boxes have finite corners, positive width and height",
            )
        require(
            self.scores.shape == (len(self.found),),
            f"{len(self.found)} boxes with {self.scores.shape} scores",
        )


def clip_boxes(boxes: Array, *, width: float, height: float) -> tuple[Array, int]:
    """Boxes cut to the image, and how many lay wholly outside and were left out."""
    x0, y0 = np.clip(boxes[:, 0], 0, width), np.clip(boxes[:, 1], 0, height)
    x1 = np.clip(boxes[:, 0] + boxes[:, 2], 0, width)
    y1 = np.clip(boxes[:, 1] + boxes[:, 3], 0, height)
    keep = (x1 > x0) & (y1 > y0)
    return np.stack([x0, y0, x1 - x0, y1 - y0], axis=1)[keep], int((~keep).sum())


def box_iou(first: Array, second: Array) -> Array:
    """Intersection over union of every pair, ``(n, m)`` (Jaccard 1901)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(
        first[:, None, :2] + first[:, None, 2:], second[None, :, :2] + second[None, :, 2:]
    )
    inside = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = np.prod(first[:, 2:], axis=1)[:, None] + np.prod(second[:, 2:], axis=1)[None, :]
    overlap: Array = inside / np.maximum(areas - inside, 1e-12)
    return overlap


def match_boxes(found: Array, truth: Array, *, iou: float = 0.5) -> list[tuple[int, int]]:
    """Pairs of found and true boxes, one to one, with the greatest sum of overlaps >= ``iou``."""
    if not len(found) or not len(truth):
        return []
    overlap = box_iou(found, truth)
    gain = np.where(overlap >= iou, overlap, 0.0)
    rows, columns = linear_sum_assignment(-gain)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if gain[r, c] > 0]


def _ranked_hits(cases: Sequence[Detections], iou: float) -> tuple[Array, Array, int]:
    """Scores falling and whether each detection hits, and the number of true boxes.

    Greedy as COCO and PASCAL VOC do it: by falling score each detection takes the best true
    box of its image that is still free.
    """
    entries: list[tuple[float, bool]] = []
    for case in cases:
        overlap = box_iou(case.found, case.truth)
        free = np.ones(len(case.truth), dtype=bool)
        for index in np.argsort(-case.scores, kind="stable"):
            choice, hit = np.where(free, overlap[index], -1.0), False
            if len(choice) and choice.max() >= iou:
                free[int(choice.argmax())], hit = False, True
            entries.append((float(case.scores[index]), hit))
    entries.sort(key=lambda entry: -entry[0])
    scores = np.array([score for score, _ in entries])
    hits = np.array([hit for _, hit in entries], dtype=float)
    return scores, hits, sum(len(case.truth) for case in cases)


def average_precision_at(cases: Sequence[Detections], *, iou: float = 0.5) -> float:
    """Average precision of boxes at one overlap, interpolated at 101 recalls as COCO does.

    NaN when no image has a true box.
    """
    _, hits, total = _ranked_hits(cases, iou)
    if not total:
        return NAN
    if not len(hits):
        return 0.0
    caught = np.cumsum(hits)
    recall = caught / total
    precision = np.maximum.accumulate((caught / np.arange(1, len(hits) + 1))[::-1])[::-1]
    places = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    reached = places < len(precision)
    return float(np.where(reached, precision[np.minimum(places, len(precision) - 1)], 0.0).mean())


def mean_average_precision(
    cases: Mapping[str, Sequence[Detections]],
    *,
    ious: Sequence[float] = tuple(np.arange(0.5, 0.96, 0.05).round(2)),
) -> float:
    """Mean over labels and overlaps, 0.50 to 0.95 unless said otherwise; NaN labels left out."""
    values = [average_precision_at(own, iou=iou) for own in cases.values() for iou in ious]
    kept = [value for value in values if not np.isnan(value)]
    return float(np.mean(kept)) if kept else NAN


def hit_rate_at(cases: Sequence[Detections], *, false_positives: float, iou: float = 0.2) -> float:
    """Share of true boxes found with at most so many false boxes an image: a point of FROC.

    Boxes of equal score enter together. NaN when no image has a true box.
    """
    scores, hits, total = _ranked_hits(cases, iou)
    if not total:
        return NAN
    if not len(hits):
        return 0.0
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    caught = np.cumsum(hits)[last]
    allowed = (np.cumsum(1 - hits)[last]) / len(cases) <= false_positives + 1e-12
    return float(caught[allowed].max(initial=0.0) / total)


def union_iou(found: Array, truth: Array, *, shape: tuple[int, int]) -> float:
    """IoU of the union of the found with the union of the true boxes, on the pixel grid.

    Corners are rounded to pixels; 1.0 when both are empty.
    """
    canvases = []
    for boxes in (found, truth):
        canvas = np.zeros(shape, dtype=bool)
        for x, y, width, height in boxes:
            top, left = max(round(y), 0), max(round(x), 0)
            canvas[top : max(round(y + height), 0), left : max(round(x + width), 0)] = True
        canvases.append(canvas)
    return mask_iou(*canvases)


def grounding_iou(found: Array, truth: Array) -> Array:
    """IoU of each phrase's box with its true box, ``(phrases,)``; a NaN box scores 0.

    Args:
        found: ``(phrases, 4)``, a row of NaN where nothing was found.
        truth: ``(phrases, 4)``.
    """
    require(found.shape == truth.shape, f"{found.shape} found for {truth.shape} true boxes")
    missing = np.isnan(found[:, 0])
    filled = np.where(missing[:, None], np.array([0.0, 0.0, 1e-9, 1e-9]), found)
    values = np.array([box_iou(f[None], t[None])[0, 0] for f, t in zip(filled, truth, strict=True)])
    return np.where(missing, 0.0, values)


def grounding_accuracy(iou: Array, *, threshold: float = 0.5) -> float:
    """Share of phrases whose box overlaps the true one by at least ``threshold``."""
    return float(np.mean(iou >= threshold)) if len(iou) else NAN


def detections_of(found: Array, truth: Array) -> list[Detections]:
    """Detections of each image from padded arrays.

    Args:
        found: ``(units, n, 5)`` of x, y, width, height, score; NaN rows are padding.
        truth: ``(units, m, 4)``, likewise.
    """
    cases = []
    for own, true in zip(found, truth, strict=True):
        kept = own[~np.isnan(own).any(axis=1)]
        cases.append(Detections(kept[:, :4], kept[:, 4], true[~np.isnan(true).any(axis=1)]))
    return cases
