"""What a model says about itself: the manifest that lies beside its weights.

A manifest is one JSON file. It is checked when it is constructed, unknown keys are
refused, and it holds all that is needed to run the network without its training code:
labels, preprocessing, outputs, calibration, the origin of its data and the outputs it must
give on a synthetic image.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from hilum.errors import InvalidValueError, ModelIntegrityError

__all__ = [
    "TASKS",
    "Golden",
    "InputSpec",
    "Manifest",
    "OutputSpec",
    "manifest_from_dict",
    "manifest_to_dict",
    "read_manifest",
    "require_model_name",
    "write_manifest",
]

TASKS = ("gate", "anatomy", "findings", "context", "structures", "devices", "other")
RESIZE_MODES = ("stretch", "letterbox", "centre_crop")
MAX_SIDE = 4096
MAX_MANIFEST_BYTES = 8_000_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidValueError(f"model manifest: {message}")


def require_model_name(name: str) -> None:
    """Refuse a name that is no plain file name in lower case.

    Raises:
        InvalidValueError: It holds other characters, or more than 64.
    """
    _require(
        isinstance(name, str) and bool(_NAME.fullmatch(name)),
        f"name must be lower-case letters, digits, '.', '_' or '-', got {name!r}",
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _is_side(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SIDE


def _require_pair(name: str, pair: tuple[float, ...]) -> None:
    is_pair = len(pair) == 2 and all(map(_is_number, pair)) and pair[0] < pair[1]
    _require(is_pair, f"{name} must be two rising numbers, got {list(pair)}")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How upright pixels in [0, 1] become the input tensor; ``preprocess.prepare`` obeys it.

    ``percentiles`` (of the resized image) are stretched to [0, 1], None leaves the contrast
    alone; ``scale`` is the value range that [0, 1] is then mapped to; ``mean`` and ``std``
    (one value, or one a channel) apply after that. ``crop_fraction`` is the side of the
    central square kept by ``centre_crop``, relative to the shorter side of the image.
    """

    rows: int
    columns: int
    channels: int = 1
    resize: str = "stretch"
    percentiles: tuple[float, float] | None = None
    scale: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    crop_fraction: float = 1.0

    def __post_init__(self) -> None:
        sides = self.rows, self.columns
        _require(all(map(_is_side, sides)), f"input sides must be 1 to {MAX_SIDE}, got {sides}")
        _require(self.channels in (1, 3), f"input.channels must be 1 or 3, got {self.channels}")
        _require(
            self.resize in RESIZE_MODES,
            f"input.resize must be one of {', '.join(RESIZE_MODES)}, got {self.resize!r}",
        )
        if self.percentiles is not None:
            _require_pair("input.percentiles", self.percentiles)
            low, high = self.percentiles
            _require(low >= 0 and high <= 100, "input.percentiles must lie in [0, 100]")
        _require_pair("input.scale", self.scale)
        for name, values in (("mean", self.mean), ("std", self.std)):
            _require(
                len(values) in (1, self.channels) and all(map(_is_number, values)),
                f"input.{name} must hold 1 or {self.channels} numbers, got {list(values)}",
            )
        _require(all(value > 0 for value in self.std), "input.std must be positive")
        _require(
            _is_number(self.crop_fraction) and 0 < self.crop_fraction <= 1,
            f"input.crop_fraction must be in (0, 1], got {self.crop_fraction}",
        )


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One output of the network, without the batch axis.

    Each element of ``shape`` is a size, None for any size, or ``"labels"`` for the number
    of labels.
    """

    meaning: str
    shape: tuple[int | str | None, ...]

    def __post_init__(self) -> None:
        _require(bool(self.meaning), "an output needs a meaning")
        _require(
            all(n is None or n == "labels" or (isinstance(n, int) and n > 0) for n in self.shape),
            f'an output shape holds sizes, null or "labels", got {list(self.shape)}',
        )


@dataclass(frozen=True, slots=True)
class Golden:
    """What the network must answer on the synthetic image ``image``, within ``tolerance``.

    ``outputs`` maps each output to its ``shape``, ``mean`` and up to 64 evenly spaced
    ``values``. ``tolerance`` is absolute for values up to 1, relative to the largest beyond.
    """

    image: str
    outputs: Mapping[str, Mapping[str, Any]]
    tolerance: float

    def __post_init__(self) -> None:
        _require(
            _is_number(self.tolerance) and self.tolerance > 0, "golden.tolerance must be positive"
        )
        for name, summary in self.outputs.items():
            _require(
                isinstance(summary, Mapping) and set(summary) == {"shape", "mean", "values"},
                f"golden.outputs.{name} must have shape, mean and values",
            )


@dataclass(frozen=True, slots=True)
class Manifest:
    """A model described: identity, input, outputs, calibration, origin and golden outputs.

    ``labels`` name the classes or structures in the order of the outputs. ``calibration``
    is read by the room that uses the model. ``training`` states ``data`` and ``licence``
    (of the data); ``licence`` is that of the weights. Raises ``InvalidValueError`` where a
    field breaks its contract.
    """

    name: str
    task: str
    version: str
    title: str
    file: str
    sha256: str
    labels: tuple[str, ...]
    input: InputSpec
    outputs: Mapping[str, OutputSpec]
    training: Mapping[str, Any]
    licence: str
    source: str
    calibration: Mapping[str, Any] = field(default_factory=dict)
    golden: Golden | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_model_name(self.name)
        _require(self.task in TASKS, f"task must be one of {', '.join(TASKS)}, got {self.task!r}")
        for key in ("version", "title", "licence", "source"):
            value = getattr(self, key)
            _require(isinstance(value, str) and bool(value), f"{key} must be a text")
        is_plain = Path(self.file).name == self.file and "\\" not in self.file
        _require(is_plain and self.file.endswith(".onnx"), f"file must be NAME.onnx: {self.file!r}")
        _require(bool(_SHA256.fullmatch(self.sha256)), "sha256 must be 64 lower-case hex digits")
        _require(
            bool(self.labels) and all(isinstance(x, str) and x for x in self.labels),
            "labels must be a list of names",
        )
        _require(len(set(self.labels)) == len(self.labels), "labels must not repeat")
        _require(bool(self.outputs), "at least one output is needed")
        for key in ("data", "licence"):
            _require(bool(self.training.get(key)), f"training.{key} is missing")

    def output_shape(self, name: str) -> tuple[int | None, ...]:
        """Shape of an output without the batch axis; None where any size is allowed."""
        sizes: list[int | None] = []
        for size in self.outputs[name].shape:
            sizes.append(len(self.labels) if isinstance(size, str) else size)
        return tuple(sizes)


def manifest_to_dict(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON-ready data, in the order of its fields."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(manifest)))
    return data


def _build(cls: type[Any], data: object, where: str) -> Any:
    """Construct ``cls`` from a JSON object, refusing unknown and missing keys."""
    if not isinstance(data, Mapping):
        raise InvalidValueError(f"model manifest: {where} must be an object, got {data!r:.80}")
    known = {f.name for f in fields(cls)}
    unknown = sorted(set(data) - known)
    _require(not unknown, f"{where} has unknown keys {unknown}; known are {sorted(known)}")
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in data.items()}
    try:
        return cls(**values)
    except (TypeError, AttributeError) as error:
        raise InvalidValueError(f"model manifest: {where} is incomplete: {error}") from error


def manifest_from_dict(data: Mapping[str, Any]) -> Manifest:
    """Construct a manifest from JSON data.

    Raises:
        InvalidValueError: A key is unknown or missing, or a value breaks its contract.
    """
    _require(isinstance(data, Mapping), f"expected an object, got {type(data).__name__}")
    values = dict(data)
    if "input" in values:
        values["input"] = _build(InputSpec, values["input"], "input")
    if "outputs" in values:
        outputs = values["outputs"]
        _require(isinstance(outputs, Mapping), "outputs must be an object")
        values["outputs"] = {k: _build(OutputSpec, v, f"outputs.{k}") for k, v in outputs.items()}
    if values.get("golden") is not None:
        values["golden"] = _build(Golden, values["golden"], "golden")
    manifest = _build(Manifest, values, "manifest")
    assert isinstance(manifest, Manifest)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """Read a manifest file.

    Raises:
        ModelIntegrityError: The file is missing, no JSON, or breaks the contract.
    """
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise ModelIntegrityError(f"{path.name} is too large for a model manifest")
        return manifest_from_dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ModelIntegrityError(f"cannot read {path.name}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # JSON, UTF-8 and InvalidValueError
        raise ModelIntegrityError(f"{path.name} is not a model manifest: {error}") from error


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write ``manifest`` to ``path`` as JSON, one key a line."""
    text = json.dumps(manifest_to_dict(manifest), indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
