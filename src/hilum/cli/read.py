"""``hilum read``: one study into a draft report."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.types import Context, Reading, Study

__all__ = ["read"]

EXIT_NOTHING_READABLE = 3


class Sex(StrEnum):
    """What ``--sex`` takes."""

    F = "F"
    M = "M"
    O = "O"  # noqa: E741


def read(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            exists=True,
            help="Files, folders, zip archives or a DICOMDIR of one patient.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder for reading.json, report.html, report.txt and masks.",
        ),
    ] = None,
    indication: Annotated[str, typer.Option(help="Why the radiograph was taken.")] = "",
    history: Annotated[str, typer.Option(help="Clinical history.")] = "",
    age: Annotated[float | None, typer.Option(min=0, max=130, help="Age in years.")] = None,
    sex: Annotated[Sex | None, typer.Option(case_sensitive=False, help="Sex.")] = None,
    prior: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", exists=True, help="An earlier study; repeatable."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK=NAME",
            help="Another model for gate, anatomy, findings, structures or devices; repeatable.",
        ),
    ] = None,
    structures: Annotated[
        bool,
        typer.Option(
            "--structures",
            help="Also outline bones, hila, diaphragm, tubes and lines with their tips, as learned "
            "from simulated radiographs (phantoms) only.",
        ),
    ] = False,
    dicom: Annotated[
        bool,
        typer.Option(
            "--dicom",
            help="Also write DICOM objects into DIR/dicom: SR, SEG, secondary capture, GSPS.",
        ),
    ] = False,
    fhir: Annotated[
        bool, typer.Option("--fhir", help="Also write a FHIR R4 bundle into DIR/fhir.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print reading.json instead of the report.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print problems only.")] = False,
) -> None:
    """Read one chest radiograph study into a draft report.

    For research and teaching only, not for diagnosis. Exit codes: 0 read, 2 wrong usage,
    3 nothing readable (the reasons are on standard error and in reading.json).
    """
    import hilum.reading
    from hilum.errors import InvalidValueError
    from hilum.export import prepare_directory, write_reading
    from hilum.types import Context

    models = parse_models(model or [])
    if structures:
        models = {**hilum.reading.OPTIONAL_TASKS, **models}
    hilum.reading.resolve_models(models)
    if out is not None:
        prepare_directory(out)
    elif dicom or fhir:
        raise InvalidValueError("--dicom and --fhir write files; name their folder with --out DIR")
    context = Context(indication, history, age, sex.value if sex else "")
    study = _open(paths, context, prior or [])
    reading = hilum.reading.read(study, models=models)
    if out is not None:
        write_reading(reading, out)
    if out is not None and (dicom or fhir):
        _write_objects(reading, out, paths, dicom=dicom, fhir=fhir)
    if not quiet:
        _show(reading, out, as_json=as_json)
    _warn(reading)
    if not reading.is_readable:
        raise typer.Exit(EXIT_NOTHING_READABLE)


def parse_models(pairs: list[str]) -> dict[str, str]:
    """Turn ``["findings=NAME"]`` into a dict by task.

    Raises:
        InvalidValueError: If a pair has another form or a task is named twice.
    """
    from hilum.errors import InvalidValueError

    models: dict[str, str] = {}
    for pair in pairs:
        task, _, name = (part.strip() for part in pair.partition("="))
        if not task or not name or task in models:
            raise InvalidValueError(
                f"--model got {pair!r}, expected TASK=NAME once a task, e.g. findings=my-model"
            )
        models[task] = name
    return models


def _open(paths: list[Path], context: Context, priors: list[Path]) -> Study:
    """Open the study; one that cannot be opened is a study with nothing but the reason.

    So there is a reading.json that says why, whatever is wrong with the files.
    """
    from hilum.errors import InvalidStudyError, UnreadableImageError
    from hilum.io import open_study
    from hilum.types import Study, Unreadable

    try:
        return open_study(paths, context, priors)
    except (UnreadableImageError, InvalidStudyError) as error:
        source = ", ".join(str(path) for path in paths)
        unreadable = (Unreadable(source, str(error)),)
        return Study(radiographs=(), context=context, unreadable=unreadable)


def _write_objects(
    reading: Reading, out: Path, files: list[Path], *, dicom: bool, fhir: bool
) -> None:
    """Write the objects, and say on standard error for what there are none."""
    from hilum.export import write_objects

    manifest = write_objects(reading, out, files=files, dicom=dicom, fhir=fhir)
    for reason in manifest.skipped:
        typer.echo(f"no object: {_printable(reason)}", err=True)


def _show(reading: Reading, out: Path | None, *, as_json: bool) -> None:
    if as_json:
        from hilum.export import reading_to_dict
        from hilum.export.masks import list_masks, name_mask

        names = {(n, name): name_mask(n, name) for n, name, _ in list_masks(reading)}
        document = reading_to_dict(reading, mask_paths=names if out is not None else None)
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    from hilum.export.terminal import render_terminal

    console = Console(highlight=False)
    console.print(render_terminal(reading))
    if out is not None:
        console.print(f"Written: {out / 'report.html'}", markup=False, soft_wrap=True)


def _warn(reading: Reading) -> None:
    """Say on standard error what was not read, and why."""
    for image in reading.radiographs:
        for issue in image.quality.reasons:
            source = _printable(image.radiograph.source)
            typer.echo(f"not read: {source}: {issue.message} [{issue.code}]", err=True)
    for item in reading.study.unreadable:
        typer.echo(f"not read: {_printable(item.source)}: {_printable(item.reason)}", err=True)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
