"""Wordings that compare with an earlier image, and a report without them.

A report that is drafted from one study must not speak of a prior. ``find_comparisons`` points
at every wording that does; ``remove_comparisons`` rewrites the report to what it says of the
present study alone. English; the wordings are rows of ``tables/comparison.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hilum.text.comparison_rewriting import rewrite_sentence
from hilum.text.comparison_rules import find_wordings
from hilum.text.folding import fold
from hilum.text.language import detect_language
from hilum.text.sections import split_sections
from hilum.text.sentences import split_sentences
from hilum.text.types import Document, Section, Sentence, Span

__all__ = [
    "ComparisonMention",
    "Edit",
    "Rewrite",
    "find_comparisons",
    "remove_comparisons",
]

# The requester's words on the patient's past are no comparison of images.
_CLINICAL = frozenset({"indication", "history"})
_MARKER = re.compile(r"\(?(\d{1,2})([.)])\s+")
_MOST_PASSES = 5


class ComparisonMention(NamedTuple):
    """A wording that speaks of an earlier image.

    ``kind`` is ``prior`` (names one), ``unchanged``, ``new``, ``increased``, ``decreased``,
    ``resolved``, or ``section`` for a comparison section. ``span`` counts characters of the
    source; ``sentence`` is an index into its sentences, -1 for a section without any.
    """

    kind: str
    span: Span
    sentence: int


class Edit(NamedTuple):
    """Source characters ``span``, what stood there, and what stands there now (or nothing)."""

    span: Span
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A report without comparison, and each sentence or section that was changed for it."""

    text: str
    edits: tuple[Edit, ...]


def find_comparisons(report: str | Document) -> tuple[ComparisonMention, ...]:
    """Every wording that speaks of an earlier image, in the order of the text.

    Args:
        report: Text, or what ``parsing.parse`` made of it.

    Example:
        >>> [mention.kind for mention in find_comparisons("Stable heart. New effusion.")]
        ['unchanged', 'new']
    """
    if isinstance(report, Document):
        return _find(fold(report.text), report.sections, report.sentences)
    folded = fold(report)
    sections, sentences = _split(report, folded)
    return _find(folded, sections, sentences)


def remove_comparisons(text: str) -> Rewrite:
    """The text without comparison sections and wordings; doing it twice changes nothing.

    A sentence keeps what it says of the present study ("stable cardiomegaly" becomes
    "cardiomegaly"); one that says nothing else is dropped. List numbers close up.

    Example:
        >>> remove_comparisons("Stable cardiomegaly. No interval change.").text
        'Cardiomegaly.'
    """
    edits: list[Edit] = []
    rewritten = text
    for _ in range(_MOST_PASSES):
        found = find_comparisons(rewritten)
        if not found:
            break
        step = _edits(rewritten)
        # later passes see sentences that joined up; their edits are told in the new text
        edits += step
        rewritten = _apply(rewritten, step)
    else:
        if find_comparisons(rewritten):
            rewritten = ""
    return Rewrite(rewritten, tuple(edits))


def _split(text: str, folded: str) -> tuple[tuple[Section, ...], tuple[Sentence, ...]]:
    sections = split_sections(folded, language=detect_language(folded), source=text)
    return sections, split_sentences(folded, sections)


def _find(
    folded: str, sections: Sequence[Section], sentences: Sequence[Sentence]
) -> tuple[ComparisonMention, ...]:
    found: list[ComparisonMention] = []
    first_sentence: dict[int, int] = {}
    for index, sentence in enumerate(sentences):
        first_sentence.setdefault(sentence.section, index)
        name = sections[sentence.section].name
        if name in _CLINICAL or name == "comparison":
            continue
        start, end = sentence.span
        for first, last, kind in find_wordings(folded[start:end]):
            found.append(ComparisonMention(kind, Span(start + first, start + last), index))
    for index, section in enumerate(sections):
        if section.name == "comparison":
            span = Span(section.heading.start, section.span.end)
            found.append(ComparisonMention("section", span, first_sentence.get(index, -1)))
    return tuple(sorted(found, key=lambda mention: mention.span))


def _edits(text: str) -> list[Edit]:
    """Edits that leave no comparison, in order, spans not overlapping."""
    folded = fold(text)
    sections, sentences = _split(text, folded)
    edits: list[Edit] = []
    for index, section in enumerate(sections):
        if section.name in _CLINICAL:
            continue
        if section.name == "comparison":
            edits.append(_cut(text, Span(section.heading.start, section.span.end)))
            continue
        spans = [sentence.span for sentence in sentences if sentence.section == index]
        changed = _section_edits(text, folded, spans)
        if spans and len(changed) == len(spans) and not any(edit.after for edit in changed):
            # nothing is left under the heading
            edits.append(_cut(text, Span(section.heading.start, section.span.end)))
        else:
            edits += changed
    return edits


def _section_edits(text: str, folded: str, spans: Sequence[Span]) -> list[Edit]:
    edits: list[Edit] = []
    number, carried, has_dropped = -1, "", False
    for span in spans:
        before = text[span.start : span.end]
        after = before
        if find_wordings(folded[span.start : span.end]):
            after = rewrite_sentence(before)
        marker = _MARKER.match(before)
        if marker is not None:
            carried = ""
            number = int(marker[1]) - 1 if number < 0 else number
        if not after:
            has_dropped = True
            carried = marker[0] if marker is not None else carried
            edits.append(_cut(text, span))
            continue
        if marker is None and carried:
            after, carried = carried + after, ""
        if (marker := _MARKER.match(after)) is not None:
            number += 1
            if has_dropped:
                after = after.replace(marker[1], str(number), 1)
        if after != before:
            edits.append(Edit(span, before, after))
    return edits


def _cut(text: str, span: Span) -> Edit:
    """An edit that drops a span and the blanks on one side of it.

    At the end of a line those before it, so that the line end stays; else those after it.
    """
    start, end = span
    while end < len(text) and text[end].isspace():
        end += 1
    if "\n" in text[span.end : end] or end == len(text):
        begin = start
        while begin > 0 and text[begin - 1] in " \t":
            begin -= 1
        if begin > 0 and text[begin - 1] != "\n":
            start, end = begin, span.end
    return Edit(Span(start, end), text[start:end], "")


def _apply(text: str, edits: Sequence[Edit]) -> str:
    pieces: list[str] = []
    done = 0
    for span, _, after in edits:
        pieces += [text[done : span.start], after]
        done = span.end
    rewritten = "".join([*pieces, text[done:]])
    return rewritten.rstrip() if edits and done == len(text) else rewritten
