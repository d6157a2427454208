"""Measurement groups of a structured report: one for each thing that was seen.

Groups follow TID 1501 (measurements and evaluations) and TID 1410 (a planar region). Each is
tracked by the id of its evidence, such as ``r1.pneumonia``; what has no id in the reading is
named after its kind: ``r1`` the radiograph, ``r1.pneumonia#1`` a region, ``r1.landmark.carina``
a landmark and ``r1.structure.left_lung`` a structure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    DateTimeContentItem,
    FindingSite,
    ImageRegion,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    ReferencedSegmentationFrame,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    SourceImageForSegmentation,
    TrackingIdentifier,
)
from pydicom.uid import SegmentationStorage

from hilum.export.coding import Code, code_anatomy, code_finding, code_of, concept, side_of_anatomy
from hilum.export.content import FindingContent, ImageContent, StructureContent
from hilum.export.dicom.items import (
    PROPERTY,
    add_children,
    code_item,
    coded,
    number_item,
    text_item,
    tracking_items,
)
from hilum.export.dicom.stamp import Stamp
from hilum.export.sources import SourceImage
from hilum.types import Change, Issue, Measurement, Region

__all__ = ["SegmentReference", "group_change", "group_image"]


@dataclass(frozen=True, slots=True)
class SegmentReference:
    """Where a mask is: the segmentation object and the number of its frame and segment."""

    sop_instance_uid: str
    number: int


def group_image(
    content: ImageContent,
    source: SourceImage,
    segments: Mapping[str, SegmentReference],
    stamp: Stamp,
    algorithms: Mapping[str, tuple[str, str]],
) -> Iterator[Any]:
    """Every group of one radiograph.

    Args:
        content: What was seen on it.
        source: The radiograph, which the groups refer to.
        segments: Masks by the name of their structure.
        stamp: Where UIDs come from.
        algorithms: Name and version of the model by task.
    """
    maker = _Maker(content, source, stamp, algorithms)
    yield maker.quality()
    for finding in content.findings:
        yield maker.finding(finding)
        for number, region in enumerate(finding.regions, start=1):
            yield maker.region(finding, number, region)
    for structure in content.structures:
        yield maker.structure(structure, segments.get(structure.name))
    for name, point in content.landmarks.items():
        yield maker.landmark(name, point)


def group_change(change: Change, stamp: Stamp) -> Any:
    """What became of a finding since the prior study; the prior's evidence by its id."""
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(stamp.uid("track", change.id), change.id),
        finding_type=coded(code_finding(change.finding)),
    )
    items = [code_item("change", code_of("change", change.kind.value))]
    if change.prior_date is not None:
        items.append(
            DateTimeContentItem(coded(concept("prior_date")), change.prior_date, "CONTAINS")
        )
    items += [text_item("evidence", evidence_id) for evidence_id in change.evidence]
    return _extended(group, items)


def _percent(share: float) -> float:
    """A share in [0, 1] of 4 decimals as percent of 2."""
    return round(100.0 * share, 2)


def _extended(group: Any, items: list[Any]) -> Any:
    group[0].ContentSequence.extend(items)
    return group


def _site(name: str) -> FindingSite:
    side = side_of_anatomy(name)
    return FindingSite(coded(code_anatomy(name)), laterality=coded(concept(side)) if side else None)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the groups of one radiograph, all of which refer to it."""

    content: ImageContent
    source: SourceImage
    stamp: Stamp
    algorithms: Mapping[str, tuple[str, str]]

    def quality(self) -> Any:
        """The radiograph itself: its view, the gate's verdict and what was measured on it."""
        content = self.content
        group = self._evaluations(f"r{content.number}", task="anatomy")
        verdict = "accepted" if content.is_accepted else "refused"
        items = [self._measured(m) for m in content.measurements if m.value is not None]
        items += [
            code_item("image_view", code_of("view", content.view.value)),
            code_item("quality", code_of("verdict", verdict)),
        ]
        items += [self._failed(m) for m in content.measurements if m.value is None]
        items += [self._issue("gate_reason", issue) for issue in content.reasons]
        items += [self._issue("gate_warning", issue) for issue in content.warnings]
        return _extended(group, items)

    def finding(self, finding: FindingContent) -> Any:
        """A finding with its status, and its probability where it was assessed."""
        group = self._evaluations(
            finding.id, code_finding(finding.name), finding.zones, task="findings"
        )
        items = [] if finding.probability is None else [_probability(finding)]
        items.append(code_item("status", code_of("status", finding.status.value)))
        if finding.problem is not None:
            items.append(text_item("reason", finding.problem))
        return _extended(group, items)

    def region(self, finding: FindingContent, number: int, region: Region) -> Any:
        """A box of a finding as a closed polyline in source pixels."""
        box = region.box
        right, bottom = box.x + box.width, box.y + box.height
        corners = [(box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)]
        group = self._planar(
            f"{finding.id}#{number}",
            coded(code_finding(finding.name)),
            [],
            "findings",
            referenced_region=self._image_region("POLYLINE", [*corners, corners[0]]),
        )
        return _extended(group, [number_item(concept("region_score"), _percent(region.score), "%")])

    def landmark(self, name: str, point: tuple[float, float]) -> Any:
        """An anatomical landmark as a point in source pixels."""
        return self._planar(
            f"r{self.content.number}.landmark.{name}",
            coded(concept("landmark")),
            [_site(name)],
            "anatomy",
            referenced_region=self._image_region("POINT", [point]),
        )

    def structure(self, structure: StructureContent, segment: SegmentReference | None) -> Any:
        """A structure, with its mask by reference; without one where the mask is empty."""
        tracking = f"r{self.content.number}.structure.{structure.name}"
        if segment is None:
            group = self._evaluations(
                tracking, concept("anatomical_structure"), (structure.name,), task="anatomy"
            )
        else:
            header = self.source.header
            image = SourceImageForSegmentation(header.SOPClassUID, header.SOPInstanceUID)
            group = self._planar(
                tracking,
                coded(concept("anatomical_structure")),
                [_site(structure.name)],
                "anatomy",
                referenced_segment=_frame(segment, image),
            )
        items = [number_item(concept("mask_quality"), _percent(structure.quality), "%")]
        if structure.problem is not None:
            items.append(text_item("reason", structure.problem))
        return _extended(group, items)

    def _evaluations(
        self,
        tracking: str,
        finding: Code | None = None,
        sites: tuple[str, ...] = (),
        *,
        task: str,
    ) -> Any:
        header = self.source.header
        image = SourceImageForMeasurementGroup(header.SOPClassUID, header.SOPInstanceUID)
        return MeasurementsAndQualitativeEvaluations(
            tracking_identifier=self._tracking(tracking),
            finding_type=coded(finding) if finding else None,
            algorithm_id=self._algorithm(task),
            finding_sites=[_site(name) for name in sites] or None,
            source_images=[image],
        )

    def _planar(
        self, tracking: str, finding: Any, sites: list[Any], task: str, **region: Any
    ) -> Any:
        return PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=self._tracking(tracking),
            finding_type=finding,
            finding_sites=sites or None,
            algorithm_id=self._algorithm(task),
            **region,
        )

    def _tracking(self, tracking: str) -> TrackingIdentifier:
        return TrackingIdentifier(self.stamp.uid("track", tracking), tracking)

    def _algorithm(self, task: str) -> AlgorithmIdentification | None:
        model = self.algorithms.get(task)
        return AlgorithmIdentification(*model) if model else None

    def _image_region(self, graphic: str, points: list[tuple[float, float]]) -> ImageRegion:
        header = self.source.header
        return ImageRegion(
            graphic,
            np.array(points, np.float64),  # (points, 2) as x, y
            SourceImageForRegion(header.SOPClassUID, header.SOPInstanceUID),
        )

    def _measured(self, measurement: Measurement) -> Any:
        code = code_of("measurement", measurement.name)
        assert measurement.value is not None
        item = number_item(code, measurement.value, measurement.unit)
        children = list(self._tracked(measurement.id))
        if measurement.uncertainty is not None:
            doubt = concept("uncertainty")
            children.append(number_item(doubt, measurement.uncertainty, measurement.unit, PROPERTY))
        return add_children(item, children)

    def _failed(self, measurement: Measurement) -> Any:
        """What could not be measured: the failure as an evaluation, with its reason."""
        item = code_item("measurement_failure", code_of("measurement", measurement.name))
        children = list(self._tracked(measurement.id))
        children.append(text_item("unit", measurement.unit, PROPERTY))
        children.append(text_item("reason", measurement.problem or "", PROPERTY))
        return add_children(item, children)

    def _issue(self, kind: str, issue: Issue) -> Any:
        children = list(self._tracked(issue.id))
        children.append(text_item("issue_code", issue.code, PROPERTY))
        return add_children(text_item(kind, issue.message), children)

    def _tracked(self, evidence_id: str) -> Any:
        return tracking_items(evidence_id, self.stamp.uid("track", evidence_id))


def _frame(segment: SegmentReference, image: SourceImageForSegmentation) -> Any:
    """A mask by its frame; a reference names the frame or the segment, never both (PS3.3 10.3)."""
    frame = ReferencedSegmentationFrame(
        SegmentationStorage, segment.sop_instance_uid, segment.number, segment.number, image
    )
    del frame[0].ReferencedSOPSequence[0].ReferencedSegmentNumber
    return frame


def _probability(finding: FindingContent) -> Any:
    """The probability in percent, its 95 % interval as distances, and the operating point."""
    assert finding.probability is not None
    item = number_item(concept("probability"), _percent(finding.probability), "%")
    children = []
    if finding.interval is not None:
        low, high = finding.interval
        upper, lower = high - finding.probability, finding.probability - low
        children = [
            number_item(concept("upper_uncertainty"), _percent(upper), "%", PROPERTY),
            number_item(concept("lower_uncertainty"), _percent(lower), "%", PROPERTY),
        ]
    if finding.operating_point is not None:
        point = _percent(finding.operating_point)
        children.append(number_item(concept("operating_point"), point, "%", PROPERTY))
    return add_children(item, children) if children else item
