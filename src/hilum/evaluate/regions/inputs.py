"""Regions from disk: two folders of masks, or two tables of boxes, landmarks, measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hilum.errors import InvalidValueError, require
from hilum.evaluate.regions.assessment import RegionCase
from hilum.evaluate.regions.boxes import Detections
from hilum.evaluate.tables import GROUP_COLUMNS, ID_COLUMNS, Table, join_tables

__all__ = ["cases_of_boxes", "cases_of_masks", "cases_of_values"]

Mask = npt.NDArray[np.bool_]
BOX = ("x", "y", "width", "height")


def cases_of_masks(found: Path, truth: Path) -> tuple[list[RegionCase], dict[str, int]]:
    """Cases from ``IMAGE/STRUCTURE.png`` (or ``STRUCTURE.png`` of one image) in two folders.

    A true mask without a counterpart counts as not found; found masks without a true one are
    counted.

    Raises:
        InvalidValueError: A folder holds no mask, a file is no image, or sizes differ.
    """
    names = [{p.relative_to(f).as_posix() for p in f.rglob("*.png")} for f in (found, truth)]
    for folder, own in zip((found, truth), names, strict=True):
        require(bool(own), f"no PNG mask below {folder.name}")
    by_image: dict[str, dict[str, tuple[Mask | None, Mask]]] = {}
    for name in sorted(names[1]):
        image, _, structure = name.rpartition("/")
        seen = _read_mask(found / name) if name in names[0] else None
        wanted = _read_mask(truth / name)
        if seen is not None and seen.shape != wanted.shape:
            raise InvalidValueError(f"{name}: mask of {seen.shape}, the true one {wanted.shape}")
        by_image.setdefault(image or truth.name, {})[structure.removesuffix(".png")] = (
            seen,
            wanted,
        )
    extra = len(names[0] - names[1])
    cases = [RegionCase(image, masks=masks) for image, masks in by_image.items()]
    return cases, {"mask_without_truth": extra} if extra else {}


def _read_mask(path: Path) -> Mask:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise InvalidValueError(f"{path.name} is not a readable mask")
    return np.asarray(image > 0)


def cases_of_boxes(
    found: Table, truth: Table, *, id_column: str | None = None
) -> tuple[list[RegionCase], dict[str, int]]:
    """Cases from tables of boxes, several rows an image: id, x, y, width, height.

    A column ``label`` (``finding``) tells kinds apart, ``score`` ranks what was found (1 where
    there is none). Images of either table count; those of one only have no box in the other.

    Raises:
        InvalidValueError: A column is missing, a box is no box.
    """
    mine, theirs = (_boxes_by_image(table, id_column) for table in (found, truth))
    labels = sorted({label for boxes in (*mine.values(), *theirs.values()) for label in boxes})
    empty = np.zeros((0, 5))
    cases = []
    for image in sorted(set(mine) | set(theirs)):
        detections = {}
        for label in labels:
            own = mine.get(image, {}).get(label, empty)
            true = theirs.get(image, {}).get(label, empty)
            detections[label] = Detections(own[:, :4], own[:, 4], true[:, :4])
        cases.append(RegionCase(image, detections=detections))
    lost = {
        "image_without_true_box": len(set(mine) - set(theirs)),
        "image_without_found_box": len(set(theirs) - set(mine)),
    }
    return cases, {why: count for why, count in lost.items() if count}


def _boxes_by_image(
    table: Table, id_column: str | None
) -> dict[str, dict[str, npt.NDArray[np.float64]]]:
    column = table.find(id_column, ID_COLUMNS)
    require(column is not None, f"{table.name} has no column of images; name it with --id")
    ids = [Path(str(value)).name for value in table.column(str(column))]
    kind = table.find(None, ("label", "finding", "name"))
    labels = [str(v) for v in table.column(kind)] if kind else ["box"] * len(table)
    score = table.find(None, ("score", "prob", "probability"))
    numbers = [_floats(table, name) for name in BOX]
    numbers.append(_floats(table, score) if score else np.ones(len(table)))
    rows = np.stack(numbers, axis=1)
    result: dict[str, dict[str, list[Any]]] = {}
    for image, label, row in zip(ids, labels, rows, strict=True):
        result.setdefault(image, {}).setdefault(label, []).append(row)
    return {i: {k: np.array(v) for k, v in own.items()} for i, own in result.items()}


def _floats(table: Table, column: str) -> npt.NDArray[np.float64]:
    try:
        cells = [np.nan if v is None else float(v) for v in table.column(column)]
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"{table.name}: column {column!r} holds numbers only") from error
    return np.array(cells)


def cases_of_values(
    found: Table, truth: Table, *, id_column: str | None = None
) -> tuple[list[RegionCase], dict[str, int]]:
    """Cases from tables of one row an image: landmarks ``NAME_x``, ``NAME_y`` and measurements.

    A measurement is any other column of numbers that stands in both tables.

    Raises:
        InvalidValueError: The tables share no image, or no column of numbers.
    """
    ids, rows, true_rows, lost = join_tables(found, truth, id_column=id_column)
    mine, theirs = found.take(rows), truth.take(true_rows)
    shared = [c for c in theirs.columns if c in mine.columns and c not in _NOT_MEASURED]
    numbers = {c: (_floats_or_none(mine, c), _floats_or_none(theirs, c)) for c in shared}
    usable = {c: (a, b) for c, (a, b) in numbers.items() if a is not None and b is not None}
    points = [c.removesuffix("_x") for c in usable if c.endswith("_x")]
    points = [p for p in points if f"{p}_y" in usable]
    coordinates = {f"{p}_{axis}" for p in points for axis in "xy"}
    values = [c for c in usable if c not in coordinates]
    require(bool(points or values), "the tables share no landmark and no measurement")
    group = theirs.find(None, GROUP_COLUMNS)
    patients = theirs.column(group) if group else [""] * len(ids)
    cases = []
    for row, unit in enumerate(ids):
        marks = {p: _pair(usable[f"{p}_x"], usable[f"{p}_y"], row) for p in points}
        cases.append(
            RegionCase(
                unit,
                group=str(patients[row] or ""),
                landmarks={p: m for p, m in marks.items() if m is not None},
                measurements=_measured(usable, values, row),
            )
        )
    return cases, lost


_NOT_MEASURED = frozenset({*ID_COLUMNS, *GROUP_COLUMNS, "seconds", "age", "follow_up"})
Columns = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _floats_or_none(table: Table, column: str) -> npt.NDArray[np.float64] | None:
    try:
        return _floats(table, column)
    except InvalidValueError:
        return None  # a column of words is no measurement


def _pair(
    x: Columns, y: Columns, row: int
) -> tuple[tuple[float, float] | None, tuple[float, float]] | None:
    if np.isnan(x[1][row]) or np.isnan(y[1][row]):
        return None
    is_found = not (np.isnan(x[0][row]) or np.isnan(y[0][row]))
    found = (float(x[0][row]), float(y[0][row])) if is_found else None
    return found, (float(x[1][row]), float(y[1][row]))


def _measured(
    columns: Mapping[str, Columns], names: Sequence[str], row: int
) -> dict[str, tuple[float | None, float]]:
    result: dict[str, tuple[float | None, float]] = {}
    for name in names:
        found, wanted = columns[name][0][row], columns[name][1][row]
        if not np.isnan(wanted):
            result[name] = (None if np.isnan(found) else float(found), float(wanted))
    return result
