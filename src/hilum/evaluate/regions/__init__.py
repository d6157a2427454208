"""Regions: boxes, masks, heat maps, phrases, landmarks and measurements."""

from collections.abc import Callable, Mapping
from typing import Any

from hilum.evaluate.regions.assessment import RegionCase, RegionOptions, evaluate_regions
from hilum.evaluate.regions.boxes import (
    Detections,
    average_precision_at,
    box_iou,
    clip_boxes,
    detections_of,
    grounding_accuracy,
    grounding_iou,
    hit_rate_at,
    match_boxes,
    mean_average_precision,
    union_iou,
)
from hilum.evaluate.regions.heatmaps import (
    best_iou,
    contrast_to_noise,
    energy_inside,
    iou_at,
    is_pointing_hit,
)
from hilum.evaluate.regions.inputs import cases_of_boxes, cases_of_masks, cases_of_values
from hilum.evaluate.regions.masks import (
    box_of_mask,
    dice,
    hausdorff_95,
    mask_iou,
    mask_of_boxes,
    mean_surface_distance,
    normalised_surface_dice,
    surface_distances,
)
from hilum.evaluate.regions.points import (
    Agreement,
    absolute_error,
    bland_altman,
    intraclass_correlation,
    is_within,
    landmark_errors,
    mean_difference,
    mean_of,
)

__all__ = [
    "METRICS",
    "Agreement",
    "Detections",
    "RegionCase",
    "RegionOptions",
    "absolute_error",
    "average_precision_at",
    "best_iou",
    "bland_altman",
    "box_iou",
    "box_of_mask",
    "cases_of_boxes",
    "cases_of_masks",
    "cases_of_values",
    "clip_boxes",
    "contrast_to_noise",
    "detections_of",
    "dice",
    "energy_inside",
    "evaluate_regions",
    "grounding_accuracy",
    "grounding_iou",
    "hausdorff_95",
    "hit_rate_at",
    "intraclass_correlation",
    "iou_at",
    "is_pointing_hit",
    "is_within",
    "landmark_errors",
    "mask_iou",
    "mask_of_boxes",
    "match_boxes",
    "mean_average_precision",
    "mean_difference",
    "mean_of",
    "mean_surface_distance",
    "normalised_surface_dice",
    "surface_distances",
    "union_iou",
]


def _of_boxes(metric: Callable[..., float]) -> Callable[..., float]:
    def compute(found: Any, truth: Any, **parameters: float) -> float:
        return metric(detections_of(found, truth), **parameters)

    return compute


METRICS: Mapping[str, Callable[..., float]] = {
    "dice/mean": mean_of,
    "mask_iou/mean": mean_of,
    "surface_distance/mean_both": mean_of,
    "hausdorff/percentile_95": mean_of,
    "surface_dice/border_pixels": mean_of,
    "pointing_game/peak": mean_of,
    "energy_inside/positive": mean_of,
    "contrast_to_noise/signed": mean_of,
    "phrase_iou/by_image": mean_of,
    "phrase_accuracy/by_image": mean_of,
    "landmark_error/mean": mean_of,
    "success_detection_rate/radius": mean_of,
    "absolute_error/mean": absolute_error,
    "bias/mean": mean_difference,
    "intraclass_correlation/two_one": intraclass_correlation,
    "box_average_precision/101": _of_boxes(average_precision_at),
    "box_average_precision/50_to_95": _of_boxes(
        lambda cases: mean_average_precision({"all": cases})
    ),
    "hit_rate/froc": _of_boxes(hit_rate_at),
}
"""By record id of ``records/regions.toml``; means are taken over per-image values."""
