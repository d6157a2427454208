"""Chunks: runs of hits that belong together, the units that attributes are attached by.

"Small right effusion" is a chunk with a head (the finding); "in the lower lobe" and "is
unchanged" are chunks without one, whose properties go to the head of another chunk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from hilum.text.grammar import (
    BREAK,
    CLAUSE,
    DIGIT,
    DISTANCE,
    INSIDE,
    LISTS,
    PART,
    PREPOSITION,
    THAN,
    VERB,
    WITH,
    find_parts,
)
from hilum.text.sizes import find_count, find_sizes
from hilum.text.types import Hit

__all__ = ["CUE", "HEADS", "Chunk", "Group", "find_extras", "split_chunks"]

CUE = 1 << 24
"""In the intro of a chunk: a cue stands before it that separates it from the chunk before."""

# Where adjectives follow, half of a place may stand behind it: "lóbulos superior e inferior".
_NOUN_FIRST = frozenset({"es", "fr", "it", "pt"})
HEADS = frozenset({"finding", "device"})
_SEPARATES = LISTS | WITH | PREPOSITION | VERB | CLAUSE | BREAK | THAN | DISTANCE
# Cues that stand within a noun phrase ("small possible effusion") and do not end it.
_TRANSPARENT = frozenset({"cue:uncertain", "cue:historical"})


_COUNTABLE = frozenset({"finding", "texture", "anatomy", "severity", "side", "shape", "margin"})
_TIPS = frozenset({"tip", "distal_end"})


@dataclass(slots=True)
class Group:
    """Properties said together: indexes of hits that give a side, places and attributes."""

    sides: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    attributes: list[int] = field(default_factory=list)
    side: str = ""

    def is_located(self) -> bool:
        """Whether the group says a side or a place."""
        return bool(self.side or self.places)


@dataclass(slots=True)
class Chunk:
    """Hits ``start`` to ``end``; ``intro`` holds the flags of the gap before them.

    ``groups`` has one group a head, or a single group where there is no head.
    """

    start: int
    end: int
    intro: int
    clause: int
    heads: list[int] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    has_tip: bool = False


def find_extras(sentence: str, hits: list[Hit], gaps: list[int], language: str) -> list[Hit]:
    """Hits that no lexicon holds: sizes, bare counts ("4 nodules") and halves of places.

    Half of a place is the "upper" of "upper and lower lobes".
    """
    every = 0
    for gap in gaps:
        every |= gap
    found = find_sizes(sentence) if every & DIGIT else []
    if not every & (DIGIT | PART):
        return found
    start = 0
    place = ""
    for at, hit in enumerate(hits):
        gap = gaps[at]
        if gap == INSIDE:
            continue
        text = sentence[start : hit.start]
        if gap & DIGIT and hit.kind in _COUNTABLE:
            counted = find_count(text)
            if counted is not None:
                found.append(Hit(start + counted[0], start + counted[1], "count", counted[2]))
        if gap & PART and gap & LISTS:
            place = next((later.name for later in hits[at : at + 3] if later.kind == "anatomy"), "")
            if not place and language in _NOUN_FIRST and at and hits[at - 1].kind == "anatomy":
                place = hits[at - 1].name
            for first, last, name in find_parts(text, place, language):
                found.append(Hit(start + first, start + last, "anatomy", name))
        start = max(start, hit.end)
    is_behind = bool(hits) and language in _NOUN_FIRST and hits[-1].kind == "anatomy"
    if is_behind and gaps[-1] & PART and gaps[-1] & LISTS:
        for first, last, name in find_parts(sentence[start:], hits[-1].name, language):
            found.append(Hit(start + first, start + last, "anatomy", name))
    return found


def split_chunks(hits: list[Hit], gaps: list[int]) -> list[Chunk]:
    """The chunks of a sentence in order; cues, and a side in their words, are in none."""
    chunks: list[Chunk] = []
    current: Chunk | None = None
    pending = 0
    clause = 0
    cue_end = 0
    for at, (start, stop, kind, name) in enumerate(hits):
        gap = gaps[at] if gaps[at] != INSIDE else 0
        if gap & (BREAK | CLAUSE):
            clause += 1
        if kind[:4] == "cue:":
            cue_end = stop
            if kind == "cue:stop":
                clause += 1
            if kind not in _TRANSPARENT or (current and current.heads):
                current = None
                pending |= gap | CUE
            elif gap & _SEPARATES:
                current = None
                pending |= gap
            continue
        if start < cue_end and kind == "side":
            continue
        if current is None or gap & _SEPARATES:
            current = Chunk(at, at + 1, gap | pending, clause)
            chunks.append(current)
            pending = 0
        current.end = at + 1
        if kind in HEADS:
            current.heads.append(at)
        elif kind == "part" and name in _TIPS:
            current.has_tip = True
    for chunk in chunks:
        chunk.groups = _group(chunk, hits)
    return chunks


def _group(chunk: Chunk, hits: list[Hit]) -> list[Group]:
    """One group a head: what stands before it, and behind the last head what follows it.

    Heads on the same words ("heart and mediastinum enlarged") have one group.
    """
    groups = [Group()]
    for before, head in pairwise(chunk.heads):
        is_same = hits[before].start == hits[head].start
        groups.append(groups[-1] if is_same else Group())
    number = 0
    end = -1
    for at in range(chunk.start, chunk.end):
        start, stop, kind, _ = hits[at]
        is_inside = start < end and kind not in HEADS
        if kind in HEADS:
            number += 1
            end = stop
            continue
        group = groups[min(number - is_inside, len(groups) - 1)]
        if kind == "side":
            group.sides.append(at)
        elif kind == "anatomy":
            group.places.append(at)
        elif kind != "part":
            group.attributes.append(at)
    return groups
