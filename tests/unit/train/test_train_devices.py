"""The recipe of devices: the loss, the contrast of lines, and operating points."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")
pytest.importorskip("efficientnet_lite_pytorch", reason="training needs the extra 'train'")

from hilum.train.devices import devices_loss  # noqa: E402
from hilum.train.devices_data import scale_contrast, thicken  # noqa: E402
from hilum.train.devices_figures import Seen, choose_least, share_found  # noqa: E402
from hilum.train.devices_net import DevicesNet, normalise_locally  # noqa: E402
from hilum.train.devices_pool import KINDS  # noqa: E402


def test_the_network_gives_a_line_and_a_tip_a_kind_at_half_size() -> None:
    net = DevicesNet(kinds=len(KINDS)).eval()
    with torch.no_grad():
        assert net(torch.zeros(1, 1, 64, 96)).shape == (1, 2 * len(KINDS), 32, 48)


def test_local_grey_levels_forget_the_tone_of_the_film() -> None:
    grey = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    found = normalise_locally(grey)
    torch.testing.assert_close(normalise_locally(0.8 * grey + 0.1), found, atol=0.02, rtol=0.02)


def test_the_loss_falls_where_lines_are_and_ignores_unknown_tips() -> None:
    lines = torch.zeros(1, 5, 16, 16)
    lines[0, 1, :, 8] = 1
    tips = torch.zeros_like(lines)
    tips[0, 2] = torch.nan
    logits = torch.full((1, 10, 16, 16), -4.0)
    better = logits.clone()
    better[0, 1, :, 8] = 4.0
    assert devices_loss(better, lines, tips) < devices_loss(logits, lines, tips)
    changed = logits.clone()
    changed[0, 7] += 5.0
    same = devices_loss(changed, lines, tips)
    assert float(same) == pytest.approx(float(devices_loss(logits, lines, tips)))


def test_wide_tubes_are_filled_and_thin_lines_are_not() -> None:
    masks = np.zeros((len(KINDS), 40, 40), bool)
    masks[:, :, 10] = masks[:, :, 16] = True
    out = thicken(masks)
    names = list(KINDS)
    assert out[names.index("endotracheal_tube"), 20, 13]
    assert not out[names.index("nasogastric_tube"), 20, 13]


def test_contrast_changes_on_the_line_alone() -> None:
    image = np.full((40, 40), 0.4, np.float32)
    image[:, 20] = 0.5
    mask = np.zeros((40, 40), np.uint8)
    mask[:, 19:22] = 1
    stronger = scale_contrast(image, mask, 2.0)
    assert stronger[20, 20] > 0.55
    assert stronger[20, 5] == pytest.approx(0.4)


def test_an_operating_point_spares_what_has_no_device() -> None:
    seen = Seen(score=[0.0] * 99 + [5.0, 50.0, 60.0], truth=[0.0] * 100 + [1.0, 1.0])
    least = choose_least(seen, [0.0] * 50 + [20.0] * 50)
    assert 20.0 < least < 50.0
    found = share_found(seen, least=least)
    assert found["sensitivity"]["value"] == 1.0
    assert found["specificity"]["value"] == 1.0
