"""Dual logistic regression: the same answer as the primal one, and what is kept apart."""

import numpy as np
import pytest
from scipy.optimize import minimize

from hilum.train.dual import BIAS_VARIANCE, Blocks, fit_linear, fit_ridge


def make_rows(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(60, 5))
    truth = (rows[:, 0] + 0.5 * rng.normal(size=60) > 0).astype(float)
    return rows, truth, rng.uniform(0.5, 2.0, 60)


def test_it_finds_the_maximum_of_the_penalised_likelihood() -> None:
    rows, truth, weights = make_rows()

    def loss(values: np.ndarray) -> float:
        z = rows @ values[:5] + values[5]
        fit = (weights * (np.logaddexp(0, z) - truth * z)).sum()
        return float(fit + (values[:5] ** 2).sum() / 4.0 + values[5] ** 2 / (2 * BIAS_VARIANCE))

    best = minimize(loss, np.zeros(6), method="BFGS").x
    weight, bias = fit_linear(rows, truth, weights, variance=2.0)
    assert weight == pytest.approx(best[:5], abs=2e-3)
    assert bias == pytest.approx(best[5], abs=2e-3)


def test_what_tells_the_source_apart_is_not_learned_as_disease() -> None:
    """The films beside are all positive and all carry feature 4: it must say little."""
    rows, truth, weights = make_rows()
    rows[:, 4] = 0.0
    beside = rows[:30].copy()
    beside[:, 4] = 0.1
    both, known = np.vstack([rows, beside]), np.concatenate([truth, np.ones(30)])
    share = np.concatenate([weights, np.ones(30)])
    _, mixed = fit_linear(both, known, share, variance=2.0)
    _, apart = fit_linear(both, known, share, variance=2.0, apart=30)
    _, alone = fit_linear(rows, truth, weights, variance=2.0)
    assert abs(apart - alone) < abs(mixed - alone)


def test_blocks_have_their_shares() -> None:
    rng = np.random.default_rng(1)
    rows = (rng.normal(size=(500, 30)) * rng.uniform(0.5, 9, 30) + 4).astype(np.float32)
    scaled = Blocks(rows, [(10, 0.25), (20, 0.75)]).apply(rows)
    length = (scaled * scaled).mean(0)
    assert length[:10].sum() == pytest.approx(0.25, rel=0.02)
    assert length[10:].sum() == pytest.approx(0.75, rel=0.02)


def test_ridge_follows_a_line() -> None:
    rows, _, _ = make_rows()
    rows -= rows.mean(0)
    weight, bias = fit_ridge(rows, 0.5 + rows @ np.arange(5.0), noise=1e-6)
    assert weight == pytest.approx(np.arange(5.0), abs=1e-4)
    assert bias == pytest.approx(0.5)


def test_a_steady_head_does_without_what_changes() -> None:
    rng = np.random.default_rng(3)
    truth = np.repeat([0.0, 1.0], 100)
    signs = np.stack([truth, truth, rng.random(200)], 1) + rng.normal(size=(200, 3)) * 0.4
    rows = signs.astype(np.float32)
    changes = np.zeros((50, 3), np.float32)
    changes[:, 0] = rng.normal(size=50)
    weights = np.ones(200)

    def fitted(steadiness: float) -> np.ndarray:
        scale = Blocks(rows, [(3, 1.0)], changes=changes, steadiness=steadiness)
        return scale.raw(fit_linear(scale.apply(rows), truth, weights, variance=5.0)[0])

    plain, steady = fitted(0.0), fitted(1000.0)
    assert plain[0] == pytest.approx(plain[1], rel=0.4)
    assert abs(steady[0]) < 0.05 * abs(plain[0])
    assert steady[1] > plain[1]


def test_scaled_and_raw_weights_give_the_same_logits() -> None:
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(40, 6)).astype(np.float32)
    changes = rng.normal(size=(20, 6)).astype(np.float32)
    scale = Blocks(rows, [(2, 0.5), (4, 0.5)], changes=changes, steadiness=7.0)
    weights = rng.normal(size=6)
    raw = scale.raw(weights)
    assert scale.apply(rows) @ weights == pytest.approx((rows - scale.mean) @ raw, abs=1e-6)
