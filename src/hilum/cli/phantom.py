"""``hilum phantom``: chest radiographs made from scratch, with everything true of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.errors import InvalidValueError

if TYPE_CHECKING:
    from hilum.synth import DeviceSpec, FindingSpec
    from hilum.synth.files.dataset import DatasetOptions

__all__ = ["app"]

EXIT_INTERRUPTED = 130


class ImageFormat(StrEnum):
    """How images are written."""

    PNG = "png"
    DICOM = "dicom"


class MaskFormat(StrEnum):
    """How the masks of a data set are written."""

    RLE = "rle"
    PNG = "png"


Out = Annotated[Path, typer.Option("--out", help="Folder to write into; made when missing.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed, the same images.")]
Count = Annotated[int, typer.Option("--count", min=1, help="Patients.")]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes; all cores by default.")
]
Size = Annotated[int, typer.Option("--size", min=64, max=4096, help="Pixels a side.")]
Bits = Annotated[int, typer.Option("--bits", help="PNG: 8 or 16; DICOM: 8, 10, 12, 14 or 16.")]
Format = Annotated[ImageFormat, typer.Option("--format", help="Of the images.")]
Masks = Annotated[MaskFormat, typer.Option("--masks", help="COCO run lengths or PNG.")]
Lateral = Annotated[bool, typer.Option("--lateral", help="Add a lateral film where one stands.")]

app = typer.Typer(help="Make phantom radiographs with every truth known.", no_args_is_help=True)


@app.callback()
def phantom() -> None:
    """Make phantom radiographs with every truth known."""


@app.command()
def study(
    out: Out,
    seed: Seed = 0,
    finding: Annotated[
        list[str] | None,
        typer.Option(
            "--finding",
            metavar="NAME[:SIDE[:EXTENT]]",
            help="Insert it instead of what the seed draws; extent from 0 to 1; repeatable.",
        ),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option("--device", metavar="NAME[:malpositioned]", help="Insert it; repeatable."),
    ] = None,
    size: Size = 512,
    bits: Bits = 16,
    image_format: Format = ImageFormat.PNG,
    lateral: Lateral = False,
) -> None:
    """Write image, truth.json and masks of one radiograph, or of a frontal and a lateral one."""
    from dataclasses import replace

    import numpy as np

    from hilum.synth import render, sample_spec
    from hilum.synth.files.dataset import lateral_spec
    from hilum.synth.files.dicom import DicomOptions, Identity, spec_digest, write_dicom
    from hilum.synth.files.files import write_phantom
    from hilum.types import View

    spec = sample_spec(np.random.default_rng(seed))
    if finding or device:
        spec = replace(
            spec,
            findings=tuple(_finding(text, seed + n) for n, text in enumerate(finding or ())),
            devices=tuple(_device(text, seed + n) for n, text in enumerate(device or ())),
        )
    is_dicom = image_format is ImageFormat.DICOM
    options = DicomOptions(bits=bits) if is_dicom else None
    films = [("image", spec)]
    if lateral:
        if spec.imaging.view is not View.PA:
            raise InvalidValueError(
                f"seed {seed} lies on the back: no lateral; leave --lateral out or try another seed"
            )
        films.append(("lateral", lateral_spec(spec)))
    for number, (name, film) in enumerate(films, 1):
        image = render(film, pixels=(size, size))
        write_phantom(image, out, bits=16 if is_dicom else bits, name=name)
        if is_dicom:
            who = Identity(f"SEED{seed}", spec_digest(spec), number)
            write_dicom(image, out / f"{name}.dcm", options=options, identity=who)
    names = [f.name for f in spec.findings] + [d.name for d in spec.devices]
    typer.echo(f"{spec.imaging.view}: {', '.join(names) or 'no finding'}. Written: {out}")


@app.command()
def dataset(
    out: Out,
    seed: Seed = 0,
    count: Count = 100,
    workers: Workers = None,
    size: Size = 512,
    bits: Bits = 16,
    image_format: Format = ImageFormat.PNG,
    masks: Masks = MaskFormat.RLE,
    lateral: Lateral = False,
    children: Annotated[
        float, typer.Option("--children", min=0.0, max=1.0, help="Share of children.")
    ] = 0.1,
) -> None:
    """Write a data set: COUNT patients with one study each, every truth, tables and texts."""
    from hilum.synth.files.dataset import DatasetOptions

    options = DatasetOptions(
        count=count,
        seed=seed,
        pixels=size,
        image_format=image_format.value,
        bits=bits,
        masks=masks.value,
        has_lateral=lateral,
        prob_child=children,
    )
    _make(out, options, workers)


@app.command()
def patient(
    out: Out,
    seed: Seed = 0,
    count: Count = 1,
    workers: Workers = None,
    size: Size = 512,
    bits: Bits = 16,
    image_format: Format = ImageFormat.PNG,
    masks: Masks = MaskFormat.RLE,
    lateral: Lateral = False,
) -> None:
    """Write COUNT patients over time: courses of studies with what changed and what was done."""
    from hilum.synth.files.dataset import DatasetOptions

    options = DatasetOptions(
        count=count,
        seed=seed,
        pixels=size,
        image_format=image_format.value,
        bits=bits,
        masks=masks.value,
        has_courses=True,
        has_lateral=lateral,
    )
    _make(out, options, workers)


def _make(out: Path, options: DatasetOptions, workers: int | None) -> None:
    import os

    from rich.console import Console

    from hilum.cli.progress import show_progress
    from hilum.scale import make_dataset

    console = Console(stderr=True)
    count = workers if workers is not None else os.cpu_count() or 1
    try:
        with show_progress(console, "Rendering", "patients") as show:
            done = make_dataset(out, options, workers=count, on_progress=show)
    except KeyboardInterrupt as error:
        console.print("Interrupted. What is done is kept; the same command goes on from here.")
        raise typer.Exit(EXIT_INTERRUPTED) from error
    before = f" ({done.before} patients were done before)" if done.before else ""
    typer.echo(f"{out}: {done.films} films of {options.count} patients{before}; see README.md")


def _finding(text: str, seed: int) -> FindingSpec:
    from hilum.synth import FindingSpec as Spec

    name, side, extent = ([*text.split(":"), "", ""])[:3]
    try:
        share = float(extent) if extent else 0.5
    except ValueError as error:
        raise InvalidValueError(f"--finding {text}: the extent is a number in (0, 1]") from error
    size = 20.0 + 40.0 * share if name in ("nodule", "mass") else 0.0
    return Spec(name, side=side, extent=share, size_mm=size, seed=seed)


def _device(text: str, seed: int) -> DeviceSpec:
    from hilum.synth import DeviceSpec as Spec

    name, _, state = text.partition(":")
    if state not in ("", "malpositioned"):
        raise InvalidValueError(f"--device {text}: only :malpositioned may follow the name")
    return Spec(name, is_correct=not state, seed=seed)
