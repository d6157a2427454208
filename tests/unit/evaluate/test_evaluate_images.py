"""Evaluating synthetic images from end to end, the learner, and the shipped feature spaces."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hilum.errors import InvalidValueError, ModelIntegrityError
from hilum.evaluate import find_metric, read_evaluation, write_evaluation
from hilum.evaluate.images import (
    METRICS,
    FeatureTable,
    ImageOptions,
    evaluate_images,
    evaluate_utility,
    extract_features,
    features,
    find_space,
    list_spaces,
)
from hilum.evaluate.learner import cross_fit, fit_logistic, split_groups
from hilum.evaluate.records import load_records
from hilum.models import load_model

OPTIONS = ImageOptions(subsets=5, partners=2, draws=40, patch_side=64, patch=16, shift=2)
ROLES = ["real"] * 20 + ["synthetic"] * 12 + ["held_out"] * 12


def make_images(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [
        np.kron(rng.random((12, 12)), np.ones((16, 16))).astype(np.float32) for _ in range(count)
    ]


def make_evaluation(*, with_images: bool = True) -> object:
    rng = np.random.default_rng(0)
    table = FeatureTable(rng.normal(size=(44, 5)), "mine")
    groups = [f"p{i % 20}" for i in range(44)]
    images = make_images(44) if with_images else None
    units = [f"u{i}" for i in range(44)]
    return evaluate_images(units, table, ROLES, groups=groups, images=images, options=OPTIONS)


def test_every_record_has_its_function() -> None:
    assert set(load_records("images")) == set(METRICS)


def test_everything_is_scored_and_survives_the_file(tmp_path: Path) -> None:
    found = make_evaluation()
    scored = {score.metric.id for score in found.scores}
    elsewhere = {"asked_label_auroc/macro", "asked_label_f1/macro"}
    elsewhere |= {"downstream_auroc/logistic", "downstream_gain/logistic"}
    assert scored == set(METRICS) - elsewhere
    for score in found.scores:
        again = find_metric("images", score.metric.id).compute(
            **found.inputs(score), **score.parameters
        )
        assert again == pytest.approx(score.value)
        without = {"frechet_distance/extrapolated", "kernel_distance/subsets"}
        assert (score.interval is None) is (score.metric.id in without), score.key
    write_evaluation(found, tmp_path / "images.json")
    assert read_evaluation(tmp_path / "images.json").scores == found.scores


def test_the_space_stands_in_the_score() -> None:
    found = make_evaluation(with_images=False)
    assert found.find("coverage", "synthetic against real").parameters["space"] == "mine"
    assert found.settings["images"] == {"real": 20, "synthetic": 12, "held_out": 12}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role": ["real"] * 43 + ["fake"]}, "fake"),
        ({"role": ["real"] * 44}, "synthetic images, got 0"),
        ({"role": ROLES[:-1]}, "43 roles for 44"),
        ({"features": FeatureTable(np.full((44, 2), np.nan), "mine")}, "NaN"),
        ({"images": [np.zeros((9, 9))]}, "1 images for 44"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    table = FeatureTable(np.random.default_rng(0).normal(size=(44, 2)), "mine")
    given = {"features": table, "role": ROLES} | change
    with pytest.raises(InvalidValueError, match=message):
        evaluate_images([f"u{i}" for i in range(44)], **given)  # type: ignore[arg-type]


def test_too_few_held_out_images_are_said() -> None:
    roles = ["real"] * 20 + ["synthetic"] * 20 + ["held_out"] * 4
    table = FeatureTable(np.random.default_rng(0).normal(size=(44, 5)), "mine")
    found = evaluate_images(
        [f"u{i}" for i in range(44)], table, roles, images=make_images(44), options=OPTIONS
    )
    assert "fewer than ten" in found.settings["copied_patches"]
    assert "copied_share" not in {score.metric.name for score in found.scores}


@pytest.mark.parametrize("space", [space.name for space in list_spaces()])
def test_shipped_spaces_give_features_named_with_their_weights(space: str) -> None:
    images = [image[:, :160] for image in make_images(2)]
    table = extract_features(images, space=space)
    chosen = find_space(space)
    assert table.values.shape == (2, chosen.dimensions)
    assert np.ptp(table.values, axis=0).max() > 0
    assert table.space == f"{space}@{load_model(chosen.model).manifest.sha256[:12]}"


def test_the_pooled_features_are_what_the_networks_heads_read() -> None:
    """The logits of the shipped network are linear in them: an independent way to the same."""
    images = make_images(8)
    values = extract_features(images, space="hilum-context/pooled").values
    model = load_model("hilum-context")
    logits = np.stack([model.run(image)["logits"][0] for image in images])
    centred = values - values.mean(axis=0)
    fitted = centred @ np.linalg.lstsq(centred[:7], (logits - logits.mean(0))[:7], rcond=None)[0]
    # eight centred rows have rank seven, so the last is decided by linearity alone
    np.testing.assert_allclose(fitted[7], (logits - logits.mean(axis=0))[7], atol=2e-3)


def test_a_space_that_does_not_fit_the_weights_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(find_space("hilum-context/pooled"), tensor="/nowhere")
    monkeypatch.setattr(features, "find_space", lambda name: wrong)
    with pytest.raises(ModelIntegrityError, match="no tensor '/nowhere'"):
        extract_features(make_images(1))


def test_an_unknown_space_and_no_image_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="hilum-context/pooled"):
        extract_features(make_images(1), space="inception")
    with pytest.raises(InvalidValueError, match="no image"):
        extract_features([])


def test_folds_keep_patients_together() -> None:
    groups = [f"p{i // 3}" for i in range(60)]
    fold = split_groups(groups, folds=5, rng=np.random.default_rng(0))
    assert all(len(set(fold[3 * i : 3 * i + 3])) == 1 for i in range(20))
    assert np.bincount(fold).tolist() == [12] * 5
    with pytest.raises(InvalidValueError, match="folds"):
        split_groups(["a", "a"], folds=2, rng=np.random.default_rng(0))


def test_cross_fitting_cannot_learn_from_noise() -> None:
    rng = np.random.default_rng(0)
    noise, truth = rng.normal(size=(200, 150)), (rng.random(200) < 0.5).astype(float)
    truth[:5] = np.nan
    prob = cross_fit(noise, truth, [str(i) for i in range(200)], rng=rng)
    assert np.isnan(prob[:5]).all()
    assert 0.35 < find_metric("findings", "auroc/empirical").compute(truth, prob) < 0.65


def test_a_learner_refuses_one_class() -> None:
    with pytest.raises(InvalidValueError, match="both classes"):
        fit_logistic(np.zeros((4, 2)), np.ones(4))
    one = (np.zeros((4, 2)), np.ones(4))
    with pytest.raises(InvalidValueError, match="both classes"):
        evaluate_utility(list("abcd"), one, one, one)
