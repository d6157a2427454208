"""The wordings of ``tables/comparison.toml``, compiled."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

__all__ = ["ComparisonRules", "find_wordings", "load_comparison_rules"]

REMEMBERED = 1 << 15
"""Sentences whose wordings are kept."""

_MACRO = re.compile(r"\{([a-z_]+)\}")


class ComparisonRules(NamedTuple):
    """Compiled wordings of one language.

    ``mention`` finds a comparison, its last group named after the kind; ``exception`` what
    only looks like one. ``drop`` is a sentence without other content, ``phrases`` vanish,
    ``claims`` pair a form of clause with what it claims, ``words`` are replaced last.
    ``parts`` are the pieces of a sentence that rewriting strips or looks for by name.
    One of ``stems`` is in every mention. ``neutral`` are words of subjects that are no
    finding, ``idle`` words that say nothing.
    """

    mention: re.Pattern[str]
    exception: re.Pattern[str]
    drop: re.Pattern[str]
    phrases: tuple[re.Pattern[str], ...]
    claims: tuple[tuple[str, re.Pattern[str]], ...]
    words: tuple[tuple[str, re.Pattern[str]], ...]
    parts: dict[str, re.Pattern[str]]
    stems: tuple[str, ...]
    neutral: frozenset[str]
    idle: frozenset[str]


@cache
def load_comparison_rules() -> ComparisonRules:
    """The English rules, read and compiled once."""
    path = resources.files("hilum.text").joinpath("tables").joinpath("comparison.toml")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    macros: dict[str, str] = table["macros"]

    def either(patterns: list[str]) -> str:
        return "|".join(_expand(pattern, macros) for pattern in patterns)

    kinds = [f"(?P<{row['kind']}>{either(row['patterns'])})" for row in table["mention"]]
    return ComparisonRules(
        mention=_compile(rf"(?<![\w])(?:{'|'.join(kinds)})(?!\w)"),
        exception=_compile(rf"(?<![\w])(?:{either(table['exceptions']['patterns'])})(?!\w)"),
        drop=_compile(f"(?:{either(table['drop']['patterns'])})"),
        phrases=tuple(
            _compile(rf"(?:(?<!\w)|(?=[\s,(]))(?:{_expand(pattern, macros)})(?!\w)")
            for row in table["phrase"]
            for pattern in row["patterns"]
        ),
        claims=tuple(
            (row["result"], _compile(_expand(pattern, macros)))
            for row in table["claim"]
            for pattern in row["patterns"]
        ),
        words=tuple(
            (
                row["to"],
                _compile(rf"(?<![\w-])(?P<article>an? )?(?:{_expand(pattern, macros)})(?![\w-])"),
            )
            for row in table["word"]
            for pattern in row["patterns"]
        ),
        parts={name: _compile(_expand(text, macros)) for name, text in table["parts"].items()},
        stems=tuple(table["stems"]["any"]),
        neutral=frozenset(table["words"]["neutral"].split("|")),
        idle=frozenset(table["words"]["idle"].split("|")),
    )


@lru_cache(maxsize=REMEMBERED)
def find_wordings(folded: str) -> tuple[tuple[int, int, str], ...]:
    """Start, end and kind of each comparing wording in one folded sentence; remembered."""
    rules = load_comparison_rules()
    if not any(stem in folded for stem in rules.stems):
        return ()
    flat = folded.replace("\n", " ")
    found = [
        (match.start(), match.end(), match.lastgroup or "")
        for match in rules.mention.finditer(flat)
    ]
    if not found:
        return ()
    excepted = [match.span() for match in rules.exception.finditer(flat)]
    return tuple(
        wording
        for wording in found
        if not any(start < wording[1] and wording[0] < end for start, end in excepted)
    )


def _expand(pattern: str, macros: dict[str, str]) -> str:
    """The pattern with macros, which may hold macros, in their place."""
    while _MACRO.search(pattern):
        pattern = _MACRO.sub(lambda match: macros[match[1]], pattern)
    return pattern


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(" ", "(?:[ ]{1,3})"), re.IGNORECASE)
