"""Audit metrics against scikit-learn, scipy, scikit-image, and a linear model known exactly."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import confusion_matrix, roc_auc_score

from hilum.errors import InvalidValueError
from hilum.evaluate import find_metric
from hilum.evaluate.audits import (
    attack,
    attack_map,
    compare_maps,
    corruption_error,
    deletion,
    equalised_odds_gap,
    flipped_calls,
    gap_by_chance,
    gap_of,
    infidelity,
    insertion,
    max_sensitivity,
    probability_shift,
    refused_share,
    relative_auroc,
    removal_curve,
    search_perturbation,
    versus_rest,
    within,
)
from hilum.evaluate.audits.explanations import blurred
from hilum.evaluate.findings import auroc, calibration_error

NAN = float("nan")


def make_readings(*, count: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = (rng.random(count) < 0.4).astype(float)
    prob = np.clip(0.4 * truth + 0.6 * rng.random(count), 0, 1)
    subgroup = rng.choice(["F", "M", "O"], size=count, p=[0.45, 0.45, 0.1])
    return truth, prob, subgroup


def rates(truth: np.ndarray, called: np.ndarray) -> tuple[float, float]:
    """True and false positive rate, from scikit-learn's table."""
    (tn, fp), (fn, tp) = confusion_matrix(truth, called)
    return tp / (tp + fn), fp / (fp + tn)


def test_subgroup_scores_against_scikit_learn() -> None:
    truth, prob, subgroup = make_readings()
    inside = subgroup == "F"
    expected = roc_auc_score(truth[inside], prob[inside])
    assert within(auroc)(truth, prob, subgroup, group="F") == pytest.approx(expected)
    rest = roc_auc_score(truth[~inside], prob[~inside])
    found = versus_rest(auroc)(truth, prob, subgroup, group="F")
    assert found == pytest.approx(expected - rest)
    aurocs = [roc_auc_score(truth[subgroup == g], prob[subgroup == g]) for g in "FMO"]
    assert gap_of(auroc)(truth, prob, subgroup) == pytest.approx(max(aurocs) - min(aurocs))
    table = {g: rates(truth[subgroup == g], prob[subgroup == g] >= 0.5) for g in "FMO"}
    gaps = [max(v[i] for v in table.values()) - min(v[i] for v in table.values()) for i in (0, 1)]
    assert equalised_odds_gap(truth, prob, subgroup, threshold=0.5) == pytest.approx(max(gaps))
    for id_, gap in (("sensitivity_gap/max_min", gaps[0]), ("false_positive_gap/max_min", gaps[1])):
        metric = find_metric("audit", id_)
        assert metric.compute(truth, prob, subgroup, threshold=0.5) == pytest.approx(gap)
    missed = find_metric("audit", "missed_rate/subgroup").compute
    assert missed(truth, prob, subgroup, group="M", threshold=0.5) == pytest.approx(
        1 - table["M"][0]
    )
    healthy = find_metric("audit", "underdiagnosis_rate/no_finding").compute
    assert healthy(truth, prob, subgroup, group="M", threshold=0.5) == pytest.approx(table["M"][1])


def test_the_unknown_subgroup_counts_for_none() -> None:
    truth, prob, subgroup = make_readings()
    unknown = np.where(subgroup == "O", "", subgroup)
    known = unknown != ""
    kept = gap_of(auroc)(truth[known], prob[known], unknown[known])
    assert gap_of(auroc)(truth, prob, unknown) == kept
    rest = versus_rest(auroc)
    assert rest(truth, prob, unknown, group="F") == rest(
        truth[known], prob[known], unknown[known], group="F"
    )


def test_calibration_of_a_subgroup() -> None:
    truth, prob, subgroup = make_readings()
    inside = subgroup == "M"
    found = find_metric("audit", "calibration_error/subgroup").compute
    assert found(truth, prob, subgroup, group="M", bins=10) == calibration_error(
        truth[inside], prob[inside]
    )
    bias = find_metric("audit", "calibration_bias/subgroup").compute
    expected = prob[inside].mean() - truth[inside].mean()
    assert bias(truth, prob, subgroup, group="M") == pytest.approx(expected)


@pytest.mark.parametrize("is_fair", [True, False])
def test_a_gap_is_told_from_chance(is_fair: bool) -> None:
    truth, prob, subgroup = make_readings()
    if not is_fair:
        noise = np.random.default_rng(1).random(len(prob))
        prob = np.where(subgroup == "M", noise, prob)
    median, p_value = gap_by_chance(
        gap_of(auroc),
        truth,
        prob,
        subgroup,
        groups=np.array([f"p{i}" for i in range(len(truth))]),
        rng=np.random.default_rng(0),
        draws=100,
    )
    assert 0.0 < median < 0.2
    assert (p_value < 0.05) is not is_fair


def test_robustness_by_hand() -> None:
    truth = np.array([1.0, 1, 0, 0, 1])
    clean = np.array([0.9, 0.6, 0.7, 0.1, NAN])
    worse = np.array([0.5, 0.2, 0.7, 0.1, 0.9])
    refused = np.array([NAN, 0.6, 0.7, 0.1, NAN])
    assert relative_auroc(truth, worse, clean) == pytest.approx(0.5 / 0.75)
    # refused: 0.6 against 0.7 and 0.1, in both
    assert relative_auroc(truth, refused, clean) == pytest.approx(1.0)
    both = np.stack([worse, refused], axis=1)
    expected = (0.5 + 0.5) / (0.25 + 0.5)
    assert corruption_error(truth, both, clean, least=1) == pytest.approx(expected)
    # with two of each class wanted, the refusals of the second condition leave it out
    assert corruption_error(truth, both, clean, least=2) == pytest.approx(0.5 / 0.25)
    assert np.isnan(corruption_error(truth, both, clean))
    assert probability_shift(worse, clean) == pytest.approx((0.4 + 0.4) / 4)
    assert flipped_calls(worse, clean, threshold=0.55) == pytest.approx(2 / 4)
    assert refused_share(refused, clean) == pytest.approx(1 / 4)


def test_a_perfect_clean_reader_has_no_corruption_error() -> None:
    truth, prob = np.array([0.0, 1.0]), np.array([0.1, 0.9])
    assert np.isnan(corruption_error(truth, prob[:, None], prob, least=1))


# -- explanations, on a linear model ------------------------------------------------------------

SHAPE = (24, 20)
WEIGHTS = np.random.default_rng(5).normal(size=SHAPE).astype(np.float32) / 50


def linear(image: np.ndarray) -> float:
    return float(np.sum(WEIGHTS.astype(np.float64) * image))


def make_image() -> np.ndarray:
    return np.random.default_rng(7).random(SHAPE).astype(np.float32)


def test_the_curve_of_a_linear_model_is_a_sum_of_contributions() -> None:
    image, base = make_image(), np.zeros(SHAPE, np.float32)
    heat = WEIGHTS * image
    curve = removal_curve(linear, image, base, heat, steps=image.size)
    gone = np.cumsum(np.sort(heat.ravel().astype(np.float64))[::-1])
    np.testing.assert_allclose(curve, linear(image) - np.concatenate([[0.0], gone]), atol=1e-5)


def test_no_order_beats_that_of_the_true_contributions() -> None:
    image = make_image()
    best = WEIGHTS * (image - blurred(image))
    rng = np.random.default_rng(0)
    for other in (rng.normal(size=SHAPE), -best, np.abs(best)):
        assert deletion(linear, image, best, steps=60) < deletion(linear, image, other, steps=60)
        assert insertion(linear, image, best, steps=60) > insertion(linear, image, other, steps=60)
    flat = np.zeros(SHAPE)
    assert deletion(linear, image, flat, steps=10) == pytest.approx(
        np.trapezoid(removal_curve(linear, image, blurred(image), flat, steps=10), dx=0.1)
    )


def test_the_gradient_of_a_linear_model_is_faithful() -> None:
    image = make_image()
    noise = {"deviation": 0.1, "samples": 200}

    def unfaithful(heat: np.ndarray, *, is_scaled: bool = False) -> float:
        rng = np.random.default_rng(0)
        return infidelity(linear, image, heat, rng=rng, is_scaled=is_scaled, **noise)

    assert unfaithful(WEIGHTS) < 1e-9
    # for another map the expectation is the variance of the noise times the squared distance
    other = np.zeros(SHAPE)
    assert unfaithful(other) == pytest.approx(0.01 * np.sum(WEIGHTS**2), rel=0.25)
    assert unfaithful(3 * WEIGHTS) == pytest.approx(4 * unfaithful(other), rel=1e-3)
    assert unfaithful(3 * WEIGHTS, is_scaled=True) < 1e-9


def test_sensitivity_of_a_constant_and_of_a_linear_map() -> None:
    image = make_image()
    rng = np.random.default_rng(0)
    assert max_sensitivity(lambda x: WEIGHTS, image, rng=rng) == 0.0
    # for the map x itself the change is that of the noise, at most the radius everywhere
    found = max_sensitivity(lambda x: x, image, rng=rng, radius=0.02, samples=50)
    size = np.linalg.norm(image)
    typical = 0.02 / 3**0.5 * image.size**0.5 / size
    assert typical < found < 0.02 * image.size**0.5 / size
    assert np.isnan(max_sensitivity(lambda x: np.zeros(SHAPE), image, rng=rng))


def test_an_attack_on_a_linear_model_stays_below_the_known_bound() -> None:
    image = np.full(SHAPE, 0.5, np.float32)
    ramp = np.repeat(np.linspace(-1, 1, SHAPE[0])[:, None], SHAPE[1], axis=1).astype(np.float32)

    def model(x: np.ndarray) -> float:
        return float(np.sum(ramp.astype(np.float64) * x))

    most = 0.02 * float(np.abs(ramp).sum())
    found = attack(model, image, rng=np.random.default_rng(0), bound=0.02, steps=300)
    assert 0.8 * most < found <= most * (1 + 1e-5)


def test_a_search_stays_within_its_bound_and_never_loses() -> None:
    image = make_image()
    found = search_perturbation(linear, image, bound=0.05, steps=30, rng=np.random.default_rng(0))
    assert np.abs(found - image).max() <= 0.05 + 1e-6
    assert found.min() >= 0 and found.max() <= 1  # noqa: PT018
    assert linear(found) >= linear(image)


def test_a_map_that_does_not_look_at_the_image_cannot_be_attacked() -> None:
    image, rng = make_image(), np.random.default_rng(0)
    assert attack_map(linear, lambda x: WEIGHTS, image, rng=rng, steps=20) == pytest.approx(1.0)
    moved = attack_map(linear, lambda x: WEIGHTS * x, image, rng=rng, bound=0.2, steps=60)
    assert moved < 0.98
    held = attack_map(linear, lambda x: WEIGHTS * x, image, rng=rng, tolerance=0.0, steps=20)
    assert held == pytest.approx(1.0)


def test_similarity_of_maps_against_scipy_and_scikit_image() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=(40, 30))
    second = first + rng.normal(size=(40, 30))
    found = compare_maps(first, second)
    assert found.rank == pytest.approx(spearmanr(first.ravel(), second.ravel()).statistic)
    absolute = spearmanr(np.abs(first).ravel(), np.abs(second).ravel()).statistic
    assert found.absolute_rank == pytest.approx(absolute)
    assert compare_maps(first, first).ssim == pytest.approx(1.0)
    assert np.isnan(compare_maps(first, np.zeros((40, 30))).rank)
    metrics = pytest.importorskip("skimage.metrics")
    scaled = [(x - x.min()) / np.ptp(x) for x in (first, second)]
    _, whole = metrics.structural_similarity(
        *scaled,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        win_size=11,
        use_sample_covariance=False,
        full=True,
    )
    assert found.ssim == pytest.approx(whole[5:-5, 5:-5].mean(), abs=1e-9)


def test_randomising_the_model_changes_a_gradient_and_not_an_edge_detector() -> None:
    """Adebayo's finding, exactly: the gradient follows the weights, edges follow the image."""
    image = make_image()
    other = np.random.default_rng(11).normal(size=SHAPE)
    assert abs(compare_maps(WEIGHTS, other).absolute_rank) < 0.2
    edges = np.hypot(*np.gradient(image.astype(np.float64)))
    assert compare_maps(edges, edges).absolute_rank == pytest.approx(1.0)


def test_a_map_of_another_shape_is_refused() -> None:
    image = make_image()
    for heat in (np.zeros((3, 3)), np.full(SHAPE, np.nan)):
        with pytest.raises(InvalidValueError, match="map"):
            deletion(linear, image, heat)
    with pytest.raises(InvalidValueError, match="11 pixels"):
        compare_maps(np.zeros((4, 4)), np.zeros((4, 4)))
