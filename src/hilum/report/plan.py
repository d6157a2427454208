"""Plan a report: what was seen on all radiographs of a study, in the order of a search.

A study may hold several frontal radiographs. Each finding is told once: as present when
any radiograph shows it, then uncertain, then absent, and as not assessed only when no
radiograph allowed an assessment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hilum.ontology import anatomy, finding_names
from hilum.report.wording import concept_or_new, number, templates
from hilum.types import Evidence, Finding, RadiographReading, Status

__all__ = ["Line", "Seen", "merge_findings", "names_in_group", "names_with"]

_PRECEDENCE = (Status.PRESENT, Status.UNCERTAIN, Status.ABSENT, Status.NOT_ASSESSED)


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence before it is bound: text, evidence, and its rank in the impression."""

    text: str
    evidence: tuple[Evidence, ...]
    urgency: int = 4
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One finding over all radiographs: what is told, and the findings it rests on.

    ``probability`` is the highest among the evidence, ``zones`` the union of theirs from
    the right upper to the left lower. It was seen on ``len(evidence)`` of ``assessed``
    radiographs.
    """

    name: str
    status: Status
    evidence: tuple[Finding, ...]
    assessed: int

    @property
    def probability(self) -> float:
        """The highest probability among the evidence, 0 when it was not assessed."""
        return max((f.probability or 0.0) for f in self.evidence)

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones of all the evidence, in the ontology's order."""
        named = {zone for finding in self.evidence for zone in finding.zones}
        return tuple(c.name for c in anatomy() if c.kind == "zone" and c.name in named)

    @property
    def partly(self) -> str:
        """A clause saying that not every radiograph shows it, or nothing."""
        shown = len(self.evidence)
        if shown >= self.assessed:
            return ""
        form: str = templates()["lists"]["partly"]
        return form.format(seen=number(shown), total=number(self.assessed))

    @property
    def is_possible(self) -> bool:
        """Whether it is present or uncertain."""
        return self.status in (Status.PRESENT, Status.UNCERTAIN)


def merge_findings(readings: Sequence[RadiographReading]) -> dict[str, Seen]:
    """Merge the findings of the accepted radiographs by name, in the ontology's order."""
    by_name: dict[str, list[Finding]] = {name: [] for name in finding_names()}
    for reading in readings:
        for finding in reading.findings:
            by_name.setdefault(finding.name, []).append(finding)
    return {name: _merge(name, found) for name, found in by_name.items() if found}


def _merge(name: str, found: Sequence[Finding]) -> Seen:
    status = min((f.status for f in found), key=_PRECEDENCE.index)
    assessed = sum(f.status is not Status.NOT_ASSESSED for f in found)
    return Seen(name, status, tuple(f for f in found if f.status is status), assessed)


def names_in_group(seen: Mapping[str, Seen], group: str) -> list[str]:
    """Names of the findings that belong to one step of the search.

    ``no_finding`` belongs to none: the specific findings decide what is said.
    """
    order = templates()["order"]
    names = []
    for name in seen:
        concept = concept_or_new(name)
        place = concept.group if concept.group in order else ""
        if concept.kind != "normal" and place == group:
            names.append(name)
    return names


def names_with(seen: Mapping[str, Seen], status: Status) -> list[str]:
    """Names of the findings of that status, without ``no_finding`` and devices."""
    return [
        name
        for name, item in seen.items()
        if item.status is status and concept_or_new(name).kind == "finding"
    ]
