"""Small children are told from schoolchildren and adults: truth, weights, figures."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra train")

from hilum.train.context_age import (
    age_weights,
    is_small_child,
    small_child_figures,
)
from hilum.train.findings_data import Example


def film(source: str, age: float | None, split: str = "train") -> Example:
    return Example(Path("a.png"), source, split, "p", "", np.zeros(1, np.float32), (), age=age)


FILMS = [
    film("kermany", None),
    film("kermany", None),
    film("kermany", None),
    film("nih", 4.0),
    film("nih", 12.0),
    film("nih", 40.0),
    film("nih", 70.0),
    film("nih", 17.0, "val"),
    film("anatomy", None),
]


def test_the_truth_is_known_by_source_or_age() -> None:
    wanted = [1, 1, 1, 1, 0, 0, 0, 0, np.nan]
    np.testing.assert_array_equal(is_small_child(FILMS), wanted)


def test_each_group_weighs_its_share() -> None:
    chosen = np.array([f.split == "train" for f in FILMS])
    weights = age_weights(FILMS, chosen)
    assert weights[:4].sum() == pytest.approx(weights[4:].sum())
    assert weights[4] == pytest.approx(weights[5:7].sum())
    assert weights[7] == weights[8] == 0
    assert weights.sum() == pytest.approx(7)


def test_figures_count_who_is_taken_for_a_small_child() -> None:
    logits = np.array([3, -1, 2, 1, -2, 4, -4, 1, 9], np.float32)
    found = small_child_figures(logits, FILMS)
    assert found["small_children"] == 0.75
    assert found["schoolchildren"] == 0.0
    assert found["adults"] == 0.5
    assert found["schoolchildren_validation"] == 1.0
    assert (found["small_children_n"], found["adults_validation_n"]) == (4, 0)
