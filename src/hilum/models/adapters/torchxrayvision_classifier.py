"""TorchXRayVision classifiers: DenseNet121, ResNet50 and ResNet101 checkpoints.

The probability is the plain sigmoid of the network. TorchXRayVision rescales it so that
its operating point becomes 0.5; that is no probability, so the operating points are kept in
the manifest and the output is left alone.
"""

from __future__ import annotations

import math
from typing import Any

from hilum.errors import InvalidValueError
from hilum.models.adapters.heads import add_finding_outputs, describe_outputs
from hilum.models.adapters.labels import FindingSource, map_labels
from hilum.models.adapters.request import Adapted, AdoptionRequest
from hilum.models.adapters.torch_export import (
    export_classifier,
    load_checkpoint,
    load_weights,
    state_of,
)
from hilum.models.extras import import_extra

__all__ = ["adapt"]

FEATURE = "adding a TorchXRayVision classifier"
VALUE_RANGE = (-1024.0, 1024.0)
INPUT_SIZES = {"densenet121": 224, "resnet50": 512, "resnet101": 512}
HEADS = {"densenet121": "classifier", "resnet50": "fc", "resnet101": "fc"}


def _find_arch(state: dict[str, Any], request: AdoptionRequest) -> str:
    """The architecture, from the names of the tensors when it was not given."""
    arch = request.arch
    if arch is None and "features.conv0.weight" in state:
        arch = "densenet121"
    elif arch is None and "layer4.0.conv1.weight" in state:
        arch = "resnet101" if "layer3.22.conv1.weight" in state else "resnet50"
    if arch not in INPUT_SIZES:
        raise InvalidValueError(
            f"{request.path.name} is no TorchXRayVision classifier that is known "
            f"({', '.join(INPUT_SIZES)}); got architecture {arch!r}"
        )
    return arch


def _build(arch: str, count: int) -> tuple[Any, Any, Any]:
    """The network with ``count`` outputs, its feature function and its linear head."""
    torch = import_extra("torch", FEATURE)
    functional = torch.nn.functional
    if arch == "densenet121":
        xrv = import_extra("torchxrayvision", FEATURE)
        dense = xrv.models.DenseNet(num_classes=count)
        return dense, lambda x: functional.relu(dense.features(x)), dense.classifier
    # The library's own class downloads weights when it is made; this is what it wraps.
    vision = import_extra("torchvision.models", FEATURE)
    net = getattr(vision, arch)(weights=None, num_classes=count)
    net.conv1 = torch.nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)

    def features(x: Any) -> Any:
        x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
        return net.layer4(net.layer3(net.layer2(net.layer1(x))))

    return net, features, net.fc


def _labels_and_thresholds(
    request: AdoptionRequest, count: int, stored: Any
) -> tuple[list[str], list[float]]:
    """Labels in the order of the outputs and their operating points (NaN: none)."""
    xrv = import_extra("torchxrayvision", FEATURE)
    labels = list(request.labels or xrv.datasets.default_pathologies)
    thresholds = [math.nan] * count
    if request.weights is not None:
        known = xrv.models.model_urls
        if request.weights not in known:
            raise InvalidValueError(
                f"TorchXRayVision has no weights {request.weights!r}; known: {', '.join(known)}"
            )
        labels = list(request.labels or known[request.weights]["labels"])
        thresholds = [float(x) for x in known[request.weights].get("op_threshs", thresholds)]
    elif stored is not None:
        thresholds = [float(value) for value in stored]
    if len(labels) != count or len(thresholds) != count:
        raise InvalidValueError(
            f"{request.path.name} has {count} outputs, but there are {len(labels)} labels and "
            f"{len(thresholds)} operating points; give the labels in order (--labels)"
        )
    return labels, thresholds


def _calibration(
    labels: list[str], thresholds: list[float], sources: tuple[FindingSource, ...]
) -> dict[str, Any]:
    points = {s.finding: s.operating_point(thresholds) for s in sources}
    return {
        "method": "none",
        "operating_points": {k: v for k, v in points.items() if v is not None},
        "source_labels": labels,
        "source_operating_points": [None if math.isnan(t) else t for t in thresholds],
        "joined": {s.finding: [labels[i] for i in s.indices] for s in sources},
    }


def adapt(request: AdoptionRequest) -> Adapted:
    """Convert a TorchXRayVision checkpoint: a state dict, or a whole saved network.

    Raises:
        InvalidValueError: Not such a classifier, or labels that do not fit.
        MissingExtraError: torch or TorchXRayVision is not installed.
        ModelIntegrityError: The file cannot be read or exported.
    """
    checkpoint = load_checkpoint(request.path, is_trusted=request.is_trusted)
    state = state_of(checkpoint, request.path.name)
    stored = state.pop("op_threshs", None)
    arch = _find_arch(state, request)
    head_name = f"{HEADS[arch]}.weight"
    if head_name not in state:
        raise InvalidValueError(f"{request.path.name} has no {head_name}; is it a classifier?")
    count = int(state[head_name].shape[0])
    labels, thresholds = _labels_and_thresholds(request, count, stored)
    sources = map_labels(labels, request.mapping)
    network, features, head = _build(arch, count)
    load_weights(network, state, request.path.name)
    size = request.input_size or INPUT_SIZES[arch]
    exported, maps = export_classifier(network, (1, size, size), features=features, head=head)
    activation = request.activation or "sigmoid"
    onnx_bytes = add_finding_outputs(
        exported,
        sources,
        scores="scores",
        activation=activation,
        maps="maps" if maps else None,
    )
    fields = {
        "labels": [source.finding for source in sources],
        "input": {
            "rows": size,
            "columns": size,
            "resize": "centre_crop",
            "scale": list(VALUE_RANGE),
        },
        "outputs": describe_outputs(count, maps if activation == "sigmoid" else None),
        "calibration": _calibration(labels, thresholds, sources),
    }
    return Adapted(onnx_bytes, fields)
