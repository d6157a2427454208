"""Reports by the million: one task on every row of a source, in blocks, by processes.

The tasks are the functions of the room ``text``; a block is read in one process with one
worker, in several otherwise, and written in the order of the source.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from hilum.errors import HilumError, InvalidValueError
from hilum.scale.collecting import THRESHOLDS, collect_seldom
from hilum.scale.pool import Crash, map_isolated
from hilum.scale.report_tables import TableWriter
from hilum.scale.reports import ReportRow, ReportSource, blocks
from hilum.text import (
    PatientKey,
    build_scene_graph,
    deidentify,
    document_to_dict,
    graph_to_dict,
    label_names,
    label_report,
    parse,
    report_to_dict,
    scene_to_dict,
    sections_to_dict,
    to_graph,
)

__all__ = ["TASKS", "TextOptions", "TextProgress", "empty_row", "process_text", "run_reports"]

BLOCK = 500
LIMIT_SECONDS = 600.0
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TextOptions:
    """What to do with each report; fields that a task does not know are ignored.

    ``secret`` seeds stand-ins and shifts of dates (``surrogates``); a row's patient, or its id
    where there is none, keeps them consistent.
    """

    language: str | None = None
    scheme: str = "chexpert"
    uncertain: str = "keep"
    hierarchy: str = "mention"
    mode: str = "tags"
    secret: bytes = b""
    known: tuple[str, ...] = field(default=())


class TextProgress(NamedTuple):
    """Rows done, their total where it is known, and rows with an error."""

    done: int
    total: int | None
    failed: int


def _label(row: ReportRow, options: TextOptions) -> Row:
    labels = label_report(
        row.text or "",
        scheme=options.scheme,
        language=options.language,
        uncertain=options.uncertain,  # type: ignore[arg-type]
        hierarchy=options.hierarchy,  # type: ignore[arg-type]
    )
    if options.uncertain == "keep":
        return {name: str(value) for name, value in labels.items()}
    return dict(zip(labels.names, labels.numbers(), strict=True))


def _structure(row: ReportRow, options: TextOptions) -> Row:
    return document_to_dict(parse(row.text or "", language=options.language))


def _sections(row: ReportRow, options: TextOptions) -> Row:
    return {"sections": sections_to_dict(parse(row.text or "", language=options.language))}


def _graph(row: ReportRow, options: TextOptions) -> Row:
    return graph_to_dict(to_graph(parse(row.text or "", language=options.language)))


def _scene(row: ReportRow, options: TextOptions) -> Row:
    document = parse(row.text or "", language=options.language)
    return scene_to_dict(build_scene_graph(document))


def _deidentify(row: ReportRow, options: TextOptions) -> Row:
    patient = None
    if options.mode == "surrogates":
        patient = PatientKey(options.secret, row.patient or str(row.id))
    result = deidentify(
        row.text or "",
        language=options.language,
        mode=options.mode,
        patient=patient,
        known=options.known,
    )
    found = report_to_dict(result)["counts"]
    return {"text": result.text, "found": found}


TASKS: Mapping[str, Callable[[ReportRow, TextOptions], Row]] = {
    "label": _label,
    "structure": _structure,
    "sections": _sections,
    "graph": _graph,
    "scene": _scene,
    "deidentify": _deidentify,
}


def empty_row(task: str, options: TextOptions) -> Row:
    """The columns of a row whose report could not be read."""
    if task == "label":
        value = "not_mentioned" if options.uncertain == "keep" else None
        return dict.fromkeys(label_names(options.scheme), value)
    return dict.fromkeys(process_text("", task, options))


def process_text(text: str, task: str, options: TextOptions) -> Row:
    """What a task makes of one text.

    Raises:
        InvalidValueError: An option is unknown.
    """
    return TASKS[task](ReportRow("", text), options)


def run_reports(
    source: ReportSource,
    out: Path,
    task: str,
    options: TextOptions,
    *,
    workers: int = 1,
    on_progress: Callable[[TextProgress], None] = lambda progress: None,
) -> TextProgress:
    """Run a task on every report and write a table, one row a report in the source's order.

    Columns are the source's id, the task's own, and ``error`` where a row has none of them.

    Args:
        source: Of ``open_reports``.
        out: Parquet, CSV or JSONL; written only when it is complete.
        task: A name of ``TASKS``.
        options: Of the task.
        workers: Processes; 1 reads here.
        on_progress: Called after every block.

    Raises:
        InvalidValueError: An option or the output is wrong, or the table is malformed.
    """
    process_text("", task, options)  # a wrong option is told before the first row
    work = partial(_read_block, task=task, options=options, id_column=source.id_column)
    done = failed = 0
    with collect_seldom(), TableWriter(out) as writer:
        for rows in _results(work, blocks(_told(source.rows), BLOCK), workers):
            writer.write(rows)  # type: ignore[arg-type]
            done += len(rows)
            failed += sum(bool(row["error"]) for row in rows)
            on_progress(TextProgress(done, source.total, failed))
    return TextProgress(done, source.total, failed)


def _told(rows: Iterator[ReportRow]) -> Iterator[ReportRow]:
    """Rows of a table; one that ends in the middle is an error of the caller's file."""
    try:
        yield from rows
    except (ValueError, OSError) as error:
        if isinstance(error, HilumError):
            raise
        raise InvalidValueError(f"the table is damaged: {error}") from error


def _results(
    work: Callable[[list[ReportRow]], list[Row]], chunks: Iterator[list[ReportRow]], workers: int
) -> Iterator[list[Row]]:
    """Blocks worked on, in order."""
    if workers <= 1:
        yield from map(work, chunks)
        return
    waiting: dict[int, list[Row]] = {}
    turn = 0
    numbered = enumerate(chunks)
    for (number, block), result in _pooled(work, numbered, workers):
        if isinstance(result, Crash):
            result = [
                work([row])[0] if row.text is None else _lost(work, row, result.reason)
                for row in block
            ]
        waiting[number] = result
        while turn in waiting:
            yield waiting.pop(turn)
            turn += 1


def _pooled(
    work: Callable[[list[ReportRow]], list[Row]],
    numbered: Iterator[tuple[int, list[ReportRow]]],
    workers: int,
) -> Generator[tuple[tuple[int, list[ReportRow]], list[Row] | Crash], None, None]:
    task = partial(_second, work)
    return map_isolated(
        task, numbered, workers=workers, limit_seconds=LIMIT_SECONDS, prepare=_prepare
    )


def _second(
    work: Callable[[list[ReportRow]], list[Row]], item: tuple[int, list[ReportRow]]
) -> list[Row]:
    return work(item[1])


def _prepare() -> None:
    """A worker's process is its own; it reads its tables with its first block."""
    gc.set_threshold(*THRESHOLDS)


def _lost(work: Callable[[list[ReportRow]], list[Row]], row: ReportRow, why: str) -> Row:
    return work([ReportRow(row.id, None, why, row.patient)])[0]


def _read_block(
    block: list[ReportRow], *, task: str, options: TextOptions, id_column: str
) -> list[Row]:
    run, blank = TASKS[task], None
    rows = []
    for row in block:
        if row.text is None:
            blank = blank if blank is not None else empty_row(task, options)
            rows.append({id_column: row.id, **blank, "error": row.problem})
        else:
            rows.append({id_column: row.id, **run(row, options), "error": ""})
    return rows
