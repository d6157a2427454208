"""A document as entities and relations in the schema of RadGraph (Jain et al., 2021).

The graph is Hilum's own reading of the report, made by rules from a parsed document; only
its schema and its JSON layout are RadGraph's, so that programs made for the one can take
the other. What speaks of the past or of the order ("history of", indication) makes no
entity, because the schema has no label for it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hilum.text.graph_spans import Wording, find_wordings
from hilum.text.types import Assertion, Attribute, Document, Mention, MentionKind, Span

__all__ = ["Edge", "Entity", "Graph", "graph_to_dict", "to_graph", "tokenize"]

ANATOMY = "ANAT-DP"

MAX_SIDE_GAP = 3
"""Tokens from a side to the place it is said of ("right and left basilar"), at most."""

_LABELS = {
    Assertion.PRESENT: "OBS-DP",
    Assertion.ABSENT: "OBS-DA",
    Assertion.UNCERTAIN: "OBS-U",
    Assertion.NOT_ASSESSED: "OBS-U",
    Assertion.HYPOTHETICAL: "OBS-U",
}
# read once: looking a member up in its class is slow
_ANATOMY = MentionKind.ANATOMY
_PRESENT, _ABSENT, _HISTORICAL = Assertion.PRESENT, Assertion.ABSENT, Assertion.HISTORICAL
_CONTEXT_SECTIONS = frozenset({"indication", "history", "technique", "comparison"})
_EDGES = {"part_of": "modify", "located_at": "located_at", "suggestive_of": "suggestive_of"}
_TOKEN = re.compile(r"\d+[.,]\d+|[^\W_]+|_+|[^\w\s]")


class Entity(NamedTuple):
    """Tokens ``start_ix`` to ``end_ix`` (inclusive, as in RadGraph) and what they are.

    ``label`` is ``ANAT-DP``, ``OBS-DP``, ``OBS-U`` or ``OBS-DA``; ``name`` the concept or the
    attribute's value; ``span`` the characters of the source.
    """

    start_ix: int
    end_ix: int
    label: str
    name: str
    span: Span


class Edge(NamedTuple):
    """``kind`` is ``modify``, ``located_at`` or ``suggestive_of``; ends index the entities."""

    kind: str
    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Graph:
    """Entities in the order of their tokens; ``tokens`` are spans of ``text``."""

    text: str
    tokens: tuple[Span, ...]
    entities: tuple[Entity, ...]
    edges: tuple[Edge, ...]


# half the cost of calling a named tuple, of which a graph has a hundred
_new = tuple.__new__


@dataclass(slots=True)
class _Builder:
    """Entities and edges while they grow; the same tokens are never two of one kind."""

    tokens: tuple[Span, ...]
    starts: list[int]
    ends: list[int]
    entities: list[Entity] = field(default_factory=list)
    edges: dict[tuple[str, int, int], None] = field(default_factory=dict)
    known: dict[tuple[int, int, bool], int] = field(default_factory=dict)

    def add(self, span: Span, label: str, name: str) -> int | None:
        """Index of the entity at ``span``; None where it covers no token."""
        first = bisect_right(self.ends, span.start)
        last = bisect_left(self.starts, span.end) - 1
        if first > last:
            return None
        number = len(self.entities)
        known = self.known.setdefault((first, last, label == ANATOMY), number)
        if known == number:
            covered = _new(Span, (self.starts[first], self.ends[last]))
            self.entities.append(_new(Entity, (first, last, label, name, covered)))
        return known

    def link(self, kind: str, source: int | None, target: int | None) -> None:
        """Add an edge between two different entities that both exist."""
        if source is not None and target is not None and source != target:
            self.edges[kind, source, target] = None


def tokenize(text: str) -> tuple[Span, ...]:
    """Words, numbers and single punctuation marks as spans, in the manner of RadGraph.

    >>> [text[slice(*span)] for text in ["A 2.5 cm nodule."] for span in tokenize(text)]
    ['A', '2.5', 'cm', 'nodule', '.']
    """
    return tuple([_new(Span, match.span()) for match in _TOKEN.finditer(text)])


def to_graph(document: Document) -> Graph:
    """Hilum's graph of a document in RadGraph's schema.

    Findings, devices and their parts become observations with the label of their assertion
    (what could not be assessed or is only supposed is ``OBS-U``), places become anatomy; a
    place inside the words for a finding ("pleural effusion") is an entity of its own.
    Attributes become modifiers: of an observation with its label, of a place as anatomy. A
    side before a place modifies it; another side is where its finding is located. What is
    said of a normal place ("clear") is an observation located there.
    """
    tokens = tokenize(document.text)
    builder = _Builder(tokens, [start for start, _ in tokens], [end for _, end in tokens])
    wordings = find_wordings(document)
    heads = _add_mentions(builder, document, wordings)
    places: dict[int, list[int]] = {}
    for head, wording in zip(heads, wordings, strict=True):
        if wording.place >= 0:
            builder.link("located_at", head, heads[wording.place])
    for relation in document.relations:
        source, target = heads[relation.source], heads[relation.target]
        builder.link(_EDGES[relation.kind], source, target)
        if relation.kind == "located_at" and target is not None:
            places.setdefault(relation.source, []).append(target)
    _add_sizes(builder, document, heads)
    for item in document.attributes:
        is_place = document.mentions[item.mention].kind is _ANATOMY
        if is_place or item.kind != "side":
            _add_modifier(builder, heads[item.mention], item, is_place=is_place)
        else:
            _add_side(builder, heads[item.mention], item, places.get(item.mention, ()))
    return _sorted_graph(document.text, builder)


def _label(mention: Mention, place: int) -> str | None:
    """The label of a mention of a reporting section; none where it tells of the past."""
    assertion = mention.assertion
    if assertion is _HISTORICAL:
        return None
    if mention.kind is _ANATOMY:
        return ANATOMY
    if place >= 0 and assertion is _ABSENT:
        # What is absent from a place that is called normal is disease: the normal is present.
        return _LABELS[_PRESENT]
    return _LABELS[assertion]


def _add_mentions(
    builder: _Builder, document: Document, wordings: Sequence[Wording]
) -> list[int | None]:
    """Entities of the pieces of every mention; the index of the last one of each, its head."""
    is_context = [section.name in _CONTEXT_SECTIONS for section in document.sections]
    is_silent = [is_context[section] for _, section in document.sentences]
    heads: list[int | None] = []
    for mention, (spans, place) in zip(document.mentions, wordings, strict=True):
        label = None if is_silent[mention.sentence] else _label(mention, place)
        if label is None:
            heads.append(None)
            continue
        name = "normal" if place >= 0 else mention.name
        pieces = [builder.add(span, label, name) for span in spans]
        for piece in pieces[:-1]:
            builder.link("modify", piece, pieces[-1])
        heads.append(pieces[-1])
    return heads


def _add_modifier(builder: _Builder, head: int | None, item: Attribute, *, is_place: bool) -> None:
    if head is not None:
        label = ANATOMY if is_place else builder.entities[head].label
        builder.link("modify", builder.add(item.span, label, item.value), head)


def _add_side(builder: _Builder, head: int | None, item: Attribute, places: Sequence[int]) -> None:
    """The side of a place right behind it, or else where the finding is."""
    index = builder.add(item.span, ANATOMY, item.value) if head is not None else None
    if index is None:
        return
    after = builder.entities[index].end_ix
    behind = {place: builder.entities[place].start_ix - after for place in places}
    near = [place for place, gap in behind.items() if 0 < gap <= MAX_SIDE_GAP]
    if near:
        builder.link("modify", index, min(near, key=lambda place: behind[place]))
    else:
        builder.link("located_at", head, index)


def _add_sizes(builder: _Builder, document: Document, heads: Sequence[int | None]) -> None:
    for observation in document.observations:
        head = heads[observation.mention]
        for size in observation.sizes:
            if head is not None:
                name = "x".join(f"{value:g}" for value in size.millimetres) + " mm"
                index = builder.add(size.span, builder.entities[head].label, name)
                builder.link("modify", index, head)


def _sorted_graph(text: str, builder: _Builder) -> Graph:
    entities = builder.entities
    rows = sorted([(*entity[:3], at) for at, entity in enumerate(entities)])
    order = [at for _, _, _, at in rows]
    rank = [0] * len(order)
    for new, old in enumerate(order):
        rank[old] = new
    ordered = sorted([(rank[one], rank[other], kind) for kind, one, other in builder.edges])
    edges = tuple([_new(Edge, (kind, one, other)) for one, other, kind in ordered])
    return Graph(text, builder.tokens, tuple([entities[at] for at in order]), edges)


def graph_to_dict(graph: Graph) -> dict[str, Any]:
    """The graph as RadGraph stores it: ``text`` of tokens and ``entities`` by number.

    ``text.split(" ")[start_ix : end_ix + 1]`` are the tokens of an entity. The key
    ``name`` (the concept) is added to RadGraph's five.
    """
    words = [graph.text[span.start : span.end] for span in graph.tokens]
    entities: dict[str, dict[str, Any]] = {}
    for number, entity in enumerate(graph.entities, start=1):
        entities[str(number)] = {
            "tokens": " ".join(words[entity.start_ix : entity.end_ix + 1]),
            "label": entity.label,
            "start_ix": entity.start_ix,
            "end_ix": entity.end_ix,
            "relations": [],
            "name": entity.name,
        }
    for edge in graph.edges:
        target = str(edge.target + 1)
        entities[str(edge.source + 1)]["relations"].append([edge.kind, target])
    return {"text": " ".join(words), "entities": entities}
