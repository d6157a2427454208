"""Relations of a sentence's hits: where a finding is, what a part belongs to, what a sign means."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.text.chunks import HEADS, Chunk
from hilum.text.grammar import (
    AND,
    ARTICLE,
    BREAK,
    CLAUSE,
    COMMA,
    LISTS,
    OR,
    VERB,
    VERSUS,
    WITH,
)
from hilum.text.lists import REACH
from hilum.text.sides import Owner
from hilum.text.types import Hit
from hilum.text.verdicts import DOUBTS, Verdict

__all__ = ["link_parts", "link_signs", "locate"]


def locate(owners: Sequence[Owner]) -> list[tuple[int, int]]:
    """Pairs of a head and a place that it is at, as indexes of hits."""
    return [
        (owner.head, place)
        for owner in owners
        for place in dict.fromkeys(
            [*(at for group in owner.groups for at in group.places), *owner.tips]
        )
    ]


def link_parts(hits: Sequence[Hit], chunks: Sequence[Chunk]) -> list[tuple[int, int]]:
    """Pairs of a part and its device: the nearest one of its clause, before it or behind."""
    devices = [
        (head, chunk.clause)
        for chunk in chunks
        for head in chunk.heads
        if hits[head].kind == "device"
    ]
    pairs = []
    for chunk in chunks:
        near = [head for head, clause in devices if chunk.clause - clause in (0, 1)]
        for at in range(chunk.start, chunk.end):
            if near and hits[at].kind == "part":
                before = [head for head in near if head < at]
                pairs.append((at, before[-1] if before else near[0]))
    return pairs


def link_signs(
    hits: Sequence[Hit], gaps: Sequence[int], verdicts: Sequence[Verdict | None]
) -> list[tuple[int, int]]:
    """Pairs of a sign and a diagnosis that it is said to stand for.

    A cue of the category ``suggests`` links what stands before it to what it governs. Without
    one, a doubtful diagnosis set behind a plain sign by a comma or parenthesis does the same:
    "opacity, likely atelectasis", "opacity (atelectasis or pneumonia)".
    """
    pairs = []
    signs: list[int] = []
    last_cue = -1
    for at, hit in enumerate(hits):
        if hit.kind != "finding":
            continue
        verdict = verdicts[at]
        if verdict is None:
            continue
        if verdict.category in DOUBTS:
            if verdict.cue != last_cue or verdict.cue < 0:
                start = verdict.cue if verdict.cue >= 0 else at
                if not (signs and _goes_on(gaps, verdicts, start, at)):
                    signs = _signs_before(hits, gaps, verdicts, start)
                last_cue = verdict.cue
            pairs += [(sign, at) for sign in signs]
        else:
            last_cue = -1
            signs = []
    return pairs


def _goes_on(gaps: Sequence[int], verdicts: Sequence[Verdict | None], start: int, at: int) -> bool:
    """Whether a doubt behind another one is of the same signs: "edema, less likely pneumonia"."""
    for earlier in range(at - 1, -1, -1):
        verdict = verdicts[earlier]
        if verdict is not None:
            if verdicts[at] == verdict:
                return True
            between = gaps[earlier + 1 : at + 1]
            return any(gap & COMMA for gap in between) and not any(
                gap & (AND | OR | BREAK | CLAUSE | WITH) for gap in between
            )
    return False


def _signs_before(
    hits: Sequence[Hit], gaps: Sequence[int], verdicts: Sequence[Verdict | None], start: int
) -> list[int]:
    """The plain findings that a doubtful one explains whose cue, or itself, is at ``start``."""
    is_link = start < len(hits) and hits[start].kind == "cue:suggests"
    is_predicate = is_link and _is_predicate(hits, gaps, start)
    signs: list[int] = []
    for at in range(start, max(0, start - REACH), -1):
        gap, before = gaps[at], hits[at - 1]
        if gap & BREAK or (not signs and not is_link and gap & CLAUSE):
            break
        if signs and (_ends_signs(gap) or before.kind.startswith("cue:")):
            break
        if not signs and gap & (AND | OR | VERSUS) and not is_predicate:
            break
        if not is_link and before.kind == "cue:stop" and gaps[at - 1] & VERB and not gap & VERB:
            break  # "an effusion is present and there is possible pneumonia"
        if before.kind == "finding":
            verdict = verdicts[at - 1]
            if verdict is None or verdict.category:
                break
            signs.append(at - 1)
            if not is_link:
                break
    if signs and not is_link and not _is_aside(hits, gaps, signs[0], start):
        return []
    return signs


def _is_predicate(hits: Sequence[Hit], gaps: Sequence[int], start: int) -> bool:
    """Whether a link goes on with what is said of its sign: "opacity *is new and* may reflect"."""
    if gaps[start] & (ARTICLE | OR | VERSUS):
        return False
    for at in range(start, max(0, start - REACH), -1):
        if gaps[at] & VERB:
            return True
        if hits[at - 1].kind in HEADS or hits[at - 1].kind.startswith("cue:"):
            return False
    return False


def _ends_signs(gap: int) -> bool:
    """Whether a gap before a sign shuts out what stands before it."""
    return bool(gap & (WITH | VERB | CLAUSE) or (gap & COMMA and not gap & AND))


def _is_aside(hits: Sequence[Hit], gaps: Sequence[int], sign: int, start: int) -> bool:
    """Whether a comma sets a doubt behind a sign, or its cue follows it directly."""
    between = gaps[sign + 1 : start + 1]
    if any(gap & COMMA for gap in between):
        return True
    has_cue = any(hit.kind == "cue:uncertain" for hit in hits[sign + 1 : start + 1])
    return has_cue and not any(gap & (LISTS | WITH) for gap in between)
