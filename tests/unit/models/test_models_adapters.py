"""Adapters without torch: the request, ONNX files, and what they refuse."""

import sys

import numpy as np
import pytest

from hilum.errors import InvalidValueError, MissingExtraError, ModelIntegrityError
from hilum.models.adapters import KINDS, AdoptionRequest, add_model
from hilum.models.registry import load_model, verify

IMAGE = np.full((40, 30), 0.5, np.float32)
LABELS = ("Effusion", "Nodule", "Mass", "Hernia")


@pytest.fixture
def checkpoint(tmp_path, make_network):
    path = tmp_path / "given.onnx"
    path.write_bytes(make_network(np.array([[-1.0, 1.0, 2.0, 3.0]])))
    return path


def request_for(path, **options):
    return AdoptionRequest(path=path, **{"kind": "onnx", "name": "mine", **options})


def test_an_onnx_classifier_becomes_a_model(checkpoint, user_models):
    pytest.importorskip("onnx", reason="needs the extra train")
    request = request_for(checkpoint, labels=LABELS, activation="none", licence="MIT")
    manifest = add_model(request)
    assert manifest.labels == ("nodule_or_mass", "pleural_effusion")
    assert manifest.licence == "MIT"
    assert manifest.calibration["method"] == "none"
    assert next(iter(manifest.outputs)) == "probabilities"
    assert verify(manifest).is_ok
    outputs = load_model("mine").run(IMAGE)
    source = 1 / (1 + np.exp(-0.5 * np.array([-1.0, 1.0, 2.0, 3.0])))
    np.testing.assert_allclose(outputs["source_probabilities"], source, atol=1e-6)
    np.testing.assert_allclose(outputs["probabilities"], [source[2], source[0]], atol=1e-6)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_scores_become_probabilities(checkpoint, user_models, activation):
    pytest.importorskip("onnx", reason="needs the extra train")
    add_model(request_for(checkpoint, labels=LABELS, activation=activation))
    scores = 1 / (1 + np.exp(-0.5 * np.array([-1.0, 1.0, 2.0, 3.0])))
    expected = 1 / (1 + np.exp(-scores)) if activation == "sigmoid" else np.exp(scores)
    expected = expected if activation == "sigmoid" else expected / expected.sum()
    found = load_model("mine").run(IMAGE)["source_probabilities"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_half_size_model_runs(checkpoint, user_models):
    pytest.importorskip("onnx", reason="needs the extra train")
    add_model(request_for(checkpoint, labels=LABELS, is_half=True))
    assert load_model("mine").run(IMAGE)["probabilities"].shape == (2,)


def test_another_task_keeps_its_outputs(checkpoint, user_models):
    pytest.importorskip("onnx", reason="needs the extra train")
    add_model(request_for(checkpoint, labels=("a", "b"), task="anatomy"))
    assert list(load_model("mine").run(IMAGE)) == ["probabilities"]


def test_names_are_not_taken_over(checkpoint, user_models):
    pytest.importorskip("onnx", reason="needs the extra train")
    request = request_for(checkpoint, labels=LABELS)
    add_model(request)
    with pytest.raises(InvalidValueError, match="exists"):
        add_model(request)
    assert add_model(request, is_replaced=True).name == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs --labels"),
        ({"labels": LABELS[:3]}, "expected one output"),
        ({"labels": LABELS, "input_size": 99}, "wants 16 rows"),
        ({"labels": ("a", "b", "c", "d")}, "stands for a finding"),
        ({"labels": LABELS, "mean": (0.1, 0.2)}, "input.mean"),
    ],
)
def test_requests_that_do_not_fit(checkpoint, user_models, options, message):
    pytest.importorskip("onnx", reason="needs the extra train")
    with pytest.raises(InvalidValueError, match=message):
        add_model(request_for(checkpoint, **options))
    assert not list(user_models.glob("*"))


def test_junk_is_refused(tmp_path, user_models):
    pytest.importorskip("onnx", reason="needs the extra train")
    path = tmp_path / "junk.onnx"
    path.write_bytes(b"junk" * 100)
    with pytest.raises(ModelIntegrityError, match="not a readable ONNX"):
        add_model(request_for(path, labels=LABELS))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "Bad Name"}, "name must be"),
        ({"kind": "keras"}, "kind must be one of torchxrayvision, timm, onnx"),
        ({"task": "cooking"}, "task must be"),
        ({"activation": "relu"}, "activation must be"),
        ({"kind": "timm", "task": "anatomy"}, "only be added for findings"),
        ({"arch": "resnet18"}, "cannot be set for onnx"),
        ({"kind": "torchxrayvision", "mean": (0.5,)}, "cannot be set for torchxrayvision"),
    ],
)
def test_a_request_is_valid_once_constructed(checkpoint, options, message):
    with pytest.raises(InvalidValueError, match=message):
        request_for(checkpoint, **options)


def test_a_missing_file(tmp_path):
    with pytest.raises(InvalidValueError, match="no checkpoint"):
        request_for(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("kind", "library"), [("onnx", "onnx"), ("timm", "timm"), ("torchxrayvision", "torch")]
)
def test_without_its_library_a_kind_names_it(checkpoint, user_models, monkeypatch, kind, library):
    monkeypatch.setitem(sys.modules, library, None)
    arch = {"arch": "resnet18"} if kind == "timm" else {}
    with pytest.raises(MissingExtraError, match=library):
        add_model(request_for(checkpoint, kind=kind, labels=LABELS, **arch))


def test_every_kind_has_its_adapter():
    from importlib import import_module

    assert all(callable(import_module(module).adapt) for module in KINDS.values())
