"""Every shipped model meets the contract of a shipped model."""

from pathlib import Path

import pytest

from hilum.models.registry import list_models, shipped_directory, verify

CARDS = Path(__file__).resolve().parents[2] / "docs" / "models"
MEGABYTE = 1_000_000
SHIPPED = [model for model in list_models() if model.is_shipped]

needs_weights = pytest.mark.skipif(not SHIPPED, reason="no weights are shipped yet")
each_model = pytest.mark.parametrize("model", SHIPPED, ids=lambda model: model.name)


@needs_weights
def test_the_main_path_has_its_models():
    assert {"hilum-gate", "hilum-anatomy", "hilum-findings"} <= {m.name for m in SHIPPED}


@needs_weights
def test_all_weights_together_stay_small():
    assert sum(path.stat().st_size for path in shipped_directory().iterdir()) <= 40 * MEGABYTE


@needs_weights
def test_nothing_else_lies_beside_the_weights():
    expected = {f"{m.name}{suffix}" for m in SHIPPED for suffix in (".json", ".onnx")}
    assert {path.name for path in shipped_directory().iterdir()} == expected


@each_model
def test_the_manifest_is_readable(model):
    assert model.problem is None
    assert model.manifest.name == model.name


@each_model
def test_hash_and_golden_outputs_agree(model):
    result = verify(model.manifest)
    assert result.is_ok, result.message


@each_model
def test_the_weights_are_small(model):
    assert (model.path.parent / model.manifest.file).stat().st_size <= 15 * MEGABYTE


@each_model
def test_the_manifest_is_complete(model):
    manifest = model.manifest
    assert manifest.task in ("gate", "anatomy", "findings", "context", "structures", "devices")
    assert "CC BY-NC-SA 4.0" in manifest.licence or "CC-BY-NC-SA-4.0" in manifest.licence
    assert manifest.training["data"]
    assert manifest.training["licence"]
    assert manifest.figures
    assert manifest.golden is not None
    assert set(manifest.golden.outputs) == set(manifest.outputs)


@each_model
def test_there_is_a_model_card(model):
    card = CARDS / f"{model.name}.md"
    assert card.is_file(), f"write docs/models/{model.name}.md"
    assert model.manifest.version in card.read_text(encoding="utf-8")
