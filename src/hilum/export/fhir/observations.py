"""Observations of FHIR R4: one for each thing that a reading says.

Every Observation is preliminary, names its device and method, and carries the id of its
evidence as an identifier. A finding that was not assessed has no value but the reason for its
absence: it is never read as "absent".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hilum.export.coding import (
    Code,
    code_anatomy,
    code_finding,
    code_of,
    concept,
    side_of_anatomy,
)
from hilum.export.content import FindingContent, ImageContent, ReadingContent, StructureContent
from hilum.export.fhir.elements import (
    EVIDENCE_SYSTEM,
    component,
    concept_of,
    name_reference,
    quantity,
)
from hilum.export.identity import derive_uuid
from hilum.types import Change, Issue, Measurement, Region, Status

__all__ = ["Author", "image_observations", "report_observations"]

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
ABSENT_REASON = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
INTERPRETATIONS = {
    Status.PRESENT: ("POS", "Positive"),
    Status.ABSENT: ("NEG", "Negative"),
    Status.UNCERTAIN: ("IND", "Indeterminate"),
}
SECTIONS = (("findings", "findings_section"), ("impression", "impressions_section"))
TEXTS = ("indication", "technique", "comparison")


@dataclass(frozen=True, slots=True)
class Author:
    """What all Observations of a bundle share.

    ``digest`` names the reading, ``device`` is the URL of its Device, ``subject`` a Reference
    or None, ``date`` the day of the study or empty, ``methods`` the model's name by task.
    """

    digest: str
    device: str
    subject: Mapping[str, Any] | None
    date: str
    methods: Mapping[str, str]

    def url(self, kind: str, name: str) -> str:
        """The URL of a resource of this bundle."""
        return f"urn:uuid:{derive_uuid('fhir', self.digest, kind, name)}"

    def observe(self, evidence_id: str, code: Code, *, task: str = "", **fields: Any) -> Any:
        """An Observation; ``fields`` that are None or empty are left out."""
        coding = {"system": CATEGORY, "code": "imaging", "display": "Imaging"}
        observation = {
            "resourceType": "Observation",
            "id": self.url("Observation", evidence_id).removeprefix("urn:uuid:"),
            "identifier": [{"system": EVIDENCE_SYSTEM, "value": evidence_id}],
            "status": "preliminary",
            "category": [{"coding": [coding]}],
            "code": concept_of(code),
            "subject": self.subject,
            "effectiveDateTime": self.date,
            "method": {"text": self.methods[task]} if task in self.methods else None,
            "device": name_reference(self.device),
            **fields,
        }
        return {key: value for key, value in observation.items() if value not in (None, "", [])}

    def evidence(self, evidence_id: str) -> dict[str, str]:
        """A Reference to the Observation of a piece of evidence."""
        return name_reference(self.url("Observation", evidence_id))


def image_observations(author: Author, image: ImageContent, source: str) -> Iterator[Any]:
    """What was seen on one radiograph, which has the URL ``source``."""
    derived = [name_reference(source)]
    yield _quality(author, image, derived)
    for finding in image.findings:
        yield _finding(author, finding, derived)
        for number, region in enumerate(finding.regions, start=1):
            yield _region(author, f"{finding.id}#{number}", region, finding.id)
    for measurement in image.measurements:
        yield _measurement(author, measurement, derived)
    for structure in image.structures:
        yield _structure(author, image.number, structure, derived)
    for name, (x, y) in image.landmarks.items():
        yield author.observe(
            f"r{image.number}.landmark.{name}",
            concept("landmark"),
            task="anatomy",
            bodySite=_site(name),
            derivedFrom=derived,
            component=[
                component("x", valueQuantity=quantity(x, "px")),
                component("y", valueQuantity=quantity(y, "px")),
            ],
        )
    for kind, issues in (("gate_reason", image.reasons), ("gate_warning", image.warnings)):
        for issue in issues:
            yield _issue(author, kind, issue, derived)


def report_observations(author: Author, content: ReadingContent) -> Iterator[Any]:
    """Changes since the prior study and the sentences of the draft report."""
    known = {change.id for change in content.changes}
    for image in content.images:
        known |= {finding.id for finding in image.findings}
        known |= {measurement.id for measurement in image.measurements}
        known |= {issue.id for issue in (*image.reasons, *image.warnings)}
    for change in content.changes:
        yield _change(author, change, known)
    for name in TEXTS:
        text = getattr(content, name)
        if text:
            yield author.observe(f"report.{name}", concept(name), valueString=text)
    for section, code in SECTIONS:
        for number, sentence in enumerate(getattr(content, section), start=1):
            yield author.observe(
                f"report.{section}.{number}",
                concept(code),
                valueString=sentence.text,
                derivedFrom=[author.evidence(name) for name in sentence.evidence if name in known],
            )


def _site(name: str) -> dict[str, Any]:
    """A place with the patient's side, which stands as a second coding of its own."""
    site = concept_of(code_anatomy(name))
    side = side_of_anatomy(name)
    if side:
        site["coding"] += concept_of(concept(side))["coding"]
    return site


def _quality(author: Author, image: ImageContent, derived: Any) -> Any:
    verdict = "accepted" if image.is_accepted else "refused"
    return author.observe(
        f"r{image.number}",
        concept("quality"),
        task="gate",
        bodySite=concept_of(concept("chest")),
        valueCodeableConcept=concept_of(code_of("verdict", verdict)),
        derivedFrom=derived,
        component=[
            component(
                "image_view", valueCodeableConcept=concept_of(code_of("view", image.view.value))
            ),
            component("image_number", valueInteger=image.number),
        ],
    )


def _finding(author: Author, finding: FindingContent, derived: Any) -> Any:
    """A finding; its regions are members, its zones components."""
    members = range(1, len(finding.regions) + 1)
    parts = _figures(finding)
    parts += [component("finding_site", valueCodeableConcept=_site(z)) for z in finding.zones]
    return author.observe(
        finding.id,
        code_finding(finding.name),
        task="findings",
        **_status(finding.status),
        note=[{"text": finding.problem}] if finding.problem is not None else None,
        bodySite=concept_of(concept("chest")),
        derivedFrom=derived,
        hasMember=[author.evidence(f"{finding.id}#{number}") for number in members],
        component=parts,
    )


def _status(status: Status) -> dict[str, Any]:
    if status is Status.NOT_ASSESSED:
        coding = {"system": ABSENT_REASON, "code": "not-performed", "display": "Not Performed"}
        return {"dataAbsentReason": {"coding": [coding], "text": "not assessed"}}
    code, display = INTERPRETATIONS[status]
    coding = {"system": INTERPRETATION, "code": code, "display": display}
    return {
        "valueCodeableConcept": concept_of(code_of("status", status.value)),
        "interpretation": [{"coding": [coding]}],
    }


def _figures(finding: FindingContent) -> list[dict[str, Any]]:
    """Probability, the limits of its interval and the operating point, in percent."""
    shares = {
        "probability": finding.probability,
        "lower_limit": finding.interval[0] if finding.interval else None,
        "upper_limit": finding.interval[1] if finding.interval else None,
        "operating_point": finding.operating_point,
    }
    return [
        component(name, valueQuantity=quantity(round(100 * share, 2), "%"))
        for name, share in shares.items()
        if share is not None
    ]


def _region(author: Author, name: str, region: Region, finding: str) -> Any:
    box = region.box
    edges = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    return author.observe(
        name,
        concept("image_region"),
        task="findings",
        valueQuantity=quantity(round(100 * region.score, 2), "%"),
        derivedFrom=[author.evidence(finding)],
        component=[component(k, valueQuantity=quantity(v, "px")) for k, v in edges.items()],
    )


def _measurement(author: Author, item: Measurement, derived: Any) -> Any:
    doubt = item.uncertainty
    value: dict[str, Any] = {}
    if item.value is None:
        coding = {"system": ABSENT_REASON, "code": "error", "display": "Error"}
        value["dataAbsentReason"] = {"coding": [coding], "text": item.problem}
        parts = [component("unit", valueString=item.unit)]
    else:
        value["valueQuantity"] = quantity(item.value, item.unit)
        parts = []
    if doubt is not None:
        parts.append(component("uncertainty", valueQuantity=quantity(doubt, item.unit)))
    code = code_of("measurement", item.name)
    return author.observe(
        item.id, code, task="anatomy", **value, derivedFrom=derived, component=parts
    )


def _structure(author: Author, number: int, structure: StructureContent, derived: Any) -> Any:
    return author.observe(
        f"r{number}.structure.{structure.name}",
        concept("mask_quality"),
        task="anatomy",
        valueQuantity=quantity(round(100 * structure.quality, 2), "%"),
        bodySite=_site(structure.name),
        note=[{"text": structure.problem}] if structure.problem is not None else None,
        derivedFrom=derived,
    )


def _issue(author: Author, kind: str, issue: Issue, derived: Any) -> Any:
    reason = concept_of(code_of("issue", issue.code))
    return author.observe(
        issue.id,
        concept(kind),
        task="gate",
        valueString=issue.message,
        derivedFrom=derived,
        component=[component("reason", valueCodeableConcept=reason)],
    )


def _change(author: Author, change: Change, known: set[str]) -> Any:
    parts = [component("evidence", valueString=name) for name in change.evidence]
    if change.prior_date is not None:
        # a FHIR dateTime with a time needs a time zone, which the header does not say
        parts.append(component("prior_date", valueString=change.prior_date.isoformat()))
    parts.append(
        component("finding", valueCodeableConcept=concept_of(code_finding(change.finding)))
    )
    return author.observe(
        change.id,
        concept("change"),
        valueCodeableConcept=concept_of(code_of("change", change.kind.value)),
        derivedFrom=[author.evidence(name) for name in change.evidence if name in known],
        component=parts,
    )
