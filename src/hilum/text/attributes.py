"""Attach sides, places and attributes to the findings and devices that they are said of.

A chunk without a head goes to the head before it when a preposition or verb leads to it ("in
the left base", "is unchanged"), to the head behind it when they are joined ("right upper and
left lower lobe opacities"), and over the members of a list where it speaks of them all.
"""

from __future__ import annotations

from itertools import pairwise

from hilum.text.chunks import CUE, Chunk, Group
from hilum.text.devices import has_tip, is_tip_place
from hilum.text.grammar import (
    AND,
    COLON,
    COMMA,
    DISTANCE,
    LISTS,
    OR,
    PREPOSITION,
    VERB,
    VERSUS,
    WITH,
    WORDS,
)
from hilum.text.lists import FRESH
from hilum.text.sides import Owner, prefer_said_places, resolve_sides, share_sides
from hilum.text.types import Hit
from hilum.text.verdicts import Verdict

__all__ = ["attach_groups"]

_JOINS = AND | OR | VERSUS
_DOUBTS = frozenset({"uncertain", "suggests"})
_LEADS_BACK = PREPOSITION | VERB | WITH | DISTANCE


def attach_groups(
    hits: list[Hit], chunks: list[Chunk], verdicts: list[Verdict | None]
) -> list[Owner]:
    """Owners of all heads of a sentence, in order.

    Sides are resolved: "right greater than left" is bilateral, a place behind "left" is left,
    and so is the second of "left effusion and atelectasis".
    """
    resolve_sides(hits, chunks)
    owners = {head: Owner(head) for chunk in chunks for head in chunk.heads}
    waiting: list[Group] = []
    previous: list[int] = []
    clause = -1
    for at, chunk in enumerate(chunks):
        if chunk.heads:
            clause = chunk.clause
            _take_waiting(hits, chunk, owners, waiting)
            waiting = []
            continue
        group = chunk.groups[0]
        if any(verdicts[place] is not None for place in group.places):
            continue
        has_before = clause == chunk.clause
        if _goes_forward(chunks, at, has_before):
            if chunks[at + 1].intro & COLON and chunks[at + 1].groups[0].places:
                group.places = []
            waiting.append(group)
            continue
        if not _goes_back(chunk, hits) if has_before else _is_own_statement(chunk):
            previous = []
            continue
        if at and not chunks[at - 1].heads and previous and chunk.intro & LISTS:
            targets = previous
        else:
            targets = _targets(hits, chunks, at, verdicts)
        previous = targets
        for head in targets:
            if group.places and hits[head].kind == "device":
                group = _split_tip(hits, owners[head], group, _is_of_tip(chunks, at, head))
            if _is_of_all(hits, owners[head], group):
                for own in owners[head].groups:
                    own.attributes = [*own.attributes, *group.attributes]
                continue
            _append(owners[head], group, chunk.intro)
    if len(owners) > 1:
        share_sides(hits, chunks, owners, verdicts)
    for owner in owners.values():
        prefer_said_places(hits, owner)
    return list(owners.values())


def _take_waiting(
    hits: list[Hit], chunk: Chunk, owners: dict[int, Owner], waiting: list[Group]
) -> None:
    """Give the heads of a chunk their groups, the first one those that wait for it too.

    Findings on the same words have the groups of the first.
    """
    for head, group in zip(chunk.heads, chunk.groups, strict=True):
        if head == chunk.heads[0] and waiting:
            _fill_forward(waiting, group)
            owners[head].groups += waiting
        owners[head].groups.append(group)
    for one, other in pairwise(chunk.heads):
        if hits[one].start == hits[other].start:
            owners[other].groups = list(owners[one].groups)


def _is_of_tip(chunks: list[Chunk], at: int, head: int) -> bool:
    """Whether the words between a device and chunk ``at`` speak of its tip or a distance."""
    if chunks[at].intro & DISTANCE:
        return True
    for earlier in range(at, -1, -1):
        chunk = chunks[earlier]
        if chunk.has_tip and (not chunk.heads or head in chunk.heads):
            return True
        if chunk.heads:
            before = chunks[earlier - 1] if earlier else chunk
            return before.has_tip and not before.heads and head == chunk.heads[0]
    return False


def _split_tip(hits: list[Hit], owner: Owner, group: Group, is_of_tip: bool) -> Group:
    """Take the places of a device's tip, and their side, out of a group."""
    is_tube = has_tip(hits[owner.head].name)
    tips = [
        place for place in group.places if is_of_tip or (is_tube and is_tip_place(hits[place].name))
    ]
    if not tips:
        return group
    owner.tips += tips
    places = [place for place in group.places if place not in tips]
    return Group([], places, group.attributes, "")


def _goes_forward(chunks: list[Chunk], at: int, has_before: bool) -> bool:
    """Whether a chunk without a head speaks of the head behind it.

    ``has_before`` tells that its clause has a head before it, which it may speak of instead.
    """
    chunk = chunks[at]
    is_joined = False
    for later in range(at + 1, len(chunks)):
        intro = chunks[later].intro
        if chunks[later].clause != chunk.clause:
            return False
        is_joined = bool(intro & _JOINS and not intro & (COMMA | CUE | WORDS))
        if chunks[later].heads:
            break
        if has_before and not intro & LISTS:
            return False
    else:
        return False
    following = chunks[at + 1].intro
    if not has_before:
        if following & LISTS == COMMA and chunk.groups[0].places:
            return bool(chunk.intro & (PREPOSITION | DISTANCE))
        if chunk.intro & CUE and following & CUE and following & COMMA:
            return False
        return not (following & AND and following & WORDS)
    if chunk.intro & _LEADS_BACK or not chunk.intro & LISTS:
        return False
    return is_joined and chunks[later].start not in chunks[later].heads


def _goes_back(chunk: Chunk, hits: list[Hit]) -> bool:
    """Whether a chunk without a head may speak of what stands before it.

    Not behind a cue alone ("without active disease"), and not where it is a statement of its
    own: in "cardiomegaly, stable mediastinal contours" nothing is said of the heart.
    """
    intro, group = chunk.intro, chunk.groups[0]
    if intro & CUE and not intro & (_LEADS_BACK | LISTS):
        return False
    if intro & LISTS and not intro & _LEADS_BACK and group.places and not intro & CUE:
        return not any(hits[at].kind in FRESH for at in group.attributes)
    return True


def _is_own_statement(chunk: Chunk) -> bool:
    """Whether a clause without a head speaks of a place: "though the left angle is excluded"."""
    group = chunk.groups[0]
    return bool(group.places and group.side and chunk.intro & CUE and not chunk.intro & _LEADS_BACK)


def _targets(
    hits: list[Hit], chunks: list[Chunk], at: int, verdicts: list[Verdict | None]
) -> list[int]:
    """Heads before chunk ``at`` that it speaks of: the nearest, or its whole list."""
    chunk = chunks[at]
    is_of_whole = _is_of_whole(hits, chunk)
    heads: list[int] = []
    joined = has_company = False
    for earlier in range(at - 1, -1, -1):
        before = chunks[earlier]
        if before.clause < chunk.clause - 1 or (heads and before.clause != chunk.clause):
            break
        if not before.heads:
            if heads and before.intro & VERB:
                break
            continue
        if heads and not joined:
            break
        if has_company:  # a tube has no share in the change of the finding that it is with
            heads += [head for head in before.heads[::-1] if hits[head].kind == "finding"]
            break
        heads += before.heads[::-1]
        if is_of_whole and before.intro & WITH and hits[heads[0]].kind == "finding":
            has_company = joined = True
            continue
        if not chunk.intro & VERB or before.clause != chunk.clause:
            break
        verdict = verdicts[before.heads[0]]
        is_aside = bool(chunk.intro & COMMA and verdict and verdict.category in _DOUBTS)
        if before.intro & (VERB | WITH) or not before.intro & LISTS:
            break
        if before.intro & CUE and not is_aside:
            break
        joined = joined or is_aside or bool(before.intro & _JOINS)
        if not joined:
            break
    return heads


def _is_of_whole(hits: list[Hit], chunk: Chunk) -> bool:
    """Whether a chunk says a change alone: "consolidation with air bronchograms, unchanged".

    It holds for the finding and for what it is with.
    """
    return bool(chunk.intro & (COMMA | VERB)) and _is_change(hits, chunk.groups[0])


def _fill_forward(waiting: list[Group], own: Group) -> None:
    """Let what the first of joined groups says hold for the others, and places for both."""
    groups = [*waiting, own]
    for before, after in pairwise(groups):
        if before.side and not after.side and after.is_located():
            after.side = before.side
    for group in waiting:
        if group.side and not group.places and own.places and own.side != group.side:
            group.places = list(own.places)


def _is_of_all(hits: list[Hit], owner: Owner, group: Group) -> bool:
    """Whether a change said last holds for every side: "right and left effusions, increased"."""
    return len(owner.groups) > 1 and _is_change(hits, group)


def _is_change(hits: list[Hit], group: Group) -> bool:
    """Whether a group says a change and nothing else."""
    if group.is_located() or not group.attributes:
        return False
    return all(hits[at].kind == "change" for at in group.attributes)


def _append(owner: Owner, group: Group, intro: int) -> None:
    """Add a group that follows: into the last one, or as one of its own."""
    last = owner.groups[-1]
    if group.places and not group.side and not intro & CUE:
        group = Group(group.sides, group.places, group.attributes, last.side)
    if _stands_apart(last, group, intro):
        owner.groups.append(group)
        return
    owner.groups[-1] = Group(
        last.sides + group.sides,
        last.places + group.places,
        last.attributes + group.attributes,
        last.side or group.side,
    )


def _stands_apart(last: Group, group: Group, intro: int) -> bool:
    """Whether a group speaks of another side than the one before it, or begins a new member."""
    if last.side and group.side and last.side != group.side:
        return "bilateral" not in (last.side, group.side)
    if not intro & LISTS:
        return False
    if group.is_located():
        return last.is_located() and group.side != last.side
    return bool(intro & _JOINS)
