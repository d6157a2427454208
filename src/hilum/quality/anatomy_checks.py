"""The second look, once anatomy is known: are there lungs, whole and straight?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hilum.quality.issues import issue
from hilum.quality.limits import limits
from hilum.types import Anatomy, FloatImage, Issue, Mask, Quality, Radiograph

__all__ = ["recheck"]

SIDES = ("right", "left")


def _upright_masks(radiograph: Radiograph, anatomy: Anatomy) -> dict[str, Mask]:
    """Masks in the frame of the upright pixels; only those with at least one pixel."""
    return {
        name: radiograph.orientation.apply(structure.mask)
        for name, structure in anatomy.structures.items()
        if structure.mask.any()
    }


def _content_box(pixels: FloatImage) -> tuple[int, int, int, int]:
    """First and last row and column that are image and not a plain border."""
    deviation = limits("anatomy")["border_deviation"]
    step = max(1, min(pixels.shape) // 512)
    rows = np.flatnonzero(pixels[:, ::step].std(axis=1) > deviation)
    columns = np.flatnonzero(pixels[::step].std(axis=0) > deviation)
    if rows.size == 0 or columns.size == 0:
        return 0, pixels.shape[0] - 1, 0, pixels.shape[1] - 1
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


def _check_cut_off(radiograph: Radiograph, masks: dict[str, Mask]) -> list[Issue]:
    top, bottom, left, right = _content_box(radiograph.pixels)
    found = []
    for side in SIDES:
        mask = masks.get(f"{side}_lung")
        if mask is None:
            continue
        edges = (mask[top, :], mask[bottom, :], mask[:, left], mask[:, right])
        if any(float(edge.mean()) > limits("anatomy")["edge_contact"] for edge in edges):
            found.append(issue("lung_cut_off", side))
    return found


def _airway_x(masks: dict[str, Mask]) -> float | None:
    """Column of the airway's upper half (the trachea), in upright pixels."""
    airway = masks.get("airways")
    if airway is None:
        return None
    rows = np.flatnonzero(airway.any(axis=1))
    upper = airway[rows[0] : (rows[0] + rows[-1]) // 2 + 1]
    return float(np.nonzero(upper)[1].mean())


def _check_rotation(masks: dict[str, Mask], airway_x: float | None) -> list[Issue]:
    """The airway against the outer walls of both lungs (image left is the patient's right)."""
    right, left = masks.get("right_lung"), masks.get("left_lung")
    if airway_x is None or right is None or left is None:
        return []
    to_right = airway_x - float(np.flatnonzero(right.any(axis=0))[0])
    to_left = float(np.flatnonzero(left.any(axis=0))[-1]) - airway_x
    if min(to_right, to_left) <= 0:
        return []
    asymmetry = abs(to_right - to_left) / (to_right + to_left)
    if asymmetry <= limits("anatomy")["rotation_asymmetry"]:
        return []
    return [issue("patient_rotated", f"{50 * asymmetry:.0f} %")]


def _check_side(masks: dict[str, Mask], airway_x: float | None) -> list[Issue]:
    """Warn where the larger part of the heart lies on the patient's right of the airway."""
    heart = masks.get("cardiomediastinum")
    if airway_x is None or heart is None:
        return []
    rows = np.flatnonzero(heart.any(axis=1))
    lower = heart[(rows[0] + rows[-1]) // 2 :]
    share = float((np.nonzero(lower)[1] < airway_x).mean())
    if share <= limits("anatomy")["mirrored_heart_share"]:
        return []
    return [issue("mirrored", f"{100 * share:.0f} % of the heart right of the airway")]


def _check_lung_exposure(radiograph: Radiograph, masks: dict[str, Mask]) -> list[Issue]:
    lungs = [masks[name] for name in ("right_lung", "left_lung") if name in masks]
    if not lungs:
        return []
    values = radiograph.pixels[np.logical_or.reduce(lungs)]
    limit = limits("anatomy")["saturated_lung_share"]
    black = float((values <= limits("exposure")["black_level"]).mean())
    white = float((values >= limits("exposure")["white_level"]).mean())
    found = []
    if black > limit:
        found.append(issue("over_exposed", f"{100 * black:.0f} % of the lungs"))
    if white > limit:
        found.append(issue("under_exposed", f"{100 * white:.0f} % of the lungs"))
    return found


def _check_spacing(quality: Quality, anatomy: Anatomy) -> list[Issue]:
    """Warn where the stated pixel spacing gives an adult a chest that no adult has."""
    width = anatomy.measurement("chest_width")
    is_child = quality.scores.get("prob_child", 0.0) >= 0.5
    if width is None or width.value is None or width.unit != "mm" or is_child:
        return []
    if (
        limits("anatomy")["narrowest_chest_mm"]
        <= width.value
        <= limits("anatomy")["widest_chest_mm"]
    ):
        return []
    return [issue("spacing_doubtful", f"{width.value:.0f} mm")]


def _lung_problems(anatomy: Anatomy) -> list[str]:
    """Why each side has no plausible lung; empty as soon as one side has."""
    problems = []
    for side in SIDES:
        structure = anatomy.structures.get(f"{side}_lung")
        if structure is None or not structure.mask.any():
            problems.append(f"{side}: none")
        elif float(structure.mask.mean()) < limits("anatomy")["minimum_lung_share"]:
            problems.append(f"{side}: too small")
        elif structure.problem is not None:
            problems.append(f"{side}: {structure.problem}")
        else:
            return []
    return problems


def recheck(radiograph: Radiograph, quality: Quality, anatomy: Anatomy) -> Quality:
    """Complete the verdict with what the masks show.

    Lungs white with disease are hard to delineate, so a missing lung refuses only where the
    gate was not sure of a chest; else it warns.

    Args:
        radiograph: Upright, as ``assess`` returned it.
        quality: The verdict of ``assess``; a refusal is returned unchanged.
        anatomy: Masks in source pixels, as ``hilum.anatomy.segment`` returned them.
    """
    if not quality.accepted:
        return quality
    problems = _lung_problems(anatomy)
    detail = "; ".join(problems)
    is_sure = quality.scores.get("prob_chest", 0.0) >= limits("anatomy")["sure_of_chest"]
    if problems and not is_sure:
        return replace(quality, accepted=False, reasons=(issue("no_lungs_found", detail),))
    masks = _upright_masks(radiograph, anatomy)
    airway_x = _airway_x(masks)
    found = [issue("lungs_not_delineated", detail)] if problems else []
    found += _check_cut_off(radiograph, masks) + _check_spacing(quality, anatomy)
    if not problems:
        found += _check_rotation(masks, airway_x)
        found += _check_side(masks, airway_x)
        found += _check_lung_exposure(radiograph, masks)
    known = {item.code for item in quality.warnings}
    repeated = {"mirrored", "over_exposed", "under_exposed"} & known
    new = tuple(item for item in found if item.code not in repeated)
    return replace(quality, warnings=quality.warnings + new)
