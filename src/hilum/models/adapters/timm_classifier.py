"""Any image classifier of timm: architecture by name, weights from a checkpoint."""

from __future__ import annotations

import math
from typing import Any

from hilum.errors import InvalidValueError
from hilum.models.adapters.heads import add_finding_outputs, describe_outputs
from hilum.models.adapters.labels import map_labels
from hilum.models.adapters.request import Adapted, AdoptionRequest
from hilum.models.adapters.torch_export import (
    export_classifier,
    load_checkpoint,
    load_weights,
    state_of,
)
from hilum.models.extras import import_extra

__all__ = ["adapt"]

FEATURE = "adding a timm classifier"
CROP_MODES = {"center": "centre_crop", "squash": "stretch", "border": "letterbox"}


def _build(request: AdoptionRequest, count: int) -> Any:
    timm = import_extra("timm", FEATURE)
    options = {} if request.channels is None else {"in_chans": request.channels}
    try:
        return timm.create_model(request.arch, pretrained=False, num_classes=count, **options)
    except Exception as error:  # timm raises RuntimeError, TypeError, KeyError and others
        close = timm.list_models(f"*{request.arch}*")[:5]
        raise InvalidValueError(
            f"timm has no classifier {request.arch!r}; similar: {', '.join(close) or 'none'}"
        ) from error


def _crop_fraction(size: int, share: float | None) -> float:
    """What the crop leaves of the shorter side, which timm resizes to whole pixels first."""
    return size / math.floor(size / share) if share else 1.0


def _input(request: AdoptionRequest, network: Any) -> dict[str, Any]:
    """The network's own data configuration, in the words of a manifest."""
    config = import_extra("timm.data", FEATURE).resolve_model_data_config(network)
    channels, rows, columns = config["input_size"]
    if request.channels is not None:
        channels = request.channels
    mean, std = list(config["mean"]), list(config["std"])
    if len(mean) != channels:  # grey input: the average of the colours
        mean, std = [sum(mean) / len(mean)], [sum(std) / len(std)]
    return {
        "rows": request.input_size or rows,
        "columns": request.input_size or columns,
        "channels": channels,
        "resize": request.resize or CROP_MODES.get(config.get("crop_mode", ""), "centre_crop"),
        "crop_fraction": _crop_fraction(request.input_size or rows, config.get("crop_pct")),
        "percentiles": list(request.percentiles) if request.percentiles else None,
        "scale": list(request.scale or (0.0, 1.0)),
        "mean": list(request.mean or mean),
        "std": list(request.std or std),
    }


def adapt(request: AdoptionRequest) -> Adapted:
    """Convert a timm checkpoint; ``arch`` and ``labels`` must be given.

    Raises:
        InvalidValueError: Architecture, labels and weights do not fit each other.
        MissingExtraError: torch or timm is not installed.
        ModelIntegrityError: The file cannot be read or exported.
    """
    if not request.arch or not request.labels:
        raise InvalidValueError("a timm classifier needs its architecture (--arch) and --labels")
    labels = list(request.labels)
    sources = map_labels(labels, request.mapping)
    network = _build(request, len(labels))
    state = state_of(
        load_checkpoint(request.path, is_trusted=request.is_trusted), request.path.name
    )
    load_weights(network, state, request.path.name)
    spec = _input(request, network)
    shape = spec["channels"], spec["rows"], spec["columns"]
    exported, maps = export_classifier(
        network,
        shape,
        features=getattr(network, "forward_features", None),
        head=network.get_classifier(),
    )
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
        "input": spec,
        "outputs": describe_outputs(len(labels), maps if activation == "sigmoid" else None),
        "calibration": {
            "method": "none",
            "operating_points": {},
            "source_labels": labels,
            "joined": {s.finding: [labels[i] for i in s.indices] for s in sources},
        },
    }
    return Adapted(onnx_bytes, fields)
