"""A small ONNX network, written without the onnx library, which the base install lacks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FLOAT = 1


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def chunk(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def node(operator: str, inputs: list[str], output: str) -> bytes:
    body = b"".join(chunk(1, name) for name in inputs) + chunk(2, output) + chunk(4, operator)
    return chunk(1, body)


def value_info(field: int, name: str, sizes: list[int]) -> bytes:
    shape = b"".join(chunk(1, number(1, size)) for size in sizes)
    tensor = number(1, FLOAT) + chunk(2, shape)
    return chunk(field, chunk(1, name) + chunk(2, chunk(1, tensor)))


def network(weights: np.ndarray, rows: int = 16, columns: int = 16) -> bytes:
    """Mean of each channel times ``weights`` (channels, labels), through a sigmoid."""
    channels, labels = weights.shape
    dims = b"".join(number(1, size) for size in weights.shape)
    raw = weights.astype("<f4").tobytes()
    stored = chunk(5, dims + number(2, FLOAT) + chunk(8, "weights") + chunk(9, raw))
    graph = (
        node("GlobalAveragePool", ["image"], "pooled")
        + node("Flatten", ["pooled"], "flat")
        + node("MatMul", ["flat", "weights"], "scores")
        + node("Sigmoid", ["scores"], "probabilities")
        + chunk(2, "small")
        + stored
        + value_info(11, "image", [1, channels, rows, columns])
        + value_info(12, "probabilities", [1, labels])
    )
    return number(1, 8) + chunk(7, graph) + chunk(8, chunk(1, "") + number(2, 13))


@pytest.fixture
def make_network() -> Callable[..., bytes]:
    return network


@pytest.fixture
def fields() -> dict[str, Any]:
    """The manifest of ``small_network`` as JSON data, without file, hash and golden."""
    return {
        "name": "small",
        "task": "findings",
        "version": "1",
        "title": "A small network",
        "labels": ["pneumonia", "edema", "atelectasis"],
        "input": {"rows": 16, "columns": 16},
        "outputs": {"probabilities": {"meaning": "probability", "shape": ["labels"]}},
        "training": {"data": "none", "licence": "none"},
        "licence": "Apache-2.0",
        "source": "made by a test",
    }


@pytest.fixture
def small_network() -> bytes:
    return network(np.array([[-1.0, 0.5, 2.0]]))


@pytest.fixture
def user_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the user's models."""
    folder = tmp_path / "models"
    monkeypatch.setenv("HILUM_MODELS", str(folder))
    return folder
