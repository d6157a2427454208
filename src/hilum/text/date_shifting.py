"""Moves a date of a report by days and writes it as it was written.

Order, separators, width, language, abbreviation and case stay. A date without a day stands
for the middle of its month, one without a year for a year that the caller names.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re

from hilum.text.dates import DateFound
from hilum.text.month_names import month_names, month_spellings, weekday_names

__all__ = ["shift_date"]


def shift_date(text: str, date: DateFound, days: int, *, language: str, year: int = 0) -> str:
    """The date's characters with the date moved by ``days``, written as it was; "" if it has none.

    Args:
        text: source text.
        date: a date found in it.
        days: positive is later.
        language: as for ``find_dates``.
        year: stands for a missing year; 0 for the leap year 2000.
    """
    written = {part: text[slice(*getattr(date, part))] for part in ("year", "month", "day")}
    original = _day_of(written, date, language, year)
    try:
        moved = original + dt.timedelta(days=days) if original else None
    except OverflowError:
        moved = None
    if moved is None:
        return ""
    padded = any(re.match(r"0\d", part) for part in (written["month"], written["day"]))
    parts: list[tuple[tuple[int, int], str]] = []
    if written["year"]:
        digits = f"{moved.year:04d}"
        parts.append((date.year, digits[-2:] if len(written["year"]) == 2 else digits))
    if written["month"]:
        name = _name_month(text, date.month, moved.month, language) if date.month_name else ""
        compact = len(written["month"]) == 2 and (padded or not written["day"])
        parts.append((date.month, name or _digits(moved.month, padded or compact)))
    if written["day"]:
        parts.append((date.day, _digits(moved.day, padded)))
    if date.weekday != (0, 0):
        parts.append(
            (date.weekday, _name_weekday(text[slice(*date.weekday)], moved.weekday(), language))
        )
    return _fix_ordinal(_replace_parts(text, date, parts), moved.day)


def _digits(number: int, padded: bool) -> str:
    return f"{number:02d}" if padded else str(number)


def _day_of(written: dict[str, str], date: DateFound, language: str, year: int) -> dt.date | None:
    """The day that the written parts name; the middle where a part is missing."""
    digits = written["year"]
    number = int(digits) if digits else (year or 2000)
    if len(digits) == 2:
        number += 2000 if number <= 40 else 1900
    month = 7
    if written["month"]:
        named = date.month_name
        month = (
            month_names(language)[written["month"].lower()].month
            if named
            else int(written["month"])
        )
    day = int(written["day"]) if written["day"] else (15 if written["month"] else 1)
    try:
        last = calendar.monthrange(number, month)[1]
        return dt.date(number, month, min(day, last))
    except (ValueError, calendar.IllegalMonthError):
        return None


def _cased(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word


def _name_month(text: str, span: tuple[int, int], month: int, language: str) -> str:
    """The other month as the written one is: language, abbreviation, case.

    "May" is both a full name and an abbreviation; between hyphens it is the latter.
    """
    written = text[slice(*span)]
    entry = month_names(language)[written.lower()]
    full, short = month_spellings()[entry.language, month]
    own_full, own_short = month_spellings()[entry.language, entry.month]
    is_short = entry.column > 0
    if own_full == own_short:
        is_short = text[span[0] - 1 : span[0]] == "-"
    return _cased(short if is_short else full, written)


def _name_weekday(written: str, weekday: int, language: str) -> str:
    own = weekday_names(language)[written.lower()][0]
    names = {
        number: name for name, (known, number) in weekday_names(language).items() if known == own
    }
    return _cased(names[weekday], written)


def _replace_parts(text: str, date: DateFound, parts: list[tuple[tuple[int, int], str]]) -> str:
    out, last = "", date.start
    for (start, end), new in sorted(parts):
        out += text[last:start] + new
        last = end
    return out + text[last : date.end]


def _fix_ordinal(written: str, day: int) -> str:
    """The text with the ending that the day asks for: "3th" becomes "3rd"."""
    ending = "th" if 10 < day % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return re.sub(rf"(?<!\d)({day})(?:st|nd|rd|th)(?!\w)", rf"\g<1>{ending}", written)
