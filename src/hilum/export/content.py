"""What a reading says, as the objects of a hospital's systems carry it.

DICOM and FHIR objects are made from a ``ReadingContent`` and reading them back gives an
equal one. It is the reading without pixels, masks, heat maps and the study's files; numbers
are rounded as in ``reading.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from hilum._version import __version__
from hilum.types import (
    Box,
    Change,
    Finding,
    Issue,
    Measurement,
    Point,
    RadiographReading,
    Reading,
    Region,
    Statement,
    Status,
    View,
)

__all__ = [
    "FindingContent",
    "ImageContent",
    "ReadingContent",
    "Sentence",
    "StructureContent",
    "content_of",
    "digest_reading",
    "select_images",
]

PROB_DIGITS = 4
PIXEL_DIGITS = 2


@dataclass(frozen=True, slots=True)
class FindingContent:
    """A ``Finding`` without its heat map; boxes in source pixels."""

    id: str
    name: str
    status: Status
    probability: float | None = None
    interval: tuple[float, float] | None = None
    operating_point: float | None = None
    regions: tuple[Region, ...] = ()
    zones: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class StructureContent:
    """A segmented structure without its mask: ``quality`` in [0, 1] and what is wrong with it."""

    name: str
    quality: float
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ImageContent:
    """What was seen on one radiograph, the ``number``-th of the reading (from 1)."""

    number: int
    sop_instance_uid: str
    view: View
    is_accepted: bool
    reasons: tuple[Issue, ...] = ()
    warnings: tuple[Issue, ...] = ()
    findings: tuple[FindingContent, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    landmarks: Mapping[str, Point] = field(default_factory=dict)
    structures: tuple[StructureContent, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the report and the ids of its evidence."""

    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadingContent:
    """All that a reading says of a study; ``models`` maps names to SHA-256 of the weights."""

    study_uid: str
    images: tuple[ImageContent, ...]
    findings: tuple[Sentence, ...] = ()
    impression: tuple[Sentence, ...] = ()
    indication: str = ""
    technique: str = ""
    comparison: str = ""
    changes: tuple[Change, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)


def content_of(reading: Reading) -> ReadingContent:
    """What a reading says, rounded: probabilities and values to 4 decimals, pixels to 2."""
    report = reading.report
    return ReadingContent(
        study_uid=reading.study.uid,
        images=tuple(_image(n, image) for n, image in enumerate(reading.radiographs, start=1)),
        findings=tuple(map(_sentence, report.findings)),
        impression=tuple(map(_sentence, report.impression)),
        indication=_text(report.indication),
        technique=_text(report.technique),
        comparison=_text(report.comparison),
        changes=tuple(reading.changes),
        models=dict(reading.models),
    )


def select_images(content: ReadingContent, numbers: set[int]) -> ReadingContent:
    """The content without the radiographs that are not among ``numbers``."""
    return replace(content, images=tuple(i for i in content.images if i.number in numbers))


def digest_reading(reading: Reading, content: ReadingContent) -> str:
    """The SHA-256 that names a reading: of its content, masks, models and Hilum's version.

    Names of files and times of the run are not in it: the same images, read again by the
    same models, have the same digest.
    """
    facts = [__version__, asdict(content)]
    hasher = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for image in reading.radiographs:
        for name, structure in image.anatomy.structures.items():
            mask = structure.mask
            hasher.update(f"{name} {mask.shape} ".encode() + np.packbits(mask).tobytes())
        if not image.radiograph.sop_instance_uid:  # nothing but its pixels names it
            hasher.update(image.radiograph.pixels.tobytes())
    return hasher.hexdigest()


def _image(number: int, image: RadiographReading) -> ImageContent:
    anatomy, quality = image.anatomy, image.quality
    return ImageContent(
        number=number,
        sop_instance_uid=image.radiograph.sop_instance_uid,
        view=image.radiograph.view,
        is_accepted=quality.accepted,
        reasons=tuple(_issue(item, number) for item in quality.reasons),
        warnings=tuple(_issue(i, number) for i in (*quality.warnings, *anatomy.warnings)),
        findings=tuple(_finding(item, number) for item in image.findings),
        measurements=_measurements(anatomy.measurements, number),
        landmarks={name: (_px(x), _px(y)) for name, (x, y) in anatomy.landmarks.items()},
        structures=tuple(
            StructureContent(name, _share(item.quality), _problem(item.problem))
            for name, item in anatomy.structures.items()
            if not item.is_simulated  # an archive would keep them without their origin
        ),
    )


def _issue(issue: Issue, number: int) -> Issue:
    return Issue(issue.code, _text(issue.message), issue.id or f"r{number}.{issue.code}")


def _finding(finding: Finding, number: int) -> FindingContent:
    interval, point, probability = finding.interval, finding.operating_point, finding.probability
    return FindingContent(
        id=finding.id or f"r{number}.{finding.name}",
        name=finding.name,
        status=finding.status,
        probability=None if probability is None else _share(probability),
        interval=None if interval is None else (_share(interval[0]), _share(interval[1])),
        operating_point=None if point is None else _share(point),
        regions=tuple(map(_region, finding.regions)),
        zones=finding.zones,
        problem=_problem(finding.problem),
    )


def _region(region: Region) -> Region:
    box = region.box
    # corners are rounded, so that a box of corners is the same box again
    left, top = _px(box.x), _px(box.y)
    right = max(_px(box.x + box.width), _px(left + 0.01))
    bottom = max(_px(box.y + box.height), _px(top + 0.01))
    return Region(Box(left, top, _px(right - left), _px(bottom - top)), _share(region.score))


def _measurements(items: tuple[Measurement, ...], number: int) -> tuple[Measurement, ...]:
    """What was measured before what could not be: so TID 1501 orders them."""
    rounded = (_measurement(item, number) for item in items)
    return tuple(sorted(rounded, key=lambda item: item.value is None))


def _measurement(item: Measurement, number: int) -> Measurement:
    # what is not finite is no value, in reading.json neither
    is_finite = item.value is not None and bool(np.isfinite(item.value))
    value = round(float(item.value), PROB_DIGITS) if is_finite and item.value is not None else None
    doubt = item.uncertainty
    return Measurement(
        item.name,
        value,
        item.unit,
        uncertainty=None if doubt is None or not np.isfinite(doubt) else round(float(doubt), 4),
        problem=None if is_finite else _problem(item.problem or "the value is not finite"),
        id=item.id or f"r{number}.{item.name}",
    )


def _sentence(statement: Statement) -> Sentence:
    return Sentence(_text(statement.text), tuple(item.id for item in statement.evidence))


def _problem(text: str | None) -> str | None:
    return None if text is None else _text(text) or "not stated"


def _text(text: str) -> str:
    """Lines of printable characters: what DICOM and JSON carry and give back unchanged."""
    lines = ("".join(c if c.isprintable() else " " for c in line) for line in text.splitlines())
    return "\n".join(line.rstrip() for line in lines).strip()


def _share(value: float) -> float:
    return round(float(value), PROB_DIGITS)


def _px(value: float) -> float:
    return round(float(value), PIXEL_DIGITS)
