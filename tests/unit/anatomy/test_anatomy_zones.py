import numpy as np
import pytest

from hilum.anatomy.zones import find_zone_rows, split_zones
from hilum.types import Orientation


def test_zones_are_thirds_above_the_dome() -> None:
    lung = np.zeros((120, 80), np.bool_)
    lung[10:70, 20:60] = True
    lung[70:100, 20:26] = True  # costophrenic recess
    assert find_zone_rows(lung) == (10, 30, 50, 100)


def test_an_empty_lung_has_no_zones() -> None:
    assert find_zone_rows(np.zeros((10, 10), np.bool_)) is None


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_zones_part_the_lung_in_the_layout_of_the_source(turns) -> None:
    orientation = Orientation(60, 90, quarter_turns=turns)
    upright = np.zeros(orientation.shape, np.bool_)
    upright[5:50, 10:40] = True
    lung = np.ascontiguousarray(orientation.undo(upright))
    zones = split_zones(lung, (5, 20, 35, 50), "left", orientation)
    assert list(zones) == ["left_upper_zone", "left_middle_zone", "left_lower_zone"]
    total = np.sum([zone.astype(int) for zone in zones.values()], axis=0)
    assert np.array_equal(total, lung.astype(int))
    rows = np.flatnonzero(orientation.apply(zones["left_middle_zone"]).any(axis=1))
    assert (rows[0], rows[-1]) == (20, 34)
