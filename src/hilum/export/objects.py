"""The reading as DICOM and FHIR objects in a folder, and back.

What could not be made is named with its reason in ``objects.json``; nothing is left out
silently. DICOM objects need highdicom, FHIR nothing.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pydicom

from hilum._version import __version__
from hilum.errors import InvalidValueError, MissingExtraError
from hilum.export.content import ReadingContent, content_of, digest_reading, select_images
from hilum.export.fhir import Author, build_bundle, read_bundle
from hilum.export.files import refuse_directory, replace_file
from hilum.export.folder import remove_objects
from hilum.export.identity import derive_uuid
from hilum.export.sources import SourceImage, Sources, find_sources
from hilum.io.elements import quiet
from hilum.io.walk import Paths
from hilum.types import DISCLAIMER, Mask, Reading

__all__ = ["ObjectsManifest", "ReadObjects", "WrittenObject", "read_objects", "write_objects"]

FALLBACK_MODEL = ("hilum", __version__)
"""Who drew a mask when the reading does not say which model."""


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """A file relative to the folder, what it is and the UID or UUID of what it holds."""

    path: str
    kind: str
    uid: str


@dataclass(frozen=True, slots=True)
class ObjectsManifest:
    """What was written, and for what there is no object and why.

    ``created`` is the date and time that the DICOM objects bear, None when there are none;
    ``created_from`` says where it comes from: ``given``, the ``acquisition``, or the ``clock``
    when the images are undated (then the bytes differ from run to run).
    """

    created: str | None
    created_from: str | None
    written: tuple[WrittenObject, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ReadObjects:
    """What the objects of a folder say; each part is None or empty when it is not there.

    ``masks`` holds bool ``(rows, columns)`` in source pixels by SOP instance UID and structure.
    """

    report: ReadingContent | None = None
    bundle: ReadingContent | None = None
    masks: Mapping[tuple[str, str], Mask] = field(default_factory=dict)


def write_objects(
    reading: Reading,
    directory: Path | str,
    *,
    files: Paths = (),
    dicom: bool = True,
    fhir: bool = True,
    created: dt.datetime | None = None,
    subject: str = "",
) -> ObjectsManifest:
    """Write a reading as objects into ``dicom/`` and ``fhir/`` of a folder.

    Args:
        reading: What was read.
        directory: The folder, beside whose ``reading.json`` the objects belong.
        files: The paths that the study was opened from; DICOM objects refer to them.
        dicom: Whether to write the structured report, and for every readable radiograph a
            segmentation, a secondary capture and a presentation state.
        fhir: Whether to write the bundle.
        created: Date and time of the objects; without it, when the images were taken.
        subject: Reference to the FHIR Patient, such as ``"Patient/17"``; empty for none.

    Returns:
        What was written and what was not, as it stands in ``objects.json``.

    Raises:
        MissingExtraError: DICOM objects are asked for and highdicom is not installed.
        InvalidValueError: The folder cannot be written.
    """
    directory = Path(directory)
    maker = _import_dicom() if dicom else None
    job = _Job(reading, find_sources(reading, files), created)
    blobs: list[tuple[WrittenObject, bytes]] = []
    if not reading.is_readable:
        job.skipped.append("nothing was readable, so there is nothing to make objects of")
    else:
        if maker is not None:
            with quiet():  # highdicom's warnings quote the patient's name
                blobs += job.dicom(maker)
        if fhir:
            blobs.append(job.fhir(subject))
    written = tuple(item for item, _ in blobs)
    moment, origin = job.created
    is_dated = any(item.path.startswith("dicom/") for item in written)
    manifest = ObjectsManifest(
        moment.isoformat() if is_dated else None,
        origin if is_dated else None,
        written,
        tuple(job.skipped),
    )
    document = {"hilum_version": __version__, "disclaimer": DISCLAIMER, **asdict(manifest)}
    try:
        remove_objects(directory)
        for item, data in blobs:
            replace_file(directory / item.path, data)
        replace_file(directory / "objects.json", _to_json(document))
    except OSError as error:
        raise refuse_directory(directory, error) from error
    return manifest


def read_objects(directory: Path | str) -> ReadObjects:
    """Read the objects of a folder of ``write_objects`` back.

    Raises:
        InvalidValueError: An object is damaged or was not written by Hilum.
        MissingExtraError: There are DICOM objects and highdicom is not installed.
    """
    directory = Path(directory)
    report, bundle = None, None
    masks: dict[tuple[str, str], Mask] = {}
    paths = sorted((directory / "dicom").glob("*.dcm"))
    maker = _import_dicom() if paths else None
    path = directory
    try:
        for path in paths:
            assert maker is not None
            with quiet():
                dataset = pydicom.dcmread(path)
                if dataset.Modality == "SR":
                    report = maker.read_report(dataset)
                elif dataset.Modality == "SEG":
                    uid, found = maker.read_masks(dataset)
                    masks |= {(uid, name): mask for name, mask in found.items()}
        path = directory / "fhir" / "bundle.json"
        if path.is_file():
            bundle = read_bundle(json.loads(path.read_text("utf-8")))
    except Exception as error:  # a damaged object raises whatever its parser meets first
        raise InvalidValueError(
            f"{path.name} cannot be read back ({type(error).__name__}); expected an object that "
            "Hilum wrote, so write it again"
        ) from error
    return ReadObjects(report, bundle, masks)


def _import_dicom() -> ModuleType:
    try:
        from hilum.export import dicom
    except ImportError as error:
        raise MissingExtraError(
            "DICOM objects of a reading need highdicom, which cannot be imported; "
            "pip install highdicom"
        ) from error
    return dicom


def _to_json(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", errors="replace")


class _Job:
    """The objects of one reading; ``skipped`` gathers what there is no object for."""

    def __init__(self, reading: Reading, sources: Sources, created: dt.datetime | None) -> None:
        self._reading = reading
        self._sources = sources
        self._content = content_of(reading)
        self._digest = digest_reading(reading, self._content)
        self.created = _date(reading, sources, created)
        self.skipped = list(self._unread())

    def dicom(self, maker: ModuleType) -> Iterator[tuple[WrittenObject, bytes]]:
        """Every DICOM object of the readable radiographs."""
        for number, reason in self._sources.skipped:
            self.skipped.append(f"radiograph {number}, DICOM objects: {reason}")
        images = self._sources.images
        if not any(source.image.quality.accepted for source in images):
            self.skipped.append("DICOM objects: no readable radiograph is a DICOM image")
            return
        stamp = maker.make_stamp(self._digest, self._content, self.created[0])
        segments: dict[tuple[int, str], Any] = {}
        evidence = []
        for source in images:
            if not source.image.quality.accepted:
                continue
            if not (source.image.findings or source.image.anatomy.structures):
                self.skipped.append(
                    f"radiograph {source.number}, segmentation, capture and annotations: "
                    "its view is not interpreted"
                )
                continue
            for kind, dataset in self._pictures(maker, source, stamp):
                if kind == "segmentation":
                    evidence.append(dataset)
                    places = maker.list_segments(source, stamp)
                    segments |= {(source.number, name): ref for name, ref in places.items()}
                name = f"dicom/{kind}_r{source.number}.dcm"
                item = WrittenObject(name, kind, str(dataset.SOPInstanceUID))
                yield item, maker.encode(dataset, stamp)
        content = select_images(self._content, {source.number for source in images})
        report = maker.build_report(
            content, images, segments, stamp, algorithms=self._algorithms(), evidence=evidence
        )
        item = WrittenObject("dicom/report.dcm", "report", str(report.SOPInstanceUID))
        yield item, maker.encode(report, stamp)

    def fhir(self, subject: str) -> tuple[WrittenObject, bytes]:
        """The bundle of the whole reading."""
        for number, reason in self._sources.skipped:
            if self._content.images[number - 1].sop_instance_uid:
                self.skipped.append(f"radiograph {number}, instance of the ImagingStudy: {reason}")
        date = self.created[0].date().isoformat() if self.created[1] != "clock" else ""
        methods = {task: f"{name} {sha[:16]}" for task, (name, sha) in self._algorithms().items()}
        author = Author(
            digest=self._digest,
            device=f"urn:uuid:{derive_uuid('device', __version__, dict(self._content.models))}",
            subject={"reference": subject} if subject else None,
            date=date,
            methods=methods,
        )
        instances = {
            source.number: {
                "series_uid": str(source.header.SeriesInstanceUID),
                "sop_class_uid": str(source.header.SOPClassUID),
                "modality": str(source.header.Modality),
            }
            for source in self._sources.images
        }
        sizes = {
            number: (image.radiograph.rows, image.radiograph.columns)
            for number, image in enumerate(self._reading.radiographs, start=1)
        }
        bundle = build_bundle(self._content, author, instances, sizes)
        return WrittenObject("fhir/bundle.json", "bundle", bundle["id"]), _to_json(bundle)

    def _unread(self) -> Iterator[str]:
        for number, image in enumerate(self._reading.radiographs, start=1):
            if not image.quality.accepted:
                codes = ", ".join(issue.code for issue in image.quality.reasons)
                yield f"radiograph {number}, findings and measurements: it was refused ({codes})"
        if self._reading.study.unreadable:
            count = len(self._reading.study.unreadable)
            yield f"unreadable files ({count}): no image to make an object of; see reading.json"

    def _pictures(
        self, maker: ModuleType, source: SourceImage, stamp: Any
    ) -> Iterator[tuple[str, Any]]:
        """Segmentation, capture and annotations of a radiograph, as far as they can be made."""
        algorithm = self._algorithms().get("anatomy", FALLBACK_MODEL)
        segmentation = maker.build_segmentation(source, stamp, algorithm=algorithm)
        if segmentation is None:
            self.skipped.append(f"radiograph {source.number}, segmentation: every mask is empty")
        else:
            yield "segmentation", segmentation
        yield "capture", maker.build_capture(source, stamp)
        try:
            yield "annotations", maker.build_annotations(source, stamp)
        except (ValueError, TypeError, AttributeError) as error:
            self.skipped.append(
                f"radiograph {source.number}, annotations: its header allows no grayscale "
                f"presentation state ({type(error).__name__})"
            )

    def _algorithms(self) -> dict[str, tuple[str, str]]:
        """Name and SHA-256 of the model by task, as far as the reading says."""
        tasks = self._reading.settings.get("models", {})
        known = self._content.models
        return {task: (name, known[name]) for task, name in tasks.items() if name in known}


def _date(reading: Reading, sources: Sources, given: dt.datetime | None) -> tuple[dt.datetime, str]:
    """The date of the objects: local time of the hospital, to the second, without a zone."""
    if given is not None:
        return given.replace(microsecond=0, tzinfo=None), "given"
    taken = sources.created or reading.study.date
    if taken is not None:
        return taken.replace(microsecond=0), "acquisition"
    return dt.datetime.now().replace(microsecond=0), "clock"
