"""``hilum train gate|anatomy|findings|structures|devices``: reproduce the weights on a CPU."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from hilum.errors import InvalidValueError, MissingExtraError

__all__ = ["app"]

app = typer.Typer(help="Train the shipped models again.", no_args_is_help=True)

Data = Annotated[Path, typer.Option("--data", help="Folder of the radiographs.", exists=True)]
Out = Annotated[Path, typer.Option("--out", help="Folder for weights and manifest.")]
Cache = Annotated[Path, typer.Option("--cache", help="Folder for decoded images and checkpoints.")]
Threads = Annotated[int, typer.Option("--threads", help="CPU threads.", min=1)]
Workers = Annotated[int, typer.Option("--workers", help="Processes that make phantoms.", min=1)]

DATA, OUT, CACHE = Path("../shared/data"), Path("runs/weights"), Path("runs/cache")


def _prepare(data: Path, cache: Path, threads: int) -> None:
    """Check what the training needs, before anything is computed."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(
            "training needs PyTorch; install it with: pip install 'hilum[train]'"
        ) from error
    if not (data / "nih" / "labels.csv").is_file():
        raise InvalidValueError(
            f"{data} does not hold the radiographs (nih/labels.csv is missing); "
            "name their folder with --data"
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(threads)
    cache.mkdir(parents=True, exist_ok=True)


@app.command("gate")
def train_gate(
    data: Data = DATA, out: Out = OUT, cache: Cache = CACHE, threads: Threads = 2
) -> None:
    """Train the gate: chest or not, orientation, polarity, view, age group."""
    _prepare(data, cache, threads)
    from hilum.train import gate

    gate.main(data, out, cache=cache)
    typer.echo(f"wrote {out / 'hilum-gate.json'}")


@app.command("anatomy")
def train_anatomy(
    data: Data = DATA,
    out: Out = OUT,
    cache: Cache = CACHE,
    threads: Threads = 2,
    phantoms: Annotated[
        int, typer.Option("--phantoms", help="Phantoms mixed in at the end; 0 for none.", min=0)
    ] = 500,
    workers: Workers = 1,
) -> None:
    """Train the segmentation of lungs, heart, airways and carina."""
    _prepare(data, cache, threads)
    from hilum.train import anatomy, ship, structures

    net, run = anatomy.train_anatomy(data, cache=cache)
    recipe, figures = run["recipe"], run["development"]
    if phantoms:
        net, mixed = structures.mix_phantoms(
            net, data, cache=cache, phantoms=phantoms, workers=workers
        )
        recipe, figures = {**recipe, "phantoms": mixed["recipe"]}, mixed["development"]
    manifest = ship.ship_anatomy(net, out, recipe=recipe, figures=figures)
    typer.echo(f"wrote {out / manifest.file}")


@app.command("findings")
def train_findings(
    data: Data = DATA,
    out: Out = OUT,
    cache: Cache = CACHE,
    threads: Threads = 2,
    phantoms: Annotated[
        Path | None,
        typer.Option("--phantoms", help="Data set of `hilum phantom dataset` to learn from too."),
    ] = None,
) -> None:
    """Train and calibrate the findings; uses the anatomy model that is installed."""
    _prepare(data, cache, threads)
    from hilum.train import findings_run

    manifest = findings_run.train_findings(data, out, cache=cache, phantoms=phantoms)
    typer.echo(f"wrote {out / manifest.file}")


@app.command("structures")
def train_structures(
    data: Data = DATA,
    out: Out = OUT,
    cache: Cache = CACHE,
    threads: Threads = 2,
    count: Annotated[int, typer.Option("--count", help="Phantoms to learn from.", min=50)] = 500,
    workers: Workers = 1,
) -> None:
    """Train bones, hila, aortic arch and diaphragm from phantoms; real films keep it honest."""
    _prepare(data, cache, threads)
    from hilum.train import ship, structures
    from hilum.train.structures_data import StructuresRecipe

    recipe = StructuresRecipe(phantoms=count)
    net, run = structures.train_structures(data, cache=cache, recipe=recipe, workers=workers)
    manifest = ship.ship_structures(net, out, recipe=run["recipe"], figures=run["figures"])
    typer.echo(f"wrote {out / manifest.file}")


@app.command("devices")
def train_devices(
    data: Data = DATA,
    out: Out = OUT,
    cache: Cache = CACHE,
    threads: Threads = 1,
    count: Annotated[int, typer.Option("--count", help="Phantoms to learn from.", min=100)] = 560,
    workers: Workers = 1,
) -> None:
    """Train tubes, lines and their tips from phantoms; real films lend their look only."""
    _prepare(data, cache, threads)
    from hilum.train import devices, devices_run
    from hilum.train.devices_data import DevicesRecipe

    recipe = DevicesRecipe(phantoms=count)
    net, run = devices.train_devices(data, cache=cache, recipe=recipe, workers=workers)
    manifest = devices_run.finish_devices(
        net, data, out, cache=cache, recipe=run["recipe"], workers=workers
    )
    typer.echo(f"wrote {out / manifest.file}")
