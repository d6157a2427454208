import copy
import json

import pytest

from hilum.errors import HilumError, InvalidValueError, ModelIntegrityError
from hilum.models.manifest import (
    manifest_from_dict,
    manifest_to_dict,
    read_manifest,
    write_manifest,
)


@pytest.fixture
def data(fields):
    return {**fields, "file": "small.onnx", "sha256": "0" * 64}


def test_round_trip_through_a_file(data, tmp_path):
    data["input"] |= {"percentiles": [1, 99], "resize": "letterbox", "scale": [-1024, 1024]}
    data["golden"] = {
        "image": "thorax-1",
        "outputs": {"probabilities": {"shape": [3], "mean": 0.5, "values": [0.5, 0.5, 0.5]}},
        "tolerance": 0.001,
    }
    manifest = manifest_from_dict(data)
    write_manifest(manifest, tmp_path / "small.json")
    again = read_manifest(tmp_path / "small.json")
    assert manifest_to_dict(again) == manifest_to_dict(manifest)
    assert again.input.percentiles == (1, 99)
    assert again.output_shape("probabilities") == (3,)


def test_text_beyond_ascii_is_kept(data, tmp_path):
    data["source"] = "Universitätsklinikum Zürich"
    write_manifest(manifest_from_dict(data), tmp_path / "small.json")
    assert read_manifest(tmp_path / "small.json").source == data["source"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("name",), "../evil", "name must be"),
        (("name",), 7, "name must be"),
        (("task",), "cooking", "task must be one of gate"),
        (("title",), "", "title must be a text"),
        (("file",), "../small.onnx", "file must be"),
        (("file",), "..\\small.onnx", "file must be"),
        (("file",), "small.bin", "file must be"),
        (("sha256",), "ABC", "sha256"),
        (("labels",), [], "labels"),
        (("labels",), ["a", "a"], "repeat"),
        (("labels",), [1], "labels"),
        (("outputs",), {}, "at least one output"),
        (("outputs",), [], "must be an object"),
        (("outputs",), {"p": {"meaning": "x", "shape": [0]}}, "output shape"),
        (("training",), {"data": "x"}, "training.licence is missing"),
        (("colour",), "blue", "unknown keys"),
        (("input", "zoom"), 2, "unknown keys"),
        (("input", "rows"), 0, "input sides"),
        (("input", "rows"), 100_000, "input sides"),
        (("input", "rows"), True, "input sides"),
        (("input", "channels"), 2, "input.channels"),
        (("input", "resize"), "zoom", "input.resize must be one of stretch"),
        (("input", "percentiles"), [99, 1], "rising"),
        (("input", "percentiles"), [-1, 99], r"\[0, 100\]"),
        (("input", "scale"), [1, 1], "rising"),
        (("input", "mean"), [0, 0, 0], "input.mean must hold 1"),
        (("input", "std"), [0], "positive"),
        (("input", "crop_fraction"), 0, "crop_fraction"),
        (("input",), "no", "must be an object"),
        (("golden",), {"image": "x", "outputs": {}, "tolerance": 0}, "tolerance"),
        (("golden",), {"image": "x", "outputs": {"p": {}}, "tolerance": 1}, "shape, mean"),
    ],
)
def test_a_broken_field_is_refused_and_named(data, path, value, message):
    broken = copy.deepcopy(data)
    target = broken
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(InvalidValueError, match=message):
        manifest_from_dict(broken)


@pytest.mark.parametrize("key", ["name", "labels", "input", "outputs", "training", "sha256"])
def test_a_missing_field_is_refused(data, key):
    del data[key]
    with pytest.raises(InvalidValueError, match=key):
        manifest_from_dict(data)


@pytest.mark.parametrize("key", ["labels", "outputs", "training", "input", "name", "file"])
@pytest.mark.parametrize("value", [None, 3, "text", [], {}, [None]])
def test_wrong_types_never_leak_another_error(data, key, value):
    data[key] = value
    try:
        manifest_from_dict(data)
    except HilumError:
        return
    assert key == "name"
    assert value == "text"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'"text"'])
def test_a_file_that_is_no_manifest(tmp_path, content):
    path = tmp_path / "small.json"
    path.write_bytes(content)
    with pytest.raises(ModelIntegrityError, match=r"small\.json"):
        read_manifest(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(ModelIntegrityError, match="cannot read"):
        read_manifest(tmp_path / "none.json")


def test_the_file_is_plain_json(data, tmp_path):
    write_manifest(manifest_from_dict(data), tmp_path / "small.json")
    assert json.loads((tmp_path / "small.json").read_text())["labels"] == data["labels"]
