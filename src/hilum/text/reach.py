"""Cues behind their words: "is not seen", "has resolved", "are normal", "cannot be excluded"."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.text.grammar import (
    AND,
    ARTICLE,
    BREAK,
    CLAUSE,
    COLON,
    COMMA,
    INSIDE,
    LISTS,
    OR,
    PREPOSITION,
    THAN,
    VERB,
    VERSUS,
    WITH,
    WORDS,
)
from hilum.text.lists import REACH
from hilum.text.types import Hit
from hilum.text.verdicts import MENTIONED, Verdict, revise

__all__ = ["carry_back", "is_behind"]

_PLACES = frozenset({"anatomy"})
_IDLE = frozenset({"cue:compares"})
_PASSED_BY_NORMAL = frozenset({"cue:historical", "cue:normal", "cue:compares"})


def is_behind(
    hits: Sequence[Hit],
    gaps: Sequence[int],
    verdicts: Sequence[Verdict | None],
    at: int,
    cue: tuple[str, str, int],
) -> bool:
    """Whether the cue at ``at`` speaks of what stands before it.

    ``cue`` is its category, its direction and the first hit of its clause. The direction of
    a doubt is read from the sentence alone: "likely atelectasis", "atelectasis is likely".
    """
    category, direction, clause = cue
    if category == "normal":
        return _names_place_before(hits, verdicts, at, clause)
    if not _has_mention_before(hits, at, clause):
        return False
    if category == "uncertain" or direction == "both":
        return not _governs_next(hits, gaps, at)
    if direction == "after":
        return True
    # "Pneumothorax: none." has nothing behind the cue that it could govern
    return at + 1 == len(hits) and not gaps[at + 1] & WORDS


def _governs_next(hits: Sequence[Hit], gaps: Sequence[int], at: int) -> bool:
    """Whether a mention follows the cue within its own phrase."""
    for later in range(at + 1, min(at + REACH, len(hits))):
        gap, kind = gaps[later], hits[later].kind
        if gap & (BREAK | CLAUSE | COMMA | THAN):
            return False
        if kind in MENTIONED:
            return True
        if kind.startswith("cue:") and gap != INSIDE:
            return kind != "cue:stop" and kind not in _IDLE
        if kind == "anatomy" and gap & PREPOSITION:
            return False
    return False


def _has_mention_before(hits: Sequence[Hit], at: int, clause: int) -> bool:
    for earlier in range(at - 1, max(clause, at - REACH) - 1, -1):
        kind = hits[earlier].kind
        if kind in MENTIONED:
            return True
        if kind == "cue:normal":
            return False
    return False


def _names_place_before(
    hits: Sequence[Hit], verdicts: Sequence[Verdict | None], at: int, clause: int
) -> bool:
    """Whether a normal cue is said of a place before it: "heart size is normal".

    The place may have one already: "the lungs are well expanded and clear".
    """
    is_second = False
    for earlier in range(at - 1, max(clause, at - REACH) - 1, -1):
        kind = hits[earlier].kind
        if kind == "anatomy":
            return verdicts[earlier] is None or is_second
        if kind in MENTIONED or (kind.startswith("cue:") and kind not in _PASSED_BY_NORMAL):
            return False
        is_second = is_second or kind == "cue:normal"
    return False


def carry_back(
    hits: Sequence[Hit],
    gaps: Sequence[int],
    verdicts: list[Verdict | None],
    verdict: Verdict,
    span: tuple[int, int],
) -> None:
    """Apply a cue to the words before it, back over their list; changes ``verdicts``.

    ``span`` is the first hit of the clause and the hit of the cue.
    """
    clause, at = span
    while clause < at < len(hits) and gaps[at] == INSIDE:
        at -= 1
    is_normal = verdict.category == "normal"
    kinds = _PLACES if is_normal else MENTIONED
    has_met = is_joined = False
    for earlier in range(at - 1, max(clause, at - REACH) - 1, -1):
        gap = gaps[earlier + 1]
        # a colon ends the list: "heart and mediastinum: heart size normal" is of the heart alone
        if has_met and (gap & (WITH | COLON) or not _crosses(gaps, earlier, clause, is_joined)):
            return
        is_joined = is_joined or (has_met and bool(gap & (AND | OR | VERSUS)))
        kind = hits[earlier].kind
        if kind in kinds:
            part = -1 if is_normal else _part_near(hits, earlier, clause)
            target = max(part, earlier) if part < 0 else part
            verdicts[target] = revise(verdicts[target], verdict)
            if part >= 0:
                return
            has_met = True
        elif is_normal and kind in MENTIONED:
            return
        elif kind.startswith("cue:") and kind not in _IDLE:
            passed = kind == "cue:historical" or (is_normal and kind == "cue:normal")
            if has_met or not passed:
                return


def _crosses(gaps: Sequence[int], earlier: int, clause: int, is_joined: bool) -> bool:
    """Whether a list goes on over the gap behind hit ``earlier``, seen from its end.

    Behind a verb no list begins: in "the heart is enlarged and a nodule is possible" the
    cue does not reach the heart.
    """
    gap = gaps[earlier + 1]
    if not gap & LISTS:
        return True
    if gap & COMMA and gap & ARTICLE and not is_joined:
        return False
    if not (is_joined or gap & (AND | OR | VERSUS)):
        return False
    for before in range(earlier, max(clause, earlier - REACH), -1):
        if gaps[before] & LISTS:
            return True
        if gaps[before] & VERB:
            return False
    return True


def _part_near(hits: Sequence[Hit], at: int, clause: int) -> int:
    """The part that stands for a device: "the tip of the tube is not seen", -1 for none."""
    for near in (at, at - 1):
        if near >= clause and hits[near].kind == "part":
            return near
    return -1
