import numpy as np
import pytest

from hilum.anatomy.landmarks import (
    find_chest_width,
    find_costophrenic_angle,
    find_heart_width,
    find_landmarks,
)

EXPECTED = {
    "right_apex": (30, 12),
    "left_apex": (70, 12),
    "right_costophrenic_angle": (12, 86),
    "left_costophrenic_angle": (88, 88),
    "heart_right": (40, 70),
    "heart_left": (68, 75),
}


def test_landmarks_are_the_corners_that_were_drawn(chest) -> None:
    masks = {name: values > 0.5 for name, values in chest.items()}
    found = find_landmarks(masks)
    for name, point in EXPECTED.items():
        assert np.array(found[name]) / 2.56 == pytest.approx(np.array(point), abs=1.5), name
    assert found["chest_right"][1] == found["chest_left"][1]
    assert found["carina"][0] / 2.56 == pytest.approx(50.5, abs=2)


def test_the_heat_map_wins_over_the_fork(chest) -> None:
    masks = {name: values > 0.5 for name, values in chest.items()}
    assert find_landmarks(masks, (100.0, 90.0))["carina"] == (100.0, 90.0)


def test_a_missing_lung_costs_only_its_own_landmarks(chest) -> None:
    masks = {name: values > 0.5 for name, values in chest.items() if name != "left_lung"}
    found = find_landmarks(masks)
    assert {"carina", "right_apex", "heart_right", "heart_left"} <= found.keys()
    assert not {"left_apex", "chest_left", "chest_right"} & found.keys()


def test_heart_points_may_lie_on_different_rows() -> None:
    heart = np.zeros((50, 50), np.bool_)
    heart[10:20, 5:30] = True
    heart[20:31, 15:40] = True
    assert find_heart_width(heart) == ((5.0, 15.0), (40.0, 25.5))


def test_the_chest_is_measured_on_its_widest_common_row() -> None:
    right, left = np.zeros((2, 50, 50), np.bool_)
    right[10:30, 10:20] = True
    right[20, 5:20] = True
    right[40, 0:20] = True  # below the left lung
    left[10:35, 30:45] = True
    assert find_chest_width(right, left) == ((5.0, 20.5), (45.0, 20.5))
    assert find_chest_width(left, right) is None or find_chest_width(left, right)[0][0] == 30.0


def test_empty_masks_have_no_landmarks() -> None:
    empty = np.zeros((20, 20), np.bool_)
    names = ("right_lung", "left_lung", "cardiomediastinum", "airways")
    assert find_landmarks(dict.fromkeys(names, empty)) == {}
    assert find_costophrenic_angle(empty, is_right=True) is None
