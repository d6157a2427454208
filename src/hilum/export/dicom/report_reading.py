"""A structured report back into what the reading said: the inverse of ``report``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset

from hilum.export.coding import (
    Code,
    concept,
    name_of_anatomy,
    name_of_code,
    name_of_finding,
)
from hilum.export.content import (
    FindingContent,
    ImageContent,
    ReadingContent,
    Sentence,
    StructureContent,
)
from hilum.types import (
    Box,
    Change,
    ChangeKind,
    Issue,
    Measurement,
    Point,
    Region,
    Status,
    View,
)

__all__ = ["read_report"]

TRACKING = ("DCM", "112039")
LIBRARY = ("DCM", "111028")
MEASUREMENTS = ("DCM", "126010")
FINDING_SITE = ("SCT", "363698007")
ALGORITHM_VERSION = ("DCM", "111003")


def read_report(dataset: Dataset) -> ReadingContent:
    """Read a structured report of ``build_report`` back.

    Args:
        dataset: A Comprehensive SR that Hilum wrote.

    Returns:
        What the reading said of the radiographs that the report refers to.
    """
    root = _Node.of(dataset)
    builders: dict[str, _ImageBuilder] = {}
    for entry in root.first(LIBRARY).children[0].children:
        reference = entry.item.ReferencedSOPSequence[0]
        number = int(entry.first(concept("image_number").key).number)
        builders[f"r{number}"] = _ImageBuilder(number, str(reference.ReferencedSOPInstanceUID))
    changes = []
    for group in root.first(MEASUREMENTS).children:
        if group.all(concept("change").key):
            changes.append(_change(group))
        else:
            builders[group.tracking.split(".")[0]].add(group)
    models = root.first(concept("models").key).children
    return ReadingContent(
        study_uid=str(dataset.StudyInstanceUID),
        images=tuple(builder.build() for builder in builders.values()),
        findings=tuple(_sentences(root, "findings_section")),
        impression=tuple(_sentences(root, "impressions_section")),
        indication=_text(root, "indication"),
        technique=_text(root, "technique"),
        comparison=_text(root, "comparison"),
        changes=tuple(changes),
        models={node.text: node.first(ALGORITHM_VERSION).text for node in models},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    """A content item with its children; ``name`` is scheme and value of its concept."""

    item: Any
    name: tuple[str, str]
    children: tuple[_Node, ...]

    @classmethod
    def of(cls, item: Any) -> _Node:
        names = item.get("ConceptNameCodeSequence") or ()
        children = item.get("ContentSequence") or ()
        name = _code(names[0]).key if names else ("", "")
        return cls(item, name, tuple(cls.of(child) for child in children))

    def all(self, name: tuple[str, str]) -> list[_Node]:
        return [child for child in self.children if child.name == name]

    def first(self, name: tuple[str, str]) -> _Node:
        return self.all(name)[0]

    @property
    def text(self) -> str:
        return str(self.item.TextValue)

    @property
    def number(self) -> float:
        return float(self.item.MeasuredValueSequence[0].NumericValue)

    @property
    def unit(self) -> str:
        unit = self.item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0]
        return name_of_code("unit", _code(unit))

    @property
    def code(self) -> Code:
        return _code(self.item.ConceptCodeSequence[0])

    @property
    def points(self) -> list[Point]:
        data = [round(float(v), 2) for v in self.item.GraphicData]
        return list(zip(data[::2], data[1::2], strict=True))

    @property
    def tracking(self) -> str:
        """The id of the evidence that the item is."""
        return self.first(TRACKING).text


def _code(item: Any) -> Code:
    value = item.get("CodeValue") or item.get("LongCodeValue")
    return Code(str(item.CodingSchemeDesignator), str(value), str(item.CodeMeaning))


def _share(percent: float) -> float:
    return round(percent / 100.0, 4)


def _text(node: _Node, name: str) -> str:
    found = node.all(concept(name).key)
    return found[0].text if found else ""


def _reason(node: _Node) -> str | None:
    found = node.all(concept("reason").key)
    return found[0].text if found else None


def _site(node: _Node) -> str:
    sides = node.all(concept("laterality").key)
    side = name_of_code("concept", sides[0].code) if sides else ""
    return name_of_anatomy(node.code, side)


def _sentences(root: _Node, section: str) -> Iterator[Sentence]:
    for container in root.all(concept(section).key):
        for node in container.children:
            yield Sentence(node.text, tuple(item.text for item in node.all(TRACKING)))


def _change(group: _Node) -> Change:
    dates = group.all(concept("prior_date").key)
    text = str(dates[0].item.DateTime)[:14] if dates else ""
    return Change(
        finding=name_of_finding(group.first(concept("finding").key).code),
        kind=ChangeKind(name_of_code("change", group.first(concept("change").key).code)),
        evidence=tuple(node.text for node in group.all(concept("evidence").key)),
        prior_date=dt.datetime.strptime(text, "%Y%m%d%H%M%S") if text else None,
        id=group.tracking,
    )


@dataclass(slots=True)
class _ImageBuilder:
    """Gathers the groups of one radiograph."""

    number: int
    uid: str
    facts: dict[str, Any] = field(default_factory=dict)
    findings: dict[str, dict[str, Any]] = field(default_factory=dict)
    regions: dict[str, tuple[Region, ...]] = field(default_factory=dict)
    landmarks: dict[str, Point] = field(default_factory=dict)
    structures: list[StructureContent] = field(default_factory=list)

    def add(self, group: _Node) -> None:
        """Take in one group, whichever it is."""
        tracking = group.tracking
        if tracking == f"r{self.number}":
            self.facts = _facts(group)
        elif group.all(concept("region_score").key):
            finding = tracking.rpartition("#")[0]
            self.regions[finding] = (*self.regions.get(finding, ()), _region(group))
        elif group.all(concept("mask_quality").key):
            self.structures.append(_structure(group))
        elif group.first(concept("finding").key).code.key == concept("landmark").key:
            name = _site(group.first(FINDING_SITE))
            self.landmarks[name] = group.first(concept("image_region").key).points[0]
        else:
            self.findings[tracking] = _finding(group)

    def build(self) -> ImageContent:
        """The radiograph, complete."""
        return ImageContent(
            number=self.number,
            sop_instance_uid=self.uid,
            findings=tuple(
                FindingContent(**fields, regions=self.regions.get(tracking, ()))
                for tracking, fields in self.findings.items()
            ),
            landmarks=self.landmarks,
            structures=tuple(self.structures),
            **self.facts,
        )


def _facts(group: _Node) -> dict[str, Any]:
    verdict = name_of_code("verdict", group.first(concept("quality").key).code)
    measured = [
        _measurement(node)
        for node in group.children
        if node.item.get("ValueType") == "NUM" or node.name == concept("measurement_failure").key
    ]
    return {
        "view": View(name_of_code("view", group.first(concept("image_view").key).code)),
        "is_accepted": verdict == "accepted",
        "measurements": tuple(measured),
        "reasons": tuple(map(_issue, group.all(concept("gate_reason").key))),
        "warnings": tuple(map(_issue, group.all(concept("gate_warning").key))),
    }


def _measurement(node: _Node) -> Measurement:
    if node.item.ValueType == "CODE":
        name = name_of_code("measurement", node.code)
        unit = _text(node, "unit")
        return Measurement(name, None, unit, problem=_reason(node), id=node.tracking)
    doubts = node.all(concept("uncertainty").key)
    return Measurement(
        name_of_code("measurement", _code(node.item.ConceptNameCodeSequence[0])),
        node.number,
        node.unit,
        uncertainty=doubts[0].number if doubts else None,
        id=node.tracking,
    )


def _issue(node: _Node) -> Issue:
    return Issue(_text(node, "issue_code"), node.text, node.tracking)


def _finding(group: _Node) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": group.tracking,
        "name": name_of_finding(group.first(concept("finding").key).code),
        "status": Status(name_of_code("status", group.first(concept("status").key).code)),
        "zones": tuple(_site(node) for node in group.all(FINDING_SITE)),
        "problem": _reason(group),
    }
    for node in group.all(concept("probability").key):
        found["probability"] = _share(node.number)
        found |= _probability(node)
    return found


def _probability(node: _Node) -> Mapping[str, Any]:
    figures: dict[str, Any] = {}
    upper = node.all(concept("upper_uncertainty").key)
    lower = node.all(concept("lower_uncertainty").key)
    if upper and lower:
        middle = node.number
        ends = middle - lower[0].number, middle + upper[0].number
        figures["interval"] = _share(ends[0]), _share(ends[1])
    for point in node.all(concept("operating_point").key):
        figures["operating_point"] = _share(point.number)
    return figures


def _region(group: _Node) -> Region:
    points = group.first(concept("image_region").key).points
    left, top = min(x for x, _ in points), min(y for _, y in points)
    right, bottom = max(x for x, _ in points), max(y for _, y in points)
    box = Box(left, top, round(right - left, 2), round(bottom - top, 2))
    return Region(box, _share(group.first(concept("region_score").key).number))


def _structure(group: _Node) -> StructureContent:
    return StructureContent(
        _site(group.first(FINDING_SITE)),
        _share(group.first(concept("mask_quality").key).number),
        _reason(group),
    )
