import hashlib
from dataclasses import replace

import numpy as np
import pytest

from hilum.models.golden import golden_image, verify_model
from hilum.models.registry import write_model

DIGEST = "5832879b5054b9aa226e48d3127f7c16bac0fb5352a49fe5f72af04b251defac"


@pytest.fixture
def manifest(tmp_path, small_network, fields):
    return write_model(tmp_path, small_network, fields)


def test_the_synthetic_image_never_changes():
    image = golden_image()
    assert image.dtype == np.float32
    assert image.shape == (512, 448)
    levels = np.round(image * 4095).astype("<u2")
    assert hashlib.sha256(levels.tobytes()).hexdigest() == DIGEST


def test_it_looks_like_a_chest():
    image = golden_image()
    assert image.min() >= 0
    assert image.max() <= 1
    lungs = image[240, 140], image[240, 310]
    assert max(lungs) < image[240, 224]  # mediastinum between dark lungs
    assert image[5, 5] < min(lungs)  # air around the body


def test_a_fresh_model_verifies(tmp_path, manifest):
    result = verify_model(manifest, tmp_path)
    assert result.is_ok
    assert result.max_difference is not None
    assert result.max_difference < 1e-4


def test_other_golden_outputs_do_not_verify(tmp_path, manifest):
    summary = dict(manifest.golden.outputs["probabilities"])
    summary["values"] = [value + 0.01 for value in summary["values"]]
    golden = replace(manifest.golden, outputs={"probabilities": summary})
    result = verify_model(replace(manifest, golden=golden), tmp_path)
    assert not result.is_ok
    assert result.max_difference == pytest.approx(0.01, abs=1e-4)
    lenient = replace(golden, tolerance=0.1)
    assert verify_model(replace(manifest, golden=lenient), tmp_path).is_ok


@pytest.mark.parametrize(
    ("shape", "values"), [([4], [0.5] * 4), ([3], [0.5]), ([3], ["a", "b", "c"]), (3, None)]
)
def test_malformed_golden_outputs_do_not_verify(tmp_path, manifest, shape, values):
    summary = {"shape": shape, "mean": 0.5, "values": values}
    golden = replace(manifest.golden, outputs={"probabilities": summary})
    assert not verify_model(replace(manifest, golden=golden), tmp_path).is_ok


def test_golden_outputs_of_another_image_do_not_verify(tmp_path, manifest):
    golden = replace(manifest.golden, image="thorax-0")
    assert "another image" in verify_model(replace(manifest, golden=golden), tmp_path).message


def test_missing_pieces_are_told(tmp_path, manifest):
    result = verify_model(replace(manifest, golden=None), tmp_path)
    assert (result.is_ok, result.message) == (False, "the manifest has no golden outputs")
    (tmp_path / "small.onnx").unlink()
    assert "cannot read the weights" in verify_model(manifest, tmp_path).message


def test_large_outputs_are_summarised(tmp_path, make_network, fields):
    labels = [f"label {i}" for i in range(300)]
    weights = np.linspace(-3, 3, 300)[None]
    manifest = write_model(tmp_path, make_network(weights), {**fields, "labels": labels})
    summary = manifest.golden.outputs["probabilities"]
    assert list(summary["shape"]) == [300]
    assert len(summary["values"]) == 64
    assert verify_model(manifest, tmp_path).is_ok
