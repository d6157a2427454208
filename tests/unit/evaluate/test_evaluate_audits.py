"""Corruptions, shortcuts and whole audits."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hilum.errors import InvalidValueError
from hilum.evaluate import Evaluation, find_metric, read_evaluation, write_evaluation
from hilum.evaluate.audits import (
    METRICS,
    SEVERITIES,
    AuditOptions,
    AuditTables,
    ExplanationOptions,
    age_group,
    corrupt,
    draw_corruption,
    evaluate_audit,
    evaluate_explanations,
    hide_inside,
    hide_outside,
    list_corruptions,
    predict_attribute,
    predict_from_attributes,
    stress,
    stress_reader,
)
from hilum.evaluate.audits.degradations import DEGRADATIONS
from hilum.evaluate.findings import auroc
from hilum.evaluate.images import FeatureTable
from hilum.evaluate.records import load_records

NAMES = [corruption.name for corruption in list_corruptions()]


def make_chest(*, rows: int = 96, columns: int = 80) -> np.ndarray:
    """Two dark lungs in a bright body with some texture."""
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    image = 0.75 + 0.03 * np.sin(x / 3) + 0.03 * np.sin(y / 4)
    for centre in (0.3, 0.7):
        shape = ((x / columns - centre) / 0.15) ** 2 + ((y / rows - 0.5) / 0.35) ** 2
        image = np.where(shape < 1, image - 0.45, image)
    return image.astype(np.float32)


def test_every_function_has_its_place_in_the_tables() -> None:
    assert set(load_records("audit")) == set(METRICS)
    assert set(NAMES) == set(DEGRADATIONS)
    assert len(NAMES) >= 12
    assert all(len(c.summary) > 40 for c in list_corruptions())


@pytest.mark.parametrize("name", NAMES)
def test_a_corruption_keeps_the_contract_of_pixels(name: str) -> None:
    image = make_chest(rows=240, columns=300)
    before = image.copy()
    for severity in SEVERITIES:
        draw = draw_corruption(name, severity, rng=np.random.default_rng(severity))
        found = corrupt(image, draw)
        assert found.shape == image.shape
        assert found.dtype == np.float32
        assert found.min() >= 0.0
        assert found.max() <= 1.0
        np.testing.assert_array_equal(found, corrupt(image, draw))
        assert np.abs(found - image).max() > 1e-3
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", NAMES)
def test_severity_rises(name: str) -> None:
    image = make_chest(rows=256, columns=208)
    rng = np.random.default_rng(4)
    errors = [
        float(np.mean((found - image) ** 2)) for _, found in stress(image, rng=rng, names=[name])
    ]
    assert errors == sorted(errors), name
    assert errors[-1] > 1.5 * errors[0]


def test_exposure_darkens_and_brightens_as_film_does() -> None:
    image = make_chest()
    means = {
        name: float(corrupt(image, draw_corruption(name, 4, rng=np.random.default_rng(0))).mean())
        for name in ("underexposure", "overexposure")
    }
    assert means["overexposure"] < image.mean() < means["underexposure"]


def test_mottle_is_worst_where_few_photons_arrive() -> None:
    image = np.full((200, 200), 0.2, np.float32)
    image[:, 100:] = 0.8
    found = corrupt(image, draw_corruption("quantum_noise", 2, rng=np.random.default_rng(0)))
    # variance of -log(counts) / 3 is 1 / (9 counts): a factor exp(3 * 0.6) between the halves
    ratio = found[:, 100:].var() / found[:, :100].var()
    assert ratio == pytest.approx(np.exp(1.8), rel=0.1)


def test_scatter_lowers_contrast() -> None:
    image = make_chest()
    spans = [
        np.ptp(found) for _, found in stress(image, rng=np.random.default_rng(0), names=["scatter"])
    ]
    assert spans == sorted(spans, reverse=True)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), np.float32),
        np.zeros((32, 32)),
        np.full((32, 32), 2.0, np.float32),
        np.full((32, 32), np.nan, np.float32),
        np.zeros((2, 32, 32), np.float32),
    ],
)
def test_what_is_no_image_is_refused(image: np.ndarray) -> None:
    draw = draw_corruption("jpeg", 1, rng=np.random.default_rng(0))
    with pytest.raises(InvalidValueError):
        corrupt(image, draw)


def test_unknown_corruptions_and_severities_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidValueError, match="quantum_noise"):
        draw_corruption("snow", 1, rng=rng)
    with pytest.raises(InvalidValueError, match="1 to 5"):
        draw_corruption("jpeg", 6, rng=rng)


@pytest.mark.parametrize("name", NAMES)
def test_tiny_and_flat_images_survive(name: str) -> None:
    for shape in ((16, 16), (16, 90)):
        for severity in (1, 5):
            flat = np.zeros(shape, np.float32)
            draw = draw_corruption(name, severity, rng=np.random.default_rng(1))
            assert np.isfinite(corrupt(flat, draw)).all()


def test_stressing_a_reader_counts_its_refusals() -> None:
    def reader(image: np.ndarray) -> dict[str, float]:
        return {} if image.mean() > 0.75 else {"pneumonia": float(image.mean())}

    images = [make_chest(), make_chest(rows=80)]
    rng = np.random.default_rng(0)
    clean, stressed = stress_reader(
        reader, images, rng=rng, names=["underexposure"], severities=(1, 5)
    )
    assert clean["pneumonia"].tolist() == [float(image.mean()) for image in images]
    assert np.isnan(stressed["underexposure", 5]["pneumonia"]).all()
    assert (stressed["underexposure", 1]["pneumonia"] > clean["pneumonia"]).all()


def test_hiding_leaves_no_trace_of_what_was_hidden() -> None:
    image = make_chest()
    lungs = image < 0.5
    whiter = np.where(lungs, image + 0.3, image).astype(np.float32)
    np.testing.assert_array_equal(hide_inside(image, lungs), hide_inside(whiter, lungs))
    outside = hide_outside(image, lungs)
    np.testing.assert_array_equal(outside[lungs], image[lungs])
    assert np.ptp(outside[~lungs]) == 0.0
    for mask in (np.ones_like(lungs), lungs[:5], lungs.astype(np.uint8)):
        with pytest.raises(InvalidValueError):
            hide_inside(image, mask)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, "under 18"),
        (17.9, "under 18"),
        (18, "18 to 39"),
        (59, "40 to 59"),
        (60, "60 to 74"),
        (75, "75 and over"),
        (float("nan"), ""),
    ],
)
def test_age_groups(age: float, expected: str) -> None:
    assert age_group(age) == expected


def test_an_attribute_is_found_in_features_that_hold_it() -> None:
    rng = np.random.default_rng(0)
    view = rng.choice(["AP", "PA", ""], size=150, p=[0.45, 0.45, 0.1])
    groups = [f"p{i // 2}" for i in range(150)]
    features = rng.normal(size=(150, 12))
    blind = predict_attribute(features, view, groups, rng=rng)
    features[:, 0] += 3.0 * (view == "PA")
    seeing = predict_attribute(features, view, groups, rng=rng)
    assert list(seeing) == ["PA"]
    assert auroc(*seeing["PA"]) > 0.95
    assert auroc(*blind["PA"]) < 0.7
    assert np.isnan(seeing["PA"][0][view == ""]).all()
    assert predict_attribute(features, np.full(150, "AP"), groups, rng=rng) == {}


def test_a_label_that_follows_the_view_is_predicted_without_pixels() -> None:
    rng = np.random.default_rng(0)
    view = rng.choice(["AP", "PA"], size=200)
    truth = (rng.random(200) < np.where(view == "AP", 0.8, 0.2)).astype(float)
    groups = [str(i) for i in range(200)]
    found = predict_from_attributes({"view": view}, truth, groups, rng=rng)
    assert auroc(truth, found) > 0.7
    other = predict_from_attributes({"view": rng.permutation(view)}, truth, groups, rng=rng)
    assert auroc(truth, other) < 0.65


OPTIONS = AuditOptions(draws=30, chance_draws=10, thresholds={"pneumonia": 0.6})


@cache
def make_audit(*, count: int = 120) -> Evaluation:
    rng = np.random.default_rng(0)
    truth = {"pneumonia": (rng.random(count) < 0.5).astype(float)}
    truth["no_finding"] = 1 - truth["pneumonia"]
    prob = {n: np.clip(0.4 * t + 0.6 * rng.random(count), 0, 1) for n, t in truth.items()}
    prob["edema"] = rng.random(count)
    stressed = {
        ("jpeg", s): {n: np.where(rng.random(count) < 0.2, np.nan, p) for n, p in prob.items()}
        for s in (1, 5)
    }
    tables = AuditTables(
        truth | {"mass": truth["no_finding"]},
        prob,
        {"sex": rng.choice(["F", "M", ""], size=count), "view": rng.choice(["AP", "PA"], count)},
        stressed,
        {"lungs": {n: rng.random(count) for n in prob}},
        FeatureTable(rng.normal(size=(count, 6)), "mine"),
        np.arange(count) < 100,
    )
    groups = [f"p{i // 2}" for i in range(count)]
    return evaluate_audit([f"u{i}" for i in range(count)], tables, groups=groups, options=OPTIONS)


def test_an_audit_scores_everything_and_survives_the_file(tmp_path: Path) -> None:
    found = make_audit()
    of_maps = {"deletion", "insertion", "infidelity", "max_sensitivity", "attack_change"}
    of_maps |= {"attacked_map_similarity", "randomised_map_similarity"}
    expected = {id_ for id_ in METRICS if id_.partition("/")[0] not in of_maps}
    assert {score.metric.id for score in found.scores} == expected
    for score in found.scores:
        again = find_metric("audit", score.metric.id).compute(
            **found.inputs(score), **score.parameters
        )
        assert again == pytest.approx(score.value, nan_ok=True)
        assert score.interval is not None or np.isnan(score.value), score.key
    write_evaluation(found, tmp_path / "audit.json")
    assert len(read_evaluation(tmp_path / "audit.json").scores) == len(found.scores)
    assert found.excluded == {"finding_without_prediction:mass": 120}


def test_the_operating_point_of_the_finding_is_used() -> None:
    found = make_audit()
    score = found.find("missed_rate", "pneumonia", attribute="sex", group="F")
    assert score.parameters["threshold"] == 0.6
    assert found.find("underdiagnosis_rate", "no_finding", group="F").parameters["threshold"] == 0.5
    assert "p " in found.find("auroc_gap", "pneumonia", attribute="sex").note


def test_only_images_that_were_tried_can_be_refused() -> None:
    found = make_audit()
    score = found.find("refused_share", "pneumonia", corruption="jpeg", severity=1)
    refused = np.isnan(found.arrays["prob.pneumonia.jpeg 1"][:100]).mean()
    assert score.value == pytest.approx(refused)


def test_an_audit_of_nothing_in_common_is_refused() -> None:
    tables = AuditTables({"a": np.zeros(3)}, {"b": np.zeros(3)})
    with pytest.raises(InvalidValueError, match="no finding"):
        evaluate_audit(list("xyz"), tables)
    short = AuditTables({"a": np.zeros(3)}, {"a": np.zeros(3)}, {"sex": np.array(["F"])})
    with pytest.raises(InvalidValueError, match="1 rows for 3"):
        evaluate_audit(list("xyz"), short)


def test_one_class_is_undefined_with_a_reason() -> None:
    tables = AuditTables(
        {"a": np.zeros(20)}, {"a": np.linspace(0, 1, 20)}, {"sex": np.full(20, "F")}
    )
    found = evaluate_audit([str(i) for i in range(20)], tables, options=OPTIONS)
    assert "one class" in found.find("auroc", "a", group="F").note
    assert "fewer than two" in found.find("auroc_gap", "a").note


def test_explanations_from_end_to_end() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(16, 16)) / 100
    images = [rng.random((16, 16)).astype(np.float32) for _ in range(4)]

    def model(image: np.ndarray) -> float:
        return float(0.5 + np.sum(weights * image))

    options = ExplanationOptions(steps=8, samples=10, attack_steps=5, draws=20)
    found = evaluate_explanations(
        list("abcd"),
        images,
        model,
        lambda image: weights,
        randomised=lambda image: rng.normal(size=(16, 16)),
        options=options,
    )
    assert {score.metric.name for score in found.scores} == {
        "deletion",
        "insertion",
        "infidelity",
        "max_sensitivity",
        "attack_change",
        "attacked_map_similarity",
        "randomised_map_similarity",
    }
    plain = find_metric("audit", "infidelity/gaussian").record
    assert next(s.value for s in found.scores if s.metric == plain) < 1e-8
    with pytest.raises(InvalidValueError, match="4 images for 3"):
        evaluate_explanations(list("abc"), images, model, lambda image: weights, options=options)
