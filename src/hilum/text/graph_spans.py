"""Which words of a mention stand for it in the graph, where no two entities share a word.

The mentions of a document may overlap: a place inside the words for a finding ("pleural
effusion"), a word shared by two places ("upper and lower lobes"), a finding that is absent
because a place is called normal ("the lungs are clear"). Annotators in RadGraph's manner
give each word to one entity, and so do the rules here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from hilum.text.phrases import tokenize as split_words
from hilum.text.rows import read_rows
from hilum.text.types import Assertion, Document, Mention, MentionKind, Span

__all__ = ["Wording", "find_wordings"]


_ANATOMY = MentionKind.ANATOMY  # looking a member up in its class is slow
_new = tuple.__new__  # half the cost of calling a named tuple


class Wording(NamedTuple):
    """The spans that stand for a mention.

    ``place`` is the index of the place that a normal statement is about ("clear" of the
    lungs), -1 for every other mention.
    """

    spans: tuple[Span, ...]
    place: int = -1


@cache
def _words_of_role(language: str, role: str) -> frozenset[str]:
    return frozenset(
        word
        for row in read_rows("grammar.csv")
        if row["language"] == language and row["role"] == role
        for word in row["words"].split("|")
    )


def find_wordings(document: Document) -> list[Wording]:
    """The wording of every mention, in their order."""
    edges: dict[int, list[tuple[Span, int]]] = {}
    for index, mention in enumerate(document.mentions):
        if mention.kind is _ANATOMY:
            for span in mention.spans:
                for edge in span:
                    edges.setdefault(edge, []).append((span, index))
    wordings = []
    for mention in document.mentions:
        kind, _, spans, _, _, _, _ = mention
        if len(spans) == 1 and (
            kind is _ANATOMY or (spans[0][0] not in edges and spans[0][1] not in edges)
        ):
            wordings.append(_new(Wording, (spans, -1)))  # nothing shares its words
            continue
        near = [place for span in spans for edge in span for place in edges.get(edge, ())]
        if kind is _ANATOMY:
            wordings.append(Wording(_own_pieces(mention, near)))
        else:
            wordings.append(_word_observation(document, mention, near))
    return wordings


def _own_pieces(mention: Mention, near: Sequence[tuple[Span, int]]) -> tuple[Span, ...]:
    """The pieces of a place that are not part of another place's longer piece."""
    own = [span for span in mention.spans if not any(_is_inside(span, one) for one, _ in near)]
    return tuple(own) or mention.spans


def _word_observation(
    document: Document, mention: Mention, near: Sequence[tuple[Span, int]]
) -> Wording:
    """A normal statement by its cue, another without the places at its ends."""
    is_claimed = mention.assertion not in (Assertion.ABSENT, Assertion.UNCERTAIN)
    if len(mention.spans) != 1:
        return Wording(mention.spans)
    (span,) = mention.spans
    for place, index in near:
        if place == mention.spans[0] and mention.cue is not None and not is_claimed:
            cue = _strip(document, mention.cue, ("verb",))
            return Wording((cue or mention.cue,), index)
        if _is_inside(place, span):
            span = _without(document, span, place)
    return Wording((span,))


def _is_inside(span: Span, other: Span) -> bool:
    return other.start <= span.start and span.end <= other.end and span != other


def _without(document: Document, span: Span, place: Span) -> Span:
    """The span without a place at one of its ends, and without what only led to it."""
    if place.start == span.start:
        rest = Span(place.end, span.end)
    elif place.end == span.end:
        rest = Span(span.start, place.start)
    else:
        return span
    return _strip(document, rest, ("preposition", "article")) or span


def _strip(document: Document, span: Span, roles: Sequence[str]) -> Span | None:
    """The span without blanks and words of these roles at its ends; None if nothing is left."""
    words = frozenset().union(*(_words_of_role(document.language, role) for role in roles))
    start, end = span
    pieces = document.slice(span).split()
    while pieces:
        text = document.text[start:end]
        start, end = end - len(text.lstrip()), start + len(text.rstrip())
        if " ".join(split_words(pieces[0].lower())) in words:
            start += len(pieces.pop(0))
        elif " ".join(split_words(pieces[-1].lower())) in words:
            end -= len(pieces.pop())
        else:
            return Span(start, end)
    return None
