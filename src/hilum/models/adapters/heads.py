"""Outputs in our words, added to somebody's network as ONNX nodes.

The network's scores become ``source_probabilities`` (all its labels, its order) and
``probabilities`` (our findings; several labels of one finding are joined by their
maximum); maps of scores become ``heatmaps`` the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hilum.errors import InvalidValueError
from hilum.models.adapters.labels import FindingSource
from hilum.models.compress import parse_onnx
from hilum.models.extras import import_extra

__all__ = ["add_finding_outputs", "describe_outputs"]

OPERATORS = {"sigmoid": ("Sigmoid", {}), "softmax": ("Softmax", {"axis": 1}), "none": None}
LABEL_AXIS = 1
OURS = ("source_probabilities", "probabilities", "heatmaps")


def given_name(name: str) -> str:
    """The name in our copy of a tensor of the network given."""
    return f"given_{name}" if name in OURS else name


class _Graph:
    """Appends nodes and outputs to an ONNX network, with names that are not taken."""

    def __init__(self, onnx_bytes: bytes) -> None:
        self.onnx = import_extra("onnx", "adding outputs to a network")
        self.network = parse_onnx(onnx_bytes)
        self.count = 0
        self._free_names()

    def _free_names(self) -> None:
        """Rename the network's own tensors that carry one of our names."""
        graph = self.network.graph
        for node in graph.node:
            for names in (node.input, node.output):
                names[:] = [given_name(name) for name in names]
        for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
            value.name = given_name(value.name)

    def node(self, operator: str, inputs: Sequence[str], output: str = "", **options: Any) -> str:
        self.count += 1
        output = output or f"hilum_{self.count}"
        made = self.onnx.helper.make_node(operator, list(inputs), [output], **options)
        self.network.graph.node.append(made)
        return output

    def constant(self, values: Sequence[int]) -> str:
        self.count += 1
        helper, tensor = self.onnx.helper, self.onnx.TensorProto
        name = f"hilum_{self.count}"
        made = helper.make_tensor(name, tensor.INT64, [len(values)], list(values))
        self.network.graph.initializer.append(made)
        return name

    def output(self, name: str, rank: int) -> None:
        helper, tensor = self.onnx.helper, self.onnx.TensorProto
        sizes = [f"{name}_{axis}" for axis in range(rank)]
        self.network.graph.output.append(helper.make_tensor_value_info(name, tensor.FLOAT, sizes))


def _join(graph: _Graph, scores: str, sources: Sequence[FindingSource], output: str) -> None:
    """One slice a finding along the label axis, the maximum where labels were joined."""
    slices = []
    for source in sources:
        parts = [
            graph.node("Gather", [scores, graph.constant([index])], axis=LABEL_AXIS)
            for index in source.indices
        ]
        slices.append(parts[0] if len(parts) == 1 else graph.node("Max", parts))
    graph.node("Concat", slices, output, axis=LABEL_AXIS)


def add_finding_outputs(
    onnx_bytes: bytes,
    sources: Sequence[FindingSource],
    *,
    scores: str,
    activation: str,
    maps: str | None = None,
) -> bytes:
    """Add ``source_probabilities`` and ``probabilities`` (and ``heatmaps``) to a network.

    Args:
        onnx_bytes: The network.
        sources: Our findings and the scores they are read from.
        scores: The output ``(batch, labels)`` that holds the scores.
        activation: ``sigmoid``, ``softmax`` (over the labels) or ``none``.
        maps: The output ``(batch, labels, rows, columns)`` of scores by place, if any;
            it becomes heat maps only under a sigmoid.

    Raises:
        InvalidValueError: The network has no such output.
        ModelIntegrityError: The bytes are no ONNX network.
    """
    graph = _Graph(onnx_bytes)
    present = [output.name for output in graph.network.graph.output]
    scores, maps = given_name(scores), maps and given_name(maps)
    for name in filter(None, (scores, maps)):
        if name not in present:
            raise InvalidValueError(f"the network has no output {name!r}, only {present}")
    operator = OPERATORS[activation]
    name, options = operator if operator else ("Identity", {})
    graph.node(name, [scores], "source_probabilities", **options)
    _join(graph, "source_probabilities", sources, "probabilities")
    graph.output("source_probabilities", 2)
    graph.output("probabilities", 2)
    if maps is not None and activation == "sigmoid":
        _join(graph, graph.node("Sigmoid", [maps]), sources, "heatmaps")
        graph.output("heatmaps", 4)
    return bytes(graph.network.SerializeToString())


def describe_outputs(count: int, map_shape: tuple[int, int] | None) -> Mapping[str, Any]:
    """The ``outputs`` of the manifest of a network with ``count`` labels of its own."""
    outputs: dict[str, Any] = {
        "probabilities": {
            "meaning": "uncalibrated probability of each finding in labels",
            "shape": ["labels"],
        },
        "source_probabilities": {
            "meaning": "uncalibrated probability of each label in calibration.source_labels",
            "shape": [count],
        },
    }
    if map_shape is not None:
        outputs["heatmaps"] = {
            "meaning": "score of each finding by place, over the field of view of the input",
            "shape": ["labels", *map_shape],
        }
    return outputs
