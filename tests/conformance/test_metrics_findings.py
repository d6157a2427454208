"""Metrics of findings against scikit-learn, statsmodels, scipy and hand-worked cases."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from statsmodels.stats.inter_rater import fleiss_kappa as their_fleiss

from hilum.errors import InvalidValueError
from hilum.evaluate import find_metric
from hilum.evaluate.findings import (
    FindingsOptions,
    adaptive_calibration_error,
    area_under_risk_coverage,
    auroc,
    average_precision,
    brier,
    brier_parts,
    calibration_error,
    calibration_line,
    cohen_kappa,
    conformal_sets,
    decision_curve,
    delong_interval,
    delong_test,
    estimate_prevalence,
    evaluate_findings,
    excess_area_under_risk_coverage,
    f1,
    f1_micro,
    fit_conformal,
    fleiss_kappa,
    krippendorff_alpha,
    log_loss,
    macro,
    net_benefit,
    over_plausible_truths,
    predictive_value,
    reliability_bins,
    risk_coverage_curve,
    roc_curve,
    sensitivity,
    sensitivity_at_specificity,
    shift_prevalence,
    specificity,
    specificity_at_sensitivity,
    vote_shares,
)
from hilum.evaluate.findings.weighted import WEIGHTED, prepare

CASES = ("smooth", "tied", "two_values", "separable")


def make_case(kind: str, *, seed: int = 0, count: int = 203) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = (rng.random(count) < 0.3).astype(float)
    prob = np.clip(0.25 * truth + 0.75 * rng.random(count), 0, 1)
    if kind == "tied":
        prob = prob.round(1)
    elif kind == "two_values":
        prob = (prob > 0.5).astype(float)
    elif kind == "separable":
        prob = 0.4 * prob + 0.5 * truth
    return truth, prob


@pytest.mark.parametrize("kind", CASES)
def test_against_scikit_learn(kind: str) -> None:
    truth, prob = make_case(kind)
    called = prob >= 0.4
    ours = [
        auroc(truth, prob),
        average_precision(truth, prob),
        brier(truth, prob),
        f1(truth, prob, threshold=0.4),
        sensitivity(truth, prob, threshold=0.4),
        specificity(truth, prob, threshold=0.4),
    ]
    theirs = [
        sk.roc_auc_score(truth, prob),
        sk.average_precision_score(truth, prob),
        sk.brier_score_loss(truth, prob),
        sk.f1_score(truth, called),
        sk.recall_score(truth, called),
        sk.recall_score(truth, called, pos_label=0),
    ]
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    held = np.clip(prob, 1e-15, 1 - 1e-15)
    assert log_loss(truth, prob) == pytest.approx(sk.log_loss(truth, held), abs=1e-9)


@pytest.mark.parametrize("kind", CASES)
def test_the_roc_curve_and_what_is_read_off_it(kind: str) -> None:
    truth, prob = make_case(kind)
    x, y, _ = sk.roc_curve(truth, prob, drop_intermediate=False)
    ours = roc_curve(truth, prob)
    np.testing.assert_allclose(ours.x, x, atol=1e-12)
    np.testing.assert_allclose(ours.y, y, atol=1e-12)
    assert sensitivity_at_specificity(truth, prob, specificity=0.9) == pytest.approx(
        y[x <= 0.1 + 1e-12].max()
    )
    assert specificity_at_sensitivity(truth, prob, sensitivity=0.9) == pytest.approx(
        1 - x[y >= 0.9 - 1e-12].min()
    )
    statistic = mannwhitneyu(prob[truth == 1], prob[truth == 0]).statistic
    pairs = (truth == 1).sum() * (truth == 0).sum()
    assert auroc(truth, prob) == pytest.approx(statistic / pairs)


def test_over_many_labels_against_scikit_learn() -> None:
    columns = [make_case("smooth", seed=seed) for seed in range(4)]
    truth, prob = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
    called = prob >= 0.5
    for average, ours in (
        ("macro", macro(f1)(truth, prob, threshold=0.5)),
        ("weighted", macro(f1, is_weighted=True)(truth, prob, threshold=0.5)),
        ("micro", f1_micro(truth, prob, threshold=0.5)),
    ):
        assert ours == pytest.approx(sk.f1_score(truth, called, average=average))
    for average in ("macro", "weighted"):
        ours = find_metric("findings", f"auroc/{average}").compute(truth, prob)
        assert ours == pytest.approx(sk.roc_auc_score(truth, prob, average=average))


def test_unlabelled_units_count_for_nothing() -> None:
    truth, prob = make_case("smooth")
    holed = truth.copy()
    holed[::5] = np.nan
    kept = ~np.isnan(holed)
    for metric in (auroc, average_precision, brier, calibration_error, log_loss):
        assert metric(holed, prob) == metric(truth[kept], prob[kept])


def delong_by_hand(truth: np.ndarray, prob: np.ndarray) -> float:
    """Variance of the AUROC from its structural components, in loops."""
    present, absent = prob[truth == 1], prob[truth == 0]
    kernel = np.array([[1.0 * (p > n) + 0.5 * (p == n) for n in absent] for p in present])
    return float(
        kernel.mean(axis=1).var(ddof=1) / len(present)
        + kernel.mean(axis=0).var(ddof=1) / len(absent)
    )


@pytest.mark.parametrize("kind", ["smooth", "tied"])
def test_delong_against_its_components(kind: str) -> None:
    truth, prob = make_case(kind, count=80)
    interval = delong_interval(truth, prob, on_logit=False)
    assert interval is not None
    half = 1.959963984540054 * delong_by_hand(truth, prob) ** 0.5
    area = auroc(truth, prob)
    np.testing.assert_allclose([interval.low, interval.high], [area - half, area + half])


def test_paired_delong_variance_is_that_of_the_difference() -> None:
    truth, first = make_case("smooth", count=90)
    _, second = make_case("tied", seed=4, count=90)
    test = delong_test(truth, first, second)
    assert test is not None

    def components(prob: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        present, absent = prob[truth == 1], prob[truth == 0]
        kernel = (present[:, None] > absent) + 0.5 * (present[:, None] == absent)
        return kernel.mean(axis=1), kernel.mean(axis=0)

    rows = components(second)[0] - components(first)[0]
    columns = components(second)[1] - components(first)[1]
    deviation = (rows.var(ddof=1) / len(rows) + columns.var(ddof=1) / len(columns)) ** 0.5
    half = (test.interval.high - test.interval.low) / 2
    assert half == pytest.approx(1.959963984540054 * deviation)
    assert test.difference == pytest.approx(auroc(truth, second) - auroc(truth, first))


@pytest.mark.parametrize("is_adaptive", [False, True])
def test_reliability_against_scikit_learn(is_adaptive: bool) -> None:
    truth, prob = make_case("smooth", count=200)
    strategy = "quantile" if is_adaptive else "uniform"
    observed, mean_prob = calibration_curve(truth, prob, n_bins=10, strategy=strategy)
    bins = reliability_bins(truth, prob, is_adaptive=is_adaptive)
    np.testing.assert_allclose([b.observed for b in bins], observed, atol=1e-12)
    np.testing.assert_allclose([b.mean_prob for b in bins], mean_prob, atol=1e-12)
    gap = sum(b.units * abs(o - p) for b, o, p in zip(bins, observed, mean_prob, strict=True))
    metric = adaptive_calibration_error if is_adaptive else calibration_error
    assert metric(truth, prob) == pytest.approx(gap / 200)


def test_the_parts_of_the_brier_score_add_up() -> None:
    truth, prob = make_case("smooth")
    parts = brier_parts(truth, prob)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(brier(truth, prob))
    exact = brier_parts(truth, np.where(prob > 0.5, 0.75, 0.25))
    assert exact.within == pytest.approx(0.0, abs=1e-12)


def test_the_calibration_line_against_scikit_learn() -> None:
    truth, prob = make_case("smooth")
    prob = np.clip(prob, 1e-6, 1 - 1e-6)
    fitted = LogisticRegression(C=1e12, tol=1e-10).fit(np.log(prob / (1 - prob))[:, None], truth)
    intercept, slope = calibration_line(truth, prob)
    assert intercept == pytest.approx(fitted.intercept_[0], abs=1e-4)
    assert slope == pytest.approx(fitted.coef_[0, 0], abs=1e-4)


def test_risk_by_coverage_by_hand() -> None:
    truth = np.array([1.0, 0.0, 1.0, 0.0])
    prob = np.array([0.9, 0.2, 0.3, 0.6])  # confidence 0.8, 0.6, 0.4 (wrong), 0.2 (wrong)
    coverage, risk = risk_coverage_curve(truth, prob)
    np.testing.assert_allclose(coverage, [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(risk, [0, 0, 1 / 3, 1 / 2])
    assert area_under_risk_coverage(truth, prob) == pytest.approx((1 / 3 + 1 / 2) / 4)
    assert excess_area_under_risk_coverage(truth, prob) == pytest.approx(0.0)


def test_conformal_sets_cover_each_class_as_promised() -> None:
    truth, prob = make_case("smooth", count=20000)
    limits = fit_conformal(truth[:10000], prob[:10000], alpha=0.1)
    sets = conformal_sets(prob[10000:], limits)
    for label in (0, 1):
        covered = sets[truth[10000:] == label, label].mean()
        assert 0.88 <= covered <= 0.92


def test_net_benefit_by_hand() -> None:
    truth, prob = np.array([1.0, 1, 0, 0, 0]), np.array([0.9, 0.1, 0.8, 0.2, 0.1])
    assert net_benefit(truth, prob, threshold=0.2) == pytest.approx((1 - 2 * 0.25) / 5)
    curve = decision_curve(truth, prob, np.array([0.2]))
    np.testing.assert_allclose(curve[0], [(1 - 0.5) / 5, 2 / 5 - 3 / 5 * 0.25, 0.0])


def test_predictive_value_at_the_own_prevalence_is_precision() -> None:
    truth, prob = make_case("smooth")
    expected = sk.precision_score(truth, prob >= 0.5)
    found = predictive_value(truth, prob, threshold=0.5, prevalence=float(truth.mean()))
    assert found == pytest.approx(expected)


def test_prevalence_shift_is_undone_and_found_again() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(20000) < 0.1
    score = rng.normal(loc=truth * 2.0)
    at_half = 1 / (1 + np.exp(-(2 * score - 2)))  # posterior at prevalence 0.5
    shifted = shift_prevalence(at_half, trained=0.5, target=0.1)
    np.testing.assert_allclose(shift_prevalence(shifted, trained=0.1, target=0.5), at_half)
    assert shifted.mean() == pytest.approx(truth.mean(), abs=0.01)
    assert estimate_prevalence(at_half, trained=0.5) == pytest.approx(0.1, abs=0.01)


def test_agreement_of_readers_against_independent_code() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random(60) < 0.4).astype(float)
    votes = np.stack([np.where(rng.random(60) < 0.2, 1 - truth, truth) for _ in range(3)], axis=1)
    assert cohen_kappa(votes[:, 0], votes[:, 1]) == pytest.approx(
        sk.cohen_kappa_score(votes[:, 0], votes[:, 1])
    )
    table = np.stack([(votes == 0).sum(axis=1), (votes == 1).sum(axis=1)], axis=1)
    assert fleiss_kappa(votes) == pytest.approx(their_fleiss(table))
    # for complete nominal data alpha is Fleiss' kappa corrected for the sample's size
    assert 1 - (1 - fleiss_kappa(votes)) * (1 - 1 / votes.size) == pytest.approx(
        krippendorff_alpha(votes)
    )
    votes[0, 0] = np.nan
    assert vote_shares(votes)[0] == votes[0, 1:].mean()


def test_krippendorffs_published_example() -> None:
    """Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section C: 0.743."""
    x = np.nan
    votes = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, x, x, x],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, x, 3],
            [x, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, x],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, x],
        ]
    ).T
    assert krippendorff_alpha(votes) == pytest.approx(0.743, abs=5e-4)


def test_unsure_truth_spreads_the_score() -> None:
    truth, prob = make_case("smooth")
    rng = np.random.default_rng(0)
    sure = over_plausible_truths(auroc, truth, prob, rng=rng, draws=20)
    assert np.ptp(sure) == 0.0
    assert sure[0] == auroc(truth, prob)
    unsure = over_plausible_truths(auroc, 0.8 * truth + 0.1, prob, rng=rng, draws=50)
    assert np.ptp(unsure) > 0.0
    assert unsure.mean() < sure[0]


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("id_", sorted(WEIGHTED))
def test_weighted_metrics_are_those_of_repeated_units(kind: str, id_: str) -> None:
    truth, prob = make_case(kind)
    truth[::7] = np.nan
    counts = np.random.default_rng(2).integers(0, 4, size=len(truth)).astype(np.int32)
    parameters = {
        "threshold": {"threshold": 0.4},
        "equal_width": {"bins": 10.0},
    }.get(id_.partition("/")[2], {})
    units = prepare(truth, prob)
    fast = WEIGHTED[id_](units, counts[units.rows], **parameters)
    plain = find_metric("findings", id_).compute(
        np.repeat(truth, counts), np.repeat(prob, counts), **parameters
    )
    assert fast == pytest.approx(plain, abs=1e-12)


def test_one_class_and_no_label_are_undefined_with_a_reason() -> None:
    truth = {"a": np.zeros(5), "b": np.full(5, np.nan), "c": np.ones(5)}
    prob = {name: np.linspace(0.1, 0.9, 5) for name in truth}
    found = evaluate_findings(list("vwxyz"), truth, prob, options=FindingsOptions(draws=20))
    notes = {name: found.find("auroc", name).note for name in truth}
    assert notes == {
        "a": "no unit with the finding",
        "b": "no labelled unit has a prediction",
        "c": "no unit without the finding",
    }
    assert found.find("auroc", "b").excluded == {"unlabelled": 5}


def test_missing_predictions_and_findings_are_counted() -> None:
    truth, prob = make_case("smooth", count=40)
    prob[:3] = np.nan
    found = evaluate_findings(
        [str(i) for i in range(40)],
        {"a": truth, "only_truth": truth},
        {"a": prob, "only_prob": prob},
        options=FindingsOptions(draws=20),
    )
    assert found.find("brier", "a").excluded == {"no_prediction": 3}
    assert found.excluded == {
        "finding_without_prediction:only_truth": 40,
        "finding_without_truth:only_prob": 40,
    }


@pytest.mark.parametrize(
    ("truth", "prob"),
    [
        (np.array([0.0, 1.0]), np.array([0.2, 1.2])),
        (np.array([0.0, 2.0]), np.array([0.2, 0.2])),
        (np.array([0.0, 1.0]), np.array([0.2])),
        (np.array([0.0, 1.0]), np.array([-0.1, 0.5])),
    ],
)
def test_what_is_no_truth_or_probability_is_refused(truth: np.ndarray, prob: np.ndarray) -> None:
    with pytest.raises(InvalidValueError):
        auroc(truth, prob)
