"""Lists of mentions: how far one cue reaches over them, and differentials between them.

"No effusion, edema or pneumothorax" is one list; in "no effusion, stable cardiomegaly" a new
statement begins behind the comma. The signs between the members and what opens the next one
tell the two apart, in every language alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from hilum.text.grammar import (
    AND,
    ARTICLE,
    BREAK,
    CLAUSE,
    COMMA,
    INSIDE,
    LISTS,
    OR,
    PARENTHESIS,
    PREPOSITION,
    VERB,
    VERSUS,
    WITH,
)
from hilum.text.types import Hit
from hilum.text.verdicts import DOUBT_DEGREE, MENTIONED, Verdict

__all__ = ["FRESH", "REACH", "goes_on", "join_differential"]

FRESH = frozenset({"change", "severity", "temporal"})
"""Kinds of attributes that open a new statement: "stable cardiomegaly", "mild edema"."""

REACH = 40
"""Hits that are looked at ahead or behind, so that a list of any length costs linear time."""

_ENDS = BREAK | CLAUSE | WITH


def goes_on(
    hits: Sequence[Hit], gaps: Sequence[int], at: int, category: str, state: tuple[int, bool]
) -> bool:
    """Whether a cue that governs mentions before ``at`` still governs the one at ``at``.

    Args:
        hits: All hits of the sentence.
        gaps: Their gaps.
        at: The mention in question.
        category: What the cue says.
        state: The list sign between the two mentions, and whether something between them
            opens a new statement.
    """
    sign, is_fresh = state
    is_fresh = is_fresh or (gaps[at + 1] == INSIDE and hits[at + 1].kind in FRESH)
    if sign & WITH:
        return False
    if sign & (OR | VERSUS):
        return True
    if sign & AND:
        return not is_fresh
    if sign & COMMA:
        if category in ("absent", "hypothetical") and not is_fresh:
            return hits[at].kind != "device" or _leads_to(hits, gaps, at, OR)
        return _leads_to(hits, gaps, at, OR if is_fresh else OR | AND)
    return category != "absent" or not _is_where(hits, gaps, at)


def _is_where(hits: Sequence[Hit], gaps: Sequence[int], at: int) -> bool:
    """Whether what is denied is looked for in or near the mention: "no cavity within the mass"."""
    for later in range(at, max(0, at - REACH), -1):
        gap = gaps[later]
        if gap & PREPOSITION and (gap & ARTICLE or hits[at].kind == "device"):
            return True
        if hits[later - 1].kind in MENTIONED:
            return False
    return False


def _leads_to(hits: Sequence[Hit], gaps: Sequence[int], at: int, signs: int) -> bool:
    """Whether the list goes on behind ``at`` to a mention that one of ``signs`` joins."""
    for later in range(at + 1, min(at + REACH, len(hits))):
        gap, kind = gaps[later], hits[later].kind
        if gap & _ENDS or kind.startswith("cue:") or (gap & VERB and signs & AND):
            return False
        if gap & signs and any(hit.kind in MENTIONED for hit in hits[later : later + 4]):
            return True
    return False


def join_differential(
    hits: Sequence[Hit],
    gaps: Sequence[int],
    verdicts: list[Verdict | None],
    at: int,
    span: tuple[int, int],
) -> None:
    """Doubt both sides of "A or B" and "A versus B" where no cue governs them.

    Changes ``verdicts``. ``span`` is the first hit of the clause and the sign before ``at``.
    """
    clause, sign = span
    if hits[at].kind != "finding":
        return
    members = []
    for earlier in range(at - 1, max(clause, at - REACH) - 1, -1):
        if hits[earlier].kind in MENTIONED:
            verdict = verdicts[earlier]
            if verdict is None or verdict.category or hits[earlier].kind != "finding":
                break
            members.append(earlier)
            if not sign & COMMA or not _follows_comma(hits, gaps, earlier, clause):
                break
    if members:
        for member in (*members, at):
            verdicts[member] = Verdict("uncertain", DOUBT_DEGREE, -1)


def _follows_comma(hits: Sequence[Hit], gaps: Sequence[int], at: int, clause: int) -> bool:
    """Whether a comma joins the mention at ``at`` to one before it."""
    for earlier in range(at, max(clause, at - REACH), -1):
        if gaps[earlier] & LISTS:
            return gaps[earlier] & (LISTS | PARENTHESIS) == COMMA
        if earlier < at and hits[earlier].kind in MENTIONED:
            return False
    return False
