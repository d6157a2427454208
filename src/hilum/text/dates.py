"""Dates of reports: where they stand and which characters are year, month and day."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

from hilum.text.identifiers import Found, mask_spans
from hilum.text.month_names import month_names, weekday_names

__all__ = ["DateFound", "find_dates", "find_times"]


class DateFound(NamedTuple):
    """A date at characters ``start`` to ``end`` with its parts.

    ``year``, ``month``, ``day`` and ``weekday`` are spans of the source, (0, 0) where the
    date has no such part; ``month_name`` tells that the month is a name.
    """

    start: int
    end: int
    year: tuple[int, int]
    month: tuple[int, int]
    day: tuple[int, int]
    month_name: bool
    weekday: tuple[int, int]


@cache
def _date_patterns(language: str, with_years: bool) -> tuple[re.Pattern[str], ...]:
    """Patterns of ``tables/dates.toml`` in the order in which they are searched."""
    path = resources.files("hilum.text").joinpath("tables").joinpath("dates.toml")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    months = "|".join(sorted(month_names(language), key=len, reverse=True))
    patterns = []
    for row in table["date"]:
        if row.get("with_years") and not with_years:
            continue
        regex = row["regex"]
        for name, part in {**table["parts"], "months": months}.items():
            regex = regex.replace("{" + name + "}", part)
        patterns.append(re.compile(regex, re.IGNORECASE | re.VERBOSE))
    return tuple(patterns)


def find_dates(masked: str, language: str, *, with_years: bool) -> tuple[list[DateFound], str]:
    """Dates in masked text, in order of position, and the text with them masked.

    Args:
        masked: text as earlier stages left it.
        language: month names of it and of English are known; "3/4" is March 4 in English
            and the 3rd of April elsewhere, unless a part above 12 decides.
        with_years: also find years that stand alone behind a cue ("since 2008").
    """
    dates: list[DateFound] = []
    for pattern in _date_patterns(language, with_years):
        new = []
        for match in pattern.finditer(masked):
            date = _read_match(match, language)
            if date is not None:
                new.append(_with_weekday(masked, date, language))
        if new:
            new = _without_overlap(new)
            dates += new
            masked = mask_spans(masked, [Found("date", date.start, date.end) for date in new])
    return sorted(dates), masked


def _without_overlap(dates: list[DateFound]) -> list[DateFound]:
    kept: list[DateFound] = []
    for date in sorted(dates):
        if not kept or date.start >= kept[-1].end:
            kept.append(date)
    return kept


def _read_match(match: re.Match[str], language: str) -> DateFound | None:
    """The parts of a matched date, None when it cannot be one."""
    groups = match.groupdict()

    def span(name: str) -> tuple[int, int]:
        return match.span(name) if groups.get(name) is not None else (0, 0)

    year = span("y") if groups.get("y") else span("y2")
    month, day = span("m"), span("d")
    if groups.get("a"):
        is_day_first = _is_day_first(match, language)
        if is_day_first is None:
            return None
        day, month = (span("a"), span("b")) if is_day_first else (span("b"), span("a"))
    if groups.get("cap") and not match["cap"][0].isupper():
        return None
    is_named = bool(groups.get("n"))
    if is_named:
        month = span("n")
    spans = [part for part in (year, month, day) if part != (0, 0)]
    start, end = min(spans)[0], max(spans)[1]
    if is_named and not groups.get("cap"):
        start = match.start()
    if is_named and (day != (0, 0) or not groups.get("cap")):
        end = match.end() - match[0].endswith(".")
    return DateFound(start, end, year, month, day, is_named, (0, 0))


def _is_day_first(match: re.Match[str], language: str) -> bool | None:
    """Whether ``a`` is the day and ``b`` the month; None when they are neither."""
    a, b = int(match["a"]), int(match["b"])
    if min(a, b) < 1 or min(a, b) > 12 or max(a, b) > 31:
        return None
    if max(a, b) > 12:
        return a > b
    return language != "en" or "s" not in match.re.groupindex or match["s"] == "."


def _with_weekday(masked: str, date: DateFound, language: str) -> DateFound:
    """The date with the weekday that stands right before it, if one does."""
    before = masked[max(date.start - 16, 0) : date.start]
    match = re.search(r"([^\W\d_][\w-]{2,13}),?[ ]{1,2}(?:(?:den|le|o|il|el)[ ])?$", before)
    if match and match[1].lower() in weekday_names(language):
        start = date.start - len(before) + match.start(1)
        return date._replace(start=start, weekday=(start, start + len(match[1])))
    return date


_TIME = re.compile(
    r"(?<![\w:.])(?:[01]?\d|2[0-3])(?::[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:[ ]?[ap]\.?m\.?)?(?!\w)"
    r"(?:[ ]?(?:hours|hrs|h|uhr|est|edt|cst|utc|z)(?!\w))?|[ ]?[ap]\.?m\.?(?!\w)"
    r"|[h.][0-5]\d(?:[ ]?uhr)?(?!\w|\.\d)(?=[ ]?uhr|\b)|[0-5]\d[ ]?(?:hours|hrs|h)(?!\w))",
    re.IGNORECASE,
)
_ISO_TIME = re.compile(
    r"T\d{2}:?\d{2}(?::?\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?|\d{6}(?!\d)"
)
_BARE_TIME = re.compile(
    r"[ ]{1,2}((?:[01]\d|2[0-3])[0-5]\d(?:[ ]?(?:hours|hrs|h)(?!\w))?)(?![\w,/-]|[.]\d)"
)
_NEAR_CHARACTERS = 30


def find_times(masked: str, dates: list[DateFound]) -> Iterator[Found]:
    """Times of day that stand beside a date on its line, in order of position."""
    last = 0
    for date in dates:
        first = masked.rfind("\n", max(date.start - _NEAR_CHARACTERS, 0), date.start) + 1
        first = max(first, date.start - _NEAR_CHARACTERS, last)
        stop = masked.find("\n", date.end, date.end + _NEAR_CHARACTERS)
        stop = stop if stop >= 0 else min(date.end + _NEAR_CHARACTERS, len(masked))
        iso = _ISO_TIME.match(masked, date.end)
        if iso:
            yield Found("time", *iso.span())
            last = iso.end()
            continue
        clock = _BARE_TIME.match(masked, date.end)
        if clock:
            yield Found("time", *clock.span(1))
            last = clock.end()
            continue
        for low, high in ((first, date.start), (date.end, stop)):
            for match in _TIME.finditer(masked, max(low, last), high):
                if not re.fullmatch(r"\d{1,2}\.\d\d", match[0]):
                    yield Found("time", *match.span())
                    last = match.end()
