import json

import pytest
from typer.testing import CliRunner

from hilum.cli.models import app
from hilum.models.registry import write_model


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def own(user_models, small_network, fields):
    write_model(user_models, small_network, fields)
    return user_models


def test_list(own):
    result = run("list", "--json")
    assert result.exit_code == 0
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["small"]["task"] == "findings"
    assert rows["small"]["shipped"] is False
    assert "small" in run("list").stdout


def test_list_survives_a_broken_model(own):
    (own / "broken.json").write_text("{")
    result = run("list")
    assert result.exit_code == 0
    assert "broken" in result.stdout


def test_show(own):
    result = run("show", "small")
    assert json.loads(result.stdout)["labels"] == ["pneumonia", "edema", "atelectasis"]


def test_show_of_an_unknown_model(own):
    result = run("show", "smal")
    assert result.exit_code == 2
    assert "Did you mean 'small'?" in result.stderr


def test_verify(own):
    result = run("verify", "small")
    assert (result.exit_code, result.stdout[:8]) == (0, "ok   sma")
    (own / "small.onnx").write_bytes(b"changed")
    result = run("verify")
    assert result.exit_code == 1
    assert "FAIL small" in result.stdout
    assert "SHA-256" in result.stdout


def test_verify_without_any_model_is_no_success(user_models, monkeypatch):
    monkeypatch.setattr("hilum.models.registry.shipped_directory", lambda: user_models)
    result = run("verify")
    assert result.exit_code == 2
    assert "no models are installed" in result.stderr


def test_add_an_onnx_file(tmp_path, user_models, small_network):
    pytest.importorskip("onnx", reason="needs the extra train")
    path = tmp_path / "given.onnx"
    path.write_bytes(small_network)
    options = ["--kind", "onnx", "--name", "mine", "--labels", "Effusion, Edema,Odd"]
    options += ["--map", "Odd=cardiomegaly", "--percentiles", "1,99", "--mean", "0.5"]
    result = run("add", str(path), *options)
    assert result.exit_code == 0, result.output
    assert "findings=mine" in result.stdout
    shown = json.loads(run("show", "mine").stdout)
    assert shown["labels"] == ["edema", "pleural_effusion", "cardiomegaly"]
    assert shown["input"]["percentiles"] == [1, 99]
    assert shown["input"]["mean"] == [0.5]
    assert shown["licence"] == "not stated by the user"
    assert run("verify", "mine").exit_code == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--kind", "keras"],
        ["--kind", "onnx", "--map", "Effusion"],
        ["--kind", "onnx", "--scale", "a,b"],
        ["--kind", "onnx", "--scale", "1"],
    ],
)
def test_wrong_usage_of_add(tmp_path, user_models, options):
    path = tmp_path / "given.onnx"
    path.write_bytes(b"x")
    result = run("add", str(path), "--name", "mine", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith("hilum models: ")
