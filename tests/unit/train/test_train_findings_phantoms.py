"""Phantoms as examples of the findings recipe, and how the recipe learns from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra train")

from hilum.errors import InvalidValueError  # noqa: E402
from hilum.scale.phantoms import make_dataset  # noqa: E402
from hilum.synth.files.dataset import DatasetOptions  # noqa: E402
from hilum.train.findings import FindingsRecipe, fold_of  # noqa: E402
from hilum.train.findings_data import HEADS, build_bank  # noqa: E402
from hilum.train.findings_phantoms import load_phantom_examples  # noqa: E402
from hilum.train.findings_run import cross_fit, judge, spread_of, train_whole  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("phantoms") / "set"
    make_dataset(path, DatasetOptions(count=6, seed=5, pixels=96))
    return path


def test_labels_follow_what_was_inserted(folder: Path) -> None:
    examples = load_phantom_examples(folder)
    assert len(examples) == 6
    assert {e.split for e in examples} == {"phantom"}
    for example in examples:
        assert np.isnan(example.labels[HEADS.index("pneumonia_adult")])
        assert example.labels[HEADS.index("lung_opacity")] in (0.0, 1.0)
        for box in example.boxes or ():
            assert 0 <= box.x <= box.x + box.width <= 1.0001
    healthy = [e for e in examples if np.isnan(e.labels[HEADS.index("edema")])]
    assert all(e.boxes == () for e in healthy)
    assert len(healthy) < len(examples)


def test_members_learn_from_phantoms_and_figures_do_not_count_them(
    folder: Path, tmp_path: Path
) -> None:
    phantoms = load_phantom_examples(folder)
    labels = np.full(len(HEADS), np.nan, np.float32)
    recipe = FindingsRecipe(folds=2, members=1, epochs=1, batch=4, seed=4)
    real = [
        replace(e, split="train", source="nih", view="AP", patient=f"p{n}", labels=labels.copy())
        for n, e in enumerate(phantoms)
    ]
    fold = fold_of([e.patient for e in [*real, *phantoms]], 2, seed=recipe.seed)[: len(real)]
    for number, example in enumerate(real):  # both classes in each fold
        is_sick = np.flatnonzero(fold == fold[number]).tolist().index(number) % 2
        example.labels[:2] = is_sick
    mixed = [*real, *phantoms]
    bank = build_bank(mixed, lambda p: np.ones(p.shape, bool), cache=tmp_path, variants={}, seed=1)
    fit = cross_fit(bank, mixed, recipe, tmp_path).of_first(len(real))
    assert fit.logits.shape[:2] == (1, 6)
    assert 0 < np.isfinite(fit.logits[0, :, 0]).sum() < 6
    whole = train_whole(bank, mixed, recipe, tmp_path)
    again = train_whole(bank, mixed, recipe, tmp_path)  # as it was stored
    assert torch.equal(whole.classify.weight, again.classify.weight)
    held = [replace(e, split="val") for e in real[:2]] + real[2:]
    logits = judge(fit, whole, bank, held)
    np.testing.assert_array_equal(logits[2:], fit.logits[0, 2:])
    assert np.isfinite(logits[:2]).all()


def test_spread_is_that_of_the_mixed_logit() -> None:
    heads = len(HEADS)
    members = np.zeros((2, 3, heads), np.float32)
    members[0, :, HEADS.index("pneumonia_adult")] = 2.0
    context, half = np.zeros((3, heads), np.float32), np.full(heads, 0.5, np.float32)
    spread = spread_of(members, context, half, is_child=False)
    assert spread["pneumonia"] == pytest.approx(0.5)  # logits of 1 and 0
    assert spread["lung_opacity"] == 0.0
    assert 0.0 < spread["edema"] < 0.5  # conditional on the parent


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="hilum phantom dataset"):
        load_phantom_examples(tmp_path)
