"""A FHIR bundle back into what the reading said: the inverse of ``bundle``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hilum.export.coding import Code, concept, name_of_anatomy, name_of_code, name_of_finding
from hilum.export.content import (
    FindingContent,
    ImageContent,
    ReadingContent,
    Sentence,
    StructureContent,
)
from hilum.export.fhir.elements import SYSTEMS, read_code, read_components
from hilum.export.fhir.observations import SECTIONS, TEXTS
from hilum.types import Box, Change, ChangeKind, Issue, Measurement, Point, Region, Status, View

__all__ = ["read_bundle"]

_Resource = dict[str, Any]


def read_bundle(bundle: Mapping[str, Any]) -> ReadingContent:
    """Read a bundle of ``build_bundle`` back.

    Args:
        bundle: The parsed JSON.

    Returns:
        What the reading said.
    """
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    observed = [r for r in by_url.values() if r["resourceType"] == "Observation"]
    named = {_name(item): item for item in observed}
    images = [_number(item) for item in observed if _code(item) == concept("quality").key]
    device = next(r for r in by_url.values() if r["resourceType"] == "Device")
    report = next(r for r in by_url.values() if r["resourceType"] == "DiagnosticReport")
    uids = dict(_instance_uids(by_url.values()))
    names = {f"urn:uuid:{item['id']}": _name(item) for item in observed}
    texts = {name: named.get(f"report.{name}", {}).get("valueString", "") for name in TEXTS}
    sentences: dict[str, Any] = {
        section: tuple(
            Sentence(item["valueString"], tuple(_derived(item, names)))
            for item in observed
            if _name(item).startswith(f"report.{section}.")
        )
        for section, _ in SECTIONS
    }
    return ReadingContent(
        study_uid=_study_uid(report, by_url),
        images=tuple(_image(n, uids.get(n, ""), observed, named) for n in images),
        changes=tuple(_change(i) for i in observed if _code(i) == concept("change").key),
        models={item["type"]["text"]: item["value"] for item in device["version"][1:]},
        **sentences,
        **texts,
    )


def _name(observation: _Resource) -> str:
    return str(observation["identifier"][0]["value"])


def _code(observation: _Resource) -> tuple[str, str]:
    return read_code(observation["code"]).key


def _number(observation: _Resource) -> int:
    return int(read_components(observation)[concept("image_number").key][0]["valueInteger"])


def _derived(observation: _Resource, names: Mapping[str, str]) -> Iterator[str]:
    for reference in observation.get("derivedFrom", ()):
        if reference["reference"] in names:
            yield names[reference["reference"]]


def _oid(identifier: Mapping[str, str]) -> str:
    return identifier["value"].removeprefix("urn:oid:")


def _study_uid(report: _Resource, by_url: Mapping[str, _Resource]) -> str:
    for reference in report.get("imagingStudy", ()):
        if "identifier" in reference:
            return _oid(reference["identifier"])
        return _oid(by_url[reference["reference"]]["identifier"][0])
    return ""


def _instance_uids(resources: Sequence[_Resource] | Any) -> Iterator[tuple[int, str]]:
    for resource in resources:
        if resource["resourceType"] == "ImagingStudy":
            for series in resource["series"]:
                for instance in series["instance"]:
                    yield int(instance["number"]), instance["uid"]
        elif resource["resourceType"] == "Media":
            number = int(resource["content"]["title"].removeprefix("r"))
            yield number, _oid(resource.get("identifier", [{"value": ""}])[0])


def _image(
    number: int, uid: str, observed: Sequence[_Resource], named: Mapping[str, _Resource]
) -> ImageContent:
    quality = named[f"r{number}"]
    verdict = name_of_code("verdict", read_code(quality["valueCodeableConcept"]))
    view = read_components(quality)[concept("image_view").key][0]["valueCodeableConcept"]
    own = [item for item in observed if _name(item).startswith(f"r{number}.")]
    kinds: dict[tuple[str, str], list[_Resource]] = {}
    for item in own:
        kinds.setdefault(_code(item), []).append(item)
    regions = kinds.get(concept("image_region").key, [])
    return ImageContent(
        number=number,
        sop_instance_uid=uid,
        view=View(name_of_code("view", read_code(view))),
        is_accepted=verdict == "accepted",
        reasons=tuple(map(_issue, kinds.get(concept("gate_reason").key, ()))),
        warnings=tuple(map(_issue, kinds.get(concept("gate_warning").key, ()))),
        findings=tuple(_finding(item, regions) for item in own if _is_finding(item)),
        measurements=tuple(_measurement(item) for item in own if _is_measurement(item)),
        landmarks=dict(map(_landmark, kinds.get(concept("landmark").key, ()))),
        structures=tuple(map(_structure, kinds.get(concept("mask_quality").key, ()))),
    )


def _issue(item: _Resource) -> Issue:
    reason = read_components(item)[concept("reason").key][0]["valueCodeableConcept"]
    return Issue(read_code(reason).value, item["valueString"], _name(item))


def _is_finding(item: _Resource) -> bool:
    """A finding is interpreted, or was not performed."""
    if "interpretation" in item:
        return True
    reasons = item.get("dataAbsentReason", {}).get("coding", ())
    return any(coding["code"] == "not-performed" for coding in reasons)


OTHER_CODES = frozenset(
    concept(name).key
    for name in (
        "quality", "image_region", "landmark", "mask_quality", "gate_reason", "gate_warning"
    )
)  # fmt: skip


def _is_measurement(item: _Resource) -> bool:
    return _code(item) not in OTHER_CODES and not _is_finding(item)


def _share(item: _Resource) -> float:
    return round(float(item["valueQuantity"]["value"]) / 100.0, 4)


def _note(item: _Resource) -> str | None:
    return item["note"][0]["text"] if "note" in item else None


def _site(value: _Resource) -> str:
    """The place of a CodeableConcept whose second coding, if any, is the side."""
    coding = value["coding"]
    side = ""
    if len(coding) > 1:
        side = name_of_code("concept", read_code({"coding": coding[1:]}))
    return name_of_anatomy(read_code(value), side)


def _finding(item: _Resource, regions: Sequence[_Resource]) -> FindingContent:
    parts = read_components(item)

    def share(name: str) -> float | None:
        found = parts.get(concept(name).key)
        return _share(found[0]) if found else None

    status = Status.NOT_ASSESSED
    if "valueCodeableConcept" in item:
        status = Status(name_of_code("status", read_code(item["valueCodeableConcept"])))
    low, high = share("lower_limit"), share("upper_limit")
    sites = parts.get(concept("finding_site").key, ())
    return FindingContent(
        id=_name(item),
        name=name_of_finding(read_code(item["code"])),
        status=status,
        probability=share("probability"),
        interval=(low, high) if low is not None and high is not None else None,
        operating_point=share("operating_point"),
        regions=tuple(_region(r) for r in regions if _name(r).rpartition("#")[0] == _name(item)),
        zones=tuple(_site(site["valueCodeableConcept"]) for site in sites),
        problem=_note(item),
    )


def _numbers(item: _Resource, *names: str) -> list[float]:
    parts = read_components(item)
    return [float(parts[concept(name).key][0]["valueQuantity"]["value"]) for name in names]


def _region(item: _Resource) -> Region:
    return Region(Box(*_numbers(item, "x", "y", "width", "height")), _share(item))


def _landmark(item: _Resource) -> tuple[str, Point]:
    x, y = _numbers(item, "x", "y")
    return _site(item["bodySite"]), (x, y)


def _structure(item: _Resource) -> StructureContent:
    return StructureContent(_site(item["bodySite"]), _share(item), _note(item))


def _measurement(item: _Resource) -> Measurement:
    parts = read_components(item)
    name = name_of_code("measurement", read_code(item["code"]))
    if "valueQuantity" not in item:
        unit = parts[concept("unit").key][0]["valueString"]
        problem = item["dataAbsentReason"]["text"]
        return Measurement(name, None, unit, problem=problem, id=_name(item))
    value = item["valueQuantity"]
    unit = name_of_code("unit", _unit(value))
    doubts = parts.get(concept("uncertainty").key)
    doubt = float(doubts[0]["valueQuantity"]["value"]) if doubts else None
    return Measurement(name, float(value["value"]), unit, uncertainty=doubt, id=_name(item))


def _unit(value: _Resource) -> Code:
    scheme = next(name for name, system in SYSTEMS.items() if system == value["system"])
    return Code(scheme, value["code"], value["unit"])


def _change(item: _Resource) -> Change:
    parts = read_components(item)
    dates = parts.get(concept("prior_date").key)
    finding = parts[concept("finding").key][0]["valueCodeableConcept"]
    return Change(
        finding=name_of_finding(read_code(finding)),
        kind=ChangeKind(name_of_code("change", read_code(item["valueCodeableConcept"]))),
        evidence=tuple(p["valueString"] for p in parts.get(concept("evidence").key, ())),
        prior_date=dt.datetime.fromisoformat(dates[0]["valueString"]) if dates else None,
        id=_name(item),
    )
