"""Assertion: which of a sentence's mentions the writer claims, denies, doubts or recalls.

One pass from left to right keeps the cue whose scope is open ("no", "possible"); a cue
behind its words ("is not seen", "has resolved") is carried back over the list before it.
What ends a scope is decided from the gaps, not from words, so every language has one engine.
"""

from __future__ import annotations

from hilum.text.grammar import (
    ARTICLE,
    BREAK,
    CLAUSE,
    COMMA,
    INSIDE,
    LISTS,
    OR,
    PREPOSITION,
    QUESTION_AFTER,
    QUESTION_BEFORE,
    THAN,
    VERB,
    VERSUS,
    WITH,
    says_disease,
)
from hilum.text.lexicon import Lexicon
from hilum.text.lists import FRESH, REACH, goes_on, join_differential
from hilum.text.reach import carry_back, is_behind
from hilum.text.types import Hit
from hilum.text.verdicts import DOUBT_DEGREE, DOUBTS, MENTIONED, PLAIN, Verdict, nest

__all__ = ["judge_hits"]

_ENDS = BREAK | CLAUSE
_QUESTION = Verdict("uncertain", DOUBT_DEGREE, -1)
_CROSSED = _ENDS | LISTS | WITH | ARTICLE | VERB | QUESTION_BEFORE | QUESTION_AFTER
_STIRS = OR | VERSUS | QUESTION_BEFORE | QUESTION_AFTER


def judge_hits(hits: list[Hit], gaps: list[int], lexicon: Lexicon) -> list[Verdict | None]:
    """A verdict for each finding, device and part, and for each place said to be normal.

    Args:
        hits: As ``match_terms`` returns them.
        gaps: As ``classify_gaps`` returns them, one more than hits.
        lexicon: Whose cues the hits name.

    Returns:
        One entry a hit; None for the others (cues, attributes, places merely named).
    """
    if _is_plain(hits, gaps):
        return [PLAIN if kind in MENTIONED else None for _, _, kind, _ in hits]
    judge = _Judge(hits, gaps, lexicon)
    for at, (_, _, kind, _) in enumerate(hits):
        gap = gaps[at]
        if gap & _CROSSED:
            judge.cross(at, gap)
        if kind in MENTIONED:
            judge.meet(at)
        elif kind == "anatomy":
            judge.pass_place(at)
        elif kind[:4] == "cue:":
            if gap != INSIDE or hits[at - 1].kind[:4] != "cue:":
                judge.hear(*_choose(hits, gaps, at))
        elif kind in FRESH:
            judge.is_fresh = True
    judge.finish()
    return judge.verdicts


def _is_plain(hits: list[Hit], gaps: list[int]) -> bool:
    """Whether nothing in a sentence could make a mention anything but present."""
    for gap in gaps:
        if gap & _STIRS:
            return False
    return all(kind[:4] != "cue:" for _, _, kind, _ in hits)


def _choose(hits: list[Hit], gaps: list[int], at: int) -> tuple[int, str]:
    """The cue among those on the same words: that something has resolved says most."""
    later = at + 1
    while later < len(hits) and gaps[later] == INSIDE:
        if hits[later].kind == "cue:resolved":
            return later, "resolved"
        later += 1
    return at, hits[at].kind[4:]


class _Judge:
    """The state of the pass.

    ``open`` is the cue whose scope goes on, ``held`` the number of mentions in it, ``sign``
    the list sign since the last mention, ``clause`` the first hit of the clause. ``is_fresh``
    tells that a new statement began since the sign, ``is_subject`` that a noun phrase did
    that may turn out to be the subject of one, ``is_comparing`` that a prior is spoken of.
    """

    __slots__ = (
        "clause",
        "gaps",
        "held",
        "hits",
        "is_comparing",
        "is_fresh",
        "is_subject",
        "lexicon",
        "open",
        "sign",
        "verdicts",
    )

    def __init__(self, hits: list[Hit], gaps: list[int], lexicon: Lexicon) -> None:
        self.hits = hits
        self.gaps = gaps
        self.lexicon = lexicon
        self.verdicts: list[Verdict | None] = [None] * len(hits)
        self.clause = 0
        self._settle()

    def _settle(self) -> None:
        """End the open scope."""
        self.open: Verdict | None = None
        self.held = 0
        self.sign = 0
        self.is_fresh = self.is_comparing = self.is_subject = False

    def cross(self, at: int, gap: int) -> None:
        """Pass the gap before hit ``at``."""
        if gap & _ENDS:
            self._settle()
            self.clause = at
        elif gap & (LISTS | WITH):
            self.sign = gap
            self.is_fresh = False
            if gap & COMMA:
                self.is_comparing = False
                if self.open and not self.held and self.open.category == "historical":
                    self.open = None
        if gap & ARTICLE:
            if self.sign:
                self.is_fresh = True
            elif self.held and not gap & PREPOSITION:
                self.is_subject = True
        elif gap & VERB and self.is_subject:
            self._settle()
        if gap & QUESTION_BEFORE or (gap & QUESTION_AFTER and at == 0):
            self.open, self.held = _QUESTION, 0
        elif gap & QUESTION_AFTER:
            carry_back(self.hits, self.gaps, self.verdicts, _QUESTION, (self.clause, at))

    def meet(self, at: int) -> None:
        """Judge the mention at ``at`` by the open cue."""
        opened = self.open
        if opened and (opened.category == "normal" or not self._goes_on(at, opened)):
            opened = self.open = None
        if opened:
            self.verdicts[at] = opened
            self.held += 1
        else:
            self.verdicts[at] = PLAIN
            if self.sign & (OR | VERSUS):
                span = self.clause, self.sign
                join_differential(self.hits, self.gaps, self.verdicts, at, span)
        self.sign = 0
        self.is_fresh = self.is_subject = False

    def _goes_on(self, at: int, opened: Verdict) -> bool:
        if not self.held:
            return True
        state = self.sign, self.is_fresh
        return goes_on(self.hits, self.gaps, at, opened.category, state)

    def pass_place(self, at: int) -> None:
        """Pass the place at ``at``: it is only named, unless it is said to be normal."""
        opened = self.open
        if opened and opened.category == "normal" and self._goes_on(at, opened):
            self.verdicts[at] = opened
            self.held += 1
        elif self.sign & LISTS == COMMA:
            self.is_fresh = True

    def hear(self, at: int, category: str) -> None:
        """Take the cue at ``at``."""
        if category == "historical" and self.is_comparing:
            return
        if category == "compares":
            self.is_comparing = True
            return
        if category == "stop":
            self._stop(at)
            return
        cue = self.lexicon.cues[self.hits[at].name]
        degree = cue.degree
        if degree is None:
            degree = 0.0 if category in ("normal", "historical") else DOUBT_DEGREE
        verdict = Verdict(category, degree, at)
        is_denied = self.open is not None and self.open.category == "absent" and not self.held
        span = category, cue.direction, self.clause
        if is_denied and category in ("normal", "resolved"):
            self.open = None
        elif at > self.clause and is_behind(self.hits, self.gaps, self.verdicts, at, span):
            carry_back(self.hits, self.gaps, self.verdicts, verdict, (self.clause, at))
            # "atelectasis is more likely than pneumonia" leaves both open
            is_weighed = category == "uncertain" and self.gaps[at + 1] & THAN
            self.open, self.held = Verdict(category, DOUBT_DEGREE, at) if is_weighed else None, 0
        elif category == "normal":
            self._open_normal(at, verdict)
        else:
            self._open(at, verdict)

    def _open_normal(self, at: int, verdict: Verdict) -> None:
        """Govern the places that follow, or go back to the subject: "hyperinflated but clear"."""
        if any(hit.kind == "anatomy" for hit in self.hits[at + 1 : at + REACH]):
            self.open, self.held = verdict, 0
            return
        for earlier in range(self.clause - 1, max(self.clause - REACH, -1), -1):
            if self.hits[earlier].kind == "anatomy":
                if self.verdicts[earlier] is None:
                    self.verdicts[earlier] = verdict
                return

    def _stop(self, at: int) -> None:
        """End the clause at a stop cue, unless a statement only goes on behind it.

        "It is possible that there is", "consolidation which would suggest", "no pneumothorax
        or definite effusion".
        """
        following = self.hits[at + 1].kind if at + 1 < len(self.hits) else ""
        if following == "cue:suggests" and not self.gaps[at + 1] & LISTS:
            return
        opened = self.open
        if opened and not self.held and opened.category in ("uncertain", "hypothetical"):
            return
        if opened and opened.category == "absent" and self.gaps[at] & OR:
            return
        self._settle()
        self.clause = at + 1

    def _open(self, at: int, verdict: Verdict) -> None:
        """Open the scope of a cue, within that of the open one or in its place."""
        outer = self.open
        gap = self.gaps[at] if self.gaps[at] != INSIDE else 0
        if outer is not None:
            is_denied_doubt = outer.category == "absent" and verdict.category in DOUBTS
            is_apart = gap & WITH or (gap & LISTS and not (is_denied_doubt and gap & OR))
            if not is_apart and (is_denied_doubt or not self.held):
                self.open = nest(outer, verdict)
                if not is_denied_doubt:
                    self.held = 0
                return
        self.open, self.held, self.sign = verdict, 0, 0

    def finish(self) -> None:
        """Read the gap behind the last hit, and what only the whole sentence tells."""
        if self.gaps[-1] & (QUESTION_AFTER | QUESTION_BEFORE):
            span = self.clause, len(self.hits)
            carry_back(self.hits, self.gaps, self.verdicts, _QUESTION, span)
        for at, verdict in enumerate(self.verdicts):
            if verdict is None:
                continue
            if verdict.category == "historical" and self._lasts(at):
                self.verdicts[at] = PLAIN
            elif verdict.category == "normal":
                cue = self.lexicon.cues[self.hits[verdict.cue].name]
                if not says_disease(cue.term, self.lexicon.language):
                    self.verdicts[at] = None

    def _lasts(self, at: int) -> bool:
        """Whether what was seen before is said to be there: "previously noted ... unchanged"."""
        for later in range(at + 1, min(at + REACH, len(self.hits))):
            hit = self.hits[later]
            if self.gaps[later] & (_ENDS | WITH) or hit.kind in ("cue:stop", "finding", "device"):
                return False
            if hit.kind == "change" and hit.name not in ("resolved", "new"):
                return True
        return False
