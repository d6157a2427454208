"""Word air-space disease as one sentence instead of one a label.

Opacity, consolidation, infiltrate and pneumonia are names for overlapping appearances; a
radiologist writes "Consolidation in the right lower zone, most likely pneumonia". Each
finding that joins the sentence is part of its evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hilum.ontology import descendants
from hilum.report.plan import Line, Seen
from hilum.report.wording import band, capitalise, concept_or_new, head, place, templates
from hilum.types import Finding, Status

__all__ = ["airspace_line", "is_spoken_for", "opacity_line", "overlapping"]


def _words() -> Mapping[str, Any]:
    words: Mapping[str, Any] = templates()["airspace"]
    return words


def overlapping() -> tuple[str, ...]:
    """The names that describe overlapping appearances."""
    return (*_words()["appearances"], _words()["diagnosis"])


def is_spoken_for(name: str, seen: Mapping[str, Seen]) -> bool:
    """Whether the absence or doubt of ``name`` would contradict or repeat another finding.

    A wider finding says nothing new beside a narrower one that is present or uncertain, and
    "no consolidation" beside "pneumonia" reads as a contradiction.
    """
    if any(item in seen and seen[item].is_possible for item in descendants_of(name)):
        return True
    if name not in overlapping() or seen[name].status is Status.UNCERTAIN:
        return False
    return any(seen[other].is_possible for other in overlapping() if other in seen)


def descendants_of(name: str) -> tuple[str, ...]:
    """Names of the narrower findings; none for a finding the ontology does not know."""
    return descendants(name) if concept_or_new(name).group else ()


def airspace_line(seen: Mapping[str, Seen]) -> Line | None:
    """The sentence on the appearances that are present, and on pneumonia if it joins them.

    None when no appearance is present (pneumonia alone then has a sentence of its own), or
    when only an unspecific opacity is present that other lung findings may explain.
    """
    words = _words()
    present = [
        seen[name]
        for name in words["appearances"]
        if name in seen and seen[name].status is Status.PRESENT
    ]
    diagnosis = seen.get(words["diagnosis"])
    joins = diagnosis is not None and diagnosis.is_possible
    if not present or (present[0].name == "lung_opacity" and not joins and _explained(seen)):
        return None
    lead, others = present[0], list(present[1:])
    if diagnosis is not None and diagnosis.status is Status.PRESENT:
        others.append(diagnosis)
    subject = _lead_phrase(lead, others)
    evidence: list[Finding] = [finding for item in present for finding in item.evidence]
    text = f"{subject}."
    if diagnosis is not None and joins:
        evidence += diagnosis.evidence
        is_present = diagnosis.status is Status.PRESENT
        form = words["with_diagnosis"] if is_present else words["with_uncertain"]
        link = band(diagnosis.probability)["link"]
        text = form.format(lead=subject, link=link, diagnosis=words["diagnosis"])
    names = [lead.name, *(item.name for item in others)]
    urgency = min(concept_or_new(name).urgency for name in names)
    probability = max(item.probability for item in [lead, *others])
    return Line(text, tuple(evidence), urgency, probability)


def opacity_line(seen: Mapping[str, Seen]) -> Line | None:
    """The sentence on an opacity that reaches beyond the findings that explain the rest."""
    opacity = seen.get("lung_opacity")
    if opacity is None or opacity.status is not Status.PRESENT or not _explained(seen):
        return None
    explained = {zone for item in _explained(seen) for zone in item.zones}
    rest = [zone for zone in opacity.zones if zone not in explained]
    if not rest or not explained:
        return None
    words = _words()
    hedged = _hedged(opacity.probability, words["further_noun"])
    text = words["further_alone"].format(
        hedged=capitalise(hedged), place=place("lung_opacity", rest)
    )
    urgency = concept_or_new("lung_opacity").urgency
    return Line(text, opacity.evidence, urgency, opacity.probability)


def _explained(seen: Mapping[str, Seen]) -> list[Seen]:
    """The narrower lung findings, outside the overlapping ones, that are present."""
    return [
        seen[name]
        for name in descendants("lung_opacity")
        if name in seen and name not in overlapping() and seen[name].status is Status.PRESENT
    ]


def _lead_phrase(lead: Seen, others: Sequence[Seen]) -> str:
    """The leading appearance in its place, then the zones that only the others name."""
    zones = list(lead.zones)
    if lead.name == "lung_opacity" and not zones:
        # Wherever a narrower appearance lies, there is opacity.
        zones = [zone for item in others for zone in item.zones]
    where = place(lead.name, zones)
    subject = head(lead.name, lead.probability, zones)
    phrase = (f"{subject} {where}" if where else subject) + lead.partly
    beyond = [item for item in others if set(item.zones) - set(zones)]
    if not beyond:
        return phrase
    words = _words()
    kind = "further_noun" if zones else "unplaced_noun"
    if not any(item.name == "lung_opacity" for item in (lead, *others)):
        kind += "_narrow"
    hedged = _hedged(max(item.probability for item in beyond), words[kind])
    rest = sorted({zone for item in beyond for zone in item.zones} - set(zones))
    return phrase + str(words["further"].format(hedged=hedged, place=place("lung_opacity", rest)))


def _hedged(probability: float, words: str) -> str:
    hedge = band(probability)["hedge"]
    return f"{hedge} {words}" if hedge else words
