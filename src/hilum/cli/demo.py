"""``hilum demo``: make or find a chest radiograph, read it, write a report to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

__all__ = ["demo"]

EXIT_NOTHING_READABLE = 3
REAL_IMAGE = "RG1_J2KR.dcm"
"""The chest PA of the NEMA WG04 sample images, as the pydicom-data wheel ships it."""


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")] = Path("demo"),
    phantom: Annotated[
        bool,
        typer.Option("--phantom", help="Read a simulated radiograph, its truth beside it."),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the phantom.")] = 8,
) -> None:
    """Read one chest radiograph and write report.html.

    The radiograph is the real one of the pydicom-data wheel where it is installed, otherwise
    (and with --phantom) a phantom: the report then stands beside what is true of it. Exit
    codes: 0 read, 3 the reader refused it; the report says why.
    """
    import hilum.reading
    from hilum.export import prepare_directory, write_reading
    from hilum.export.terminal import render_terminal
    from hilum.io import open_study

    prepare_directory(out)
    real = None if phantom else _find_real()
    truth = ""
    if real is None:
        source, truth = _make_phantom(out / "phantom", seed)
    else:
        source = real
    reading = hilum.reading.read(open_study(source))
    write_reading(reading, out)
    console = Console(highlight=False)
    console.print(render_terminal(reading))
    if truth:
        console.print(f"What is true of the phantom: {truth}", markup=False, soft_wrap=True)
    console.print(f"Written: {out / 'report.html'}", markup=False, soft_wrap=True)
    if not reading.is_readable:
        raise typer.Exit(EXIT_NOTHING_READABLE)


def _find_real() -> Path | None:
    """The real radiograph, None where its wheel is not installed."""
    try:
        from data_store import DataStore

        path = Path(DataStore().get_path(REAL_IMAGE))
    except (ImportError, ValueError, KeyError, OSError):
        return None
    return path if path.is_file() else None


def _make_phantom(folder: Path, seed: int) -> tuple[Path, str]:
    """A phantom as a DICOM file with its truth beside it, and the truth in words."""
    import numpy as np

    from hilum.synth import render, sample_spec
    from hilum.synth.files.dicom import write_dicom
    from hilum.synth.files.files import write_phantom

    image = render(sample_spec(np.random.default_rng(seed), prob_child=0.0), pixels=(768, 768))
    write_phantom(image, folder)
    write_dicom(image, folder / "image.dcm")
    spec = image.spec
    named = [" ".join((f.severity, f.side, f.name)).replace("_", " ") for f in spec.findings]
    named += [device.name.replace("_", " ") for device in spec.devices]
    ratio = image.truth.measurements.get("cardiothoracic_ratio")
    told = ", ".join(" ".join(name.split()) for name in named) or "no finding"
    return folder / "image.dcm", told + (f"; cardiothoracic ratio {ratio:.2f}" if ratio else "")
