"""The drawn negatives and the variation of positives: bounded, determined, what they say."""

from __future__ import annotations

import numpy as np
import pytest

from hilum.models import golden_image
from hilum.train.augment_gate import vary_chest
from hilum.train.body_parts import Canvas, draw_lateral_chest, expose, fractal_noise
from hilum.train.negatives import CHEST_CUTS, KINDS, draw_negative

CHESTS = [(255 * golden_image(150 + 20 * i, 160)).astype(np.uint8) for i in range(3)]
PHOTOGRAPHS = [np.random.default_rng(0).integers(0, 256, (90, 120)).astype(np.uint8)]


def draw(kind: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return draw_negative(kind, rng, photographs=PHOTOGRAPHS, chests=CHESTS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_valid_images_that_its_seed_determines(kind):
    first = draw(kind, 1)
    assert first.dtype == np.float32
    assert first.ndim == 2
    assert min(first.shape) >= 12
    assert first.min() >= 0.0
    assert first.max() <= 1.0
    np.testing.assert_array_equal(first, draw(kind, 1))
    other = draw(kind, 2)
    assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.mark.parametrize("kind", CHEST_CUTS)
def test_cuts_of_a_chest_are_not_the_chest(kind):
    rng = np.random.default_rng(3)
    image = CHEST_CUTS[kind](CHESTS[:1], rng)
    original = CHESTS[0] / 255
    assert image.shape != original.shape or np.abs(image - original).mean() > 0.02


def test_bones_are_brighter_than_tissue_and_air():
    rng = np.random.default_rng(0)
    canvas = Canvas(rng, tilt_deg=0.0)
    canvas.add(canvas.ellipsoid(0.5, 0.5, 0.3, 0.3), 0.2, 0.0)
    tissue = canvas.integral.copy()
    canvas.bone((0.5, 0.3), (0.5, 0.7), 0.03)
    assert canvas.integral.max() > tissue.max()
    shown = expose(canvas.integral, rng)
    assert shown[canvas.integral > tissue.max()].mean() > shown[tissue == 0].mean()


def test_a_lateral_chest_has_an_airy_field():
    canvas = Canvas(np.random.default_rng(5), tilt_deg=0.0)
    draw_lateral_chest(canvas)
    assert np.isfinite(canvas.integral).all()
    assert canvas.integral.std() > 0


def test_texture_is_standardised():
    texture = fractal_noise(np.random.default_rng(0), (80, 60))
    assert abs(texture.mean()) < 1e-4
    assert texture.std() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("seed", range(8))
def test_a_varied_chest_stays_an_image_of_the_chest(seed):
    image = golden_image(180, 160)
    varied = vary_chest(image, np.random.default_rng(seed))
    assert varied.dtype == np.float32
    assert varied.min() >= 0
    assert varied.max() <= 1
    assert min(varied.shape) >= 256
    np.testing.assert_array_equal(varied, vary_chest(image, np.random.default_rng(seed)))
