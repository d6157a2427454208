"""Graph, structure and timeline scores from Hilum's own reading of two reports.

They follow the layouts of RadGraph F1 (Jain 2021, Delbrouck 2022) and Lunguage (2025), read
by Hilum's rules and not by those systems, and are named accordingly.
"""

from __future__ import annotations

from collections.abc import Iterator

from hilum.text import Document, Graph, Observation, Timeline
from hilum.text.graph import Entity
from hilum.text.types import MentionKind

__all__ = [
    "ASIDE",
    "attribute_items",
    "claimed_observations",
    "entity_items",
    "graph_items",
    "relation_items",
    "timeline_items",
]

Item = tuple[str, ...]

ASIDE = frozenset({"indication", "history", "technique", "comparison"})


def graph_items(graph: Graph, *, level: str) -> list[Item]:
    """What is compared of a graph.

    ``simple``: words and label of each entity. ``partial``: also whether it has a relation.
    ``complete``: entities without relation, and each relation with the words and labels of
    its two ends.
    """
    ends = [_words_and_label(graph, entity) for entity in graph.entities]
    linked = {edge.source for edge in graph.edges}
    if level == "simple":
        return list(ends)
    if level == "partial":
        return [(*end, "linked" if n in linked else "") for n, end in enumerate(ends)]
    alone = [end for n, end in enumerate(ends) if n not in linked]
    return [*alone, *((*ends[e.source], e.kind, *ends[e.target]) for e in graph.edges)]


def _words_and_label(graph: Graph, entity: Entity) -> Item:
    spans = graph.tokens[entity.start_ix : entity.end_ix + 1]
    return " ".join(graph.text[s.start : s.end].lower() for s in spans), entity.label


def claimed_observations(document: Document) -> Iterator[Observation]:
    """The claims about this study: those of all sections but indication, history, technique
    and comparison."""
    for item in document.observations:
        if document.sections[document.sentences[item.sentence].section].name not in ASIDE:
            yield item


def entity_items(document: Document) -> list[Item]:
    """Findings and devices with what is claimed of them: ``(name, assertion)``."""
    return [(item.name, str(item.assertion)) for item in claimed_observations(document)]


def attribute_items(document: Document) -> list[Item]:
    """Every attribute of every claim: ``(name, assertion, attribute, value)``."""
    items: list[Item] = []
    for item in claimed_observations(document):
        pairs = [
            ("side", item.side),
            ("severity", item.severity),
            ("change", item.change),
            ("count", item.count),
            ("temporal", item.temporal),
            ("tip", item.tip),
            ("position", item.position),
            *(("place", place) for place in item.places),
            *(("shape", value) for value in item.shape),
            *(("margin", value) for value in item.margin),
            *(("texture", value) for value in item.texture),
            *(("distribution", value) for value in item.distribution),
            *(("size", f"{max(size.millimetres):.0f} mm") for size in item.sizes),
        ]
        items += [(item.name, str(item.assertion), kind, value) for kind, value in pairs if value]
    return items


def relation_items(document: Document) -> list[Item]:
    """Relations between mentions: ``(kind, source, target)`` by names of the ontology."""
    mentions = document.mentions
    return [
        (relation.kind, mentions[relation.source].name, mentions[relation.target].name)
        for relation in document.relations
    ]


def timeline_items(timeline: Timeline) -> list[Item]:
    """What is said of each finding in each report of a patient, and how it changed since.

    ``(name, side, number of the report, assertion, change)``; the change is the one said, or
    else the one implied by the claims.
    """
    items: list[Item] = []
    for entry in timeline.entries:
        if entry.kind not in (MentionKind.FINDING, MentionKind.DEVICE):
            continue
        for point in entry.points:
            change = point.said_change or point.implied_change
            row = (entry.name, entry.side, str(point.report), str(point.assertion), change)
            items.append(row)
    return items
