"""Which statements of several reports speak of the same thing: threads through time.

A thread is one finding or device at one place. Statements join it when one name is the other
or a wider one, and neither side nor place contradicts; what leaves side or place open speaks
of every thread that it fits. Denials ("no effusion") are laid over the threads afterwards,
because they speak of whatever they cover.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from hilum.errors import InvalidValueError
from hilum.ontology import ancestors
from hilum.text.regions import default_place, find_regions, part_of
from hilum.text.types import Assertion, Document, MentionKind, Observation

__all__ = ["Claim", "Thread", "collect_claims", "group_claims"]


class Claim(NamedTuple):
    """An observation at one side, in report ``report`` of the sequence.

    ``regions`` are where its places lie (empty when none is said); ``number`` is the
    observation's place in ``Document.observations``. ``is_partial`` marks a denial of only a
    kind of the finding ("no new", "no large"), which leaves open whether another is there;
    ``is_loose`` one that bears an exception, because it is qualified in another way ("no
    focal") or is made by a normal place ("the lungs are clear").
    """

    report: int
    number: int
    observation: Observation
    side: str
    regions: frozenset[str]
    is_partial: bool
    is_loose: bool

    @property
    def is_denial(self) -> bool:
        """Whether it says that something is not there."""
        return self.observation.assertion is Assertion.ABSENT


@dataclass(slots=True)
class Thread:
    """Claims about one thing."""

    names: list[str]
    side: str
    places: tuple[str, ...]
    regions: frozenset[str]
    claims: dict[int, list[Claim]] = field(default_factory=dict)
    """Report to its claims, in the order of joining."""
    is_denied_only: bool = True
    """Whether no claim says more than that it is not there."""
    present: set[int] = field(default_factory=set)
    """Reports that say that it is there."""
    possible: set[int] = field(default_factory=set)
    """Reports that say that it is or may be there."""
    contradicted: dict[int, None] = field(default_factory=dict)
    """Reports that both claim and deny it."""

    @property
    def narrowest_name(self) -> str:
        """The name that implies all others that were used."""
        return max(self.names, key=lambda name: len(_family(name)))

    @property
    def first(self) -> Claim:
        """The claim that comes first in the first report."""
        return min(self.claims[min(self.claims)], key=lambda claim: claim.number)

    def add(self, claim: Claim) -> None:
        """Take a claim in, with whatever it tells of side and place."""
        self.claims.setdefault(claim.report, []).append(claim)
        if claim.is_denial:
            return
        self.is_denied_only = False
        if claim.observation.assertion is Assertion.PRESENT:
            self.present.add(claim.report)
        if claim.observation.assertion in (Assertion.PRESENT, Assertion.UNCERTAIN):
            self.possible.add(claim.report)
        self.side = self.side or claim.side
        if not self.places:
            self.places, self.regions = claim.observation.places, claim.regions
        if claim.observation.name not in self.names:
            self.names.append(claim.observation.name)


@cache
def _family(name: str) -> tuple[str, ...]:
    """The name and everything wider; devices and unknown names stand alone."""
    try:
        return (name, *ancestors(name))
    except InvalidValueError:
        return (name,)


def collect_claims(report: int, document: Document) -> list[Claim]:
    """The claims of one report; what is only supposed or asked for claims nothing.

    "Normal chest" (``no_finding``) is a judgement of the whole and has no thread.
    """
    partial, loose = _find_qualified(document)
    claims = []
    for number, item in enumerate(document.observations):
        if item.assertion is Assertion.HYPOTHETICAL or item.name == "no_finding":
            continue
        is_partial = bool(item.severity or item.sizes or item.mention in partial)
        is_loose = item.mention in loose
        for side in ("left", "right") if item.side == "bilateral" else (item.side,):
            regions = _locate(item.places, side)
            claims.append(Claim(report, number, item, side, regions, is_partial, is_loose))
    return claims


def _find_qualified(document: Document) -> tuple[set[int], set[int]]:
    """Mentions of only a kind of a finding, and those that bear an exception."""
    partial, loose = set(), set()
    for item in document.attributes:
        if item.kind == "severity" or (item.kind, item.value) == ("change", "new"):
            partial.add(item.mention)
        elif item.kind != "side":
            loose.add(item.mention)
    places = {mention.spans for mention in document.mentions if mention.kind is MentionKind.ANATOMY}
    for index, mention in enumerate(document.mentions):
        if mention.kind is not MentionKind.ANATOMY and mention.spans in places:
            loose.add(index)
    return partial, loose


def _locate(places: Iterable[str], side: str) -> frozenset[str]:
    return frozenset(
        region for place in places for region in find_regions(place, side, is_paired=True)
    )


def group_claims(reports: Sequence[Sequence[Claim]]) -> list[Thread]:
    """Threads of a patient's claims, in the order of their first claim."""
    families: dict[str, list[Thread]] = {}
    for claims in reports:
        positive = [claim for claim in claims if not claim.is_denial]
        for claim in sorted(positive, key=lambda claim: (not claim.side, not claim.regions)):
            _join(families.setdefault(_family(claim.observation.name)[-1], []), claim)
    for claims in reports:
        for claim in claims:
            if claim.is_denial:
                _deny(families.setdefault(_family(claim.observation.name)[-1], []), claim)
    threads = [thread for family in families.values() for thread in family]
    return sorted(threads, key=lambda thread: thread.first[:2])


def _join(family: list[Thread], claim: Claim) -> None:
    """Add the claim to the threads that it fits best, or begin one."""
    fits = [(fit, thread) for thread in family if (fit := _fit(thread, claim)) is not None]
    if not fits:
        family.append(_begin(claim))
        return
    best = max(fit for fit, _ in fits)
    tied = [thread for fit, thread in fits if fit == best]
    if claim.side and claim.regions:
        tied = tied[-1:]
    else:
        tied = [thread for thread in tied if claim.report in thread.claims] or tied
    for thread in tied:
        thread.add(claim)


def _begin(claim: Claim) -> Thread:
    item = claim.observation
    thread = Thread([item.name], claim.side, item.places, claim.regions)
    thread.add(claim)
    return thread


def _fit(thread: Thread, claim: Claim) -> tuple[int, int, int] | None:
    """How well a claim fits a thread in name, region and side; None when it does not."""
    name = claim.observation.name
    if not all(name in _family(other) or other in _family(name) for other in thread.names):
        return None
    if thread.side and claim.side and thread.side != claim.side:
        return None
    region = 0
    if thread.regions and claim.regions:
        shared = _widen(thread.regions) & claim.regions or _widen(claim.regions) & thread.regions
        if not shared:
            return None
        region = 2 if thread.regions == claim.regions else 1
    return int(name in thread.names), region, int(bool(claim.side) and thread.side == claim.side)


def _widen(regions: frozenset[str]) -> frozenset[str]:
    """The regions and those that they are part of."""
    return regions | {wider for region in regions if (wider := part_of(region))}


def _deny(family: list[Thread], claim: Claim) -> None:
    """Lay a denial over the threads that it covers; begin a thread when it covers none."""
    is_used = False
    for thread in family:
        if not _covers(claim, thread):
            continue
        if not thread.is_denied_only:
            is_used = True
            # "No new effusion" says nothing of the old one.
            if claim.is_partial:
                continue
            if claim.report in thread.possible:
                is_same = claim.observation.name in thread.names
                if is_same and claim.report in thread.present and not claim.is_loose:
                    thread.contradicted[claim.report] = None
                continue
        thread.add(claim)
        is_used = True
    if not is_used:
        family.append(_begin(claim))


def _covers(claim: Claim, thread: Thread) -> bool:
    if not any(claim.observation.name in _family(name) for name in thread.names):
        return False
    if claim.side and claim.side != thread.side:
        return False
    if not claim.regions:
        return True
    regions = thread.regions
    if not regions:
        regions = _locate([default_place(thread.names[0]).place], thread.side)
    return bool(_widen(regions) & claim.regions)
