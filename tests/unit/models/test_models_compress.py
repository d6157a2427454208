import sys

import numpy as np
import pytest

from hilum.errors import MissingExtraError, ModelIntegrityError
from hilum.models.compress import parse_onnx, store_half
from hilum.models.registry import write_model
from hilum.models.session import Model

IMAGE = np.full((16, 16), 0.5, np.float32)


def test_without_onnx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"needs onnx.*hilum\[train\]"):
        store_half(b"")


def run(folder, weights, fields):
    manifest = write_model(folder, weights, fields)
    return Model(manifest, folder).run(IMAGE)["probabilities"]


def test_weights_halve_and_outputs_stay(tmp_path, make_network, fields):
    pytest.importorskip("onnx", reason="needs the extra train")
    fields = {**fields, "labels": [f"label {i}" for i in range(4000)]}
    full = make_network(np.random.default_rng(0).normal(size=(1, 4000)))
    half = store_half(full)
    assert len(half) < 0.55 * len(full)
    np.testing.assert_allclose(
        run(tmp_path / "half", half, fields), run(tmp_path / "full", full, fields), atol=3e-4
    )
    assert len(store_half(half)) == len(half)


def test_small_or_unsafe_constants_stay(make_network):
    pytest.importorskip("onnx", reason="needs the extra train")
    for weights in (np.ones((1, 8)), np.full((1, 4000), 1e6), np.full((1, 4000), np.nan)):
        network = parse_onnx(store_half(make_network(weights)))
        assert [node.op_type for node in network.graph.node].count("Cast") == 0
        assert network.graph.initializer[0].data_type == 1


@pytest.mark.parametrize("content", [b"", b"junk" * 50])
def test_junk_is_refused(content):
    pytest.importorskip("onnx", reason="needs the extra train")
    with pytest.raises(ModelIntegrityError, match="not a readable ONNX"):
        store_half(content)


def test_weights_in_another_file_are_refused(make_network):
    pytest.importorskip("onnx", reason="needs the extra train")
    network = parse_onnx(make_network(np.ones((1, 3))))
    tensor = network.graph.initializer[0]
    tensor.data_location = tensor.EXTERNAL
    with pytest.raises(ModelIntegrityError, match="another file"):
        store_half(network.SerializeToString())
