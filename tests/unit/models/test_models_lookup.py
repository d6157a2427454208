import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from hilum.errors import InvalidValueError, MissingModelError, ModelIntegrityError
from hilum.models import registry
from hilum.models.registry import (
    find_model,
    list_models,
    load_model,
    shipped_directory,
    user_directory,
    verify,
    write_model,
)

IMAGE = np.full((20, 20), 0.5, np.float32)


def own_names():
    return [model.name for model in list_models() if not model.is_shipped]


def test_a_model_is_found_by_name_and_loaded_once(user_models, small_network, fields):
    write_model(user_models, small_network, fields)
    model = load_model("small")
    assert model is load_model("small")
    assert model is not load_model("small", threads=1 if model.threads > 1 else 2)
    assert own_names() == ["small"]
    assert verify(model.manifest).is_ok


def test_a_model_is_found_by_the_path_of_its_manifest(tmp_path, user_models, small_network, fields):
    write_model(tmp_path / "elsewhere", small_network, fields)
    model = load_model(str(tmp_path / "elsewhere" / "small.json"))
    assert model.run(IMAGE)["probabilities"].shape == (3,)


def test_a_replaced_model_is_loaded_again(user_models, make_network, fields):
    write_model(user_models, make_network(np.zeros((1, 3))), fields)
    assert load_model("small").run(IMAGE)["probabilities"] == pytest.approx(0.5)
    write_model(user_models, make_network(np.full((1, 3), 9.0)), fields)
    assert load_model("small").run(IMAGE)["probabilities"] == pytest.approx(0.989, abs=0.001)


def test_an_unknown_name_lists_the_known(user_models, small_network, fields):
    write_model(user_models, small_network, fields)
    with pytest.raises(MissingModelError, match=r"Did you mean 'small'\?.*Known: .*small"):
        load_model("smal")
    with pytest.raises(MissingModelError, match="no model manifest"):
        load_model("nowhere/small.json")
    with pytest.raises(MissingModelError):
        find_model("../small")


def test_a_shipped_name_cannot_be_taken_over(
    tmp_path, user_models, make_network, fields, monkeypatch
):
    shipped = tmp_path / "shipped"
    monkeypatch.setattr(registry, "shipped_directory", lambda: shipped)
    write_model(shipped, make_network(np.zeros((1, 3))), fields)
    write_model(user_models, make_network(np.full((1, 3), 9.0)), fields)
    assert [model.is_shipped for model in list_models()] == [True]
    assert load_model("small").path.parent == shipped


def test_a_broken_manifest_is_listed_with_its_problem(user_models, small_network, fields):
    write_model(user_models, small_network, fields)
    (user_models / "broken.json").write_text("{")
    data = json.loads((user_models / "small.json").read_text())
    (user_models / "other.json").write_text(json.dumps(data))
    problems = {model.name: model.problem for model in list_models() if not model.is_shipped}
    assert problems["small"] is None
    assert "not a model manifest" in problems["broken"]
    assert "names must agree" in problems["other"]
    for name in ("broken", "other"):
        with pytest.raises(ModelIntegrityError, match=name):
            load_model(name)


def test_a_failed_write_leaves_nothing_and_keeps_the_old(user_models, small_network, fields):
    old = write_model(user_models, small_network, fields)
    with pytest.raises(ModelIntegrityError):
        write_model(user_models, b"junk", fields)
    with pytest.raises(InvalidValueError, match="task"):
        write_model(user_models, small_network, {**fields, "task": "x"})
    assert sorted(path.name for path in user_models.iterdir()) == ["small.json", "small.onnx"]
    assert verify(old).is_ok


def test_a_written_model_carries_hash_and_golden(tmp_path, small_network, fields):
    manifest = write_model(tmp_path, small_network, {**fields, "golden": {"tolerance": 0.05}})
    assert manifest.golden.tolerance == 0.05
    assert registry.read_manifest(tmp_path / "small.json") == manifest
    with pytest.raises(InvalidValueError, match="only a tolerance"):
        write_model(tmp_path, small_network, {**fields, "golden": {"outputs": {}}})


def test_a_file_name_cannot_leave_the_folder(tmp_path, small_network, fields):
    with pytest.raises(InvalidValueError):
        write_model(tmp_path / "in", small_network, {**fields, "name": "../out"})
    assert not (tmp_path / "out.onnx").exists()


def test_verify_of_a_model_that_is_not_registered(tmp_path, user_models, small_network, fields):
    manifest = write_model(tmp_path / "x", small_network, fields)
    assert "no model 'small'" in verify(manifest).message


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the folder differs there")
def test_the_users_folder(monkeypatch):
    monkeypatch.delenv("HILUM_MODELS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", os.sep + "data")
    assert user_directory() == Path("/data/hilum/models")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert user_directory() == Path.home() / ".local" / "share" / "hilum" / "models"
    monkeypatch.setenv("HILUM_MODELS", "~/mine")
    assert user_directory() == Path.home() / "mine"


def test_shipped_weights_lie_in_the_package():
    assert shipped_directory().parts[-2:] == ("models", "weights")
