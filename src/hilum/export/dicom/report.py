"""The reading as a DICOM Comprehensive SR after TID 1500, unverified and preliminary.

Besides what the template asks for it holds the sentences of the draft report, each inferred
from its evidence, the models and the disclaimer. The template is extensible (PS3.16 TID 1500).
Evidence is named by its tracking identifier and UID: a relationship by reference would say the
same, but readers built on highdicom or dcmjs stumble over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from highdicom.sr import (
    CodedConcept,
    ComprehensiveSR,
    ContainerContentItem,
    DeviceObserverIdentifyingAttributes,
    ImageContentItem,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    TextContentItem,
)
from pydicom.dataset import Dataset

from hilum._version import __version__
from hilum.export.coding import concept
from hilum.export.content import ReadingContent, Sentence
from hilum.export.dicom.groups import SegmentReference, group_change, group_image
from hilum.export.dicom.items import (
    CONTAINS,
    PROPERTY,
    add_children,
    coded,
    container_item,
    number_item,
    text_item,
    tracking_items,
)
from hilum.export.dicom.stamp import MANUFACTURER, Stamp
from hilum.export.identity import derive_uid
from hilum.export.sources import SourceImage
from hilum.types import DISCLAIMER

__all__ = ["SECTIONS", "build_report"]

DEVICE = CodedConcept("121007", "DCM", "Device")
LIBRARY = CodedConcept("111028", "DCM", "Image Library")
LIBRARY_GROUP = CodedConcept("126200", "DCM", "Image Library Group")
SOURCE = CodedConcept("260753009", "SCT", "Source")
ALGORITHM_NAME = CodedConcept("111001", "DCM", "Algorithm Name")
ALGORITHM_VERSION = CodedConcept("111003", "DCM", "Algorithm Version")

SECTIONS = (("findings_section", "finding"), ("impressions_section", "impression"))
"""Concepts of a section with sentences and of each of its sentences."""

Segments = Mapping[tuple[int, str], SegmentReference]
"""Masks by the number of their radiograph and the name of their structure."""


def build_report(
    content: ReadingContent,
    images: Sequence[SourceImage],
    segments: Segments,
    stamp: Stamp,
    *,
    algorithms: Mapping[str, tuple[str, str]],
    evidence: Sequence[Dataset] = (),
) -> Dataset:
    """Build the structured report of a reading.

    Args:
        content: What the reading says.
        images: The radiographs that it can refer to; the others are left out.
        segments: Where their masks are.
        stamp: UIDs and dates.
        algorithms: Name and version of the model by task.
        evidence: Other objects that it refers to (the segmentations).

    Returns:
        The data set, ready to be encoded.
    """
    seen = {item.number: item for item in content.images}
    groups: list[Any] = []
    for source in images:
        masks = {name: ref for (n, name), ref in segments.items() if n == source.number}
        groups += group_image(seen[source.number], source, masks, stamp, algorithms)
    groups += [group_change(change, stamp) for change in content.changes]
    groups.sort(key=_is_without_coordinates)  # OHIF opens a report at its first group
    report = MeasurementReport(
        observation_context=_observer(content),
        procedure_reported=coded(concept("plain_radiography")),
        imaging_measurements=groups,
    )
    root = report[0].ContentSequence
    before = len(root) - 1  # the measurements come last in the template
    for number, item in enumerate([*_texts(content, stamp), _library(images)]):
        root.insert(before + number, item)
    root.append(_models(content))
    return ComprehensiveSR(
        evidence=[*(source.header for source in images), *evidence],
        content=report,
        is_complete=True,
        is_final=False,
        is_verified=False,
        **stamp.series("sr", 1),
    )


def _is_without_coordinates(group: Any) -> bool:
    return all(item.ValueType != "SCOORD" for item in group[0].ContentSequence)


def _observer(content: ReadingContent) -> ObservationContext:
    models = dict(sorted(content.models.items()))
    device = DeviceObserverIdentifyingAttributes(
        uid=derive_uid("device", __version__, models),
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=f"{MANUFACTURER} {__version__}",
        serial_number=__version__,
    )
    return ObservationContext(observer_device_context=ObserverContext(DEVICE, device))


def _texts(content: ReadingContent, stamp: Stamp) -> Iterator[Any]:
    """The disclaimer and the draft report, section by section."""
    yield text_item("disclaimer", DISCLAIMER)
    for name in ("indication", "technique", "comparison"):
        text = getattr(content, name)
        if text:
            yield text_item(name, text)
    sentences = content.findings, content.impression
    for (section, name), items in zip(SECTIONS, sentences, strict=True):
        if items:
            texts = [_sentence(name, item, stamp) for item in items]
            yield add_children(container_item(section), texts)


def _sentence(name: str, sentence: Sentence, stamp: Stamp) -> Any:
    evidence = []
    for evidence_id in sentence.evidence:
        text, uid = tracking_items(evidence_id, stamp.uid("track", evidence_id))
        text.RelationshipType, uid.RelationshipType = "INFERRED FROM", PROPERTY
        evidence.append(add_children(text, [uid]))
    return add_children(text_item(name, sentence.text), evidence)


def _library(images: Sequence[SourceImage]) -> ContainerContentItem:
    """TID 1600 with the number of each image in the reading."""
    entries = []
    for source in images:
        header = source.header
        uids = header.SOPClassUID, header.SOPInstanceUID
        entry = ImageContentItem(SOURCE, *uids, relationship_type=CONTAINS)
        number = number_item(concept("image_number"), source.number, "1", "HAS ACQ CONTEXT")
        entries.append(add_children(entry, [number]))
    group = ContainerContentItem(LIBRARY_GROUP, relationship_type=CONTAINS)
    library = ContainerContentItem(LIBRARY, relationship_type=CONTAINS)
    return add_children(library, [add_children(group, entries)])


def _models(content: ReadingContent) -> ContainerContentItem:
    items = []
    for name, sha256 in content.models.items():
        version = TextContentItem(ALGORITHM_VERSION, sha256, PROPERTY)
        items.append(add_children(TextContentItem(ALGORITHM_NAME, name, CONTAINS), [version]))
    return add_children(container_item("models"), items)
