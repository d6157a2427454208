"""Sections and sentences of a folded report: the common layout quickly, any other by the rules.

Most reports are lines of a heading, a colon and plain sentences. There nothing has to be
searched: a line's head is looked up, and its text is cut at ". ". Whether a piece between two
such cuts is plain (no rule of ``sections`` or ``sentences`` could cut it or find a heading in
it, whatever stands around it) is worked out once and remembered. Anything else goes the way of
the rules, and the results are the same, which a property test holds.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TypeVar

from hilum.text.headings import Headings, load_headings
from hilum.text.sections import split_sections
from hilum.text.sentences import cut_sentences, ends_plainly, split_sentences
from hilum.text.types import Section, Sentence, Span

__all__ = ["forget_pieces", "split_report"]

_MOST_REMEMBERED = 1 << 15
_LONGEST_PIECE = 400
_LONGEST_HEAD = 64
_STOPS = re.compile(r"[.?!\n:]")
# What is known of a piece: it is within one sentence, a period behind it ends that sentence,
# and words in it would be a heading if the source has them in capitals.
_WHOLE, _ENDS, _SHOUTED = 1, 2, 4
_PLAIN = _WHOLE | _ENDS
# Behind these, and where a text begins, a heading may stand.
_INNER_STOPS = re.compile(r"[.?!\n;:)\]]")
# How a list or a rule begins, before which a heading needs no colon.
_BEFORE_BARE = frozenset("-=(1")

_Value = TypeVar("_Value", str, int)


def split_report(
    folded: str, *, language: str, source: str
) -> tuple[tuple[Section, ...], tuple[Sentence, ...]]:
    """What ``split_sections`` and ``split_sentences`` give for a report.

    Args:
        folded: What ``folding.fold`` returned.
        language: ISO 639-1 code whose headings count beside the English ones.
        source: The text before folding.

    Example:
        >>> text = "findings: clear lungs. no effusion.\\nimpression: normal."
        >>> sections, sentences = split_report(text, language="en", source=text)
        >>> [(section.name, *section.span) for section in sections]
        [('findings', 10, 35), ('impression', 48, 55)]
        >>> [tuple(sentence.span) for sentence in sentences]
        [(10, 22), (23, 35), (48, 55)]
    """
    quick = _split_lines(folded, source, _layout(language)) if folded.isascii() else None
    if quick is not None:
        return quick
    sections = split_sections(folded, language=language, source=source)
    return sections, split_sentences(folded, sections)


def forget_pieces() -> None:
    """Forget which pieces of reports are plain (for measurements)."""
    _layout.cache_clear()


class _HeadTable(dict[str, str]):
    """Section names by what stands before the colon of a line, empty for no heading."""

    def __init__(self, headings: Headings) -> None:
        super().__init__()
        self.headings = headings

    def __missing__(self, head: str) -> str:
        name = ""
        match = self.headings.first.match(head + ":")
        if match is not None and match.span() == (0, len(head) + 1) and match.start(1) == 0:
            name, style = self.headings.rows.get(match[1], ("", ""))
            # the lines of a topic ("lungs:") open no section of their own
            name = name if style != "topic" and match[2] is not None else ""
        if len(head) <= _LONGEST_HEAD:
            _remember(self, head, name)
        return name


class _PieceTable(dict[str, int]):
    """What is known of a piece of text before ". " or a line end, as bits."""

    def __init__(self, headings: Headings) -> None:
        super().__init__()
        self.headings = headings

    def __missing__(self, piece: str) -> int:
        known = 0
        if 0 < len(piece) <= _LONGEST_PIECE and piece[0].isalpha() and not _STOPS.search(piece):
            phrases = _find_bare(piece, self.headings)
            if phrases is not None:
                known = _WHOLE | (_ENDS if ends_plainly(piece) else 0)
                known |= _SHOUTED if phrases else 0
        if len(piece) <= _LONGEST_PIECE:
            _remember(self, piece, known)
        return known


def _remember(table: dict[str, _Value], key: str, value: _Value) -> None:
    if len(table) >= _MOST_REMEMBERED:
        table.clear()
    table[key] = value


def _find_bare(text: str, headings: Headings) -> list[tuple[int, int]] | None:
    """Phrases of a text without line ends that capitals would make headings.

    None where something else could: the phrase stands before a list or a rule.
    """
    if not _INNER_STOPS.search(text):
        match = headings.first.match(text)
        matches = [match] if match is not None else []
        shift = 0
    else:
        matches = list(headings.later.finditer("." + text))
        shift = 1
    found = []
    for match in matches:
        _, style = headings.rows.get(match[1], ("", "strong"))
        if style == "topic":
            continue
        start, end = match.start(1) - shift, match.end(1) - shift
        if text[end:].lstrip()[:1] in _BEFORE_BARE:
            return None
        found.append((start, end))
    return found


def _is_shouted(text: str, source: str, headings: Headings) -> bool:
    """Whether the source of a text without colons has a heading in capitals, or may have one."""
    phrases = _find_bare(text, headings)
    return phrases is None or any(source[start:end].isupper() for start, end in phrases)


@cache
def _layout(language: str) -> tuple[_HeadTable, _PieceTable]:
    headings = load_headings(language)
    return _HeadTable(headings), _PieceTable(headings)


def _split_lines(
    folded: str, source: str, tables: tuple[_HeadTable, _PieceTable]
) -> tuple[tuple[Section, ...], tuple[Sentence, ...]] | None:
    """Sections and sentences if every line is a heading with its text; None if one is not."""
    heads, pieces = tables
    new = tuple.__new__  # half the cost of calling a named tuple
    sections: list[Section] = []
    sentences: list[Sentence] = []
    start = 0
    for line in folded.split("\n"):
        head, colon, body = line.partition(": ")
        name = heads[head] if colon else ""
        text = body.rstrip()
        if not name or not text or text[0] == " ":
            return None
        first = start + len(head) + 2
        last = first + len(text)
        known, spans = _cut_plain(text, first, pieces)
        if not known & _WHOLE and ":" in text:
            return None
        if known != _WHOLE and _is_shouted(text, source[first:last], heads.headings):
            return None
        index = len(sections)
        for span in spans or cut_sentences(folded, first, last):
            sentences.append(new(Sentence, (new(Span, span), index)))
        heading, span = new(Span, (start, first - 1)), new(Span, (first, last))
        sections.append(new(Section, (name, heading, span)))
        start = first + len(body) + 1
    return tuple(sections), tuple(sentences)


def _cut_plain(text: str, at: int, pieces: _PieceTable) -> tuple[int, list[tuple[int, int]]]:
    """Spans of the sentences of a line's text, which begins at ``at``, by its pieces alone.

    Returns:
        ``_WHOLE``, with ``_SHOUTED`` where a piece needs a look at its source, and the spans;
        0 and no span where a piece needs the rules.
    """
    found = text.split(". ")
    ending = found.pop()
    every = pieces[ending[:-1] if ending[-1:] == "." else ending]
    if not every & _WHOLE:
        return 0, []
    spans = []
    for piece in found:
        known = pieces[piece]
        if known & _PLAIN != _PLAIN:
            return 0, []
        every |= known
        end = at + len(piece) + 1
        spans.append((at, end))
        at = end + 1
    spans.append((at, at + len(ending)))
    return every & (_WHOLE | _SHOUTED), spans
