"""The words between terms: what a gap between two hits says about how a sentence is built.

A sentence is its hits and the gaps around them. A gap (", and the ", " is ", " in the ") is
classified once into flags and remembered, because few gaps are ever new. A verb before a
comma or "and" closes a clause ("is seen, "); so does a line end without any word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from hilum.text.phrases import tokenize, tokenize_spans
from hilum.text.rows import read_rows
from hilum.text.types import Hit

__all__ = [
    "AND",
    "ARTICLE",
    "BREAK",
    "CLAUSE",
    "COLON",
    "COMMA",
    "DIGIT",
    "DISTANCE",
    "INSIDE",
    "LISTS",
    "OR",
    "PARENTHESIS",
    "PART",
    "PREPOSITION",
    "QUESTION_AFTER",
    "QUESTION_BEFORE",
    "THAN",
    "VERB",
    "VERSUS",
    "WITH",
    "WORDS",
    "classify_gaps",
    "find_parts",
    "says_disease",
]

COMMA, AND, OR, VERSUS, WITH, PREPOSITION, VERB, CLAUSE = (1 << n for n in range(8))
BREAK, ARTICLE, THAN, DIGIT, DISTANCE, PART, WORDS, INSIDE = (1 << n for n in range(8, 16))
QUESTION_BEFORE, QUESTION_AFTER, COLON, PARENTHESIS, NEW_LINE = (1 << n for n in range(16, 21))
LISTS = COMMA | AND | OR | VERSUS
"""What stands between the members of a list."""

_ROLES = {
    "and": AND,
    "or": OR,
    "versus": VERSUS,
    "with": WITH,
    "preposition": PREPOSITION,
    "verb": VERB,
    "clause": CLAUSE,
    "article": ARTICLE,
    "than": THAN,
    "distance": DISTANCE,
    "part": PART,
}
_SIGNS = {
    ",": COMMA,
    "(": COMMA | PARENTHESIS,
    ")": COMMA,
    ";": BREAK,
    ":": VERB | COLON,
    "/": AND,
    "&": AND,
    "+": AND,
    ">": THAN,
    "<": THAN,
}
# What may end a statement: after it a line end is one, elsewhere only a wrapped line.
_COMPLETE = frozenset({"finding", "device", "cue:normal", "change"})
_BEHIND = re.compile(r"\s*\?\s")
_DASH = re.compile(r"\s-+\s|--")
_LONGEST_REMEMBERED = 80
_MOST_REMEMBERED = 1 << 15
_LONGEST_PHRASE = 4


class _Grammar(NamedTuple):
    phrases: Mapping[tuple[str, ...], int]
    starters: frozenset[str]
    aside: frozenset[str]
    sound: frozenset[str]


@cache
def _grammar(language: str) -> _Grammar:
    phrases: dict[tuple[str, ...], int] = {}
    words: dict[str, set[str]] = {"aside": set(), "sound": set()}
    for row in read_rows("grammar.csv"):
        if row["language"] != language:
            continue
        for term in row["words"].split("|"):
            tokens = tuple(tokenize(term))
            if row["role"] in words:
                words[row["role"]].update(tokens)
            else:
                phrases[tokens] = phrases.get(tokens, 0) | _ROLES[row["role"]]
    starters = frozenset(tokens[0] for tokens in phrases)
    return _Grammar(phrases, starters, frozenset(words["aside"]), frozenset(words["sound"]))


class _GapTable(dict[str, int]):
    """Flags by the characters of a gap, each read when it is first asked for."""

    def __init__(self, language: str) -> None:
        super().__init__({" ": 0, "": 0, ".": 0})
        self.language = language

    def __missing__(self, gap: str) -> int:
        flags = _read_gap(gap, self.language)
        if len(gap) <= _LONGEST_REMEMBERED:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[gap] = flags
        return flags


@cache
def _gap_table(language: str) -> _GapTable:
    return _GapTable(language)


def classify_gaps(sentence: str, hits: list[Hit], language: str) -> list[int]:
    """Flags of the gap before each hit, and of the gap after the last one.

    A hit that lies within the one before it has the gap ``INSIDE``.
    """
    table = _gap_table(language)
    gaps = []
    end = 0
    before = ""
    for start, stop, kind, _ in hits:
        if start >= end:
            flags = table[sentence[end:start]]
            if flags == NEW_LINE:
                flags = CLAUSE if before in _COMPLETE else 0
            gaps.append(flags)
            end = stop
            before = kind
        else:
            gaps.append(INSIDE)
            if stop > end:
                end = stop
    gaps.append(table[sentence[end:]])
    return gaps


def _read_gap(gap: str, language: str) -> int:
    grammar = _grammar(language)
    flags = COMMA if _DASH.search(gap) else 0
    tokens = tokenize(gap)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        size = 1
        found = _SIGNS.get(token, 0)
        if token in grammar.starters:
            for length in range(min(_LONGEST_PHRASE, len(tokens) - at), 0, -1):
                role = grammar.phrases.get(tuple(tokens[at : at + length]))
                if role is not None:
                    found, size = role, length
                    break
        if not found and token[0].isalnum():
            found = DIGIT if token[0].isdigit() else WORDS
        if found & (COMMA | AND) and flags & VERB:
            flags |= CLAUSE
        flags |= found
        at += size
    if "?" in gap:
        is_behind = gap[0] == "?" or _BEHIND.match(gap)
        flags |= QUESTION_AFTER if is_behind else QUESTION_BEFORE
    if "\n" in gap and not flags:
        flags = NEW_LINE
    return flags


@cache
def _partial_places(language: str) -> dict[tuple[str, str], str]:
    return {
        (tokenize(word)[0], row["place"]): row["name"]
        for row in read_rows("partial_places.csv")
        if row["language"] in ("en", language)
        for word in row["words"].split("|")
    }


def find_parts(gap: str, place: str, language: str) -> list[tuple[int, int, str]]:
    """The words of a gap that are halves of ``place``: start, end and the place meant.

    >>> find_parts(" in the upper and ", "lower_lobe", "en")
    [(8, 13, 'upper_lobe')]
    """
    table = _partial_places(language)
    found = []
    for token, (start, end) in zip(*tokenize_spans(gap), strict=True):
        name = table.get((token, place))
        if name is not None:
            found.append((start, end, name))
    return found


@lru_cache(maxsize=4096)
def says_disease(cue: str, language: str) -> bool:
    """Whether the words of a normal cue speak of disease or size, not of position or air."""
    grammar = _grammar(language)
    words = set(tokenize(cue))
    return bool(words & grammar.sound) or not words & grammar.aside
