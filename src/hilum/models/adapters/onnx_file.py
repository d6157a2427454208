"""An ONNX file of any origin: input and outputs are read from it, the rest is told."""

from __future__ import annotations

from typing import Any

from hilum.errors import InvalidValueError, ModelIntegrityError
from hilum.models.adapters.heads import add_finding_outputs, describe_outputs
from hilum.models.adapters.labels import map_labels
from hilum.models.adapters.request import Adapted, AdoptionRequest
from hilum.models.compress import parse_onnx

__all__ = ["adapt"]

MAX_BYTES = 2_000_000_000


def _shape(value: Any) -> list[int | None]:
    """Sizes of a graph input or output; None where a size is free."""
    return [d.dim_value if d.dim_value > 0 else None for d in value.type.tensor_type.shape.dim]


def _image_input(network: Any) -> list[int | None]:
    stored = {tensor.name for tensor in network.graph.initializer}
    inputs = [value for value in network.graph.input if value.name not in stored]
    shape = _shape(inputs[0]) if len(inputs) == 1 else []
    if len(shape) != 4:
        raise InvalidValueError(
            "expected a network with one input (batch, channels, rows, columns), got "
            f"{[(value.name, _shape(value)) for value in inputs]}"
        )
    return shape


def _input(request: AdoptionRequest, network: Any) -> dict[str, Any]:
    _, channels, rows, columns = _image_input(network)
    rows, columns = rows or request.input_size, columns or request.input_size
    if rows is None or columns is None:
        raise InvalidValueError("the network takes any size; give the one to use (--input-size)")
    if request.input_size not in (None, rows):
        raise InvalidValueError(f"the network wants {rows} rows, got size {request.input_size}")
    spec: dict[str, Any] = {
        "rows": rows,
        "columns": columns,
        "channels": channels or request.channels or 1,
        "resize": request.resize or "stretch",
    }
    for key in ("percentiles", "scale", "mean", "std"):
        value = getattr(request, key)
        if value is not None:
            spec[key] = list(value)
    return spec


def _scores_output(network: Any, count: int) -> str:
    """The one output ``(batch, count)``."""
    shapes = {value.name: _shape(value) for value in network.graph.output}
    fitting = [k for k, s in shapes.items() if len(s) == 2 and s[1] in (count, None)]
    if len(fitting) != 1:
        raise InvalidValueError(
            f"expected one output (batch, {count} labels), got {shapes}; "
            "give the labels in the order of the output (--labels)"
        )
    return str(fitting[0])


def adapt(request: AdoptionRequest) -> Adapted:
    """Take an ONNX classifier for findings, or any ONNX network for another task.

    For findings, the outputs ``probabilities`` and ``source_probabilities`` are added; for
    other tasks all outputs are kept by their names.

    Raises:
        InvalidValueError: Labels, sizes and network do not fit each other.
        MissingExtraError: ``onnx`` is not installed.
        ModelIntegrityError: The file is no ONNX network in one file.
    """
    if not request.labels:
        raise InvalidValueError("an ONNX network needs --labels in the order of its output")
    if request.path.stat().st_size > MAX_BYTES:
        raise InvalidValueError(f"{request.path.name} is larger than 2 GB")
    try:
        onnx_bytes = request.path.read_bytes()
    except OSError as error:
        raise ModelIntegrityError(f"cannot read {request.path.name}: {error.strerror}") from error
    network = parse_onnx(onnx_bytes)
    labels = list(request.labels)
    fields: dict[str, Any] = {"input": _input(request, network)}
    if request.task != "findings":
        outputs = {
            value.name: {"meaning": "as in the file given", "shape": _shape(value)[1:]}
            for value in network.graph.output
        }
        return Adapted(onnx_bytes, {**fields, "labels": labels, "outputs": outputs})
    sources = map_labels(labels, request.mapping)
    onnx_bytes = add_finding_outputs(
        onnx_bytes,
        sources,
        scores=_scores_output(network, len(labels)),
        activation=request.activation or "sigmoid",
    )
    fields |= {
        "labels": [source.finding for source in sources],
        "outputs": describe_outputs(len(labels), None),
        "calibration": {
            "method": "none",
            "operating_points": {},
            "source_labels": labels,
            "joined": {s.finding: [labels[i] for i in s.indices] for s in sources},
        },
    }
    return Adapted(onnx_bytes, fields)
