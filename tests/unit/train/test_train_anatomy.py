"""What the anatomy's recipe scores, and how its network begins."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra train")

from hilum.train import ship  # noqa: E402
from hilum.train.anatomy import evaluate  # noqa: E402
from hilum.train.anatomy_data import AnatomyRecipe, Pool  # noqa: E402
from hilum.train.networks import AnatomyNet  # noqa: E402

SIDE = 288


class Truth(torch.nn.Module):
    """Answers with the given masks, the heart widened by some columns on each side."""

    def __init__(self, masks: np.ndarray, widen: int) -> None:
        super().__init__()
        maps = np.concatenate([masks, np.zeros((1, SIDE, SIDE), bool)])
        heart = np.flatnonzero(maps[2].any(0))
        maps[2][:, heart[0] - widen : heart[-1] + 1 + widen] |= maps[2].any(1)[:, None]
        self.maps = torch.from_numpy(np.where(maps, 8.0, -8.0).astype(np.float32))[None]

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(self.maps, size=grey.shape[2:], mode="area")


def chest() -> np.ndarray:
    masks = np.zeros((4, SIDE, SIDE), bool)
    masks[0, 40:240, 160:260] = True
    masks[1, 40:240, 30:130] = True
    masks[2, 90:240, 100:190] = True
    masks[3, 20:110, 138:152] = True
    return masks


@pytest.mark.parametrize("widen", [0, 12])
def test_the_ratio_is_scored_on_maps_and_as_a_reading_measures_it(widen: int) -> None:
    masks = chest()
    targets = np.where(masks, 254, 0).astype(np.uint8)[None]
    rng = np.random.default_rng(0)
    pool = Pool(
        rng.integers(0, 255, (1, SIDE, SIDE), np.uint8),
        targets,
        targets[:, :2].max(1),
        np.full((1, 2), np.nan, np.float32),
    )
    scores = evaluate(Truth(masks, widen), pool, AnatomyRecipe())
    wanted = 2 * widen / 230
    assert scores["ratio_error"][0] == pytest.approx(wanted, abs=0.012)
    assert scores["read_ratio_error"][0] == pytest.approx(wanted, abs=0.012)
    assert scores["left_lung"][0] > 0.98
    assert scores["carina_error"] == []


def test_the_stated_error_is_the_root_mean_square_of_readings() -> None:
    errors = {"read_ratio_error": [0.0, 0.03, 0.05]}
    assert ship._measurement_sd(errors)["cardiothoracic_ratio"] == pytest.approx(0.0337)
    assert ship._measurement_sd({}) == {}


def test_every_output_begins_rare() -> None:
    with torch.no_grad():
        probs = torch.sigmoid(AnatomyNet()(torch.rand(1, 1, 64, 64)))
    assert probs.mean((0, 2, 3)).max() < 0.3
