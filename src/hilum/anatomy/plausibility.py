"""Is a mask plausible, and how good is it likely to be?

The network's own doubt and the shape of the mask give an estimate of its Dice; a mask whose
shape or place no chest has is implausible, and is not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from hilum.anatomy.masks import CleanMap, row_extents
from hilum.anatomy.tables import limits, structure_specs
from hilum.types import Mask

__all__ = ["Verdict", "assess_structures", "describe", "estimate_quality", "find_misplaced"]

NOT_FOUND = "not found"
# An implausible mask never claims to be better than this.
IMPLAUSIBLE_QUALITY = 0.3
# A lung this much smaller than the other one, by area, is a fragment.
MIN_LUNG_RATIO = 0.2
MAX_LUNG_OVERLAP = 0.3


@dataclass(frozen=True, slots=True)
class Verdict:
    """Self-assessed quality in [0, 1], and what is implausible, None when nothing is."""

    quality: float
    problem: str | None = None


def describe(clean: CleanMap) -> dict[str, float]:
    """Features of a mask that is not empty.

    ``area`` is the fraction of the image, ``aspect`` the height over the width of the
    bounding box, ``solidity`` the area over that of the convex hull, ``kept_share`` see
    ``CleanMap``. ``stability`` is the Dice of the masks at 0.3 and 0.7, and ``certainty``
    the soft Dice of the probabilities and their own mask; both are 1 for a map of 0 and 1.
    """
    mask = clean.mask
    rows, first, last = row_extents(mask)
    width, height = int(last.max() - first.min()), int(rows[-1] - rows[0]) + 1
    area = float(np.count_nonzero(mask))
    # the outline through pixel corners: the hull of a full row is that row
    corners = [(x, y) for x in (first, last) for y in (rows, rows + 1)]
    outline = np.concatenate([np.stack(pair, axis=1) for pair in corners]).astype(np.int32)
    low, high = (float(np.count_nonzero(clean.at(t))) for t in (0.3, 0.7))
    inside = float(np.vdot(clean.probability, mask.astype(np.float32)))
    return {
        "area": area / mask.size,
        "aspect": height / width,
        "solidity": area / cv2.contourArea(cv2.convexHull(outline)),
        "kept_share": clean.kept_share,
        "stability": 2.0 * high / (low + high),
        "certainty": 2.0 * inside / (float(clean.probability.sum()) + area),
    }


def check_shape(name: str, features: Mapping[str, float]) -> tuple[float, str | None]:
    """Check features against ``limits.csv``.

    Returns:
        A factor in (0, 1], 1 when all is usual and 0.5 at the limit of each feature that
        is not, and what is implausible.
    """
    factor = 1.0
    for limit in limits(name):
        value = features[limit.feature]
        if value < limit.lowest:
            return 0.5 * factor, limit.too_low
        if value > limit.highest:
            return 0.5 * factor, limit.too_high
        if value < limit.low:
            factor *= 1.0 - 0.5 * (limit.low - value) / (limit.low - limit.lowest)
        elif value > limit.high:
            factor *= 1.0 - 0.5 * (value - limit.high) / (limit.highest - limit.high)
    return factor, None


def estimate_quality(
    name: str, features: Mapping[str, float], calibration: Mapping[str, Any]
) -> float:
    """Estimate the Dice of a mask as a linear function of its stability and certainty.

    Args:
        name: The structure.
        features: Of ``describe``.
        calibration: The model's; ``calibration["quality"][name]`` may hold ``intercept``,
            ``stability`` and ``certainty``, else the defaults of ``structures.csv`` hold.

    Returns:
        The estimate in [0, 1], before shape and place are taken into account.
    """
    spec = structure_specs()[name]
    fitted = calibration.get("quality", {}).get(name, {})
    estimate = float(fitted.get("intercept", spec.intercept))
    estimate += float(fitted.get("stability", spec.stability)) * features["stability"]
    estimate += float(fitted.get("certainty", spec.certainty)) * features["certainty"]
    return min(max(estimate, 0.0), 1.0)


def find_misplaced(masks: Mapping[str, Mask]) -> dict[str, str]:
    """What is wrong with the place of masks relative to each other, by structure.

    Args:
        masks: Masks by structure that are plausible by themselves and not empty.
    """
    centres = {name: _centre(mask) for name, mask in masks.items()}
    wrong: dict[str, str] = {}
    right, left = masks.get("right_lung"), masks.get("left_lung")
    if right is not None and left is not None:
        wrong |= _compare_lungs(right, left)
        if centres["right_lung"][0] >= centres["left_lung"][0]:
            wrong |= dict.fromkeys(("right_lung", "left_lung"), "on the other lung's side")
    for name in ("cardiomediastinum", "airways"):
        if name not in centres:
            continue
        x = centres[name][0]
        for side, sign in (("right_lung", 1), ("left_lung", -1)):
            if side in centres and side not in wrong and sign * (x - centres[side][0]) <= 0:
                wrong[name] = "not between the lungs"
    has_both = {"airways", "cardiomediastinum"} <= set(centres) - set(wrong)
    if has_both and centres["airways"][1] >= centres["cardiomediastinum"][1]:
        wrong["airways"] = "below the heart"
    return wrong


def _centre(mask: Mask) -> tuple[float, float]:
    cells = mask.view(np.uint8)
    across = cv2.reduce(cells, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    down = cv2.reduce(cells, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
    return (
        float(np.average(np.arange(across.size), weights=across)),
        float(np.average(np.arange(down.size), weights=down)),
    )


def _compare_lungs(right: Mask, left: Mask) -> dict[str, str]:
    areas = {"right_lung": int(right.sum()), "left_lung": int(left.sum())}
    smaller = min(areas, key=lambda name: areas[name])
    if int((right & left).sum()) > MAX_LUNG_OVERLAP * areas[smaller]:
        return dict.fromkeys(areas, "over the other lung")
    if areas[smaller] < MIN_LUNG_RATIO * max(areas.values()):
        return {smaller: "a fragment beside the other lung"}
    return {}


def assess_structures(
    cleans: Mapping[str, CleanMap], calibration: Mapping[str, Any]
) -> dict[str, Verdict]:
    """Judge all masks, each by itself and then by its place among the others.

    Args:
        cleans: Cleaned maps by structure.
        calibration: The model's, see ``estimate_quality``.
    """
    verdicts: dict[str, Verdict] = {}
    for name, clean in cleans.items():
        if not clean.parts:
            verdicts[name] = Verdict(0.0, NOT_FOUND)
            continue
        features = describe(clean)
        factor, problem = check_shape(name, features)
        quality = factor * estimate_quality(name, features, calibration)
        verdicts[name] = _judge(quality, problem)
    sound = {name: cleans[name].mask for name, v in verdicts.items() if v.problem is None}
    for name, problem in find_misplaced(sound).items():
        verdicts[name] = _judge(verdicts[name].quality, problem)
    return verdicts


def _judge(quality: float, problem: str | None) -> Verdict:
    if problem is None:
        return Verdict(quality)
    return Verdict(min(quality, IMPLAUSIBLE_QUALITY), problem)
