"""Answers from a table: one row a question."""

from __future__ import annotations

import json
from typing import Any

from hilum.errors import InvalidValueError
from hilum.evaluate.answers.assessment import Answer
from hilum.evaluate.tables import ID_COLUMNS, Table

__all__ = ["read_answers"]

Box = tuple[float, float, float, float]


def read_answers(table: Table) -> list[Answer]:
    """Answers from the columns ``id``, ``truth``, ``answer`` and, where there are,
    ``kind``, ``form``, ``options``, ``pair``, ``rephrasing``, ``patient``, ``confidence``,
    ``boxes`` and ``true_boxes``.

    Options are a list, or text joined by ``|``; boxes a list of ``[x, y, width, height]``, as
    JSON text in a CSV.

    Raises:
        InvalidValueError: A needed column is missing, or a cell does not fit; the message
            names the row.
    """
    column = table.find(None, ("id", "question_id", *ID_COLUMNS))
    size = len(table)
    ids = table.column(column) if column else [f"row {n}" for n in range(1, size + 1)]
    truths, answers = table.column("truth"), table.column("answer")
    rows = []
    for row in range(size):
        try:
            rows.append(_answer(table, row, str(ids[row]), truths[row], answers[row]))
        except (TypeError, ValueError) as error:
            raise InvalidValueError(f"{table.name}, row {row + 1}: {error}") from error
    return rows


def _answer(table: Table, row: int, unit: str, truth: Any, answer: Any) -> Answer:
    def cell(name: str) -> Any:
        return table.columns[name][row] if name in table.columns else None

    if truth is None:
        raise InvalidValueError("no truth")
    confidence = cell("confidence")
    return Answer(
        unit,
        str(truth),
        None if answer is None else str(answer),
        kind=str(cell("kind") or cell("type") or "presence"),
        form=str(cell("form") or "closed"),
        options=_options(cell("options")),
        pair=str(cell("pair") or ""),
        rephrasing=str(cell("rephrasing") or ""),
        group=str(cell("patient") or cell("patient_id") or ""),
        confidence=None if confidence is None else float(confidence),
        boxes=_boxes(cell("boxes")),
        true_boxes=_boxes(cell("true_boxes")),
    )


def _options(cell: Any) -> tuple[str, ...]:
    if not cell:
        return ()
    parts = cell.split("|") if isinstance(cell, str) else cell
    return tuple(str(part).strip() for part in parts)


def _boxes(cell: Any) -> tuple[Box, ...]:
    rows = json.loads(cell) if isinstance(cell, str) else (cell or [])
    boxes = [tuple(float(v) for v in row) for row in rows]
    if any(len(box) != 4 for box in boxes):
        raise InvalidValueError("a box is [x, y, width, height]")
    return tuple(boxes)  # type: ignore[arg-type]
