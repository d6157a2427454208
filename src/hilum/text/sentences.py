"""Sentences and list items of the sections of a folded report.

A period ends a sentence unless a rule says what else it does: decimals, dates, initials,
abbreviations (``tables/abbreviations.csv``), list numbers. A line end is a blank, unless the
next line is empty, a list item, a topic ("lungs:") or plainly a new statement. Semicolons do
not split. Every rule looks at a bounded number of characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from hilum.text.rows import read_rows
from hilum.text.types import Section, Sentence, Span

__all__ = ["LONGEST_SENTENCE", "cut_sentences", "ends_plainly", "split_sentences"]

LONGEST_SENTENCE = 2000
"""Characters; what goes on longer is cut at a blank, so that later steps stay linear."""

_LONGEST_WORD = 24
# Group 1 takes part where a period ends a word of four letters before a blank: the plain case.
_ENDING = r"(?:(?<=[^\W\d_]{4}\.)(?:\s+|\Z)()|[.!?]*[\"')\]]*)"
_STOP = re.compile(rf"[.!?\n]{_ENDING}")
# the same for a section without line ends and marks; a single first character is found faster
_PERIOD = re.compile(rf"\.{_ENDING}")
_NEW_LINE = re.compile(
    r"[ \t]*(?:(?P<hard>\n|[-*\u2022\u00b7\u25cf\u25aa#>]+[ \t]"
    r"|\(?\d{1,2}[.)](?=[ \t]*[^\d\s])|[a-h][.)][ \t]|[a-z][a-z/&, ]{1,32}:)|(?P<word>[^\W\d_]+))"
)
_MARKER = re.compile(r"\s*\(?(\d{1,2})[.)]\s")
_INNER_MARKER = re.compile(r"(?<=\s)\(?(\d{1,2})[.)]\s")
_NEXT_WORD = re.compile(r"\s{0,20}[\"'(]?([^\W\d_]+|\d)")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_DAY_MONTH = re.compile(r"(?:[0-2]\d|3[01])\.(?:0\d|1[0-2])")
_ROMAN = frozenset({"i", "ii", "iii", "iv", "v", "vi", "vii", "viii"})


def split_sentences(folded: str, sections: Sequence[Section]) -> tuple[Sentence, ...]:
    """Sentences in the order of the text, each within one section, covering all but blanks.

    A list number stays with its item. A piece of punctuation alone joins the sentence before.

    Example:
        >>> from hilum.text.sections import split_sections
        >>> text = "nodule of 3.5 cm. no effusion"
        >>> [tuple(s.span) for s in split_sentences(text, split_sections(text))]
        [(0, 17), (18, 29)]
    """
    sentences: list[Sentence] = []
    new, span_type, sentence_type = tuple.__new__, Span, Sentence
    for index, section in enumerate(sections):
        pieces = cut_sentences(folded, *section.span)
        # built by tuple's own constructor: twice as fast, and sentences are many
        sentences += [new(sentence_type, (new(span_type, piece), index)) for piece in pieces]
    return tuple(sentences)


def ends_plainly(text: str) -> bool:
    """Whether a period and a blank behind a folded ASCII text end a sentence in any context.

    >>> ends_plainly("no effusion"), ends_plainly("seen by dr"), ends_plainly("measures 3")
    (True, False, False)
    """
    ending = text[-4:]
    is_word = len(ending) == 4 and ending.isalpha()
    return is_word and ending not in _ends_of_long_abbreviations()


def cut_sentences(folded: str, first: int, last: int) -> list[tuple[int, int]]:
    """Trimmed spans of folded characters ``first`` to ``last`` between its sentence ends."""
    pieces: list[tuple[int, int]] = []
    start, abbreviations = first, _ends_of_long_abbreviations()
    find = folded.find
    is_simple = find("\n", first, last) + find("?", first, last) + find("!", first, last) == -3
    for stop in (_PERIOD if is_simple else _STOP).finditer(folded, first, last):
        at, end = stop.span()
        if stop.lastindex and folded[at - 4 : at] not in abbreviations:
            if at - start < LONGEST_SENTENCE and folded[start].isalpha():
                pieces.append((start, at + 1))
            else:
                _add(folded, start, at + 1, pieces)
            start = end
        elif folded[at] == "\n":
            if not _goes_on(folded, start, at, last):
                _add(folded, start, at, pieces)
                start = end
        elif (item := _next_item(folded, start, at, end)) > 0:
            _add(folded, start, item, pieces)
            start = item
        elif not stop.lastindex and _ends(folded, start, at, end, last):
            _add(folded, start, end, pieces)
            start = end
    if start < last:
        _add(folded, start, last, pieces)
    return pieces


def _add(folded: str, start: int, end: int, pieces: list[tuple[int, int]]) -> None:
    """Adds one span without its blanks, cut further at item numbers and when too long."""
    while start < end and folded[start].isspace():
        start += 1
    while end > start and folded[end - 1].isspace():
        end -= 1
    if start >= end:
        return
    if pieces and not folded[start].isalnum() and end - pieces[-1][0] <= LONGEST_SENTENCE:
        if not any(character.isalnum() for character in folded[start:end]):
            pieces[-1] = (pieces[-1][0], end)
            return
    elif folded[start] in "(0123456789" and (marker := _MARKER.match(folded, start, end)):
        expected = int(marker[1]) + 1
        for inner in _INNER_MARKER.finditer(folded, marker.end(), end):
            if int(inner[1]) == expected:
                _add_bounded(folded, start, inner.start(), pieces)
                start, expected = inner.start(), expected + 1
    _add_bounded(folded, start, end, pieces)


def _add_bounded(folded: str, start: int, end: int, pieces: list[tuple[int, int]]) -> None:
    while end - start > LONGEST_SENTENCE:
        cut = start + LONGEST_SENTENCE
        while cut > start + LONGEST_SENTENCE // 2 and not folded[cut].isspace():
            cut -= 1
        if not folded[cut].isspace():
            cut = start + LONGEST_SENTENCE
        pieces.append((start, len(folded[start:cut].rstrip()) + start))
        start = cut
        while folded[start].isspace():
            start += 1
    pieces.append((start, len(folded[start:end].rstrip()) + start))


def _next_item(folded: str, start: int, dot: int, end: int) -> int:
    """Where the next item begins in "1. nodule 2. effusion", if the period is its number's."""
    if not folded[dot - 1 : dot].isdigit() or folded[dot] != "." or end != dot + 1:
        return 0
    marker = _MARKER.match(folded, start, dot)
    word = _word_before(folded, start, dot)
    if marker is None or len(word) > 2 or not word.isdigit() or int(word) != int(marker[1]) + 1:
        return 0
    return dot - len(word) if folded[end : end + 1].isspace() else 0


def _goes_on(folded: str, start: int, line_end: int, last: int) -> bool:
    """Whether a line end is no more than a blank within its sentence."""
    new_line = _NEW_LINE.match(folded, line_end + 1, last)
    if new_line is None:
        return True
    if new_line["hard"]:
        return False
    words = _words()
    if new_line["word"] not in words["hard"]:
        return True
    above = folded[max(start, line_end - _LONGEST_WORD) : line_end].split()
    return not above or above[-1][-1] in ",;:(-/" or above[-1] in words["open"]


def _ends(folded: str, start: int, dot: int, end: int, last: int) -> bool:
    """Whether the run of periods or marks from ``dot`` to ``end`` ends a sentence."""
    after = folded[end] if end < last else " "
    before = folded[dot - 1] if dot > start else " "
    if folded[dot] in "?!":
        # "?pneumonia" and "(?)" ask, they end nothing
        return not (before.isspace() or before == "(") and (after.isspace() or after.isalpha())
    if not after.isspace():
        return end < last and _ends_without_blank(folded, start, dot, end, after, before)
    word = _word_before(folded, start, dot)
    if not word:
        # a period on its own ends what stands before it; "... " between words does not
        return end == dot + 1 and dot > start
    kind = _abbreviations().get(word)
    if kind is None:
        if word[-1].isdigit():
            return _ends_after_number(folded, start, dot, end, last, word)
        if len(word) > 1 and "." not in word:
            return True
        kind = _kind_of_letters(folded, start, dot, word)
    if kind == "weak":
        following = _NEXT_WORD.match(folded, end, last)
        return following is None or following[1] in _words()["starter"]
    if kind == "number":
        following = _NEXT_WORD.match(folded, end, last)
        return following is None or not following[1].isdigit()
    return kind == "plain"


def _kind_of_letters(folded: str, start: int, dot: int, word: str) -> str:
    """What a period means after "a", "j", "t.b" and the like."""
    if len(word) == 1:
        is_marker = not folded[start : dot - 1].strip(" \t\n(")
        return "always" if is_marker or not word.isalpha() else "weak"
    return "weak" if _INITIALS.fullmatch(word) else "plain"


def _ends_without_blank(
    folded: str, start: int, dot: int, end: int, after: str, before: str
) -> bool:
    """A period with something right behind it: "clear.no effusion", "3.5", "e.g.,"."""
    if before.isspace() or not after.isalnum() or end > dot + 3:
        return False
    word = _word_before(folded, start, dot)
    if after.isdigit():
        is_item = _MARKER.match(folded, end, end + 8) is not None
        is_word = len(word) > 3 and word.isalpha() and word not in _abbreviations()
        return (is_item and not before.isdigit()) or is_word
    following = _NEXT_WORD.match(folded, end)
    if following is None or len(following[1]) < 2:
        return False
    if word.isdigit():
        return bool(folded[start : dot - len(word)].strip(" \t\n("))
    if word[-1:].isdigit():
        return True
    return len(word) > 2 and "." not in word and word not in _abbreviations()


def _ends_after_number(folded: str, start: int, dot: int, end: int, last: int, word: str) -> bool:
    """Not after the number of a list item, a day and month, or an ordinal."""
    begin = dot - len(word)
    if len(word) < 4 and not folded[max(start, begin - 8) : begin].strip(" \t\n(#*-"):
        return begin - start > 8
    if len(word) == 5 and _DAY_MONTH.fullmatch(word):
        following = _NEXT_WORD.match(folded, end, last)
        return following is None or following[1] in _words()["starter"]
    if len(word) < 3:
        above = folded[max(start, begin - _LONGEST_WORD) : begin].split()
        if above and above[-1] in _words()["ordinal"]:
            return False
    return True


def _word_before(folded: str, start: int, dot: int) -> str:
    words = folded[max(start, dot - _LONGEST_WORD) : dot].rsplit(None, 1)
    if not words or folded[dot - 1].isspace():
        return ""
    return words[-1].lstrip("(\"'[")


@cache
def _words() -> dict[str, frozenset[str]]:
    kinds: dict[str, set[str]] = {}
    for row in read_rows("abbreviations.csv"):
        kinds.setdefault(row["kind"], set()).update(row["words"].split("|"))
    return {kind: frozenset(words) for kind, words in kinds.items()}


@cache
def _abbreviations() -> dict[str, str]:
    kinds = ("number", "weak", "always")
    return {word: kind for kind in kinds for word in _words()[kind]}


@cache
def _ends_of_long_abbreviations() -> frozenset[str]:
    """Last four letters of the abbreviations that look like the plain case's words."""
    return frozenset(word[-4:] for word in _abbreviations() if word[-4:].isalpha())
