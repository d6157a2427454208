"""``hilum batch``: read a folder or manifest of radiographs into one Parquet table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from hilum.scale.batch import BatchSummary

__all__ = ["batch"]

EXIT_NOTHING_READABLE = 3
EXIT_INTERRUPTED = 130


def batch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER_OR_MANIFEST",
            help="A folder, or a CSV, TSV, Parquet or text list of paths relative to itself, "
            "also as s3://bucket/list.csv.",
        ),
    ],
    out: Annotated[str, typer.Option("--out", help="The table to write, OUT.parquet.")],
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes or actors; all cores by default."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="TASK=NAME", help="Replace a model; repeatable."),
    ] = None,
    path_column: Annotated[
        str, typer.Option("--path-column", help="The manifest's column of paths.")
    ] = "path",
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on where an earlier run stopped.")
    ] = True,
    errors: Annotated[
        bool, typer.Option("--errors", help="Read the files again that ended in an error.")
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="Read on a Ray cluster: auto, local or host:port; needs 'hilum[ray]'.",
        ),
    ] = None,
) -> None:
    """Read many radiographs into one table, one row an image.

    A file that cannot be read gets a row with its error. An interrupted batch goes on where
    it stopped when the same command is given again. Exit codes: 0 read, 2 wrong usage,
    3 no readable radiograph, 130 interrupted.
    """
    from hilum.cli.progress import show_progress
    from hilum.cli.read import parse_models
    from hilum.scale import BatchOptions, StudyReader, read_batch

    options = BatchOptions(
        path_column=path_column,
        resume=resume,
        retry_errors=errors,
        cluster=cluster,
        reader=StudyReader(parse_models(model or [])),
    )
    console = Console(stderr=True)
    try:
        with show_progress(console, "Reading", "files") as show:
            summary = read_batch(source, out, workers=workers, options=options, on_progress=show)
    except KeyboardInterrupt as error:
        console.print("Interrupted. The rows so far are kept; the same command goes on from here.")
        raise typer.Exit(EXIT_INTERRUPTED) from error
    _print_summary(summary)
    if not summary.accepted:
        raise typer.Exit(EXIT_NOTHING_READABLE)


def _print_summary(summary: BatchSummary) -> None:
    from hilum.types import DISCLAIMER

    counts = f"{summary.accepted} read, {summary.refused} refused, {summary.failed} failed"
    skipped = f" ({summary.skipped} files done before)" if summary.skipped else ""
    Console().print(
        f"{summary.out}: {counts}{skipped} in {summary.seconds:.1f} s.\n{DISCLAIMER}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
