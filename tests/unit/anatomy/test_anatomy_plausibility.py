import cv2
import numpy as np
import pytest

from hilum.anatomy.masks import clean_map
from hilum.anatomy.plausibility import assess_structures, describe, estimate_quality


def judge(maps, calibration=None):
    return assess_structures({n: clean_map(v) for n, v in maps.items()}, calibration or {})


def problems(maps) -> dict[str, str]:
    return {name: v.problem for name, v in judge(maps).items() if v.problem}


def test_a_drawn_chest_is_plausible_and_good(chest) -> None:
    assert problems(chest) == {}
    assert all(v.quality > 0.9 for v in judge(chest).values())


def test_swapped_lungs_are_implausible(chest) -> None:
    chest["left_lung"], chest["right_lung"] = chest["right_lung"], chest["left_lung"]
    found = problems(chest)
    assert {"left_lung", "right_lung"} == found.keys()
    assert all(judge(chest)[name].quality <= 0.3 for name in found)


def test_a_missing_lung_does_not_condemn_the_rest(chest) -> None:
    chest["left_lung"][:] = 0
    assert problems(chest) == {"left_lung": "not found"}
    assert judge(chest)["left_lung"].quality == 0.0


def test_a_fragment_of_a_lung_is_implausible(chest) -> None:
    chest["left_lung"][:175] = 0
    assert problems(chest).keys() == {"left_lung"}


def test_lungs_over_each_other_are_implausible(chest) -> None:
    chest["left_lung"] = np.roll(chest["right_lung"], 15, axis=1)
    assert {"left_lung", "right_lung"} <= problems(chest).keys()


@pytest.mark.parametrize("name", ["left_lung", "right_lung", "cardiomediastinum", "airways"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_nothing_and_everything_are_implausible(chest, name, value) -> None:
    chest[name][:] = value
    assert name in problems(chest)


def test_a_heart_beside_the_lungs_is_implausible(chest) -> None:
    chest["cardiomediastinum"] = np.roll(chest["cardiomediastinum"], -90, axis=1)
    assert problems(chest) == {"cardiomediastinum": "not between the lungs"}


def test_airways_below_the_heart_are_implausible(chest) -> None:
    chest["airways"] = np.roll(chest["airways"], 125, axis=0)
    assert problems(chest) == {"airways": "below the heart"}


def test_noise_is_implausible() -> None:
    rng = np.random.default_rng(3)
    names = ("left_lung", "right_lung", "cardiomediastinum", "airways")
    assert problems({n: rng.random((256, 256), dtype=np.float32) for n in names}).keys() == set(
        names
    )


def test_doubt_lowers_the_quality(chest) -> None:
    blurred = {name: cv2.GaussianBlur(v, (0, 0), 8) for name, v in chest.items()}
    sharp, soft = judge(chest), judge(blurred)
    assert all(soft[name].quality < sharp[name].quality for name in ("left_lung", "right_lung"))


def test_pieces_lower_the_quality(chest) -> None:
    whole = judge(chest)["right_lung"].quality
    chest["right_lung"][100:112] = 0
    chest["right_lung"][112:, :60] = 0
    chest["right_lung"][230:250, 180:250] = 1
    assert judge(chest)["right_lung"].quality < whole


def test_features_of_a_disc_are_known() -> None:
    canvas = np.zeros((300, 300), np.uint8)
    cv2.circle(canvas, (150, 150), 60, 1, cv2.FILLED)
    features = describe(clean_map(canvas.astype(np.float32)))
    assert features["area"] == pytest.approx(np.pi * 60**2 / 300**2, rel=0.03)
    assert features["aspect"] == pytest.approx(1.0, abs=0.02)
    assert 0.95 < features["solidity"] <= 1.0
    assert features["kept_share"] == 1.0
    assert features["certainty"] > 0.98


def test_the_calibration_of_the_model_is_used() -> None:
    features = {"stability": 0.8, "certainty": 0.9}
    fitted = {"quality": {"airways": {"intercept": 0.1, "stability": 0.5, "certainty": 0.2}}}
    assert estimate_quality("airways", features, fitted) == pytest.approx(0.68)
    assert estimate_quality("airways", features, {}) != pytest.approx(0.68)
