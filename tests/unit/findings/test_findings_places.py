"""Places of the chest as weights, and what evidence maps give over them."""

import numpy as np
import pytest

from hilum.findings.places import (
    GRID,
    PLACES,
    evidence_heat,
    evidence_logits,
    place_weights,
    side_weights,
)
from hilum.types import Anatomy, Orientation, Structure


def lungs_at(*, names: tuple[str, ...] = ("right_lung", "left_lung"), turns: int = 0) -> Anatomy:
    """Rectangular lungs from row 88 to 264 of 352, as stored when turned by ``turns``."""
    structures = {}
    for name in names:
        mask = np.zeros((352, 352), bool)
        start = 40 if name == "right_lung" else 200
        mask[88:264, start : start + 100] = True
        stored = np.ascontiguousarray(Orientation(352, 352, turns).undo(mask))
        structures[name] = Structure(name, stored, 0.9)
    return Anatomy(structures)


@pytest.mark.parametrize("turns", range(4))
def test_places_lie_in_order_and_each_sums_to_one(turns: int) -> None:
    weights = place_weights(lungs_at(turns=turns), Orientation(352, 352, turns))
    assert weights.shape == (len(PLACES), GRID, GRID)
    assert weights.sum((1, 2)) == pytest.approx(1.0, abs=1e-5)
    heights = (weights.sum(2) * np.arange(GRID)).sum(1)
    assert list(heights[:4]) == sorted(heights[:4])
    # the base reaches below the lung, into the recess
    assert weights[PLACES.index("base"), GRID * 3 // 4 :].sum() > 0


def test_both_sides_count_alike_and_one_stands_for_a_missing_other() -> None:
    both = place_weights(lungs_at(), Orientation(352, 352))
    assert both[0, :, : GRID // 2].sum() == pytest.approx(0.5, abs=1e-5)
    alone = place_weights(lungs_at(names=("left_lung",)), Orientation(352, 352))
    assert alone[0, :, GRID // 2 :].sum() == pytest.approx(1.0, abs=1e-5)


def test_without_masks_every_place_is_the_whole_film() -> None:
    weights = place_weights(Anatomy(), Orientation(352, 352))
    assert np.ptp(weights) == 0.0
    assert weights[0, 0, 0] == pytest.approx(1 / GRID**2)


def test_the_heat_map_sums_to_the_logit_beyond_what_is_usual() -> None:
    rng = np.random.default_rng(3)
    evidence = rng.normal(size=(2, len(PLACES), GRID, GRID)).astype(np.float32)
    sides = side_weights(lungs_at(), Orientation(352, 352))
    logits = evidence_logits(evidence, sides.sum(0))
    usual = np.zeros((2, len(PLACES)), np.float32)
    for head in range(2):
        heat = evidence_heat(evidence[head], sides, usual)
        assert heat.sum() == pytest.approx(logits[head], abs=1e-4)
    # usual on the left is taken off there; half of the missing heart's share lies on the right
    usual[1] = 1.0
    less = evidence_heat(evidence[0], sides, usual) - evidence_heat(evidence[0], sides, 0 * usual)
    assert less[:, : GRID // 2].sum() == pytest.approx(-0.25, abs=1e-3)
    assert less.sum() == pytest.approx(-len(PLACES) / 2, abs=1e-3)
