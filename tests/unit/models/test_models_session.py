import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from hilum.errors import InvalidValueError, ModelIntegrityError
from hilum.models.registry import write_model
from hilum.models.session import Model, resolve_threads

IMAGE = np.full((30, 20), 0.25, np.float32)
EXPECTED = 1 / (1 + np.exp(-0.25 * np.array([-1.0, 0.5, 2.0])))


@pytest.fixture
def manifest(tmp_path, small_network, fields):
    return write_model(tmp_path, small_network, fields)


def test_run_gives_outputs_without_the_batch_axis(tmp_path, manifest):
    outputs = Model(manifest, tmp_path).run(IMAGE)
    assert list(outputs) == ["probabilities"]
    assert outputs["probabilities"].dtype == np.float32
    np.testing.assert_allclose(outputs["probabilities"], EXPECTED, atol=1e-6)


def test_nothing_is_read_before_the_first_run(tmp_path, manifest):
    model = Model(manifest, tmp_path / "nowhere")
    with pytest.raises(ModelIntegrityError, match="cannot read the weights"):
        model.run(IMAGE)


def test_changed_weights_are_refused(tmp_path, manifest):
    path = tmp_path / "small.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelIntegrityError, match="SHA-256"):
        Model(manifest, tmp_path).run(IMAGE)


@pytest.mark.parametrize("content", [b"", b"junk" * 100, b"\x08\x08:\xff\xff\xff\x7f"])
def test_junk_is_refused_even_with_the_right_hash(tmp_path, fields, content):
    with pytest.raises(ModelIntegrityError, match="no ONNX network"):
        write_model(tmp_path, content, fields)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["a", "b"]}, "2 labels"),
        ({"input": {"rows": 32, "columns": 16}}, "wants an input"),
        ({"input": {"rows": 16, "columns": 16, "channels": 3}}, "wants an input"),
        ({"outputs": {"masks": {"meaning": "m", "shape": ["labels"]}}}, "no output 'masks'"),
        ({"outputs": {"probabilities": {"meaning": "m", "shape": []}}}, "has shape"),
    ],
)
def test_a_manifest_that_does_not_fit_the_network(tmp_path, small_network, fields, change, message):
    with pytest.raises(ModelIntegrityError, match=message):
        write_model(tmp_path, small_network, {**fields, **change})


def test_bad_pixels_are_the_callers_fault(tmp_path, manifest):
    with pytest.raises(InvalidValueError):
        Model(manifest, tmp_path).run(np.zeros((3, 3, 3), np.float32))


def test_a_wrong_tensor_is_wrapped(tmp_path, manifest):
    with pytest.raises(ModelIntegrityError, match="the network failed"):
        Model(manifest, tmp_path).run_tensor(np.zeros((1, 1, 5, 5), np.float32))


def test_a_model_can_be_pickled_and_shared(tmp_path, manifest):
    model = pickle.loads(pickle.dumps(Model(manifest, tmp_path, threads=1)))
    assert model.threads == 1
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: model.run(IMAGE)["probabilities"], range(8)))
    np.testing.assert_allclose(results, np.tile(EXPECTED, (8, 1)), atol=1e-6)


def test_nothing_is_written_to_the_terminal(tmp_path, manifest, capfd):
    broken = replace(manifest, labels=("a",))
    with pytest.raises(ModelIntegrityError):
        Model(broken, tmp_path).run(IMAGE)
    Model(manifest, tmp_path).run(IMAGE)
    assert capfd.readouterr() == ("", "")


def test_threads_come_from_the_argument_then_the_environment(monkeypatch):
    monkeypatch.setenv("HILUM_THREADS", "3")
    assert resolve_threads() == 3
    assert resolve_threads(2) == 2
    monkeypatch.delenv("HILUM_THREADS")
    assert resolve_threads() == os.cpu_count()


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "99999"])
def test_bad_thread_numbers(monkeypatch, text):
    monkeypatch.setenv("HILUM_THREADS", text)
    with pytest.raises(InvalidValueError, match="HILUM_THREADS"):
        resolve_threads()
