"""``hilum doctor``: is everything here that reading needs?"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import typer

__all__ = ["Check", "State", "doctor", "run_checks"]

LIBRARIES = ("numpy", "scipy", "opencv-python-headless", "pydicom", "onnxruntime", "pyarrow")
DECODERS = {
    "RLE": ("1.2.840.10008.1.2.5",),
    "JPEG": (
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.4.51",
        "1.2.840.10008.1.2.4.57",
        "1.2.840.10008.1.2.4.70",
    ),
    "JPEG-LS": ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"),
    "JPEG 2000": ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"),
    "HTJ2K": (
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.4.202",
        "1.2.840.10008.1.2.4.203",
    ),
}
"""Compressions of pixel data and their transfer syntaxes (DICOM PS3.5 section 10)."""


class State(StrEnum):
    """Whether a check passed; a warning does not stop a reading."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's findings."""

    subject: str
    state: State
    message: str


def doctor() -> None:
    """Check this installation: libraries, decoders, models, folders.

    Exit codes: 0 all is well or has warnings only, 1 something is missing.
    """
    from rich.console import Console
    from rich.text import Text

    styles = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "bold red"}
    console = Console(highlight=False)
    has_failed = False
    for check in run_checks():
        has_failed |= check.state is State.FAILED
        line = Text(f"{check.state.value:8}", style=styles[check.state])
        console.print(line.append(f"{check.subject}: {check.message}", style="default"))
    if has_failed:
        raise typer.Exit(1)


def run_checks() -> Iterator[Check]:
    """Run every check, quick ones first."""
    from hilum._version import __version__

    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield Check("hilum", State.OK, f"{__version__}, {machine}, {os.cpu_count()} CPUs")
    for name in LIBRARIES:
        yield _check_library(name)
    yield _check_runtime()
    for name, syntaxes in DECODERS.items():
        yield _check_decoder(name, syntaxes)
    yield _check_folder("temporary files", Path(tempfile.gettempdir()))
    from hilum.models.registry import user_directory

    yield _check_folder("your own models", user_directory())
    yield from _check_models()


def _check_library(name: str) -> Check:
    try:
        return Check(name, State.OK, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, State.FAILED, f"not installed; try: pip install {name}")


def _check_runtime() -> Check:
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as error:
        return Check("onnxruntime", State.FAILED, f"cannot be loaded ({error})")
    providers = runtime.get_available_providers()
    has_cpu = "CPUExecutionProvider" in providers
    return Check("providers", State.OK if has_cpu else State.FAILED, ", ".join(providers))


def _check_decoder(name: str, syntaxes: tuple[str, ...]) -> Check:
    try:
        from pydicom.pixels import get_decoder
    except ImportError as error:
        return Check(f"decoder {name}", State.FAILED, f"pydicom cannot be loaded ({error})")
    decoders = [get_decoder(uid) for uid in syntaxes]
    missing = [hint for d in decoders if not d.is_available for hint in d.missing_dependencies]
    if missing:
        return Check(f"decoder {name}", State.FAILED, "; ".join(dict.fromkeys(missing)))
    plugins = dict.fromkeys(plugin for d in decoders for plugin in d.available_plugins)
    return Check(f"decoder {name}", State.OK, ", ".join(plugins))


def _check_folder(subject: str, folder: Path) -> Check:
    """A folder that is not there yet is well if it can be made."""
    place = next(p for p in (folder, *folder.parents) if p.exists())
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return Check(subject, State.OK, str(folder))
    return Check(subject, State.WARNING, f"{folder} cannot be written")


def _check_models() -> Iterator[Check]:
    from hilum.models import list_models, verify
    from hilum.reading import DEFAULT_MODELS

    models = {model.name: model for model in list_models()}
    for task, name in DEFAULT_MODELS.items():
        if name not in models:
            yield Check(f"model {name}", State.FAILED, f"missing, so {task} cannot run")
    for name, model in models.items():
        # A damaged model of the user's own does not stop a reading with the shipped ones.
        bad = State.FAILED if name in DEFAULT_MODELS.values() else State.WARNING
        if model.manifest is None:
            yield Check(f"model {name}", bad, model.problem or "its manifest cannot be read")
            continue
        result = verify(model.manifest, directory=model.path.parent)
        yield Check(f"model {name}", State.OK if result.is_ok else bad, result.message)
