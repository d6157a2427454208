"""Simulated acquisitions are films of the same shape that differ as they say."""

from dataclasses import replace

import numpy as np
import pytest

from hilum.train.augment_film import Acquisition, sample_acquisition

NONE = (0.0, 0.0, 0.0, 0.0)
SAME = Acquisition(
    cut=NONE,
    blur=0.0,
    resolution=1.0,
    gamma=1.0,
    low=0.0,
    high=1.0,
    noise=0.0,
    shutters=NONE,
    quality=0,
    seed=0,
)


@pytest.fixture
def film() -> np.ndarray:
    return np.random.default_rng(0).random((96, 128), np.float32) * np.float32(0.8) + 0.1


def sharpness(image: np.ndarray) -> float:
    return float(np.abs(np.diff(image, axis=1)).mean())


def test_nothing_drawn_changes_nothing(film: np.ndarray) -> None:
    np.testing.assert_allclose(SAME.apply(film), film, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("change", [{"blur": 3.0}, {"resolution": 0.5}])
def test_softer(film: np.ndarray, change: dict[str, float]) -> None:
    assert sharpness(replace(SAME, **change).apply(film)) < 0.8 * sharpness(film)


def test_shutters_blacken_the_borders_only(film: np.ndarray) -> None:
    shut = replace(SAME, shutters=(0.25, 0.0, 0.0, 0.125)).apply(film)
    assert shut[:24].max() == 0
    assert shut[:, 112:].max() == 0
    np.testing.assert_allclose(shut[24:, :112], film[24:, :112], atol=0.5 / 255 + 1e-6)


def test_a_cut_enlarges_what_is_left(film: np.ndarray) -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 128, dtype=np.float32), (96, 128)).copy()
    cut = replace(SAME, cut=(0.0, 0.0, 0.25, 0.25)).apply(ramp)
    assert cut[:, 0] == pytest.approx(0.25, abs=0.02)
    assert cut[:, -1] == pytest.approx(0.75, abs=0.02)


def test_noise_grows_towards_white() -> None:
    ramp = np.broadcast_to(np.linspace(0.2, 0.8, 128, dtype=np.float32), (96, 128)).copy()
    error = replace(SAME, noise=0.01).apply(ramp) - ramp
    dark, bright = error[:, :32].std(), error[:, -32:].std()
    assert dark == pytest.approx(0.01 * np.exp(1.5 * 0.275), rel=0.1)
    assert bright == pytest.approx(0.01 * np.exp(1.5 * 0.725), rel=0.1)


def test_window_and_gamma(film: np.ndarray) -> None:
    changed = replace(SAME, low=0.1, high=0.9, gamma=2.0).apply(film)
    np.testing.assert_allclose(changed, ((film - 0.1) / 0.8) ** 2, atol=0.5 / 255 + 1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_a_draw_is_repeatable_and_in_range(film: np.ndarray, seed: int) -> None:
    drawn = sample_acquisition(np.random.default_rng(seed))
    assert drawn == sample_acquisition(np.random.default_rng(seed))
    out = drawn.apply(film)
    assert out.shape == film.shape
    assert out.dtype == np.float32
    assert out.min() >= 0
    assert out.max() <= 1
    np.testing.assert_array_equal(out, drawn.apply(film))
