"""``hilum text``: labels, structure, graphs, sections and de-identification of reports."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from hilum.errors import InvalidValueError

if TYPE_CHECKING:
    from hilum.scale.text_batch import TextOptions, TextProgress

__all__ = ["app"]

app = typer.Typer(
    help="Labels, structure, graphs and de-identification of reports.", no_args_is_help=True
)

Source = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="A report in quotes, - for standard input, a text file, a folder of text files, "
        "or a CSV, TSV, Parquet or JSONL table.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="OUT.parquet, OUT.csv or OUT.jsonl; one report prints its result."),
]
Language = Annotated[
    str | None, typer.Option("--language", help="en, es, fr, de, it or pt; detected by default.")
]
TextColumn = Annotated[
    str | None, typer.Option("--text-column", help="The table's column of reports.")
]
IdColumn = Annotated[str | None, typer.Option("--id-column", help="The table's column of ids.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes.")]
Html = Annotated[
    Path | None, typer.Option("--html", help="Write a page with coloured spans (one report).")
]


@app.command()
def label(
    source: Source,
    out: Out = None,
    scheme: Annotated[
        str, typer.Option("--scheme", help="chexpert, chestxray14, padchest or mesh.")
    ] = "chexpert",
    uncertain: Annotated[
        str,
        typer.Option("--uncertain", help="keep, or as numbers: ones, zeros, ignore, probability."),
    ] = "keep",
    hierarchy: Annotated[
        str,
        typer.Option("--hierarchy", help="mention, or ontology: a finding implies wider ones."),
    ] = "mention",
    language: Language = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    workers: Workers = 1,
) -> None:
    """Label reports: present, absent, uncertain or not_mentioned, one column an observation."""
    from hilum.scale.text_batch import TextOptions

    options = TextOptions(
        language=language, scheme=scheme, uncertain=uncertain, hierarchy=hierarchy
    )
    _run("label", source, out, options, columns=(text_column, id_column, None), workers=workers)


@app.command()
def structure(
    source: Source,
    out: Out = None,
    html: Html = None,
    language: Language = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    workers: Workers = 1,
) -> None:
    """Every finding and device with assertion, place, size, severity, change and links."""
    from hilum.scale.text_batch import TextOptions

    options = TextOptions(language=language)
    columns = (text_column, id_column, None)
    _run("structure", source, out, options, columns=columns, workers=workers, html=html)


@app.command()
def graph(
    source: Source,
    out: Out = None,
    scene: Annotated[
        bool, typer.Option("--scene", help="By place, in the manner of Chest ImaGenome.")
    ] = False,
    language: Language = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    workers: Workers = 1,
) -> None:
    """A graph in RadGraph's layout, or the scene graph of the chest's places."""
    from hilum.scale.text_batch import TextOptions

    options, columns = TextOptions(language=language), (text_column, id_column, None)
    task = "scene" if scene else "graph"
    _run(task, source, out, options, columns=columns, workers=workers)


@app.command()
def sections(
    source: Source,
    out: Out = None,
    language: Language = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    workers: Workers = 1,
) -> None:
    """Sections and sentences with their characters."""
    from hilum.scale.text_batch import TextOptions

    options, columns = TextOptions(language=language), (text_column, id_column, None)
    _run("sections", source, out, options, columns=columns, workers=workers)


@app.command()
def deidentify(
    source: Source,
    out: Out = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            "--secret-file",
            help="At least 16 secret bytes: write stand-ins and shift dates, the same for all "
            "reports of a patient. Without it, tags such as [NAME].",
        ),
    ] = None,
    patient_column: Annotated[
        str | None, typer.Option("--patient-column", help="The table's column of patients.")
    ] = None,
    known: Annotated[
        list[str] | None, typer.Option("--known", help="A name known to occur; repeatable.")
    ] = None,
    language: Language = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    workers: Workers = 1,
) -> None:
    """Remove names, dates, numbers, addresses, institutions and ages over 89.

    No program finds every identifier: read a sample before you share the result. The id column
    is kept as it is; do not keep one that identifies a person.
    """
    from hilum.cli.deidentify import read_secret
    from hilum.scale.text_batch import TextOptions

    secret = read_secret(secret_file) if secret_file is not None else b""
    options = TextOptions(
        language=language,
        mode="surrogates" if secret else "tags",
        secret=secret,
        known=tuple(known or ()),
    )
    columns = (text_column, id_column, patient_column)
    _run("deidentify", source, out, options, columns=columns, workers=workers)


def _run(
    task: str,
    source: str,
    out: Path | None,
    options: TextOptions,
    *,
    columns: tuple[str | None, str | None, str | None],
    workers: int,
    html: Path | None = None,
) -> None:
    """One report to the terminal, or a source to a table."""
    text = _single_text(source)
    if text is not None and out is None:
        _print_one(task, text, options, html)
        return
    if html is not None:
        raise InvalidValueError("--html shows one report; give a single text and no --out")
    if out is None:
        raise InvalidValueError("say where the table goes: --out OUT.parquet, .csv or .jsonl")
    from hilum.scale.reports import ReportRow, ReportSource, open_reports
    from hilum.scale.text_batch import run_reports

    if text is not None:
        opened = ReportSource(iter([ReportRow(0, text)]), 1, "row")
    else:
        texts, ids, patients = columns
        opened = open_reports(
            Path(source), text_column=texts, id_column=ids, patient_column=patients
        )
    console = Console(stderr=True)
    with _progress(console) as show:
        done = run_reports(opened, out, task, options, workers=workers, on_progress=show)
    failed = f", {done.failed} without a text (column error)" if done.failed else ""
    console.print(
        f"{out}: {done.done} reports{failed}.", highlight=False, markup=False, soft_wrap=True
    )


def _single_text(source: str) -> str | None:
    """The report itself where ``source`` is one, standard input or one text file."""
    from hilum.scale.reports import TABLES, TEXTS, open_reports

    if source == "-":
        return sys.stdin.read()
    if not source.strip():
        return source
    try:
        path = Path(source)
        exists = path.exists()
    except (OSError, ValueError):  # too long or no name at all: certainly a text
        return source
    if not exists:
        is_name = len(source.split()) == 1 and path.suffix.lower() in (*TABLES, *TEXTS[:-1])
        if is_name:
            raise InvalidValueError(f"no file or folder {source!r}; quote a report to give it here")
        return source
    if path.is_dir() or path.suffix.lower() in TABLES:
        return None
    row = next(open_reports(path).rows)
    if row.text is None:
        raise InvalidValueError(f"{path.name}: {row.problem}")
    return row.text


def _print_one(task: str, text: str, options: TextOptions, html: Path | None) -> None:
    from hilum.scale.text_batch import process_text

    result = process_text(text, task, options)
    if html is not None:
        from hilum.text import parse, render_html

        page = render_html(parse(text, language=options.language))
        try:
            html.write_text(page, encoding="utf-8")
        except OSError as error:
            raise InvalidValueError(f"--html {html} cannot be written: {error.strerror}") from error
    if task == "deidentify":
        typer.echo(result["text"])
        typer.echo(json.dumps(result["found"]), err=True)
    elif task == "label" and sys.stdout.isatty():
        _print_labels(result)
    else:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2))


def _print_labels(labels: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("Observation", "Label")
    colours = {"present": "bold red", "uncertain": "yellow", "absent": "green"}
    for name, value in labels.items():
        table.add_row(name, str(value), style=colours.get(str(value), "dim"))
    Console().print(table)


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[TextProgress], None]]:
    """A progress bar on standard error with the rate."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    layout = (
        TextColumn("Reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    progress = Progress(*layout, console=console)
    bar = progress.add_task("read", total=None, rate="")

    def show(state: TextProgress) -> None:
        progress.start()
        elapsed = progress.tasks[0].elapsed
        rate = f"{state.done / elapsed:,.0f} reports/s" if elapsed else ""
        progress.update(bar, total=state.total, completed=state.done, rate=rate)

    try:
        yield show
    finally:
        progress.stop()
