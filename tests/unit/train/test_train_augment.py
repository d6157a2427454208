"""Variation keeps images, masks and points together."""

import numpy as np
import pytest

from hilum.train.augment import Warp, add_opacities, erase_boxes, sample_tone, sample_warp


def spot(x: float, y: float, side: int = 200) -> np.ndarray:
    grid = (np.arange(side) + 0.5) / side
    squared = (grid[None, :] - x) ** 2 + (grid[:, None] - y) ** 2
    return np.exp(-squared / (2 * 0.02**2)).astype(np.float32)


@pytest.mark.parametrize("seed", range(8))
def test_a_point_moves_as_its_image_does(seed: int) -> None:
    warp = sample_warp(np.random.default_rng(seed))
    moved = warp.apply(spot(0.45, 0.55), size=160)
    row, column = np.unravel_index(int(moved.argmax()), moved.shape)
    x, y = warp.point(0.45, 0.55)
    assert ((column + 0.5) / 160, (row + 0.5) / 160) == pytest.approx((x, y), abs=0.015)


def test_the_identity_changes_nothing() -> None:
    image = np.random.default_rng(0).random((32, 32), np.float32)
    same = Warp(np.eye(2, 3, dtype=np.float32), False).apply(image, size=32)
    np.testing.assert_allclose(same, image, atol=1e-5)


@pytest.mark.parametrize("seed", range(8))
def test_a_tone_is_repeatable_and_in_range(seed: int) -> None:
    tone = sample_tone(np.random.default_rng(seed))
    image = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    out = tone.apply(image)
    assert out.dtype == np.float32
    assert 0.0 <= out.min() <= out.max() <= 1.0
    np.testing.assert_array_equal(out, tone.apply(image))


def test_opacities_brighten_inside_the_lungs_only() -> None:
    image = np.full((64, 64), 0.2, np.float32)
    lungs = np.zeros((64, 64), np.float32)
    lungs[16:48, 8:28] = 1.0
    out = add_opacities(image, lungs, np.random.default_rng(1))
    assert (out[lungs == 0] == image[lungs == 0]).all()
    assert out[lungs == 1].max() > 0.3
    nothing = add_opacities(image, np.zeros_like(lungs), np.random.default_rng(1))
    np.testing.assert_array_equal(nothing, image)


def test_boxes_do_not_touch_the_original() -> None:
    image = np.full((64, 64), 0.5, np.float32)
    outs = [erase_boxes(image, np.random.default_rng(seed)) for seed in range(6)]
    assert (image == 0.5).all()
    assert any((out != 0.5).any() for out in outs)
