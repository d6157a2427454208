"""Looks are varied within [0, 1], repeatably, and take what they should from a film."""

import numpy as np
import pytest

from hilum.train.appearance import (
    bend_tones,
    borrow_spectrum,
    match_histogram,
    randomise_appearance,
)


def picture(seed: int, side: int = 64) -> np.ndarray:
    rng = np.random.default_rng(seed)
    slope = np.linspace(0, 1, side)[:, None] * rng.uniform(0.3, 1.0, side)[None, :]
    return np.clip(slope + rng.normal(0, 0.05, (side, side)), 0, 1).astype(np.float32)


@pytest.mark.parametrize("seed", range(12))
def test_a_look_is_repeatable_and_in_range(seed: int) -> None:
    films = np.round(np.stack([picture(50), picture(51)]) * 255).astype(np.uint8)
    first, second = (
        randomise_appearance(picture(1), films, np.random.default_rng(seed)) for _ in range(2)
    )
    assert first.dtype == np.float32
    assert first.shape == (64, 64)
    assert 0.0 <= first.min() <= first.max() <= 1.0
    np.testing.assert_array_equal(first, second)


def test_a_bent_curve_keeps_the_order_of_grey_levels() -> None:
    ramp = np.linspace(0, 1, 500, dtype=np.float32)[None]
    bent = bend_tones(ramp, np.random.default_rng(3))
    assert (np.diff(bent[0]) >= 0).all()
    assert bent[0, 0] == 0.0
    assert bent[0, -1] == pytest.approx(1.0)
    assert np.abs(bent - ramp).max() > 0.02


def test_a_matched_image_has_the_grey_levels_of_the_film() -> None:
    film = picture(4) ** 3
    matched = match_histogram(picture(5), film)
    wanted = np.percentile(film, (10, 50, 90))
    assert np.percentile(matched, (10, 50, 90)) == pytest.approx(wanted, abs=0.03)


def test_a_borrowed_spectrum_takes_the_mean_and_keeps_the_detail() -> None:
    image, film = 0.3 + 0.2 * picture(6), 0.5 + 0.2 * picture(7)
    mixed = borrow_spectrum(image, film, share=1.0, band=2)
    assert mixed.mean() == pytest.approx(film.mean(), abs=0.01)
    mine, theirs = np.fft.rfft2(mixed), np.fft.rfft2(image)
    np.testing.assert_allclose(mine[10:50, 5:], theirs[10:50, 5:], atol=0.05)
    same = borrow_spectrum(image, film, share=0.0, band=2)
    np.testing.assert_allclose(same, image, atol=1e-5)
