"""Half-size weights for shipping: stored as float16, computed in float32.

Every large float32 constant becomes float16 with a Cast behind it; ONNX Runtime folds the
Cast when it opens the file, so running costs the same and only rounding is lost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hilum.errors import ModelIntegrityError
from hilum.models.extras import import_extra

__all__ = ["parse_onnx", "store_half"]

MIN_VALUES = 256
"""Smaller constants stay as they are: a Cast costs more than it saves."""


def parse_onnx(onnx_bytes: bytes) -> Any:
    """Parse and check a network; the result is an ``onnx.ModelProto``.

    Raises:
        ModelIntegrityError: The bytes are no ONNX network, or its weights are elsewhere.
        MissingExtraError: ``onnx`` is not installed.
    """
    onnx = import_extra("onnx", "changing an ONNX file")
    try:
        network = onnx.load_model_from_string(onnx_bytes)
        is_external = any(t.data_location == t.EXTERNAL for t in network.graph.initializer)
        if not is_external:
            onnx.checker.check_model(network)
    except Exception as error:  # protobuf and onnx share no base
        reason = (str(error).splitlines() or [""])[0]
        raise ModelIntegrityError(f"not a readable ONNX network: {reason:.200}") from error
    if is_external:
        raise ModelIntegrityError(
            "the ONNX network keeps its weights in another file; save it as one file "
            "(onnx.save with save_as_external_data=False)"
        )
    return network


def _is_safe(values: npt.NDArray[np.float32]) -> bool:
    """Whether float16 can hold the values without overflow."""
    return bool(np.isfinite(values).all() and np.abs(values).max() < np.finfo(np.float16).max)


def store_half(onnx_bytes: bytes) -> bytes:
    """Store large float32 constants of a network as float16, followed by a Cast.

    Constants that float16 cannot hold stay float32. Applying it twice changes nothing more.

    Raises:
        ModelIntegrityError: The bytes are no ONNX network.
        MissingExtraError: ``onnx`` is not installed.
    """
    network = parse_onnx(onnx_bytes)
    onnx = import_extra("onnx", "storing weights as float16")
    graph = network.graph
    fixed = {value.name for value in (*graph.input, *graph.output)}
    casts = []
    for tensor in graph.initializer:
        size = int(np.prod(tensor.dims, dtype=np.int64))
        is_large = tensor.data_type == onnx.TensorProto.FLOAT and size >= MIN_VALUES
        # A constant that is also an input may be fed, so its type is part of the interface.
        if not is_large or tensor.name in fixed:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        if not _is_safe(values):
            continue
        name = tensor.name
        half = onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}__half")
        tensor.CopyFrom(half)
        cast = onnx.helper.make_node(
            "Cast", [half.name], [name], name=f"{name}__cast", to=onnx.TensorProto.FLOAT
        )
        casts.append(cast)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(network.SerializeToString())
