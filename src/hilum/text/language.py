"""Which of the six languages a folded report is written in.

A vote: function words and the words that reports use most, weighted by
``tables/function_words.csv``. A short text without a clear winner goes to the lexicon that
knows most of it, so the other languages' tables are loaded only when they are needed; a text
that nobody knows is English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from hilum.text.lexicon import load_lexicon
from hilum.text.matching import match_terms
from hilum.text.rows import read_rows

__all__ = ["LANGUAGES", "detect_language"]

LANGUAGES = ("en", "es", "fr", "de", "it", "pt")
"""ISO 639-1 codes of the languages that the room reads."""

# Enough to decide; a vote over a long text would change nothing but the time.
_DECIDING_CHARACTERS = 600
# Ordinary English shows two of these; no other of the six languages has any.
_PLAINLY_ENGLISH = (" the ", " of ", " and ", "there ", " with ", " is ", " are ")
# A lead of fewer votes in a text of fewer characters is left to the lexicons to decide.
_CLEAR_LEAD = 4
_SHORT = 120
_WORD = re.compile(r"[^\W\d_]+")


def detect_language(folded: str) -> str:
    """ISO 639-1 code of the language of folded text; ``en`` when undecided.

    Example:
        >>> detect_language("kein pleuraerguss.")
        'de'
    """
    sample = folded[:_DECIDING_CHARACTERS]
    if sample.isspace():
        sample = folded.lstrip()[:_DECIDING_CHARACTERS]
    if sample.isascii() and sum([mark in sample for mark in _PLAINLY_ENGLISH]) > 1:
        return "en"
    weights = _word_weights()
    votes = [0] * len(LANGUAGES)
    for word in _WORD.findall(sample):
        for language, weight in weights.get(word, ()):
            votes[language] += weight
    if not sample.isascii():
        for letter, language, weight in _letter_weights():
            if letter in sample:
                votes[language] += weight
    first, second = sorted(votes, reverse=True)[:2]
    if first - second < _CLEAR_LEAD and len(sample) <= _SHORT:
        return _by_coverage(sample, votes)
    # index() takes the first, so English wins a tie
    return LANGUAGES[votes.index(first)]


def _by_coverage(sample: str, votes: Sequence[int]) -> str:
    """The language whose lexicon knows most characters of a short text; votes break ties."""
    known = [
        len({at for hit in match_terms(sample, load_lexicon(code)) for at in range(*hit[:2])})
        for code in LANGUAGES
    ]
    scores = [count + 2 * vote for count, vote in zip(known, votes, strict=True)]
    return LANGUAGES[scores.index(max(scores))]


@cache
def _word_weights() -> dict[str, tuple[tuple[int, int], ...]]:
    weights: dict[str, tuple[tuple[int, int], ...]] = {}
    for row in read_rows("function_words.csv"):
        if row["kind"] == "word":
            vote = (LANGUAGES.index(row["language"]), int(row["weight"]))
            for word in row["words"].split("|"):
                weights[word] = (*weights.get(word, ()), vote)
    return weights


@cache
def _letter_weights() -> tuple[tuple[str, int, int], ...]:
    return tuple(
        (letter, LANGUAGES.index(row["language"]), int(row["weight"]))
        for row in read_rows("function_words.csv")
        if row["kind"] == "letter"
        for letter in row["words"].split("|")
    )
