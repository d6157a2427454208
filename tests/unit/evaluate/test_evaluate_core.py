"""Records, scores, documents, resampling and comparison."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from hilum.errors import InvalidValueError
from hilum.evaluate import (
    Evaluation,
    MetricRecord,
    Score,
    adjust_p_values,
    compare_evaluations,
    find_metric,
    hash_array,
    known_metrics,
    read_evaluation,
    write_evaluation,
)
from hilum.evaluate.findings import FindingsOptions, auroc, evaluate_findings
from hilum.evaluate.resampling import (
    bootstrap_interval,
    draw_units,
    paired_bootstrap,
    paired_permutation,
)

UNITS = tuple(f"image{number}" for number in range(60))


def make_evaluation(*, noise: float, seed: int = 1) -> Evaluation:
    rng = np.random.default_rng(seed)
    truth = {"pneumonia": np.tile([0.0, 1.0, 1.0], 20), "edema": np.repeat([0.0, 1.0], 30)}
    prob = {
        name: np.clip(0.5 * labels + noise * rng.random(60), 0, 1) for name, labels in truth.items()
    }
    groups = [f"patient{number // 2}" for number in range(60)]
    return evaluate_findings(UNITS, truth, prob, groups=groups, options=FindingsOptions(draws=100))


def test_every_record_has_a_function_and_says_what_it_means() -> None:
    metrics = list(known_metrics())
    assert len(metrics) >= 18
    for subject, metric in metrics:
        assert find_metric(subject, metric.record.id).record == metric.record
        assert MetricRecord.from_dict(metric.record.as_dict()) == metric.record


@pytest.mark.parametrize(
    "change",
    [{"direction": "up"}, {"version": 0}, {"range": (1.0, 0.0)}, {"source": ""}],
)
def test_a_record_that_breaks_its_contract_is_refused(change: dict[str, object]) -> None:
    record = find_metric("findings", "auroc/empirical").record
    with pytest.raises(InvalidValueError):
        replace(record, **change)


def test_an_unknown_metric_names_the_known_ones() -> None:
    with pytest.raises(InvalidValueError, match="auroc/empirical"):
        find_metric("findings", "auc")


def test_an_undefined_score_says_why() -> None:
    record = find_metric("findings", "auroc/empirical").record
    with pytest.raises(InvalidValueError, match="why"):
        Score(record, "pneumonia", float("nan"), 0, {})


def test_a_score_outside_its_range_is_refused() -> None:
    record = find_metric("findings", "auroc/empirical").record
    with pytest.raises(InvalidValueError, match="outside"):
        Score(record, "pneumonia", 1.5, 10, {})


def test_an_evaluation_survives_the_round_trip_through_its_file(tmp_path: Path) -> None:
    evaluation = make_evaluation(noise=0.8)
    write_evaluation(evaluation, tmp_path / "a.json")
    again = read_evaluation(tmp_path / "a.json")
    assert again.scores == evaluation.scores
    assert again.units == evaluation.units
    assert again.groups == evaluation.groups
    for name, values in evaluation.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], values)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1}', "no json"])
def test_a_file_that_is_no_evaluation_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InvalidValueError):
        read_evaluation(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"nowhere\.json"):
        read_evaluation(tmp_path / "nowhere.json")


def test_the_better_system_wins_the_comparison() -> None:
    better, worse = make_evaluation(noise=0.6), make_evaluation(noise=3.0)
    rng = np.random.default_rng(0)
    results = {c.first.key: c for c in compare_evaluations(worse, better, rng=rng, draws=300)}
    found = results["auroc/empirical[] of edema"]
    assert found.test is not None
    assert found.test.difference > 0.05
    assert found.test.interval.low > 0
    assert found.permutation_p < 0.05
    assert found.adjusted_p >= found.permutation_p


def test_a_system_does_not_differ_from_itself() -> None:
    one = make_evaluation(noise=0.8)
    rng = np.random.default_rng(0)
    for result in compare_evaluations(one, one, rng=rng, draws=50):
        assert result.permutation_p == 1.0
        if result.test is not None:
            assert result.test.difference == 0.0
            assert result.test.p_value == 1.0


def test_units_in_another_order_compare_alike() -> None:
    first, second = make_evaluation(noise=0.6), make_evaluation(noise=1.0)
    order = np.random.default_rng(3).permutation(60)
    shuffled = replace(
        second,
        units=tuple(second.units[i] for i in order),
        groups=tuple(second.groups[i] for i in order),
        arrays={name: values[order] for name, values in second.arrays.items()},
    )
    rng = np.random.default_rng
    plain = compare_evaluations(first, second, rng=rng(0), draws=50)
    again = compare_evaluations(first, shuffled, rng=rng(0), draws=50)
    assert [p.test for p in plain] == [p.test for p in again]


def other_version(evaluation: Evaluation) -> Evaluation:
    scores = tuple(replace(s, metric=replace(s.metric, version=2)) for s in evaluation.scores)
    return replace(evaluation, scores=scores)


def other_variant(evaluation: Evaluation) -> Evaluation:
    scores = tuple(
        replace(s, metric=replace(s.metric, variant=f"{s.metric.variant}, other"))
        for s in evaluation.scores
    )
    return replace(evaluation, scores=scores)


def other_units(evaluation: Evaluation) -> Evaluation:
    return replace(evaluation, units=tuple(f"x{unit}" for unit in evaluation.units))


def other_truth(evaluation: Evaluation) -> Evaluation:
    flipped = 1 - evaluation.arrays["truth.edema"]
    return replace(evaluation, arrays={**evaluation.arrays, "truth.edema": flipped})


def other_kind(evaluation: Evaluation) -> Evaluation:
    return replace(evaluation, kind="answers")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (other_version, "version"),
        (other_variant, "variant"),
        (other_units, "different units"),
        (other_truth, "truth differs"),
        (other_kind, "findings"),
    ],
)
def test_what_does_not_compare_is_refused(change: object, reason: str) -> None:
    one = make_evaluation(noise=0.8)
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidValueError, match=reason):
        compare_evaluations(one, change(one), rng=rng, draws=10)  # type: ignore[operator]


def test_groups_are_drawn_whole_and_strata_keep_their_size() -> None:
    rng = np.random.default_rng(0)
    groups = ["a", "a", "b", "c", "c", "c"]
    strata = np.array([0, 0, 0, 1, 1, 1])
    for rows in draw_units(6, draws=20, rng=rng, groups=groups, strata=strata):
        drawn = [groups[row] for row in rows]
        assert drawn.count("a") % 2 == 0
        assert drawn.count("c") == 3
        assert len(set(drawn)) >= 2


def test_the_bootstrap_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(100):
        sample = {"values": rng.normal(size=40)}
        interval = bootstrap_interval(
            lambda values: float(values.mean()), sample, rng=rng, draws=200, level=0.9
        )
        assert interval is not None
        hits += interval.low <= 0.0 <= interval.high
    assert 80 <= hits <= 97


def test_a_metric_that_is_mostly_undefined_has_no_interval() -> None:
    rng = np.random.default_rng(0)
    arrays = {"truth": np.array([1.0] + [0.0] * 3), "prob": np.linspace(0, 1, 4)}
    assert bootstrap_interval(auroc, arrays, rng=rng, draws=100) is None


def test_paired_tests_agree_on_no_difference_and_on_a_clear_one() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=200)
    first = {"values": base}
    near = {"values": base + rng.normal(scale=0.1, size=200)}
    far = {"values": base + 0.2}

    def mean(values: np.ndarray) -> float:
        return float(values.mean())

    same = paired_bootstrap(mean, first, near, rng=rng, draws=400)
    clear = paired_bootstrap(mean, first, far, rng=rng, draws=400)
    assert same is not None
    assert clear is not None
    assert same.p_value > 0.05
    assert clear.p_value < 0.01
    assert paired_permutation(mean, first, near, rng=rng, draws=400) > 0.05
    assert paired_permutation(mean, first, far, rng=rng, draws=400) < 0.01


@pytest.mark.parametrize(
    ("method", "theirs"),
    [("bonferroni", "bonferroni"), ("holm", "holm"), ("benjamini_hochberg", "fdr_bh")],
)
def test_corrections_agree_with_statsmodels(method: str, theirs: str) -> None:
    values = np.array([0.01, 0.04, 0.03, 0.005, 0.8, 0.04])
    expected = multipletests(values, method=theirs)[1]
    np.testing.assert_allclose(adjust_p_values(values, method=method), expected, atol=1e-12)
    holed = np.insert(values, 2, np.nan)
    assert np.isnan(adjust_p_values(holed, method=method)[2])


def test_a_correction_that_is_not_known_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="holm"):
        adjust_p_values(np.array([0.1]), method="sidak")


def test_hashes_tell_values_shapes_and_types_apart() -> None:
    arrays = [np.zeros(4), np.zeros((2, 2)), np.zeros(4, dtype=np.float32), np.ones(4)]
    assert len({hash_array(array) for array in arrays}) == 4
    assert hash_array(["ab", "c"]) != hash_array(["a", "bc"])
