"""``hilum models``: list, show, verify and add models."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hilum.errors import HilumError, InvalidValueError, MissingModelError

if TYPE_CHECKING:
    from hilum.models.adapters import AdoptionRequest

__all__ = ["app"]

app = typer.Typer(help="List, show, verify and add models.", no_args_is_help=True)

WRONG_USAGE = 2
FAILED = 1


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn errors of Hilum into one line on standard error and an exit code."""
    try:
        yield
    except HilumError as error:
        typer.echo(f"hilum models: {error}", err=True)
        is_usage = isinstance(error, InvalidValueError | MissingModelError)
        raise typer.Exit(WRONG_USAGE if is_usage else FAILED) from error


@app.command("list")
def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """List the shipped models and your own."""
    from hilum.models.registry import list_models, user_directory

    models = list_models()
    rows: list[dict[str, Any]] = []
    for model in models:
        known = model.manifest
        rows.append(
            {
                "name": model.name,
                "task": known.task if known else None,
                "version": known.version if known else None,
                "title": known.title if known else None,
                "shipped": model.is_shipped,
                "problem": model.problem,
            }
        )
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "task", "version", "origin", "title", box=None, pad_edge=False)
    for row in rows:
        origin = "shipped" if row["shipped"] else "yours"
        text = [str(row[key] or "-") for key in ("name", "task", "version")]
        table.add_row(*text, origin, row["problem"] or row["title"])
    console = Console()
    if rows:
        console.print(table)
    console.print(f"{len(rows)} models; your own live in {user_directory()}", markup=False)


@app.command()
def show(name: Annotated[str, typer.Argument(help="Name, or path of a manifest.")]) -> None:
    """Print the manifest of a model as JSON."""
    from hilum.errors import ModelIntegrityError
    from hilum.models.manifest import manifest_to_dict
    from hilum.models.registry import find_model

    with _explained():
        model = find_model(name)
        if model.manifest is None:
            raise ModelIntegrityError(f"model {name!r}: {model.problem}")
        typer.echo(json.dumps(manifest_to_dict(model.manifest), indent=1, ensure_ascii=False))


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Names; all when none.")] = None,
) -> None:
    """Check the hash of each model and recompute its golden outputs; exit 1 if one differs."""
    from hilum.models.golden import VerifyResult
    from hilum.models.registry import find_model, list_models
    from hilum.models.registry import verify as verify_manifest

    with _explained():
        models = [find_model(name) for name in names] if names else list(list_models())
        if not models:
            raise MissingModelError("no models are installed; install hilum again")
        failures = 0
        for model in models:
            if model.manifest is None or model.problem:
                result = VerifyResult(model.name, False, model.problem or "no manifest")
            else:
                result = verify_manifest(model.manifest, directory=model.path.parent)
            failures += not result.is_ok
            typer.echo(f"{'ok  ' if result.is_ok else 'FAIL'} {result.name}: {result.message}")
    if failures:
        raise typer.Exit(FAILED)


def _numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidValueError(f"{option} takes numbers A,B, got {text!r}") from error


def _pair(text: str | None, option: str) -> tuple[float, float] | None:
    values = _numbers(text, option)
    if values is not None and len(values) != 2:
        raise InvalidValueError(f"{option} takes two numbers LOW,HIGH, got {text!r}")
    return None if values is None else (values[0], values[1])


def _request(path: Path, options: dict[str, Any]) -> AdoptionRequest:
    """The request behind the options of ``add``, with texts parsed."""
    from hilum.models.adapters import AdoptionRequest
    from hilum.models.adapters.labels import parse_mapping

    labels = options.pop("labels")
    return AdoptionRequest(
        path=path,
        labels=tuple(part.strip() for part in labels.split(",")) if labels else None,
        mapping=parse_mapping(options.pop("mapping") or ""),
        scale=_pair(options.pop("scale"), "--scale"),
        percentiles=_pair(options.pop("percentiles"), "--percentiles"),
        mean=_numbers(options.pop("mean"), "--mean"),
        std=_numbers(options.pop("std"), "--std"),
        **options,
    )


@app.command()
def add(
    path: Annotated[Path, typer.Argument(help="Checkpoint: .pt, .pth, .safetensors or .onnx.")],
    kind: Annotated[str, typer.Option(help="torchxrayvision, timm or onnx.")],
    name: Annotated[str, typer.Option(help="Name to register it under.")],
    task: Annotated[str, typer.Option(help="findings, gate, anatomy or other.")] = "findings",
    labels: Annotated[str | None, typer.Option(help="A,B,... in the order of outputs.")] = None,
    mapping: Annotated[
        str | None, typer.Option("--map", help="Label=finding,...; 'Label=' drops it.")
    ] = None,
    arch: Annotated[str | None, typer.Option(help="Architecture in its library.")] = None,
    weights: Annotated[
        str | None, typer.Option(help="Published weights, for labels and operating points.")
    ] = None,
    input_size: Annotated[int | None, typer.Option(min=16, max=4096)] = None,
    channels: Annotated[int | None, typer.Option(min=1, max=3)] = None,
    resize: Annotated[str | None, typer.Option(help="stretch, letterbox, centre_crop.")] = None,
    scale: Annotated[str | None, typer.Option(help="Value range LOW,HIGH of the input.")] = None,
    percentiles: Annotated[str | None, typer.Option(help="Contrast stretch LOW,HIGH.")] = None,
    mean: Annotated[str | None, typer.Option(help="One value, or one a channel.")] = None,
    std: Annotated[str | None, typer.Option(help="One value, or one a channel.")] = None,
    activation: Annotated[str | None, typer.Option(help="sigmoid, softmax or none.")] = None,
    title: Annotated[str, typer.Option()] = "",
    licence: Annotated[str, typer.Option(help="Licence of the weights.")] = "",
    source: Annotated[str, typer.Option(help="Where the checkpoint comes from.")] = "",
    is_half: Annotated[bool, typer.Option("--half", help="Store weights as float16.")] = False,
    is_trusted: Annotated[
        bool, typer.Option("--trust", help="Load a pickled network; it can run code.")
    ] = False,
    is_replaced: Annotated[
        bool, typer.Option("--replace", help="Replace your model of that name.")
    ] = False,
) -> None:
    """Convert a checkpoint and register it; then: hilum read --model findings=NAME."""
    options = dict(locals())  # the options carry the names of the request's fields
    for key in ("path", "is_replaced"):
        del options[key]
    if not licence:
        del options["licence"]
    with _explained():
        from hilum.models.adapters import add_model

        manifest = add_model(_request(path, options), is_replaced=is_replaced)
    typer.echo(f"added {manifest.name}: {', '.join(manifest.labels)}")
    if manifest.task == "findings":
        typer.echo(
            "Its probabilities are not calibrated. Use it: "
            f"hilum read PATH --model findings={manifest.name}"
        )
