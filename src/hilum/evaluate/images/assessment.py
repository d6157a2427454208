"""Evaluate synthetic images: distance to real ones, fidelity, variety, memorisation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from hilum.errors import require
from hilum.evaluate.images.distributions import (
    kernel_distance_by_subsets,
    kernel_distance_deviation,
)
from hilum.evaluate.images.features import FeatureTable
from hilum.evaluate.images.memorisation import (
    HELD_OUT,
    REAL,
    SYNTHETIC,
    calibrate_copy_threshold,
    nearest_distances,
    patch_correlation,
)
from hilum.evaluate.images.structure import LEAST_SIDE, pairwise_ms_ssim
from hilum.evaluate.scorer import Scorer
from hilum.evaluate.scores import Evaluation, Interval, Score

__all__ = ["ImageOptions", "evaluate_images"]

ROLES = (REAL, SYNTHETIC, HELD_OUT)
Roles = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """Neighbours, subsets and patches; ``side`` is what images are resized to for MS-SSIM,
    ``patch_side`` for the search for copied patches."""

    k_precision: int = 3
    k_density: int = 5
    subsets: int = 100
    subset_size: int = 1000
    side: int = 192
    partners: int = 10
    patch_side: int = 128
    patch: int = 32
    shift: int = 8
    copy_quantile: float = 0.99
    draws: int = 2000
    level: float = 0.95
    seed: int = 0


def evaluate_images(
    units: Sequence[str],
    features: FeatureTable,
    role: Sequence[str],
    *,
    groups: Sequence[str] = (),
    images: Sequence[npt.NDArray[np.floating[Any]]] | None = None,
    options: ImageOptions | None = None,
) -> Evaluation:
    """Every score of a set of synthetic images beside real ones.

    Args:
        units: Ids of all images, real and synthetic.
        features: Their features, from ``extract_features`` or the user's own.
        role: Of each image ``real`` (what the generator learned from), ``synthetic`` or
            ``held_out`` (real, never seen by the generator). Memorisation needs ``held_out``.
        groups: Patient of each image (for a synthetic one whom it was made from, or an id of
            its own); re-identification needs it.
        images: Pixels in [0, 1] of each image; variety and copied patches need them.
        options: Neighbours, subsets, patches, draws, seed.

    Raises:
        InvalidValueError: Lengths differ, a role is unknown, or a set has too few images.
    """
    options = options or ImageOptions()
    roles = np.asarray(role, dtype=np.str_)
    _require_rows(len(units), features, roles, images)
    arrays: dict[str, Any] = {"features": features.values, "role": roles}
    arrays["nearest"] = _nearest(features.values, roles)
    if len(groups):
        arrays["patient"] = np.asarray(groups, dtype=np.str_)
    settings = asdict(options) | {"space": features.space, "images": dict(Counter(role))}
    if images is not None:
        arrays |= _pixel_columns(images, roles, options, settings)
    scorer = Scorer(
        "images",
        arrays,
        groups,
        options.draws,
        options.level,
        options.seed,
        "another_role_or_flat",
        UNDEFINED,
    )
    scores = _distribution_scores(scorer, options, features.space)
    scores += _memory_scores(scorer, options, features.space, settings)
    return Evaluation("images", tuple(units), arrays, tuple(scores), tuple(groups), {}, settings)


UNDEFINED = {
    "nearest_ratio": "needs synthetic and held-out images that are not all copies",
    "nearest_share": "needs synthetic and held-out images",
    "reidentification_auroc": "no pair of one patient, or no pair of two",
    "copied_share": "every patch is flat",
    "ms_ssim_diversity": "no synthetic image",
}


def _require_rows(count: int, features: FeatureTable, roles: Roles, images: Any) -> None:
    sizes = {"features": len(features.values), "roles": len(roles)}
    sizes |= {"images": len(images)} if images is not None else {}
    for name, size in sizes.items():
        require(size == count, f"{size} {name} for {count} units")
    unknown = sorted(set(roles.tolist()) - set(ROLES))
    require(not unknown, f"unknown roles {', '.join(unknown)}; one of {', '.join(ROLES)}")
    for name in (REAL, SYNTHETIC):
        found = int((roles == name).sum())
        require(found >= 8, f"at least eight {name} images, got {found}")
    require(bool(np.isfinite(features.values).all()), "features hold NaN or infinite values")


def _nearest(features: npt.NDArray[np.float64], roles: Roles) -> npt.NDArray[np.float64]:
    """Distance to the training set of all but its own images."""
    values = np.full(len(roles), np.nan)
    values[roles != REAL] = nearest_distances(features[roles != REAL], features[roles == REAL])
    return values


def _resized(images: Sequence[Any], side: int) -> npt.NDArray[np.float32]:
    return np.stack(
        [
            cv2.resize(np.asarray(i, np.float32), (side, side), interpolation=cv2.INTER_AREA)
            for i in images
        ]
    )


def _pixel_columns(
    images: Sequence[Any], roles: Roles, options: ImageOptions, settings: dict[str, Any]
) -> dict[str, npt.NDArray[np.float64]]:
    """MS-SSIM with its own set, of synthetic and of real images, and copied patches."""
    require(options.side >= LEAST_SIDE, f"side is at least {LEAST_SIDE}, got {options.side}")
    rng = np.random.default_rng(options.seed)
    columns = {}
    for name in (SYNTHETIC, REAL):
        of_role = np.flatnonzero(roles == name).tolist()
        values = np.full(len(roles), np.nan)
        stack = _resized([images[i] for i in of_role], options.side)
        values[of_role] = pairwise_ms_ssim(stack, rng=rng, partners=options.partners)
        columns[f"ms_ssim.{name}"] = values
    held_out = roles == HELD_OUT
    if held_out.sum() < 10:
        settings["copied_patches"] = "not looked for: fewer than ten held-out images to calibrate"
        return columns
    small = _resized(images, options.patch_side)
    best = np.full(len(roles), np.nan)
    best[roles != REAL] = patch_correlation(
        small[roles != REAL], small[roles == REAL], patch=options.patch, shift=options.shift
    )
    limit = calibrate_copy_threshold(best[held_out], quantile=options.copy_quantile)
    settings["copy_threshold"] = limit
    is_counted = (roles == SYNTHETIC) & ~np.isnan(best)
    columns["copied"] = np.where(is_counted, best > limit, np.nan)
    return columns | {"patch_correlation": best}


def _distribution_scores(scorer: Scorer, options: ImageOptions, space: str) -> list[Score]:
    both = {"features": "features", "role": "role"}
    subject = "synthetic against real"
    plans: tuple[tuple[str, dict[str, Any]], ...] = (
        ("frechet_distance/gaussian", {}),
        ("manifold_precision/nearest", {"k": options.k_precision}),
        ("manifold_recall/nearest", {"k": options.k_precision}),
        ("density/nearest", {"k": options.k_density}),
        ("coverage/nearest", {"k": options.k_density}),
    )
    scores = [
        scorer.score(id_, subject, both, {"space": space, **parameters}, by="jackknife")
        for id_, parameters in plans
    ]
    extrapolated = {"space": space, "seed": options.seed}
    counts = Counter(scorer.arrays["role"].tolist())
    images, dimensions = min(counts[REAL], counts[SYNTHETIC]), scorer.arrays["features"].shape[1]
    few = f"fewer images ({images}) than dimensions ({dimensions}): bias remains"
    scores.append(
        scorer.score(
            "frechet_distance/extrapolated",
            subject,
            both,
            extrapolated,
            by="none",
            note=few if images < dimensions else "",
        )
    )
    return scores + _kernel_scores(scorer, options, space)


def _kernel_scores(scorer: Scorer, options: ImageOptions, space: str) -> list[Score]:
    both = {"features": "features", "role": "role"}
    subject = "synthetic against real"
    features, role = scorer.arrays["features"], scorer.arrays["role"]
    real, synthetic = features[role == REAL], features[role == SYNTHETIC]
    drawn: dict[str, Any] = {
        "subsets": options.subsets,
        "subset_size": min(options.subset_size, len(real), len(synthetic)),
        "seed": options.seed,
    }
    spread = kernel_distance_by_subsets(real, synthetic, **drawn).standard_error
    by_subsets = scorer.score(
        "kernel_distance/subsets",
        subject,
        both,
        {"space": space, **drawn},
        by="none",
        note=f"standard error over subsets {spread:.3g}; of the images see the jackknife interval",
    )
    whole = scorer.score("kernel_distance/all_pairs", subject, both, {"space": space}, by="none")
    if scorer.draws:
        reach = float(ndtri((1 + scorer.level) / 2)) * kernel_distance_deviation(real, synthetic)
        ends = whole.value - reach, whole.value + reach
        whole = replace(whole, interval=Interval(*ends, scorer.level, "jackknife by unit"))
    return [whole, by_subsets]


def _memory_scores(
    scorer: Scorer, options: ImageOptions, space: str, settings: dict[str, Any]
) -> list[Score]:
    names = set(scorer.arrays)
    near = {"value": "nearest", "role": "role"}
    scores = []
    if HELD_OUT in scorer.arrays["role"]:
        scores += [
            scorer.score("nearest_ratio/median", "synthetic to train", near, {"space": space}),
            scorer.score("nearest_share/rank", "synthetic to train", near, {"space": space}),
        ]
    if "patient" in names:
        recognised = {"features": "features", "patient": "patient", "role": "role"}
        scores.append(
            scorer.score(
                "reidentification_auroc/cosine",
                "synthetic with real",
                recognised,
                {"space": space},
                by="jackknife",
            )
        )
    for name in (SYNTHETIC, REAL):
        if f"ms_ssim.{name}" in names:
            scores.append(
                scorer.score(
                    "ms_ssim_diversity/mean_pairwise",
                    name,
                    {"value": f"ms_ssim.{name}"},
                    {"side": options.side, "partners": options.partners},
                )
            )
    if "copied" in names:
        limit = {
            "patch": options.patch,
            "shift": options.shift,
            "side": options.patch_side,
            "threshold": round(settings["copy_threshold"], 4),
        }
        scores.append(
            scorer.score("copied_share/patch_correlation", SYNTHETIC, {"value": "copied"}, limit)
        )
    return scores
