"""Names of months and weekdays in the six languages."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from hilum.text.rows import read_rows

__all__ = ["MonthName", "month_names", "month_spellings", "weekday_names"]


class MonthName(NamedTuple):
    """``column`` is 0 for the name in full, above for abbreviations; ``month`` 1 to 12."""

    language: str
    month: int
    column: int


def _rank(row: dict[str, str], language: str) -> int:
    """The text's own language first, then English, where two share a spelling."""
    return {language: 0, "en": 1}.get(row["language"], 2)


@cache
def month_names(language: str) -> dict[str, MonthName]:
    """Names of months, to what they mean: abbreviations only of English and the language."""
    names: dict[str, MonthName] = {}
    for row in sorted(read_rows("months.csv"), key=lambda row: _rank(row, language)):
        is_known = row["language"] in (language, "en")
        spellings = [row["full"], *([row["short"], *row["others"].split("|")] if is_known else ())]
        for column, name in enumerate(spellings):
            if name:
                names.setdefault(name, MonthName(row["language"], int(row["month"]), column))
    return names


@cache
def weekday_names(language: str) -> dict[str, tuple[str, int]]:
    """Names of weekdays of English and the language, to the language and day, Monday 0."""
    rows = [row for row in read_rows("weekdays.csv") if row["language"] in (language, "en")]
    return {row["name"]: (row["language"], int(row["weekday"])) for row in rows}


@cache
def month_spellings() -> dict[tuple[str, int], tuple[str, str]]:
    """The name in full and abbreviated of each (language, month)."""
    return {
        (row["language"], int(row["month"])): (row["full"], row["short"])
        for row in read_rows("months.csv")
    }
