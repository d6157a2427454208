"""What a report will say of each finding: plainly, hedged, or not at all.

A plain finding is stated, a subtle one sometimes hedged, a barely visible one hedged or
missed. With a prior, what truly became of it is said along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hilum.ontology import ancestors, descendants, finding_concept
from hilum.synth.changes import PhantomChange, compare
from hilum.synth.evidence import Evidence, fact_evidence
from hilum.synth.facts import Fact, fact_table, find_facts
from hilum.synth.types import PhantomImage
from hilum.types import Status

__all__ = ["Plan", "Planned", "family_of", "plan_report"]

HEDGED_OF_SUBTLE = 0.75
MISSED_AT_BEST = 0.15
MISSED_MORE = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """A finding and how it is said: present or uncertain, and what became of it."""

    fact: Fact
    status: Status
    change: PhantomChange | None = None

    @property
    def group(self) -> str:
        """The organ under which a report says it."""
        return finding_concept(self.fact.name).group


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Everything a report will say of findings.

    ``said`` are stated or hedged, ``missed`` are there but not seen, ``gone`` were there on
    the prior film (their facts are the prior's), ``devices`` are the changes of devices.
    """

    image: PhantomImage
    prior: PhantomImage | None
    said: tuple[Planned, ...]
    missed: tuple[Fact, ...] = ()
    gone: tuple[Planned, ...] = ()
    devices: tuple[PhantomChange, ...] = ()

    @property
    def missed_evidence(self) -> tuple[Evidence, ...]:
        """What was missed, as evidence."""
        return tuple(fact_evidence(fact) for fact in self.missed)


def plan_report(image: PhantomImage, prior: PhantomImage | None, rng: np.random.Generator) -> Plan:
    """Decide what is said of every finding; equal generator states decide alike."""
    changes = compare(image, prior) if prior is not None else ()
    by_index = {c.current: c for c in changes if c.subject == "finding" and c.current >= 0}
    said, missed = list[Planned](), list[Fact]()
    for fact in find_facts(image):
        change = by_index.get(fact.index)
        status = _status(fact, rng, is_known=_was_seen(change, prior))
        if status is Status.ABSENT:
            missed.append(fact)
        else:
            said.append(Planned(fact, status, change))
    gone = list[Planned]()
    if prior is not None:
        facts = {fact.index: fact for fact in find_facts(prior)}
        for change in changes:
            if change.subject == "finding" and change.current < 0:
                fact = facts[change.prior]
                still = any(fact.name in family_of(f.name) for f in find_facts(image))
                if not fact.is_barely_seen and not still:
                    gone.append(Planned(fact, Status.ABSENT, change))
    devices = tuple(change for change in changes if change.subject == "device")
    return Plan(image, prior, tuple(said), tuple(missed), tuple(gone), devices)


def _was_seen(change: PhantomChange | None, prior: PhantomImage | None) -> bool:
    """Whether the prior film showed it, so that it is looked for."""
    if change is None or prior is None or change.prior < 0:
        return False
    return any(f.index == change.prior and not f.is_barely_seen for f in find_facts(prior))


def _status(fact: Fact, rng: np.random.Generator, *, is_known: bool) -> Status:
    """Present, uncertain, or absent for what is missed; what is known is not missed."""
    table, seen = fact_table()["thresholds"], fact.visibility
    chance = float(rng.random())
    if fact.is_barely_seen:
        missed = MISSED_AT_BEST + MISSED_MORE * (1.0 - seen / table["barely"])
        return Status.ABSENT if chance < missed and not is_known else Status.UNCERTAIN
    doubt = (table["plainly"] - seen) / (table["plainly"] - table["barely"])
    return Status.UNCERTAIN if chance < HEDGED_OF_SUBTLE * doubt else Status.PRESENT


def family_of(name: str) -> set[str]:
    """A finding with all that its presence implies and all that would imply it."""
    return {name, *ancestors(name), *descendants(name)}
