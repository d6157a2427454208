"""The reading as a FHIR R4 bundle: DiagnosticReport, Observations, ImagingStudy and Device.

Everything is preliminary. No patient is described: who it is about is a reference that the
caller gives, or none. Radiographs that are no DICOM instances stand as Media in place of an
ImagingStudy.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydicom.uid import UID

from hilum._version import __version__
from hilum.export.coding import code_finding, concept
from hilum.export.content import ImageContent, ReadingContent, Sentence
from hilum.export.fhir.elements import SYSTEMS, concept_of, name_reference
from hilum.export.fhir.observations import Author, image_observations, report_observations
from hilum.types import DISCLAIMER, Status

__all__ = ["Instance", "build_bundle"]

CATEGORY = "http://terminology.hl7.org/CodeSystem/v2-0074"
URI = "urn:ietf:rfc:3986"
XHTML = "http://www.w3.org/1999/xhtml"

Instance = Mapping[str, str]
"""Of a DICOM radiograph: ``series_uid``, ``sop_class_uid``, ``modality``."""


def build_bundle(
    content: ReadingContent,
    author: Author,
    instances: Mapping[int, Instance],
    sizes: Mapping[int, tuple[int, int]],
) -> dict[str, Any]:
    """Build the bundle of a reading.

    Args:
        content: What the reading says.
        author: What its resources share; ``author.device`` is the URL of the Device here.
        instances: DICOM facts by the number of the radiograph; the others become Media.
        sizes: Rows and columns of every radiograph by its number.

    Returns:
        A collection, the DiagnosticReport first.
    """
    study_url = author.url("ImagingStudy", content.study_uid)
    resources: list[tuple[str, Any]] = [(author.device, _device(content, author))]
    if instances:
        resources.append((study_url, _study(content, author, instances)))
    media: list[tuple[str, Any]] = []
    observations: list[Any] = []
    for image in content.images:
        source = study_url
        if image.number not in instances:
            source = author.url("Media", str(image.number))
            media.append((source, _media(image, author, sizes[image.number])))
        observations += image_observations(author, image, source)
    observations += report_observations(author, content)
    results = [(f"urn:uuid:{item['id']}", item) for item in observations]
    report = _report(
        content,
        author,
        results=[url for url, _ in results],
        studies=_studies(content, study_url if instances else ""),
        media=[url for url, _ in media],
    )
    entries = [(author.url("DiagnosticReport", "1"), report), *resources, *media, *results]
    return {
        "resourceType": "Bundle",
        "id": author.url("Bundle", "1").removeprefix("urn:uuid:"),
        "identifier": {"system": URI, "value": author.url("Bundle", "1")},
        "type": "collection",
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries],
    }


def _filled(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if value not in (None, "", [])}


def _id(author: Author, kind: str, name: str) -> str:
    return author.url(kind, name).removeprefix("urn:uuid:")


def _device(content: ReadingContent, author: Author) -> dict[str, Any]:
    models = [{"type": {"text": name}, "value": sha} for name, sha in content.models.items()]
    return _filled(
        {
            "resourceType": "Device",
            "id": author.device.removeprefix("urn:uuid:"),
            "status": "active",
            "manufacturer": "Hilum",
            "deviceName": [{"name": "Hilum", "type": "model-name"}],
            "version": [{"type": {"text": "hilum"}, "value": __version__}, *models],
            "note": [{"text": DISCLAIMER}],
        }
    )


def _study(
    content: ReadingContent, author: Author, instances: Mapping[int, Instance]
) -> dict[str, Any]:
    numbers = {image.number: image.sop_instance_uid for image in content.images}
    series: dict[str, list[int]] = {}
    for number, facts in instances.items():
        series.setdefault(facts["series_uid"], []).append(number)
    items = []
    for uid, members in series.items():
        first = instances[members[0]]
        items.append(
            {
                "uid": uid,
                "modality": _modality(first["modality"]),
                "numberOfInstances": len(members),
                "instance": [_instance(n, numbers[n], instances[n]) for n in members],
            }
        )
    return _filled(
        {
            "resourceType": "ImagingStudy",
            "id": _id(author, "ImagingStudy", content.study_uid),
            "identifier": [_dicom_identifier(content.study_uid)],
            "status": "available",
            # required by R4, also where nobody asked for a patient
            "subject": author.subject or {"display": "not stated"},
            "started": author.date,
            "numberOfSeries": len(series),
            "numberOfInstances": len(instances),
            "series": items,
        }
    )


def _studies(content: ReadingContent, url: str) -> list[dict[str, Any]]:
    """The study by its entry in the bundle; one that is not there by its UID alone."""
    if url:
        return [name_reference(url)]
    if not content.study_uid:
        return []
    return [{"type": "ImagingStudy", "identifier": _dicom_identifier(content.study_uid)}]


def _dicom_identifier(uid: str) -> dict[str, str]:
    return {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}


def _modality(code: str) -> dict[str, str]:
    return {"system": SYSTEMS["DCM"], "code": code or "OT"}


def _instance(number: int, uid: str, facts: Instance) -> dict[str, Any]:
    name = UID(facts["sop_class_uid"]).name
    return {
        "uid": uid,
        "sopClass": {"system": URI, "code": f"urn:oid:{facts['sop_class_uid']}", "display": name},
        "number": number,
        "title": f"r{number}",
    }


def _media(image: ImageContent, author: Author, size: tuple[int, int]) -> dict[str, Any]:
    rows, columns = size
    uid = image.sop_instance_uid
    return _filled(
        {
            "resourceType": "Media",
            "id": _id(author, "Media", str(image.number)),
            "identifier": [_dicom_identifier(uid)] if uid else None,
            "status": "completed",
            "subject": author.subject,
            "createdDateTime": author.date,
            "height": rows,
            "width": columns,
            "content": {"title": f"r{image.number}"},
        }
    )


def _report(
    content: ReadingContent,
    author: Author,
    *,
    results: Sequence[str],
    studies: Sequence[Mapping[str, Any]],
    media: Sequence[str],
) -> dict[str, Any]:
    coding = {"system": CATEGORY, "code": "RAD", "display": "Radiology"}
    return _filled(
        {
            "resourceType": "DiagnosticReport",
            "id": _id(author, "DiagnosticReport", "1"),
            "text": {"status": "generated", "div": _narrative(content)},
            "status": "preliminary",
            "category": [{"coding": [coding]}],
            "code": concept_of(concept("imaging_report")),
            "subject": author.subject,
            "effectiveDateTime": author.date,
            "result": [name_reference(url) for url in results],
            "imagingStudy": list(studies),
            "media": [{"link": name_reference(url)} for url in media],
            "conclusion": " ".join(sentence.text for sentence in content.impression),
            "conclusionCode": _conclusions(content),
            "presentedForm": [_text_form(content)],
        }
    )


def _conclusions(content: ReadingContent) -> list[dict[str, Any]]:
    names = dict.fromkeys(
        finding.name
        for image in content.images
        for finding in image.findings
        if finding.status is Status.PRESENT
    )
    return [concept_of(code_finding(name)) for name in names]


def _sections(content: ReadingContent) -> Iterable[tuple[str, str]]:
    def joined(sentences: Sequence[Sentence]) -> str:
        return " ".join(sentence.text for sentence in sentences)

    sections = {
        "Indication": content.indication,
        "Technique": content.technique,
        "Comparison": content.comparison,
        "Findings": joined(content.findings),
        "Impression": joined(content.impression),
    }
    return ((title, text) for title, text in sections.items() if text)


def _narrative(content: ReadingContent) -> str:
    parts = [f"<p><b>{html.escape(DISCLAIMER)}</b></p>"]
    for title, text in _sections(content):
        parts.append(f"<h3>{title}</h3><p>{html.escape(text)}</p>")
    return f'<div xmlns="{XHTML}">{"".join(parts)}</div>'


def _text_form(content: ReadingContent) -> dict[str, str]:
    blocks = [DISCLAIMER, *(f"{title}: {text}" for title, text in _sections(content)), DISCLAIMER]
    data = base64.b64encode("\n\n".join(blocks).encode("utf-8")).decode("ascii")
    return {"contentType": "text/plain; charset=utf-8", "data": data, "title": "Draft report"}
