"""What report language becomes: sections, sentences, mentions, observations, a document.

Every type is immutable, and every span is a half-open range of characters of the *source*
text as it was given, so ``text[span.start:span.end]`` is what was said. The light records
that a report holds by the dozen are named tuples, because millions of reports are parsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

__all__ = [
    "Assertion",
    "Attribute",
    "Document",
    "Hit",
    "Mention",
    "MentionKind",
    "Observation",
    "Relation",
    "Section",
    "Sentence",
    "Size",
    "Span",
]


class Span(NamedTuple):
    """Characters ``start`` to ``end`` (exclusive) of the source text."""

    start: int
    end: int


class Assertion(StrEnum):
    """What the writer claims about a mention; only ``PRESENT`` says that it is there now."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    HISTORICAL = "historical"
    HYPOTHETICAL = "hypothetical"
    NOT_ASSESSED = "not_assessed"


class MentionKind(StrEnum):
    """Which table of the ontology names the mention."""

    FINDING = "finding"
    DEVICE = "device"
    PART = "part"
    ANATOMY = "anatomy"


class Section(NamedTuple):
    """A part of a report.

    ``name`` is ``indication``, ``history``, ``technique``, ``comparison``, ``findings``,
    ``impression``, ``addendum``, ``other``, or ``body`` for text without a heading.
    ``heading`` covers the heading and its colon (empty range without one); ``span`` the text
    after it.
    """

    name: str
    heading: Span
    span: Span


class Sentence(NamedTuple):
    """One sentence or list item; ``section`` is an index into ``Document.sections``."""

    span: Span
    section: int


class Hit(NamedTuple):
    """A term of the lexicon in a folded sentence, offsets relative to that sentence.

    ``kind`` is a mention kind, an attribute kind or ``cue:<category>``; ``name`` the concept,
    the canonical value, or for a cue its row as ``lexicon.Cue`` keeps it.
    """

    start: int
    end: int
    kind: str
    name: str


class Mention(NamedTuple):
    """A concept of the ontology said at ``spans`` (several when it is discontinuous).

    ``degree`` is the probability of presence that the wording conveys, in [0, 1]: 1 present,
    0 absent, between for uncertain; None where nothing is claimed. ``cue`` is the span of the
    word that decided the assertion, if one did. ``sentence`` indexes ``Document.sentences``.
    """

    kind: MentionKind
    name: str
    spans: tuple[Span, ...]
    sentence: int
    assertion: Assertion
    degree: float | None
    cue: Span | None


class Attribute(NamedTuple):
    """A property of a mention, such as ``severity`` ``mild``; ``mention`` is its index."""

    kind: str
    value: str
    span: Span
    mention: int


class Relation(NamedTuple):
    """``source`` and ``target`` index ``Document.mentions``.

    ``kind`` is ``located_at`` (finding to anatomy), ``part_of`` (tip to its tube) or
    ``suggestive_of`` (sign to diagnosis).
    """

    kind: str
    source: int
    target: int


class Size(NamedTuple):
    """A measured extent: one to three values in millimetres, and the characters that say so.

    ``to`` is the anatomy that a distance was measured to ("3 cm above the carina"), or empty.
    """

    millimetres: tuple[float, ...]
    span: Span
    to: str


class Observation(NamedTuple):
    """One row of the structured list: a finding or device with all that is said about it.

    A mention that speaks of several separate places ("right and left effusions") gives one
    observation a place. ``places`` are side-neutral anatomy names; ``side`` is ``left``,
    ``right``, ``bilateral`` or empty. ``change`` is ``new``, ``increased``, ``decreased``,
    ``unchanged``, ``resolved`` or empty, ``compared_with`` the words that name the prior.
    For a device ``tip`` is the place of its tip and ``position`` ``correct``,
    ``malpositioned``, ``unclear`` or empty. ``suggests`` are the names of the diagnoses that
    it is said to stand for. Empty strings and tuples mean that nothing was said.
    """

    name: str
    kind: MentionKind
    assertion: Assertion
    degree: float | None
    mention: int
    sentence: int
    side: str = ""
    places: tuple[str, ...] = ()
    severity: str = ""
    sizes: tuple[Size, ...] = ()
    count: str = ""  # type: ignore[assignment]  # hides tuple.count, which nobody needs
    shape: tuple[str, ...] = ()
    margin: tuple[str, ...] = ()
    texture: tuple[str, ...] = ()
    distribution: tuple[str, ...] = ()
    temporal: str = ""
    change: str = ""
    compared_with: Span | None = None
    tip: str = ""
    position: str = ""
    suggests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A structured report. ``language`` is an ISO 639-1 code (``en`` when undecided)."""

    text: str
    language: str
    sections: tuple[Section, ...]
    sentences: tuple[Sentence, ...]
    mentions: tuple[Mention, ...]
    attributes: tuple[Attribute, ...]
    relations: tuple[Relation, ...]
    observations: tuple[Observation, ...]

    def slice(self, span: Span) -> str:
        """The source characters of a span."""
        return self.text[span.start : span.end]
