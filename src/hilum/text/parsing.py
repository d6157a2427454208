"""Parse a report: from text to a ``Document``, or only to what it claims.

This is the main path of the room: fold, find sections, split sentences, then read each
sentence. A folded sentence is read once and remembered, because reports repeat themselves;
its reading has offsets of the sentence, which are moved to where it stands in the source.
"""

from __future__ import annotations

from hilum.text.folding import fold
from hilum.text.language import detect_language
from hilum.text.layout import split_report
from hilum.text.reading import Claim, Context, ParsedSentence, read_claims, read_sentence
from hilum.text.types import (
    Attribute,
    Document,
    Mention,
    Observation,
    Relation,
    Size,
    Span,
)

__all__ = ["Claim", "claims", "parse"]

_CONTEXTS: dict[str, Context] = {
    "indication": "request",
    "history": "request",
    "technique": "request",
    "comparison": "past",
}


def parse(text: str, *, language: str | None = None) -> Document:
    """Structure one report.

    Args:
        text: Any text; what is not report language gives an empty document.
        language: ISO 639-1 code; None detects it.

    Returns:
        A document whose spans are ranges of characters of ``text``.

    Raises:
        InvalidValueError: If ``language`` is given and not one of the six that are read.
    """
    folded = fold(text)
    language = language or detect_language(folded)
    sections, sentences = split_report(folded, language=language, source=text)
    builder = _Builder()
    for number, sentence in enumerate(sentences):
        context = _CONTEXTS.get(sections[sentence.section].name, "report")
        start, end = sentence.span
        reading = read_sentence(folded[start:end], language, context)
        if reading.mentions:
            builder.add(reading, start, number)
    return Document(
        text=text,
        language=language,
        sections=sections,
        sentences=sentences,
        mentions=tuple(builder.mentions),
        attributes=tuple(builder.attributes),
        relations=tuple(builder.relations),
        observations=tuple(builder.observations),
    )


def claims(text: str, *, language: str | None = None) -> list[Claim]:
    """What the findings, impression and unheaded text of a report claim, in order.

    These are the names, assertions and degrees of the observations that ``parse`` gives
    for the same sections, each once a sentence; indication, history, technique and
    comparison are left out. No document is built, so this is several times faster.

    Raises:
        InvalidValueError: If ``language`` is given and not one of the six that are read.
    """
    folded = fold(text)
    language = language or detect_language(folded)
    sections, sentences = split_report(folded, language=language, source=text)
    is_kept = [section.name not in _CONTEXTS for section in sections]
    found: list[Claim] = []
    for (start, end), section in sentences:
        if is_kept[section]:
            found += read_claims(folded[start:end], language)
    return found


class _Builder:
    """Collects the readings of sentences, moved to their places in the source.

    Tuples are made by tuple's own constructor, which is twice as fast as a named tuple's.
    """

    def __init__(self) -> None:
        self.mentions: list[Mention] = []
        self.attributes: list[Attribute] = []
        self.relations: list[Relation] = []
        self.observations: list[Observation] = []

    def add(self, reading: ParsedSentence, start: int, sentence: int) -> None:
        """Add the reading of sentence ``sentence``, which begins at ``start``."""
        new, span = tuple.__new__, Span
        first = len(self.mentions)
        for kind, name, spans, _, assertion, degree, cue in reading.mentions:
            moved = tuple([new(span, (a + start, b + start)) for a, b in spans])
            at = new(span, (cue[0] + start, cue[1] + start)) if cue else None
            values = (kind, name, moved, sentence, assertion, degree, at)
            self.mentions.append(new(Mention, values))
        for label, value, (a, b), mention in reading.attributes:
            at = new(span, (a + start, b + start))
            self.attributes.append(new(Attribute, (label, value, at, mention + first)))
        for label, source, target in reading.relations:
            self.relations.append(new(Relation, (label, source + first, target + first)))
        for row in reading.observations:
            self.observations.append(_move(row, start, first, sentence))


def _move(row: Observation, start: int, first: int, sentence: int) -> Observation:
    """An observation of a sentence as one of the document (by position, for speed)."""
    sizes, prior = row.sizes, row.compared_with
    if sizes:
        sizes = tuple([Size(mm, Span(a + start, b + start), to) for mm, (a, b), to in sizes])
        row = row._replace(sizes=sizes)
    if prior is not None:
        row = row._replace(compared_with=Span(prior.start + start, prior.end + start))
    values = (*row[:4], row.mention + first, sentence, *row[6:])
    return tuple.__new__(Observation, values)
