"""``hilum train gate|anatomy|findings``: reproduce the shipped weights on two CPU cores."""

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
    data: Data = DATA, out: Out = OUT, cache: Cache = CACHE, threads: Threads = 2
) -> None:
    """Train the segmentation of lungs, heart, airways and carina."""
    _prepare(data, cache, threads)
    from hilum.train import anatomy, ship

    net, run = anatomy.train_anatomy(data, cache=cache)
    manifest = ship.ship_anatomy(net, out, recipe=run["recipe"], figures=run["development"])
    typer.echo(f"wrote {out / manifest.file}")


@app.command("findings")
def train_findings(
    data: Data = DATA, out: Out = OUT, cache: Cache = CACHE, threads: Threads = 2
) -> None:
    """Train and calibrate the findings; uses the anatomy model that is installed."""
    _prepare(data, cache, threads)
    from hilum.train import findings_run

    manifest = findings_run.train_findings(data, out, cache=cache)
    typer.echo(f"wrote {out / manifest.file}")
