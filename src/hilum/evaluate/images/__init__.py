"""Synthetic images: distance to real ones, fidelity, variety, memorisation, usefulness."""

from collections.abc import Callable, Mapping
from typing import Any

from hilum.evaluate.findings import auroc, f1
from hilum.evaluate.findings.labelled import macro
from hilum.evaluate.images.assessment import ImageOptions, evaluate_images
from hilum.evaluate.images.distributions import (
    KernelDistance,
    frechet_distance,
    frechet_distance_extrapolated,
    kernel_distance,
    kernel_distance_by_subsets,
    kernel_distance_deviation,
)
from hilum.evaluate.images.features import (
    FeatureSpace,
    FeatureTable,
    extract_features,
    find_space,
    list_spaces,
)
from hilum.evaluate.images.manifolds import (
    coverage,
    density,
    manifold_precision,
    manifold_recall,
    neighbour_radii,
)
from hilum.evaluate.images.memorisation import (
    HELD_OUT,
    REAL,
    SYNTHETIC,
    calibrate_copy_threshold,
    nearest_distances,
    nearest_ratio,
    nearest_share,
    patch_correlation,
    reidentification_auroc,
)
from hilum.evaluate.images.structure import ms_ssim, pairwise_ms_ssim, ssim
from hilum.evaluate.images.utility import difference_of, evaluate_asked, evaluate_utility
from hilum.evaluate.regions import mean_of
from hilum.evaluate.scorer import ignoring

__all__ = [
    "HELD_OUT",
    "METRICS",
    "REAL",
    "SYNTHETIC",
    "FeatureSpace",
    "FeatureTable",
    "ImageOptions",
    "KernelDistance",
    "calibrate_copy_threshold",
    "coverage",
    "density",
    "evaluate_asked",
    "evaluate_images",
    "evaluate_utility",
    "extract_features",
    "find_space",
    "frechet_distance",
    "frechet_distance_extrapolated",
    "kernel_distance",
    "kernel_distance_by_subsets",
    "kernel_distance_deviation",
    "list_spaces",
    "manifold_precision",
    "manifold_recall",
    "ms_ssim",
    "nearest_distances",
    "nearest_ratio",
    "nearest_share",
    "neighbour_radii",
    "pairwise_ms_ssim",
    "patch_correlation",
    "reidentification_auroc",
    "ssim",
]


def _of_sets(metric: Callable[..., Any]) -> Callable[..., float]:
    """The metric of real and synthetic features as one of all units with their role."""

    def compute(features: Any, role: Any, *, space: str = "", **parameters: float) -> float:
        del space  # identifies the score
        found = metric(features[role == REAL], features[role == SYNTHETIC], **parameters)
        return float(found.value if isinstance(found, KernelDistance) else found)

    return compute


METRICS: Mapping[str, Callable[..., float]] = {
    "frechet_distance/gaussian": _of_sets(frechet_distance),
    "frechet_distance/extrapolated": _of_sets(frechet_distance_extrapolated),
    "kernel_distance/all_pairs": _of_sets(kernel_distance),
    "kernel_distance/subsets": _of_sets(kernel_distance_by_subsets),
    "manifold_precision/nearest": _of_sets(manifold_precision),
    "manifold_recall/nearest": _of_sets(manifold_recall),
    "density/nearest": _of_sets(density),
    "coverage/nearest": _of_sets(coverage),
    "ms_ssim_diversity/mean_pairwise": mean_of,
    "nearest_ratio/median": ignoring(nearest_ratio, "space"),
    "nearest_share/rank": ignoring(nearest_share, "space"),
    "copied_share/patch_correlation": mean_of,
    "reidentification_auroc/cosine": ignoring(reidentification_auroc, "space"),
    "asked_label_auroc/macro": macro(auroc),
    "asked_label_f1/macro": macro(f1),
    "downstream_auroc/logistic": ignoring(auroc, "space", "label"),
    "downstream_gain/logistic": ignoring(difference_of(auroc), "space", "label"),
}
"""By record id of ``records/images.toml``."""
