"""Sides and places: of one chunk, between joined chunks, and between joined findings.

"Right greater than left" is bilateral, the middle lobe is right, and in "left effusion and
atelectasis" both are left, because lung and pleura share a side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from hilum.text.chunks import CUE, Chunk, Group
from hilum.text.compositions import Rules
from hilum.text.grammar import ARTICLE, BREAK, CLAUSE, LISTS, THAN, VERB, WITH
from hilum.text.rows import read_rows
from hilum.text.types import Hit
from hilum.text.verdicts import Verdict

__all__ = [
    "Owner",
    "organ_group",
    "part_siblings",
    "prefer_said_places",
    "resolve_sides",
    "share_sides",
]


@dataclass(slots=True)
class Owner:
    """A head (index of its hit) with all groups said of it, in the order of the text.

    ``tips`` are the hits of places that its tip is said to be at.
    """

    head: int
    groups: list[Group] = field(default_factory=list)
    tips: list[int] = field(default_factory=list)


@cache
def _organ_groups() -> dict[str, str]:
    return {
        name: row["group"]
        for row in read_rows("organ_groups.csv")
        for name in row["names"].split("|")
    }


def organ_group(name: str) -> str:
    """The group of findings that share a side with this one; empty for none."""
    return _organ_groups().get(name, "")


@cache
def _place_sides() -> dict[str, str]:
    return {row["place"]: row["side"] for row in read_rows("place_sides.csv")}


def _side_of_place(name: str) -> str:
    """The side on which a place lies when none is said; empty for most."""
    return _place_sides().get(name, "")


def resolve_sides(hits: list[Hit], chunks: list[Chunk]) -> None:
    """Give every group the side that its own words say; "right greater than left" is both."""
    for at, chunk in enumerate(chunks):
        for group in chunk.groups:
            if group.sides:
                names = {hits[side].name for side in group.sides}
                group.side = names.pop() if len(names) == 1 else "bilateral"
            elif group.places:
                sides = {_side_of_place(hits[place].name) for place in group.places}
                group.side = sides.pop() if len(sides) == 1 else ""
        if at and chunk.intro & THAN and chunk.groups[0].side:
            _compare_sides(hits, chunks[max(at - 2, 0) : at], chunk)


def _compare_sides(hits: list[Hit], before: list[Chunk], chunk: Chunk) -> None:
    """Make "right greater than left" one group on both sides, "larger" no change of size."""
    for earlier in reversed(before):
        group, own = earlier.groups[-1], chunk.groups[0]
        if earlier.heads:
            return
        if group.side:
            group.attributes = [at for at in group.attributes if hits[at].kind != "change"]
            kept, cleared = (own, group) if chunk.heads else (group, own)
            kept.side, kept.sides = "bilateral", [*group.sides, *own.sides]
            cleared.side, cleared.sides = "", []
            return


def share_sides(
    hits: list[Hit],
    chunks: list[Chunk],
    owners: dict[int, Owner],
    verdicts: list[Verdict | None],
) -> None:
    """Give joined findings of one organ group the side and place said of their neighbour."""
    order = [(head, chunk) for chunk in chunks for head in chunk.heads]
    pairs = list(pairwise(order))
    for (left, _), (right, chunk) in pairs:
        if _is_joined(hits, left, right, chunk, verdicts):
            _copy(owners[left], owners[right])
    for (left, _), (right, chunk) in reversed(pairs):
        if _is_joined(hits, left, right, chunk, verdicts):
            late = owners[right].groups[-1]
            end = hits[right].end
            if any(hits[place].start >= end for place in (*late.places, *late.sides)):
                _copy(owners[right], owners[left])


def _is_joined(
    hits: list[Hit], left: int, right: int, chunk: Chunk, verdicts: list[Verdict | None]
) -> bool:
    group = organ_group(hits[left].name)
    if not group or group != organ_group(hits[right].name):
        return False
    if chunk.intro & (BREAK | CLAUSE | CUE | VERB):
        return False
    if chunk.intro & WITH:
        return chunk.start == right and not chunk.intro & ARTICLE
    first, second = verdicts[left], verdicts[right]
    if first is None or second is None or first.category != second.category:
        return False
    return bool(chunk.intro & LISTS) and (first.cue == second.cue)


def _copy(source: Owner, target: Owner) -> None:
    located = [group for group in source.groups if group.is_located()]
    if not located or any(group.is_located() for group in target.groups):
        return
    first = target.groups[0]
    for number, group in enumerate(located):
        copied = Group(list(group.sides), list(group.places), [], group.side)
        if number == 0:
            copied.attributes = first.attributes
            target.groups[0] = copied
        else:
            target.groups.append(copied)


def prefer_said_places(hits: list[Hit], owner: Owner) -> None:
    """Drop the place in a finding's name where another is said: "pleural fluid in the fissure"."""
    start, end, _, _ = hits[owner.head]
    if not owner.groups[0].places and len(owner.groups) == 1:
        return
    own = {
        place
        for group in owner.groups
        for place in group.places
        if start <= hits[place].start and hits[place].end <= end
    }
    if own and any(place not in own for group in owner.groups for place in group.places):
        for group in owner.groups:
            group.places = [place for place in group.places if place not in own]


def part_siblings(
    hits: Sequence[Hit], owners: Sequence[Owner], compositions: Mapping[str, Rules]
) -> None:
    """Give findings on the same words each its own place: "heart and mediastinum are enlarged".

    Changes ``owners``: a place that makes one of two such findings is not where the other is.
    """
    for one, other in pairwise(owners):
        if hits[one.head].start != hits[other.head].start:
            continue
        places = {place for group in one.groups for place in group.places}
        for owner, sibling in ((one, other), (other, one)):
            name, wrong = hits[owner.head].name, hits[sibling.head].name
            foreign = {
                place
                for place in places
                if _makes(hits[place].name, wrong, compositions)
                and not _makes(hits[place].name, name, compositions)
            }
            owner.groups = [
                Group(
                    group.sides,
                    [place for place in group.places if place not in foreign],
                    group.attributes,
                    group.side,
                )
                for group in owner.groups
            ]


def _makes(place: str, finding: str, compositions: Mapping[str, Rules]) -> bool:
    return any(rules.get(place, ("", 0))[0] == finding for rules in compositions.values())
