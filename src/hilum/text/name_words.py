"""The words of a report as candidates for names, and the tables of names.

Under ``names``: a text is split once, and every rule asks the same questions of its words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from hilum.text.folding import strip_accents
from hilum.text.identifiers import plain_words
from hilum.text.rows import read_rows

__all__ = ["Word", "WordReader", "is_given", "is_surname", "known_names", "plain", "split_words"]

_WORD = re.compile(r"[^\W\d_]+(?:['’-](?![sS](?!\w))[^\W\d_]+){0,4}")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text: characters ``start`` to ``end``, and its lower case."""

    text: str
    lower: str
    start: int
    end: int

    @property
    def is_title_case(self) -> bool:
        """A capital, and lower case after it: "Smith", "O'Brien", "McKay"."""
        return self.text[0].isupper() and any(c.islower() for c in self.text)

    @property
    def is_capitals(self) -> bool:
        """All capitals: "SMITH", or the initial "J"."""
        return self.text.isupper()


@dataclass(frozen=True, slots=True)
class NameTables:
    """Cues by first word, and the words of the other kinds, of one language."""

    cues: dict[str, list[tuple[tuple[str, ...], str]]]
    credentials: frozenset[str]
    particles: frozenset[str]
    suffixes: frozenset[str]


def split_words(masked: str) -> list[Word]:
    """The words of masked text, in order."""
    return [Word(m[0], m[0].lower(), m.start(), m.end()) for m in _WORD.finditer(masked)]


@cache
def name_tables(language: str) -> NameTables:
    """The cue tables that hold for a language."""
    cues: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    sets: dict[str, set[str]] = {"credential": set(), "particle": set(), "suffix": set()}
    for row in read_rows("person_cues.csv"):
        if row["kind"] != "label" and row["language"] not in ("", "en", language):
            continue
        if row["kind"] in sets:
            sets[row["kind"]].add(row["term"].replace(".", ""))
            continue
        words = tuple(word.text for word in split_words(row["term"]))
        cues.setdefault(words[0], []).append((words, row["kind"]))
    for entries in cues.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    kinds = ("credential", "particle", "suffix")
    return NameTables(cues, *(frozenset(sets[kind]) for kind in kinds))


@cache
def known_names(table: str) -> dict[str, bool]:
    """Names of a table to whether they are ambiguous."""
    return {plain(row["name"]): row["is_ambiguous"] == "1" for row in read_rows(table)}


@cache
def table_set(table: str, column: str) -> frozenset[str]:
    return frozenset(row[column] for row in read_rows(table))


def plain(word: str) -> str:
    """Without accents, as the tables are searched."""
    return word if word.isascii() else strip_accents(word)


def is_given(word: str) -> bool:
    """Whether the lower-case word is a frequent given name."""
    return plain(word) in known_names("given_names.csv")


def is_surname(word: str) -> bool:
    """Whether the lower-case word, or each part of a double name, is a frequent surname."""
    table = known_names("surnames.csv")
    return plain(word) in table or ("-" in word and all(part in table for part in word.split("-")))


class WordReader:
    """The words of one masked text and what can be said of them."""

    def __init__(self, masked: str, language: str) -> None:
        self.text = masked
        self.words = split_words(masked)
        self.tables = name_tables(language)

    def gap(self, left: int, right: int) -> str:
        """The characters between two words."""
        return self.text[self.words[left].end : self.words[right].start]

    def is_known(self, word: Word) -> bool:
        """Whether the word is a frequent given name or surname."""
        return is_given(word.lower) or is_surname(word.lower)

    def could_start(self, index: int) -> bool:
        """A capital and no word of reports."""
        word = self.words[index]
        return (word.is_title_case or word.is_capitals) and word.lower not in plain_words()

    def is_credential(self, index: int) -> bool:
        """A degree in capitals, "MD", "M.D." or "PhD", and so no part of a name."""
        word = self.words[index]
        joined = word.lower.replace("-", "")
        if word.text[0].isupper() and word.text != word.text.capitalize():
            return joined in self.tables.credentials or word.lower in self.tables.credentials
        dotted = re.match(r"[A-Z][a-z]?\.[ ]?[A-Z]\.?", self.text[word.start : word.start + 7])
        if dotted:
            letters = re.sub(r"[^a-z]", "", dotted[0].lower())
            return letters in self.tables.credentials
        return False

    def is_eponym(self, start: int, stop: int) -> bool:
        """Whether the run names a disease, a sign or a device, or a maker of devices."""
        after = self.words[stop] if stop < len(self.words) else None
        if after is not None and self.words[stop - 1].is_title_case:
            gap = self.gap(stop - 1, stop)
            is_noun = after.lower in table_set("eponym_nouns.csv", "noun")
            if is_noun and gap in (" ", "-", "  "):
                return True
        eponyms = table_set("eponyms.csv", "name")
        return all(
            set(re.split(r"['’-]", w.lower)) <= eponyms | {"s", "de", "la"}
            for w in self.words[start:stop]
            if len(w.text) > 1
        )
