"""Where models live and how they are found by name.

Shipped weights lie inside the package, a user's own in one folder: ``HILUM_MODELS``, or the
platform's place for user data. Each model is a pair ``NAME.json`` and ``NAME.onnx``.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from hilum.errors import InvalidValueError, MissingModelError, ModelIntegrityError
from hilum.models.golden import VerifyResult, compute_golden, verify_model
from hilum.models.manifest import Manifest, manifest_from_dict, read_manifest, write_manifest
from hilum.models.session import Model, resolve_threads

__all__ = [
    "RegisteredModel",
    "find_model",
    "list_models",
    "load_model",
    "shipped_directory",
    "user_directory",
    "verify",
    "write_model",
]

DIRECTORY_VARIABLE = "HILUM_MODELS"


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A manifest file that was found; ``problem`` says why it could not be read."""

    name: str
    path: Path
    is_shipped: bool
    manifest: Manifest | None
    problem: str | None = None


def shipped_directory() -> Path:
    """The folder of the weights that come with the package."""
    return Path(str(resources.files("hilum.models") / "weights"))


def user_directory() -> Path:
    """The user's own models: ``HILUM_MODELS``, else the platform's place for user data."""
    chosen = os.environ.get(DIRECTORY_VARIABLE, "").strip()
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "hilum" / "models"


def _directories() -> tuple[tuple[Path, bool], ...]:
    """The folders of models and whether they are shipped, in the order of their claim to a name."""
    return (shipped_directory(), True), (user_directory(), False)


def _read(path: Path, is_shipped: bool) -> RegisteredModel:
    return _read_once(path, is_shipped, _stamp(path))


def _stamp(path: Path) -> tuple[int, int]:
    """When a file was written and how long it is: another one is another file."""
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=64)
def _read_once(path: Path, is_shipped: bool, stamp: tuple[int, int]) -> RegisteredModel:
    del stamp  # part of the key only
    try:
        manifest = read_manifest(path)
    except ModelIntegrityError as error:
        return RegisteredModel(path.stem, path, is_shipped, None, str(error))
    problem = None
    if manifest.name != path.stem:
        problem = f"{path.name} calls itself {manifest.name!r}; the two names must agree"
    return RegisteredModel(path.stem, path, is_shipped, manifest, problem)


def list_models() -> tuple[RegisteredModel, ...]:
    """Every model found, shipped ones first; unreadable ones are listed with their problem."""
    found: dict[str, RegisteredModel] = {}
    for directory, is_shipped in _directories():
        for path in sorted(directory.glob("*.json")):
            # A shipped name cannot be taken over by a file in the user's folder.
            found.setdefault(path.stem, _read(path, is_shipped))
    return tuple(found.values())


def find_model(name: str) -> RegisteredModel:
    """Find a model by its name or by the path of its manifest (``.json``).

    Raises:
        MissingModelError: There is none; the message lists the names that are known.
    """
    if name.endswith(".json"):
        if not Path(name).is_file():
            raise MissingModelError(f"no model manifest at {name!r}")
        return _read(Path(name), is_shipped=False)
    for directory, is_shipped in _directories():
        path = directory / f"{name}.json"
        if path.parent == directory and path.is_file():  # a name with a slash lies elsewhere
            return _read(path, is_shipped)
    known = [model.name for model in list_models()]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f". Did you mean {close[0]!r}?" if close else "."
    names = ", ".join(sorted(known)) or "none"
    raise MissingModelError(
        f"no model {name!r}{hint} Known: {names}. Add one with 'hilum models add'."
    )


@lru_cache(maxsize=16)
def _load(path: Path, stamp: tuple[int, int], threads: int) -> Model:
    return Model(read_manifest(path), path.parent, threads=threads)


def load_model(name: str, *, threads: int | None = None) -> Model:
    """Load a model by its name or the path of its manifest; the same call gives the same object.

    The weights are read, hashed and opened on the first run.

    Args:
        name: A registered name, or a path that ends in ``.json``.
        threads: Threads of this model; ``HILUM_THREADS``, else all cores when None.

    Raises:
        MissingModelError: No such model.
        ModelIntegrityError: Its manifest cannot be read.
    """
    entry = find_model(name)
    if entry.manifest is None or entry.problem is not None:
        raise ModelIntegrityError(f"model {name!r}: {entry.problem}")
    # a model that was added again is loaded again
    return _load(entry.path.resolve(), _stamp(entry.path), resolve_threads(threads))


def verify(manifest: Manifest, *, directory: Path | None = None) -> VerifyResult:
    """Check a model's hash and recompute its golden outputs; never raises for a bad model.

    ``directory`` holds its weights; None looks the model up by its name.
    """
    if directory is None:
        try:
            directory = find_model(manifest.name).path.parent
        except MissingModelError as error:
            return VerifyResult(manifest.name, False, str(error))
    return verify_model(manifest, directory)


def write_model(directory: Path, onnx_bytes: bytes, fields: Mapping[str, Any]) -> Manifest:
    """Write ``NAME.onnx`` and ``NAME.json`` into ``directory``, replacing an older pair.

    Args:
        directory: Made when missing.
        onnx_bytes: The network, one file without external data.
        fields: The manifest as JSON data; ``file``, ``sha256`` and ``golden`` are set here.
            ``golden`` may be given as ``{"tolerance": 0.01}``.

    Returns:
        The manifest, complete with golden outputs.

    Raises:
        InvalidValueError: The fields break the manifest's contract.
        ModelIntegrityError: The network does not run, or not as the manifest says.
    """
    data = dict(fields)
    settings = dict(data.pop("golden", None) or {})
    if not set(settings) <= {"tolerance"}:
        raise InvalidValueError(f"golden: only a tolerance can be given, got {sorted(settings)}")
    data["file"] = f"{data.get('name')}.onnx"
    data["sha256"] = hashlib.sha256(onnx_bytes).hexdigest()
    manifest = manifest_from_dict(data)
    directory.mkdir(parents=True, exist_ok=True)
    # Built beside its place and moved there only when it has run: never half a model.
    with tempfile.TemporaryDirectory(dir=directory, prefix=".adding-") as scratch:
        folder = Path(scratch)
        (folder / manifest.file).write_bytes(onnx_bytes)
        golden = compute_golden(Model(manifest, folder), **settings)
        manifest = replace(manifest, golden=golden)
        write_manifest(manifest, folder / f"{manifest.name}.json")
        for name in (manifest.file, f"{manifest.name}.json"):
            (folder / name).replace(directory / name)
    return manifest
