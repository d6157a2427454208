"""Sizes and numbers in a folded sentence: "1.2 cm", "12 x 9 mm", "5 mm to 8 mm", "3 nodules"."""

from __future__ import annotations

import re

from hilum.text.types import Hit

__all__ = ["find_count", "find_sizes", "millimetres_of"]

_NUMBER = r"\d{0,4}[.,]?\d{1,3}"
# millimetre and centimetre in the six languages, with their plurals
_METRE = r"m[eè]t(?:er|re|ro|ri|res|ers|ros)s?"
_UNIT = rf"(?:mm|cm|milli?{_METRE}|mil[ií]metros?|[cz]enti?{_METRE}|cent[ií]metros?)(?![a-z])"
_SIZE = re.compile(
    rf"(?<![\w.,])({_NUMBER})(?:\s?-?({_UNIT}))?"
    rf"(?:\s?(?:x|by|par|por|per|mal|to|-|a|bis)\s?({_NUMBER})(?:\s?-?({_UNIT}))?)?"
    rf"(?:\s?(?:x|by|par|por|per|mal)\s?({_NUMBER})(?:\s?-?({_UNIT}))?)?"
)
_COUNT = re.compile(r"(?<![\w.,:/-])(\d{1,2})(?=[ ]+$)")
_CENTI = ("c", "z")
_LARGEST_MM = 1000.0


def find_sizes(sentence: str) -> list[Hit]:
    """Sizes as hits of kind ``size``, named by their millimetres ("12.0 9.0").

    A number without a unit takes that of the last number; without any it is no size.
    """
    found = []
    for match in _SIZE.finditer(sentence):
        numbers = [match[1], match[3], match[5]]
        units = [match[2], match[4], match[6]]
        last = next((unit for unit in reversed(units) if unit), None)
        if last is None:
            continue
        values = []
        for at, number in enumerate(numbers):
            if number is None:
                continue
            unit = next((unit for unit in units[at:] if unit), None)
            if unit is None:
                break
            factor = 10.0 if unit.startswith(_CENTI) else 1.0
            values.append(round(float(number.replace(",", ".")) * factor, 3))
        if values and max(values) <= _LARGEST_MM:
            found.append(Hit(match.start(), _end(match), "size", " ".join(map(str, values))))
    return found


def _end(match: re.Match[str]) -> int:
    """Where the last unit of a size ends; a number behind it belongs to something else."""
    return max(match.end(group) for group in (2, 4, 6))


def millimetres_of(name: str) -> tuple[float, ...]:
    """The values of a size hit's name.

    >>> millimetres_of("12.0 9.0")
    (12.0, 9.0)
    """
    return tuple(float(value) for value in name.split())


def find_count(gap: str) -> tuple[int, int, str] | None:
    """A bare number at the end of the gap before a finding: its start, end and digits.

    >>> find_count("there are 4 ")
    (10, 11, '4')
    """
    match = _COUNT.search(gap)
    return (match.start(1), match.end(1), match[1]) if match else None
