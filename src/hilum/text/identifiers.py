"""Identifiers that a pattern can name: numbers, phones, addresses, institutions, ages.

The patterns stand in ``tables/identifiers.toml``. Text is searched with what was already
found *masked*, so that every character belongs to one identifier and no pattern reads
across another; masking keeps the length, so offsets stay those of the source.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import NamedTuple

from hilum.text.rows import read_rows
from hilum.text.types import Span

__all__ = ["MASK", "Found", "find_identifiers", "mask_blanks", "mask_spans", "plain_words"]

MASK = "\x1f"
"""Stands for every character that was found; no pattern matches it."""

# Blanks of earlier de-identification: XXXX, ____, [**Name**], [NAME]; and markup, which
# must not part a cue from its name.
_BLANKS = re.compile(
    r"\[\*\*[^\n]{0,200}?\*\*\]|\[[A-Z][A-Z_ ]{1,30}\]|(?<!\w)[Xx]{3,}(?!\w)|_{2,}|\x1f+"
)
_MARKUP = re.compile(r"<[^<>\n]{1,200}>|&nbsp;|&#160;|\xa0")
_WORD = re.compile(r"[\w'’-]+")


_PREPOSITIONS = frozenset({"from", "to", "at", "in", "by", "with", "via", "per", "on"})


class Found(NamedTuple):
    """An identifier of ``kind`` at characters ``start`` to ``end`` (exclusive)."""

    kind: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """The characters that it covers."""
        return Span(self.start, self.end)


class _Pattern(NamedTuple):
    kind: str
    regex: re.Pattern[str]
    group: str | int
    skips_plain_words: bool


def mask_blanks(text: str) -> str:
    """The text with earlier blanks masked and markup blank; same length."""
    text = _BLANKS.sub(lambda match: MASK * len(match[0]), text)
    return _MARKUP.sub(lambda match: " " * len(match[0]), text)


def mask_spans(text: str, found: Iterable[Found]) -> str:
    """The text with the found identifiers masked; they must not overlap."""
    parts, last = [], 0
    for item in sorted(found, key=lambda item: item.start):
        parts += [text[last : item.start], MASK * (item.end - item.start)]
        last = item.end
    return "".join([*parts, text[last:]])


@cache
def _patterns() -> dict[str, tuple[_Pattern, ...]]:
    """Compiled patterns of each stage."""
    path = resources.files("hilum.text").joinpath("tables").joinpath("identifiers.toml")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    stages: dict[str, list[_Pattern]] = {}
    for row in table["pattern"]:
        regex = row["regex"]
        for name, part in table["parts"].items():
            regex = regex.replace("{" + name + "}", part)
        flags = re.VERBOSE | (re.IGNORECASE if row.get("ignore_case") else 0)
        compiled = re.compile(regex, flags)
        group = "x" if "x" in compiled.groupindex else 0
        stages.setdefault(row["stage"], []).append(
            _Pattern(row["kind"], compiled, group, "skip_plain_words" in row)
        )
    return {stage: tuple(patterns) for stage, patterns in stages.items()}


@cache
def plain_words() -> frozenset[str]:
    """Words of reports that are no part of a name, in lower case."""
    return frozenset(row["word"] for row in read_rows("not_names.csv"))


def find_identifiers(masked: str, stage: str) -> tuple[list[Found], str]:
    """Identifiers of one stage (``strict`` or ``plain``) and the text with them masked.

    Args:
        masked: text as ``mask_blanks`` or an earlier stage left it.
        stage: ``strict`` patterns come before dates, ``plain`` ones after them.
    """
    found: list[Found] = []
    for pattern in _patterns()[stage]:
        new = []
        for match in pattern.regex.finditer(masked):
            start, end = match.span(pattern.group)
            if pattern.skips_plain_words:
                start = _skip_plain_words(masked, start, end)
            if start < end:
                new.append(Found(pattern.kind, start, end))
        if new:
            found += new
            masked = mask_spans(masked, new)
    return found, masked


def _skip_plain_words(masked: str, start: int, end: int) -> int:
    """Where the institution's own name starts; ``end`` when only plain words are there.

    "Outside Hospital" and "The Emergency Clinic" name nobody; "From Mercy Hospital" starts at
    "Mercy", "Outside CT from Mercy Hospital" too.
    """
    words = list(_WORD.finditer(masked, start, end))
    lower = [word[0].lower() for word in words]
    first = max((i + 1 for i, word in enumerate(lower) if word in _PREPOSITIONS), default=0)
    while first < len(words) and lower[first] in plain_words():
        first += 1
    # the last word is what made it an institution
    return words[first].start() if first < len(words) - 1 else end
