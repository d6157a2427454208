"""The second look at the masks, on drawn lungs, heart and airway."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.models import golden_image
from hilum.quality import recheck
from hilum.types import (
    Anatomy,
    Issue,
    Measurement,
    Orientation,
    Quality,
    Radiograph,
    Structure,
)

ROWS, COLUMNS = 200, 160
ACCEPTED = Quality(True, scores={"prob_chest": 0.9})


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[top:bottom, left:right] = True
    return mask


MASKS = {
    "right_lung": box(30, 150, 20, 70),
    "left_lung": box(30, 150, 90, 140),
    "airways": box(10, 80, 76, 84),
    "cardiomediastinum": box(40, 150, 60, 110),
}


def radiograph(**fields: object) -> Radiograph:
    pixels = golden_image(ROWS, COLUMNS)
    return Radiograph(pixels=pixels, source="a", orientation=Orientation(ROWS, COLUMNS), **fields)


def anatomy(**changes: np.ndarray) -> Anatomy:
    masks = MASKS | changes
    return Anatomy({name: Structure(name, mask, 0.9) for name, mask in masks.items()})


def codes(quality: Quality) -> list[str]:
    return [issue.code for issue in quality.warnings]


def test_a_straight_whole_chest_has_no_warning():
    assert recheck(radiograph(), ACCEPTED, anatomy()) == ACCEPTED


def test_a_refusal_is_returned_unchanged():
    refused = Quality(False, (Issue("blank", "The image is blank."),))
    assert recheck(radiograph(), refused, Anatomy()) is refused


@pytest.mark.parametrize("mask", [box(0, 150, 20, 70), box(30, 200, 20, 70), box(30, 150, 0, 70)])
def test_a_lung_at_the_edge_is_cut_off(mask):
    found = recheck(radiograph(), ACCEPTED, anatomy(right_lung=mask))
    assert "lung_cut_off" in codes(found)
    assert found.accepted


def test_a_lung_at_the_edge_of_a_black_border_is_cut_off():
    image = radiograph()
    pixels = image.pixels.copy()
    pixels[150:] = 0
    bordered = replace(image, pixels=pixels)
    assert "lung_cut_off" in codes(recheck(bordered, ACCEPTED, anatomy()))


def test_a_rotated_patient_and_a_mirrored_heart():
    rotated = recheck(radiograph(), ACCEPTED, anatomy(airways=box(10, 80, 54, 60)))
    assert "patient_rotated" in codes(rotated)
    heart = box(40, 150, 40, 90)
    assert codes(recheck(radiograph(), ACCEPTED, anatomy(cardiomediastinum=heart))) == ["mirrored"]


def test_masks_are_turned_upright_before_they_are_judged():
    image = radiograph()
    turned = replace(
        image,
        pixels=np.ascontiguousarray(np.rot90(image.pixels)),
        orientation=image.orientation.turned(1),
    )
    # masks are in source pixels: turning back what is drawn upright
    shape = (COLUMNS, ROWS)
    source = {name: np.rot90(np.zeros(shape, bool), -1).copy() for name in MASKS}
    source["right_lung"][:, 0:60] = True
    found = recheck(turned, ACCEPTED, anatomy(**source))
    assert "lung_cut_off" in codes(found)


def test_burnt_out_lungs():
    image = radiograph()
    pixels = image.pixels.copy()
    pixels[MASKS["right_lung"] | MASKS["left_lung"]] = 0
    found = recheck(replace(image, pixels=pixels), ACCEPTED, anatomy())
    assert codes(found) == ["over_exposed"]


def empty() -> np.ndarray:
    return np.zeros((ROWS, COLUMNS), bool)


def test_no_lung_on_either_side_refuses():
    found = recheck(radiograph(), ACCEPTED, anatomy(right_lung=empty(), left_lung=empty()))
    assert not found.accepted
    assert [r.code for r in found.reasons] == ["no_lungs_found"]
    assert not recheck(radiograph(), ACCEPTED, Anatomy()).accepted


def test_one_white_lung_is_no_reason_to_refuse():
    assert recheck(radiograph(), ACCEPTED, anatomy(right_lung=empty())).accepted


def test_white_lungs_of_a_sure_chest_are_accepted_with_a_warning():
    sure = Quality(True, scores={"prob_chest": 0.999})
    found = recheck(radiograph(), sure, anatomy(right_lung=empty(), left_lung=empty()))
    assert found.accepted
    assert codes(found) == ["lungs_not_delineated"]


def test_a_warning_is_not_repeated():
    warned = replace(ACCEPTED, warnings=(Issue("mirrored", "x"),))
    found = recheck(radiograph(), warned, anatomy(cardiomediastinum=box(40, 150, 40, 90)))
    assert codes(found) == ["mirrored"]


@pytest.mark.parametrize(
    ("width", "unit", "prob_child", "is_doubted"),
    [
        (134.0, "mm", 0.1, True),
        (290.0, "mm", 0.1, False),
        (134.0, "mm", 0.9, False),
        (134.0, "px", 0.1, False),
    ],
)
def test_a_spacing_that_shrinks_an_adult_is_doubted(width, unit, prob_child, is_doubted):
    chest = replace(anatomy(), measurements=(Measurement("chest_width", width, unit),))
    verdict = recheck(
        radiograph(), Quality(accepted=True, scores={"prob_child": prob_child}), chest
    )
    assert ("spacing_doubtful" in codes(verdict)) is is_doubted
