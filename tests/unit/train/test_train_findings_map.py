"""The opacity map's figures, and which findings it may point at."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra train")

from hilum.train.findings_data import HEADS, Example, FeatureBank
from hilum.train.findings_map import is_pointed_at, judge_map, pointing_game
from hilum.types import Box


def test_pointing_game_counts_own_and_other_films() -> None:
    truth = np.zeros((3, 16, 16), bool)
    truth[0, 0, :2], truth[1, 0, 1], truth[2, 5, 5] = True, True, True
    found = pointing_game(truth, np.array([0, 1, 2]))
    assert found["pointing_game"] == pytest.approx(2 / 3, abs=1e-4)
    # of the six peaks on other films only the second, on the first, is marked
    assert found["by_other_films"] == pytest.approx(1 / 6, abs=1e-4)
    assert found["n"] == 3


@pytest.mark.parametrize(
    ("own", "others", "count", "is_shown"),
    [(0.9, 0.4, 30, True), (0.9, 0.4, 12, False), (0.5, 0.4, 30, False)],
)
def test_a_finding_is_pointed_at_where_that_is_sure(
    own: float, others: float, count: int, is_shown: bool
) -> None:
    game = {"pointing_game": own, "by_other_films": others, "n": count}
    assert is_pointed_at(game) == is_shown


@pytest.mark.parametrize("is_right", [True, False])
def test_the_map_shows_edema_only_if_it_was_seen_to(is_right: bool) -> None:
    rng = np.random.default_rng(1)
    count = 24
    truth = np.zeros((count, 1, 16, 16), np.float16)
    logits = np.full((count, 16, 16), -3.0, np.float32)
    examples = []
    for i in range(count):
        row, column = rng.integers(0, 14, 2)
        truth[i, 0, row : row + 2, column : column + 2] = 1
        if not is_right:
            row, column = rng.integers(0, 14, 2)
        logits[i, row : row + 2, column : column + 2] = 2.0
        labels = np.full(len(HEADS), np.nan, np.float32)
        labels[HEADS.index("edema")] = 1
        boxes = (Box(0.1, 0.1, 0.1, 0.1),)
        examples.append(Example(Path("a.png"), "nih", "train", str(i), "AP", labels, boxes))
    bank = FeatureBank(np.zeros(0, np.float16), truth, np.ones(count, np.int64))
    shown, figures = judge_map(logits, bank, examples)
    assert ("edema" in shown["findings"]) == is_right
    assert "atelectasis" not in shown["findings"]
    assert figures["by_finding"]["edema"]["n"] == figures["n"] == count
    assert (figures["cell_dice"] == 1.0) == is_right
