"""Features of radiographs from the shipped weights, named with the weights' SHA-256.

The pooled features are no output of the shipped networks. A serialised ONNX network that is
followed by a second ``graph`` field is read as both merged (protocol buffers, "last one wins"
for scalars, concatenation for lists), so an output is added without the onnx package.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import onnxruntime as ort

from hilum.errors import ModelIntegrityError, require
from hilum.evaluate.images.distributions import Array
from hilum.evaluate.rows import find_named, read_rows
from hilum.models import load_model, prepare
from hilum.types import FloatImage

__all__ = ["FeatureSpace", "FeatureTable", "extract_features", "find_space", "list_spaces"]

GRAPH_FIELD, OUTPUT_FIELD, NAME_FIELD = 7, 12, 1
"""Of ModelProto, GraphProto and ValueInfoProto in onnx.proto."""


@dataclass(frozen=True, slots=True)
class FeatureSpace:
    """A tensor of a shipped network, ``dimensions`` numbers an image."""

    name: str
    model: str
    tensor: str
    dimensions: int
    summary: str


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Features ``(images, dimensions)`` with the ``space`` that they lie in.

    ``space`` is the name with the first twelve digits of the weights' SHA-256, or the user's.
    """

    values: Array
    space: str


@cache
def list_spaces() -> tuple[FeatureSpace, ...]:
    """The feature spaces of the shipped networks, from ``feature_spaces.toml``."""
    rows = read_rows("hilum.evaluate.images", "feature_spaces.toml", key="space")
    return tuple(FeatureSpace(**row) for row in rows)


def find_space(name: str) -> FeatureSpace:
    """The feature space of that name.

    Raises:
        InvalidValueError: There is none; the message lists those there are.
    """
    return find_named({space.name: space for space in list_spaces()}, name, what="feature space")


def _field(number: int, body: bytes) -> bytes:
    """A length-delimited field of a protocol buffer."""
    size, head = len(body), bytes([number << 3 | 2])
    while size > 127:
        head += bytes([size & 127 | 128])
        size >>= 7
    return head + bytes([size]) + body


@cache
def _session_of(space: FeatureSpace) -> ort.InferenceSession:
    weights = load_model(space.model).read_weights()
    value = _field(OUTPUT_FIELD, _field(NAME_FIELD, space.tensor.encode()))
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        return ort.InferenceSession(
            weights + _field(GRAPH_FIELD, value), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's exceptions share no base but Exception
        raise ModelIntegrityError(
            f"{space.model} has no tensor {space.tensor!r}: feature_spaces.toml does not fit "
            f"these weights ({str(error).splitlines()[0]:.120})"
        ) from error


def extract_features(
    images: Iterable[FloatImage], *, space: str = "hilum-context/pooled"
) -> FeatureTable:
    """Features of radiographs in a shipped feature space.

    Args:
        images: Upright, float32 ``(rows, columns)`` in [0, 1], of any sizes.
        space: A name of ``list_spaces``.

    Raises:
        InvalidValueError: Unknown space, no image, or pixels that are none.
        ModelIntegrityError: The weights are damaged or hold no such tensor.
    """
    chosen = find_space(space)
    model = load_model(chosen.model)
    session = _session_of(chosen)
    entry = session.get_inputs()[0].name
    rows = []
    for image in images:
        (values,) = session.run([chosen.tensor], {entry: prepare(image, model.manifest.input)})
        flat = np.asarray(values, np.float64).ravel()
        if len(flat) != chosen.dimensions:
            raise ModelIntegrityError(
                f"{chosen.name} gave {len(flat)} numbers, expected {chosen.dimensions}"
            )
        rows.append(flat)
    require(bool(rows), "no image to take features of")
    return FeatureTable(np.stack(rows), f"{chosen.name}@{model.manifest.sha256[:12]}")
