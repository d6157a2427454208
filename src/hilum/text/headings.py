"""The headings of reports, in six languages, and the regexes that find them.

Rows of ``tables/sections.csv``; ``tables/heading_context.csv`` holds the words around a
heading's word that decide whether it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from hilum.text.rows import read_rows

__all__ = ["Headings", "context_words", "load_headings", "normalise_heading"]

# what may stand between a place where a heading can begin and its first word
_LEAD = r"[\s*#_>=-]{0,8}"
_COLON = r"(?:\(s\))?[ \t*_]{0,4}(?:\([^()\n:]{0,40}\)[ \t*_]{0,4})?:[*_]{0,3}"
_WORD_END = r"(?![a-z0-9']|-[a-z0-9])"
_PARENTHESIS = re.compile(r"\([^()]*\)")


class Headings(NamedTuple):
    """Headings of one language: phrase to (name, style), and what finds them.

    ``first`` matches the longest heading at a place, ``later`` searches for one after a line
    start or sentence end. Group 1 is the phrase, group 2 its colon, if there is one.
    ``last_words`` are the words that may stand before the colon of any heading.
    """

    rows: dict[str, tuple[str, str]]
    first: re.Pattern[str]
    later: re.Pattern[str]
    last_words: frozenset[str]


def normalise_heading(phrase: str) -> str:
    """A heading as its row spells it: one blank, "and" for "/" and "&", no parenthesis."""
    if not phrase.replace(" ", "").isalpha():
        phrase = _PARENTHESIS.sub("", phrase).replace("/", " and ").replace("&", " and ")
        phrase = phrase.replace(",", " and ").replace("and  and", "and")
    return " ".join(phrase.split())


@cache
def context_words(kind: str) -> frozenset[str]:
    """Words of one kind of ``tables/heading_context.csv``."""
    rows = read_rows("heading_context.csv")
    return frozenset(
        word for row in rows if row["kind"] == kind for word in row["words"].split("|")
    )


@cache
def load_headings(language: str) -> Headings:
    """English headings and those of one language (ISO 639-1), compiled once."""
    rows: dict[str, tuple[str, str]] = {}
    for row in read_rows("sections.csv"):
        if row["language"] in ("en", language):
            for phrase in row["headings"].split("|"):
                if row["language"] == language or phrase not in rows:
                    rows[phrase] = (row["name"], row["style"])
    last_words = context_words("view").union(phrase.rsplit(" ", 1)[-1] for phrase in rows)
    # "findings/impression" is spelled without the "and" that normalising gives it
    spelled = {*rows, *(phrase.replace(" and ", " ") for phrase in rows)}
    heading = rf"({_pattern(spelled)})({_COLON})?"
    first, later = rf"{_LEAD}{heading}", rf"[\n.!?;:)\]]{_LEAD}{heading}"
    return Headings(rows, re.compile(first), re.compile(later), last_words)


def _pattern(phrases: Iterable[str]) -> str:
    """A regex for the longest of some phrases, as a tree of words, so that none is tried twice."""
    following: dict[str, list[str]] = {}
    for phrase in phrases:
        word, _, rest = phrase.partition(" ")
        following.setdefault(word, []).append(rest)
    by_letter: dict[str, list[str]] = {}
    for word in sorted(following, key=len, reverse=True):
        rests = [rest for rest in following[word] if rest]
        tail = ""
        if rests:
            tail = rf"(?:(?:[ ]?[/&][ ]?|,?[ ]{{1,3}})(?:{_pattern(rests)}))"
            tail += "?" if "" in following[word] else ""
        by_letter.setdefault(word[0], []).append(re.escape(word[1:]) + _WORD_END + tail)
    return "|".join(f"{letter}(?:{'|'.join(rest)})" for letter, rest in by_letter.items())
