"""Evaluate regions: masks, heat maps, boxes, phrases, landmarks, measurements, by image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import numpy.typing as npt

from hilum.errors import require
from hilum.evaluate.regions.boxes import Detections, grounding_iou
from hilum.evaluate.regions.heatmaps import contrast_to_noise, energy_inside, is_pointing_hit
from hilum.evaluate.regions.masks import (
    dice,
    hausdorff_95,
    mask_iou,
    mean_surface_distance,
    normalised_surface_dice,
)
from hilum.evaluate.regions.points import is_within, landmark_errors
from hilum.evaluate.scorer import Scorer
from hilum.evaluate.scores import Evaluation

__all__ = ["RegionCase", "RegionOptions", "evaluate_regions"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Point = tuple[float, float]
BOX_DRAWS = 200
"""Boxes are matched anew in every draw, which is slow."""


@dataclass(frozen=True, slots=True, eq=False)
class RegionCase:
    """What was found and what is true of one image.

    ``masks``, ``phrases``, ``landmarks`` and ``measurements`` hold pairs ``(found, true)`` by
    name, None for what was not found; ``heatmaps`` a map and the true region;
    ``detections`` scored boxes and the true ones. Boxes are ``(x, y, width, height)``.
    ``spacing_mm`` (down, across) turns distances into millimetres.
    """

    unit: str
    group: str = ""
    masks: Mapping[str, tuple[Mask | None, Mask]] = field(default_factory=dict)
    heatmaps: Mapping[str, tuple[npt.NDArray[np.floating], Mask]] = field(default_factory=dict)
    detections: Mapping[str, Detections] = field(default_factory=dict)
    phrases: Mapping[str, tuple[Sequence[float] | None, Sequence[float]]] = field(
        default_factory=dict
    )
    landmarks: Mapping[str, tuple[Point | None, Point]] = field(default_factory=dict)
    measurements: Mapping[str, tuple[float | None, float]] = field(default_factory=dict)
    spacing_mm: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class RegionOptions:
    """``tolerance`` of the surface Dice and ``radius`` of landmarks are in millimetres where
    every case has a spacing, else in pixels; ``iou`` is the overlap that makes a box a hit,
    ``false_positives`` how many an image the hit rate allows."""

    tolerance: float = 3.0
    radius: float = 10.0
    iou: float = 0.5
    false_positives: float = 0.5
    draws: int = 2000
    level: float = 0.95
    seed: int = 0


def evaluate_regions(
    cases: Iterable[RegionCase], *, options: RegionOptions | None = None
) -> Evaluation:
    """Every score of what the cases hold, with bootstrap intervals by group.

    A mask that was not found has overlap 0 and no distance, a phrase without a box IoU 0, a
    landmark not found fails its detection rate and has no error, a missing measurement has
    none; what is left out is counted under ``excluded``.

    Raises:
        InvalidValueError: No case, ids twice, or shapes that differ.
    """
    options = options or RegionOptions()
    rows = list(cases)
    require(bool(rows), "no case to evaluate")
    is_mm = all(case.spacing_mm is not None for case in rows)
    per_case = [_values_of(case, options, is_mm) for case in rows]
    columns = _columns(per_case)
    detected = _detected(rows)
    groups = tuple(case.group for case in rows) if any(case.group for case in rows) else ()
    scorer = Scorer(
        "regions",
        columns | detected,
        groups,
        options.draws,
        options.level,
        options.seed,
        "not_stated_or_not_found",
    )
    boxes = replace(scorer, draws=min(options.draws, BOX_DRAWS), excluded_as="image_without_box")
    scores = [
        (scorer if "value" in names else boxes).score(
            id_, subject, names, _parameters(id_, options, is_mm)
        )
        for id_, subject, names in (*_mean_plans(columns), *_box_plans(rows))
    ]
    return Evaluation(
        "regions",
        tuple(case.unit for case in rows),
        columns | detected,
        tuple(scores),
        groups,
        {},
        asdict(options) | {"unit": "mm" if is_mm else "px"},
    )


def _values_of(case: RegionCase, options: RegionOptions, is_mm: bool) -> dict[str, float]:
    """Every per-image value, by ``column.subject``."""
    spacing = case.spacing_mm if is_mm and case.spacing_mm else (1.0, 1.0)
    values: dict[str, float] = {}
    for name, (found, truth) in case.masks.items():
        seen = np.zeros_like(truth) if found is None else found
        values[f"dice.{name}"] = dice(seen, truth)
        values[f"iou.{name}"] = mask_iou(seen, truth)
        values[f"surface_distance.{name}"] = mean_surface_distance(seen, truth, spacing=spacing)
        values[f"hausdorff.{name}"] = hausdorff_95(seen, truth, spacing=spacing)
        values[f"surface_dice.{name}"] = normalised_surface_dice(
            seen, truth, tolerance=options.tolerance, spacing=spacing
        )
    for name, (heat, region) in case.heatmaps.items():
        values[f"pointing.{name}"] = is_pointing_hit(heat, region)
        values[f"energy.{name}"] = energy_inside(heat, region)
        values[f"contrast.{name}"] = contrast_to_noise(heat, region)
    if case.phrases:
        pairs = case.phrases.values()
        found_boxes = np.array([[np.nan] * 4 if f is None else list(f) for f, _ in pairs])
        overlaps = grounding_iou(found_boxes, np.array([list(t) for _, t in pairs], dtype=float))
        values["phrase_iou.phrases"] = float(overlaps.mean())
        values["phrase_hit.phrases"] = float((overlaps >= options.iou).mean())
    for name, (point, true_point) in case.landmarks.items():
        at = np.array([[np.nan, np.nan] if point is None else point])
        error = landmark_errors(at, np.array([true_point], dtype=float), spacing=spacing)
        values[f"error.{name}"] = float(error[0])
        values[f"within.{name}"] = float(is_within(error, radius=options.radius)[0])
    for name, (value, true_value) in case.measurements.items():
        values[f"value.{name}"] = np.nan if value is None else float(value)
        values[f"truth.{name}"] = float(true_value)
    return values


def _columns(per_case: Sequence[Mapping[str, float]]) -> dict[str, Array]:
    names = dict.fromkeys(name for values in per_case for name in values)
    return {name: np.array([v.get(name, np.nan) for v in per_case]) for name in names}


_MEANS: Mapping[str, tuple[str, ...]] = {
    "dice": ("dice/mean",),
    "iou": ("mask_iou/mean",),
    "surface_distance": ("surface_distance/mean_both",),
    "hausdorff": ("hausdorff/percentile_95",),
    "surface_dice": ("surface_dice/border_pixels",),
    "pointing": ("pointing_game/peak",),
    "energy": ("energy_inside/positive",),
    "contrast": ("contrast_to_noise/signed",),
    "phrase_iou": ("phrase_iou/by_image",),
    "phrase_hit": ("phrase_accuracy/by_image",),
    "error": ("landmark_error/mean",),
    "within": ("success_detection_rate/radius",),
    "value": ("absolute_error/mean", "bias/mean", "intraclass_correlation/two_one"),
}
"""Record ids by the column that they are computed from."""


def _mean_plans(columns: Mapping[str, Array]) -> Iterable[tuple[str, str, dict[str, str]]]:
    for name in columns:
        column, _, subject = name.partition(".")
        for id_ in _MEANS.get(column, ()):
            arrays = {"value": name}
            if column == "value":
                arrays["truth"] = f"truth.{subject}"
            yield id_, subject, arrays


def _box_plans(cases: Sequence[RegionCase]) -> Iterable[tuple[str, str, dict[str, str]]]:
    for label in dict.fromkeys(name for case in cases for name in case.detections):
        arrays = {"found": f"found_boxes.{label}", "truth": f"true_boxes.{label}"}
        for id_ in ("box_average_precision/101", "box_average_precision/50_to_95", "hit_rate/froc"):
            yield id_, label, arrays


def _detected(cases: Sequence[RegionCase]) -> dict[str, Array]:
    """Boxes of each image, padded with NaN: found ``(units, n, 5)``, true ``(units, m, 4)``."""
    result: dict[str, Array] = {}
    for label in dict.fromkeys(name for case in cases for name in case.detections):
        own = [case.detections.get(label) for case in cases]
        sizes = [(len(d.found), len(d.truth)) if d else (0, 0) for d in own]
        found = np.full((len(cases), max(s[0] for s in sizes), 5), np.nan)
        truth = np.full((len(cases), max(s[1] for s in sizes), 4), np.nan)
        for row, boxes in enumerate(own):
            if boxes is not None:
                found[row, : len(boxes.found), :4] = boxes.found
                found[row, : len(boxes.found), 4] = boxes.scores
                truth[row, : len(boxes.truth)] = boxes.truth
        result[f"found_boxes.{label}"], result[f"true_boxes.{label}"] = found, truth
    return result


def _parameters(id_: str, options: RegionOptions, is_mm: bool) -> dict[str, float | str]:
    unit = "mm" if is_mm else "px"
    plans: dict[str, dict[str, float | str]] = {
        "surface_distance": {"unit": unit},
        "hausdorff": {"unit": unit},
        "surface_dice": {"tolerance": options.tolerance, "unit": unit},
        "landmark_error": {"unit": unit},
        "success_detection_rate": {"radius": options.radius, "unit": unit},
        "phrase_accuracy": {"iou": options.iou},
        "hit_rate": {"iou": options.iou, "false_positives": options.false_positives},
        "box_average_precision": {"iou": options.iou} if id_.endswith("/101") else {},
    }
    return plans.get(id_.partition("/")[0], {})
