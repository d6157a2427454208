"""The words of a language: terms of the ontology, attributes and cues, compiled to match.

A lexicon is a folder ``lexicon/<language>/`` of CSV files beside this module:

- ``terms.csv`` (``term,kind,name``): kind ``finding``, ``anatomy``, ``device``, ``part``, or
  ``state`` for a word that names a finding only with a place ("enlarged", "blunting");
- ``attributes.csv`` (``term,kind,name``): kind ``side``, ``severity``, ``change``...;
- ``cues.csv`` (``term,category,direction,degree``);
- ``plurals.csv`` (``suffix,replacement``), if the language forms plurals by suffix: the
  longest suffix of a term's last word decides, an empty replacement means no plural.

Terms are written in the grammar of ``phrases``. ``compositions.csv`` beside the folders says
which finding a state or finding at a place is ("enlarged" of the heart: cardiomegaly).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from hilum.errors import InvalidValueError
from hilum.text.compositions import MAX_WORDS, Rules
from hilum.text.phrases import expand_row
from hilum.text.trie import WordTable, build_trie

__all__ = [
    "ATTRIBUTE_KINDS",
    "CUE_CATEGORIES",
    "LANGUAGES",
    "TERM_KINDS",
    "Cue",
    "Lexicon",
    "load_lexicon",
]

LANGUAGES = ("en", "es", "fr", "de", "it", "pt")
TERM_KINDS = ("finding", "anatomy", "device", "part", "state")
ATTRIBUTE_KINDS = (
    "side", "severity", "shape", "margin", "change", "count", "texture", "temporal", "position",
    "distribution",
)  # fmt: skip
CUE_CATEGORIES = (
    "absent", "uncertain", "historical", "hypothetical", "not_assessed", "resolved", "normal",
    "pseudo", "stop", "suggests", "compares",
)  # fmt: skip
DIRECTIONS = ("before", "after", "both", "-")


class Cue(NamedTuple):
    """A row of ``cues.csv``.

    ``direction`` says where the words that it governs stand: the cue comes ``before`` or
    ``after`` them, or ``both``; ``-`` where that means nothing. ``degree`` is the probability
    that the writer conveys, for ``uncertain`` and ``suggests``.
    """

    term: str
    category: str
    direction: str
    degree: float | None


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A compiled lexicon.

    ``words`` leads from the characters of a sentence into the trie of all phrases, ``size`` is
    their number. ``cues`` holds the rows of ``cues.csv`` by the name that a cue's ``Hit``
    carries, ``compositions`` the finding that a state or finding makes with a place.
    """

    language: str
    words: WordTable
    cues: Mapping[str, Cue]
    compositions: Mapping[str, Rules]
    size: int

    def cue(self, name: str) -> Cue:
        """The cue that a ``Hit`` of kind ``cue:...`` names.

        Raises:
            InvalidValueError: If the lexicon has no such cue.
        """
        cue = self.cues.get(name)
        if cue is None:
            raise InvalidValueError(
                f"no cue is named {name!r} in {self.language!r}; pass the name of a Hit of kind cue"
            )
        return cue


def _rows(path: str) -> list[dict[str, str]]:
    file = resources.files("hilum.text") / "lexicon" / path
    if not file.is_file():
        return []
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


@cache
def load_lexicon(language: str) -> Lexicon:
    """The lexicon of an ISO 639-1 language; loaded and compiled once.

    Raises:
        InvalidValueError: If there is no such lexicon, or a row of it cannot be understood.
    """
    rows = _rows(f"{language}/terms.csv") if language in LANGUAGES else []
    if not rows:
        raise InvalidValueError(
            f"no lexicon for language {language!r}; use one of {', '.join(LANGUAGES)}"
        )
    plurals = {row["suffix"]: row["replacement"] for row in _rows(f"{language}/plurals.csv")}
    table: dict[tuple[str, ...], dict[str, str]] = {}
    regular: list[tuple[tuple[str, ...], str, str]] = []
    for row in (*rows, *_rows(f"{language}/attributes.csv")):
        kind, name = row["kind"], row["name"]
        _check(kind, (*TERM_KINDS, *ATTRIBUTE_KINDS), row["term"])
        for phrase in expand_row(row["term"]):
            _add(table, phrase, kind, name)
            if kind in TERM_KINDS and plurals:
                regular.append((_plural(phrase, plurals), kind, name))
    for phrase, kind, name in regular:
        if phrase not in table:
            _add(table, phrase, kind, name)
    cues: dict[str, Cue] = {}
    for row in _rows(f"{language}/cues.csv"):
        for phrase in expand_row(row["term"]):
            _add_cue(cues, table, phrase, row)
    return Lexicon(language, _compile(table), cues, _compositions(), len(table))


def _compile(table: Mapping[tuple[str, ...], Mapping[str, str]]) -> WordTable:
    """The phrases as a trie: cues first among the meanings of one, and marked if they compose."""
    compositions = _compositions()
    triggers = {
        name for name, rules in compositions.items() if not compositions.keys() >= rules.keys()
    }
    meanings = {
        phrase: (
            "state" in outputs or not triggers.isdisjoint(outputs.values()),
            tuple(sorted(outputs.items(), key=lambda output: output[0][:4] != "cue:")),
        )
        for phrase, outputs in table.items()
    }
    return WordTable(build_trie(meanings))


def _add_cue(
    cues: dict[str, Cue],
    table: dict[tuple[str, ...], dict[str, str]],
    phrase: tuple[str, ...],
    row: Mapping[str, str],
) -> None:
    """Add a cue; one that is listed for both directions governs both."""
    category, direction = row["category"], row["direction"]
    _check(category, CUE_CATEGORIES, row["term"])
    _check(direction, DIRECTIONS, row["term"])
    words = " ".join(phrase)
    name = f"{category}:{words}"
    degree = float(row["degree"]) if row["degree"] else None
    known = cues.get(name)
    if known is not None:
        direction = direction if known.direction == direction else "both"
        degree = known.degree
    cues[name] = Cue(words, category, direction, degree)
    _add(table, phrase, f"cue:{category}", name)


def _check(value: str, allowed: Sequence[str], term: str) -> None:
    if value not in allowed:
        known = ", ".join(allowed)
        raise InvalidValueError(f"lexicon row {term!r} has {value!r}; use one of {known}")


def _plural(phrase: tuple[str, ...], rules: Mapping[str, str]) -> tuple[str, ...]:
    """The phrase with its last word in the plural; itself if the rules have none for it."""
    last = phrase[-1]
    if len(last) < 3 or not last.isalpha():
        return phrase
    at = next((at for at in range(len(last) + 1) if last[at:] in rules), None)
    if at is None or not rules[last[at:]]:
        return phrase
    return (*phrase[:-1], last[:at] + rules[last[at:]])


def _add(
    table: dict[tuple[str, ...], dict[str, str]], phrase: tuple[str, ...], kind: str, name: str
) -> None:
    outputs = table.setdefault(phrase, {})
    if outputs.setdefault(kind, name) != name:
        words = " ".join(phrase)
        raise InvalidValueError(
            f"lexicon term {words!r} is {kind} {outputs[kind]!r} and {name!r}; keep one"
        )


@cache
def _compositions() -> dict[str, dict[str, tuple[str, int]]]:
    compositions: dict[str, dict[str, tuple[str, int]]] = {}
    for row in _rows("compositions.csv"):
        rule = row["name"], int(row["words"] or MAX_WORDS)
        compositions.setdefault(row["state"], {})[row["place"]] = rule
    return compositions
