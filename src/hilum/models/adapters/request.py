"""What a user says about a checkpoint, and the one path by which it becomes a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from hilum.errors import InvalidValueError
from hilum.models.compress import store_half
from hilum.models.manifest import TASKS, Manifest, require_model_name
from hilum.models.registry import list_models, user_directory, write_model

__all__ = ["KINDS", "Adapted", "AdoptionRequest", "add_model"]

KINDS = {
    "torchxrayvision": "hilum.models.adapters.torchxrayvision_classifier",
    "timm": "hilum.models.adapters.timm_classifier",
    "onnx": "hilum.models.adapters.onnx_file",
}
ACTIVATIONS = ("sigmoid", "softmax", "none")
NOT_FOR = {
    # Options that a kind knows better than its user: refused, never silently ignored.
    "torchxrayvision": ("channels", "resize", "scale", "mean", "std", "percentiles"),
    "timm": ("weights",),
    "onnx": ("arch", "weights"),
}
UNSTATED = "not stated by the user"


@dataclass(frozen=True, slots=True)
class AdoptionRequest:
    """A checkpoint and what its user knows of it; None means: what the kind implies.

    ``labels`` are in the order of the network's outputs. ``mapping`` overrides which
    finding a label stands for, an empty text drops the label. ``arch`` is the
    architecture's name in its library, ``weights`` the name of a published set of weights
    whose labels and operating points apply. ``is_trusted`` allows pickled Python objects,
    which can run code when they are loaded.
    """

    path: Path
    kind: str
    name: str
    task: str = "findings"
    title: str = ""
    labels: tuple[str, ...] | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    arch: str | None = None
    weights: str | None = None
    input_size: int | None = None
    channels: int | None = None
    resize: str | None = None
    scale: tuple[float, float] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    percentiles: tuple[float, float] | None = None
    activation: str | None = None
    is_trusted: bool = False
    is_half: bool = False
    source: str = ""
    licence: str = UNSTATED
    training_data: str = UNSTATED

    def __post_init__(self) -> None:
        require_model_name(self.name)
        for key, value, known in (
            ("kind", self.kind, tuple(KINDS)),
            ("task", self.task, TASKS),
            ("activation", self.activation or "none", ACTIVATIONS),
        ):
            if value not in known:
                raise InvalidValueError(f"{key} must be one of {', '.join(known)}, got {value!r}")
        if self.kind != "onnx" and self.task != "findings":
            raise InvalidValueError(f"a {self.kind} classifier can only be added for findings")
        misplaced = [key for key in NOT_FOR[self.kind] if getattr(self, key) is not None]
        if misplaced:
            raise InvalidValueError(f"{', '.join(misplaced)} cannot be set for {self.kind}")
        if not self.path.is_file():
            raise InvalidValueError(f"no checkpoint at {str(self.path)!r}; give the path of a file")


@dataclass(frozen=True, slots=True)
class Adapted:
    """A converted network with the fields of the manifest that its adapter knows."""

    onnx_bytes: bytes
    fields: Mapping[str, Any]


def _require_free_name(name: str, is_replaced: bool) -> None:
    taken = {model.name: model for model in list_models()}.get(name)
    if taken is None:
        return
    if taken.is_shipped:
        raise InvalidValueError(f"{name!r} is a shipped model; choose another name")
    if not is_replaced:
        raise InvalidValueError(f"a model {name!r} exists; choose another name or replace it")


def add_model(
    request: AdoptionRequest, *, directory: Path | None = None, is_replaced: bool = False
) -> Manifest:
    """Convert a checkpoint and register it in the user's folder.

    Args:
        request: The checkpoint and what is known of it.
        directory: Where to write; the user's folder of models when None.
        is_replaced: Whether an earlier model of that name may be replaced.

    Returns:
        The manifest that was written, with golden outputs.

    Raises:
        InvalidValueError: The request does not fit the checkpoint, or the name is taken.
        MissingExtraError: A library that the conversion needs is not installed.
        ModelIntegrityError: The checkpoint cannot be read, or does not run when converted.
    """
    if directory is None:
        _require_free_name(request.name, is_replaced)
    adapted: Adapted = import_module(KINDS[request.kind]).adapt(request)
    fields = {
        "name": request.name,
        "task": request.task,
        "version": "1",
        "title": request.title or f"{request.name} (added by the user)",
        "licence": request.licence,
        "source": request.source or f"{request.kind} checkpoint added by the user",
        "training": {"data": request.training_data, "licence": UNSTATED},
        **adapted.fields,
    }
    weights = adapted.onnx_bytes
    if request.is_half:
        weights = store_half(weights)
    return write_model(directory or user_directory(), weights, fields)
