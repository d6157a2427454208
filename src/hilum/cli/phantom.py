"""``hilum phantom``: chest radiographs made from scratch, with everything true of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.errors import InvalidValueError

if TYPE_CHECKING:
    from hilum.synth import DeviceSpec, FindingSpec

__all__ = ["app"]

app = typer.Typer(help="Make phantom radiographs with every truth known.", no_args_is_help=True)


@app.callback()
def phantom() -> None:
    """Make phantom radiographs with every truth known."""


@app.command()
def study(
    out: Annotated[Path, typer.Option("--out", help="Folder to write into; made when missing.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed, the same study.")] = 0,
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
    size: Annotated[int, typer.Option("--size", min=64, max=4096, help="Pixels a side.")] = 512,
    bits: Annotated[int, typer.Option("--bits", help="8 or 16.")] = 16,
) -> None:
    """Write image.png, truth.json and masks of one radiograph."""
    from dataclasses import replace

    import numpy as np

    from hilum.synth import render, sample_spec
    from hilum.synth.files import write_phantom

    spec = sample_spec(np.random.default_rng(seed))
    if finding or device:
        spec = replace(
            spec,
            findings=tuple(_finding(text, seed + n) for n, text in enumerate(finding or ())),
            devices=tuple(_device(text, seed + n) for n, text in enumerate(device or ())),
        )
    image = render(spec, pixels=(size, size))
    write_phantom(image, out, bits=bits)
    names = [f.name for f in spec.findings] + [d.name for d in spec.devices]
    typer.echo(f"{spec.imaging.view}: {', '.join(names) or 'no finding'}. Written: {out}")


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
