"""The recipe of structures: shipped weights come back, the loss sees only what is known."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")
pytest.importorskip("efficientnet_lite_pytorch", reason="training needs the extra 'train'")

from hilum.models import load_model  # noqa: E402
from hilum.train.phantom_pool import PLANES, POINTS  # noqa: E402
from hilum.train.structures import cold_network, structures_loss, warm_network  # noqa: E402

CHANNELS = len(PLANES) + len(POINTS)


def test_the_warm_network_is_the_shipped_anatomy() -> None:
    net = warm_network(frozen_blocks=3).eval()
    grey = np.random.default_rng(0).random((256, 256), np.float32)
    model = load_model("hilum-anatomy")
    low, high = np.percentile(grey, model.manifest.input.percentiles)
    stretched = np.clip((grey - low) / (high - low), 0, 1).astype(np.float32)
    with torch.no_grad():
        maps = torch.sigmoid(net.anatomy(torch.from_numpy(stretched)[None, None]))[0].numpy()
    np.testing.assert_allclose(maps[:4], model.run(grey)["probabilities"], atol=2e-3)


def test_the_network_gives_every_plane_and_point_at_half_size() -> None:
    net = cold_network(frozen_blocks=5).eval()
    with torch.no_grad():
        assert net(torch.zeros(1, 1, 64, 64)).shape == (1, CHANNELS, 32, 32)


def test_what_is_unknown_costs_nothing() -> None:
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, CHANNELS, 8, 8, generator=rng)
    planes = torch.full((2, len(PLANES), 8, 8), torch.nan)
    heat = torch.full((2, len(POINTS), 8, 8), torch.nan)
    planes[:, :4] = 1.0
    before = structures_loss(logits, planes, heat)
    changed = logits.clone()
    changed[:, 4:] += 3.0
    assert structures_loss(changed, planes, heat) == pytest.approx(float(before))
    better = logits.clone()
    better[:, :4] += 3.0
    assert structures_loss(better, planes, heat) < before
    assert structures_loss(logits, torch.full_like(planes, torch.nan), heat) == 0.0
