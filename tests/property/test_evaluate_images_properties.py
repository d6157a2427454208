"""Invariants of image metrics and corruptions, whatever the input."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.evaluate.audits import corrupt, draw_corruption, hide_inside, list_corruptions
from hilum.evaluate.audits.subgroups import equalised_odds_gap, gap_of
from hilum.evaluate.findings import auroc
from hilum.evaluate.images import (
    coverage,
    density,
    frechet_distance,
    kernel_distance,
    manifold_precision,
    manifold_recall,
    ssim,
)

seeds = st.integers(0, 2**31 - 1)
sides = st.integers(16, 60)


def make_image(seed: int, rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random((rows, columns)) ** rng.uniform(0.2, 5)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    seed=seeds,
    rows=sides,
    columns=sides,
    name=st.sampled_from([c.name for c in list_corruptions()]),
    severity=st.integers(1, 5),
)
def test_a_corrupted_image_is_an_image(
    seed: int, rows: int, columns: int, name: str, severity: int
) -> None:
    image = make_image(seed, rows, columns)
    draw = draw_corruption(name, severity, rng=np.random.default_rng(seed))
    found = corrupt(image, draw)
    assert found.shape == image.shape
    assert found.dtype == np.float32
    assert 0.0 <= float(found.min()) <= float(found.max()) <= 1.0
    np.testing.assert_array_equal(found, corrupt(image, draw))


@settings(max_examples=25, deadline=None)
@given(seed=seeds, real=st.integers(7, 30), synthetic=st.integers(7, 30), dims=st.integers(1, 40))
def test_distances_of_sets(seed: int, real: int, synthetic: int, dims: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(real, dims)), rng.normal(size=(synthetic, dims)) + 0.5
    distance = frechet_distance(first, second)
    assert distance >= 0.0
    np.testing.assert_allclose(distance, frechet_distance(second, first), rtol=1e-8)
    shifted = frechet_distance(first + 3.0, second + 3.0)
    np.testing.assert_allclose(shifted, distance, rtol=1e-6)
    np.testing.assert_allclose(
        kernel_distance(first, second), kernel_distance(second, first), atol=1e-9
    )
    for metric in (manifold_precision, manifold_recall, coverage):
        assert 0.0 <= metric(first, second, k=3) <= 1.0
        assert metric(first, first, k=3) == 1.0
    assert 0.0 <= density(first, second, k=3) <= real / 3
    assert manifold_precision(first, second, k=3) == manifold_recall(second, first, k=3)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, rows=sides, columns=sides)
def test_ssim_is_symmetric_and_at_most_one(seed: int, rows: int, columns: int) -> None:
    first, second = make_image(seed, rows, columns), make_image(seed + 1, rows, columns)
    assert abs(ssim(first, second) - ssim(second, first)) < 1e-12
    assert ssim(first, second) <= 1.0
    assert abs(ssim(first, first) - 1.0) < 1e-9


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_gaps_do_not_depend_on_the_names_of_subgroups(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = (rng.random(120) < 0.5).astype(float)
    prob, subgroup = rng.random(120), rng.choice(["a", "b", "c"], size=120)
    renamed = np.char.add("z", subgroup)
    for gap, parameters in ((gap_of(auroc), {}), (equalised_odds_gap, {"threshold": 0.4})):
        value = gap(truth, prob, subgroup, **parameters)
        assert 0.0 <= value <= 1.0
        assert value == gap(truth, prob, renamed, **parameters)
        assert np.isnan(gap(truth, prob, np.full(120, "a"), **parameters))


@settings(max_examples=20, deadline=None)
@given(seed=seeds, rows=sides, columns=sides)
def test_what_is_hidden_is_gone(seed: int, rows: int, columns: int) -> None:
    image = make_image(seed, rows, columns)
    mask = np.random.default_rng(seed).random(image.shape) < 0.3
    mask[0, 0] = False
    found = hide_inside(image, mask)
    assert len(np.unique(found[mask])) <= 1
    np.testing.assert_array_equal(found[~mask], image[~mask])
