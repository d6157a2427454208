"""Sections of a folded report: indication, technique, comparison, findings, impression ...

Only places that can hold a heading are looked at: what stands before a colon, and the word
after a line start or a sentence end. The headings and what they open are rows of
``tables/sections.csv``, in six languages; English headings count in every language.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hilum.text.folding import strip_accents
from hilum.text.headings import Headings, context_words, load_headings, normalise_heading
from hilum.text.types import Section, Span

__all__ = ["split_sections"]

_LONGEST_HEADING = 64
# the words before a colon: a heading, or a sentence that ends in one
_TAIL_WORD = re.compile(r"[a-z0-9'-]+|[/&]|\([^()]{0,24}\)")
_AFTER_BARE = re.compile(r"[ \t]*(?:\n|\Z|(?=[-=]{1,3}[ \n])|(?=\(?1[.)]))")
_NEXT_WORD = re.compile(r"\s{1,40}([a-z0-9']+)")
_SEPARATOR = re.compile(r"[ \t]{0,4}[:*_=-]{0,3}")
# sections that never hold findings, and so end where an unheaded paragraph begins
_PREAMBLES = frozenset({"indication", "history", "technique", "comparison", "other"})


class _Heading(NamedTuple):
    """A heading found at ``start`` to ``end`` (after its colon), opening ``name``."""

    start: int
    end: int
    name: str


def split_sections(
    folded: str, *, language: str = "en", source: str | None = None
) -> tuple[Section, ...]:
    """Sections in the order of the text, headed or not; empty for a blank text.

    Args:
        folded: What ``folding.fold`` returned.
        language: ISO 639-1 code whose headings count beside the English ones.
        source: The text before folding. With it, headings that only their capitals tell
            ("FINDINGS The lungs ...") are found too.

    Returns:
        Spans are trimmed of blanks. Text before the first heading, and text without any, is
        a ``body`` with an empty heading.

    Example:
        >>> [section.name for section in split_sections("indication: cough. findings: clear.")]
        ['indication', 'findings']
    """
    found = _find_headings(folded, language, source)
    if not found:
        span = _trim(folded, 0, len(folded))
        start = Span(span.start, span.start)
        return (Section("body", start, span),) if span.start < span.end else ()
    return tuple(_sections_between(folded, found))


def _find_headings(folded: str, language: str, source: str | None) -> list[_Heading]:
    plain = strip_accents(folded)
    table = load_headings(language)
    found: list[_Heading] = []
    if (match := table.first.match(plain)) is not None:
        _add_heading(plain, match, table, source, found)
    for match in table.later.finditer(plain):
        _add_heading(plain, match, table, source, found)
    taken = {plain.rfind(":", heading.start, heading.end) for heading in found}
    colon = plain.find(":")
    while colon >= 0:
        # a heading within a line; times and ratios have a digit before their colon
        if colon not in taken and not plain[colon - 1 : colon].isdigit():
            heading = _heading_before(plain, colon, table, source)
            if heading is not None:
                found.append(heading)
        colon = plain.find(":", colon + 1)
    return _settle_topics(sorted(found)) if found else found


def _add_heading(
    plain: str, match: re.Match[str], table: Headings, source: str | None, found: list[_Heading]
) -> None:
    phrase = match[1]
    row = table.rows.get(phrase) or table.rows.get(normalise_heading(phrase))
    if row is None:
        return
    name, style = row
    start, end = match.span(1)
    if match[2] is not None:
        found.append(_Heading(start, start if style == "topic" else match.end(2), name))
    elif style in ("strong", "title"):
        heading = _bare_heading(plain, start, end, row, source)
        if heading is not None:
            found.append(heading)


def _settle_topics(found: list[_Heading]) -> list[_Heading]:
    """Drops overlaps, and lines such as "lungs:" except where one ends an indication."""
    settled: list[_Heading] = []
    for heading in found:
        if settled and heading.start < settled[-1].end:
            continue
        if heading.name != "topic":
            settled.append(heading)
        elif settled and settled[-1].name in _PREAMBLES:
            settled.append(_Heading(heading.start, heading.start, "findings"))
    return settled


def _heading_before(plain: str, colon: int, table: Headings, source: str | None) -> _Heading | None:
    """The heading that ends at a colon, if the longest fitting row allows it there."""
    ending = plain[max(0, colon - 24) : colon].rstrip(" *_").replace("/", " ").rsplit(None, 1)
    if not ending or (ending[-1] not in table.last_words and not ending[-1].endswith(")")):
        return None
    floor = max(0, colon - _LONGEST_HEADING)
    line = max(plain.rfind("\n", floor, colon) + 1, floor)
    # no heading goes over another colon, unless in a parenthesis
    inner = 0 if plain.find("(", floor, colon) >= 0 else plain.rfind(":", floor, colon) + 1
    words = list(_TAIL_WORD.finditer(plain, max(line, inner), colon))[-9:]
    if not words or plain[words[-1].end() : colon].strip(" *_"):
        return None
    for first in range(len(words)):
        if plain[words[first].start()] in "(/&":
            continue
        phrase = normalise_heading(plain[words[first].start() : colon])
        row = table.rows.get(phrase)
        if row is None:
            continue
        start = words[first].start()
        is_at_start = _is_boundary(plain, start)
        name, style = row
        if is_at_start or (style == "strong" and _stands_out(plain, start, colon, source)):
            end = start if style == "topic" else colon + 1
            return _Heading(start, end, name)
    start = words[0].start()
    if plain[line:start].strip(" *_#-") == "" and _names_views(plain[start:colon]):
        return _Heading(start, colon + 1, "findings")
    return None


def _stands_out(plain: str, start: int, end: int, source: str | None) -> bool:
    """Whether words within a line before a colon are a heading and not a sentence's end."""
    words = plain[max(0, start - 24) : start].split()
    if words and words[-1] in context_words("before"):
        return False
    return source is None or source[start].isupper() or source[start:end].isupper()


def _names_views(phrase: str) -> bool:
    words = phrase.replace(",", " ").replace("(", " ").replace(")", " ").split()
    vocabulary = context_words("view")
    return len(words) > 1 and all(word in vocabulary for word in words)


def _bare_heading(
    plain: str, start: int, end: int, row: tuple[str, str], source: str | None
) -> _Heading | None:
    """A heading without a colon: alone on its line, before a list, or in capitals."""
    name, style = row
    after = _AFTER_BARE.match(plain, end)
    if after is not None:
        is_list = "\n" not in after[0] and after.end() < len(plain)
        if is_list or _is_line_start(plain, start, source):
            separator = _SEPARATOR.match(plain, end)
            return _Heading(start, separator.end() if separator else end, name)
        return None
    following = _NEXT_WORD.match(plain, end)
    word = following[1] if following else ""
    if style != "strong" or not word or word in context_words("run_on"):
        return None
    if source is not None and source[start:end].isupper():
        # in a text all in capitals they tell nothing
        return None if source[end : end + 200].isupper() else _Heading(start, end, name)
    is_report = name in ("findings", "impression") and " " not in plain[start:end]
    if is_report and word in context_words("opener") and _begins_line(plain, start):
        return _Heading(start, end, name)
    return None


def _begins_line(plain: str, start: int) -> bool:
    before = plain[max(0, start - 16) : start].rstrip(" \t*#_>=-")
    return before.endswith("\n") or (start < 16 and not before)


def _is_line_start(plain: str, start: int, source: str | None) -> bool:
    """Whether a line begins here that does not go on a wrapped sentence."""
    if not _begins_line(plain, start):
        return False
    before = plain[max(0, start - 160) : start].rstrip(" \t*#_>=-")
    above = before[:-1].rstrip(" \t")
    if not above or above[-1] in "\n.:;!?_-=*":
        return True
    return source is not None and source[start : start + 3].isupper()


def _is_boundary(plain: str, start: int) -> bool:
    before = plain[max(0, start - 16) : start].rstrip(" \t*#_>=-")
    return not before or before[-1] in "\n.:;!?)]"


def _sections_between(folded: str, found: list[_Heading]) -> list[Section]:
    sections: list[Section] = []
    has_findings = False
    for _, _, name in found:
        has_findings = has_findings or name == "findings"
    first = found[0].start
    span = _trim(folded, 0, first)
    # the asterisks or rules before a first heading are no text
    if any(character.isalnum() for character in folded[span.start : span.end]):
        sections.append(Section("body", Span(span.start, span.start), span))
    last = len(found) - 1
    for index, (start, end, name) in enumerate(found):
        span = _trim(folded, end, len(folded) if index == last else found[index + 1].start)
        heading = Span(start, end)
        gap = -1
        if not has_findings and name in _PREAMBLES:
            gap = _blank_line(folded, span)
        if gap < 0:
            sections.append(Section(name, heading, span))
            continue
        # headless findings: a paragraph after the indication without a heading of its own
        rest = _trim(folded, gap, span.end)
        sections.append(Section(name, heading, _trim(folded, span.start, gap)))
        sections.append(Section("body", Span(rest.start, rest.start), rest))
    return sections


def _blank_line(folded: str, span: Span) -> int:
    """Where the first empty line within a span begins, or -1."""
    gap = folded.find("\n", span.start, span.end)
    while gap >= 0:
        following = folded.find("\n", gap + 1, span.end)
        if following >= 0 and not folded[gap:following].strip():
            return gap
        gap = following
    return -1


def _trim(folded: str, start: int, end: int) -> Span:
    while start < end and folded[start].isspace():
        start += 1
    while end > start and folded[end - 1].isspace():
        end -= 1
    return Span(start, end)
