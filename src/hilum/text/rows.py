"""Reads the tables of the text room: csv files beside this module, with a header line.

A line that begins with ``#`` is a remark. Cells are stripped of blanks.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib import resources

__all__ = ["read_rows"]


def read_rows(table: str) -> Iterator[dict[str, str]]:
    """Rows of ``tables/<table>`` as column name to cell, in file order."""
    path = resources.files("hilum.text").joinpath("tables").joinpath(table)
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.strip() and not line.startswith("#")]
    for row in csv.DictReader(kept):
        yield {column: (cell or "").strip() for column, cell in row.items()}
