"""Rows of the database as the shapes of the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from hilum.export.wording import name_of
from hilum.serve import studies
from hilum.serve.database.tables import InstanceRow, ReadingRow, StudyRow
from hilum.serve.service import Service
from hilum.serve.web.masking import Mask
from hilum.serve.web.shapes import ImageShape, Prior, StudyDetail, StudySummary
from hilum.types import Status

__all__ = ["describe_study", "summarise"]

_ORDER = {Status.PRESENT: 0, Status.UNCERTAIN: 1}


def summarise(
    service: Service, rows: Sequence[StudyRow], masks: Mapping[str, Mask | None]
) -> list[StudySummary]:
    """Rows of the worklist; ``masks`` by the id of the study."""
    first = _first_dates(service, rows)
    summaries = []
    for row in rows:
        earliest = first.get(row.patient_key)
        has_prior = bool(earliest and row.study_date and earliest < row.study_date)
        values = _fields(row, has_prior=has_prior, mask=masks.get(row.id))
        summaries.append(StudySummary(**values, images=row.instances))
    return summaries


def describe_study(service: Service, row: StudyRow, mask: Mask | None) -> StudyDetail:
    """A study with images and priors; a prior is the same patient's, so is its mask."""
    reading = studies.latest_reading(service, row.id)
    priors = []
    for prior in studies.find_priors(service, row):
        read = studies.latest_reading(service, prior.id)
        priors.append(
            Prior(
                **_fields(prior, has_prior=False, mask=mask),
                images=_images(service, prior, read, mask),
                has_reading=read is not None,
            )
        )
    return StudyDetail(
        **_fields(row, has_prior=bool(priors), mask=mask),
        study_uid=mask.uid(row.study_uid) if mask else row.study_uid,
        images=_images(service, row, reading, mask),
        priors=priors,
        revision=row.revision,
    )


def _first_dates(service: Service, rows: Sequence[StudyRow]) -> dict[str, dt.datetime]:
    """The earliest study of each patient on the page, in one query."""
    keys = {row.patient_key for row in rows if row.patient_key}
    if not keys:
        return {}
    query = (
        select(StudyRow.patient_key, func.min(StudyRow.study_date))
        .where(StudyRow.patient_key.in_(keys), StudyRow.study_date.is_not(None))
        .group_by(StudyRow.patient_key)
    )
    with service.begin() as session:
        return {row[0]: row[1] for row in session.execute(query) if row[1] is not None}


def _fields(row: StudyRow, *, has_prior: bool, mask: Mask | None) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": row.id,
        "state": row.state,
        "priority": row.priority,
        "patient_name": row.patient_name or None,
        "patient_id": row.patient_id or None,
        "sex": row.sex or None,
        "age_years": row.age_years,
        "accession": row.accession or None,
        "study_date": row.study_date,
        "received_at": row.received_at,
        "read_at": row.read_at,
        "description": row.description or None,
        "indication": row.indication or None,
        "findings": _findings(row.findings),
        "suspicion": row.suspicion or None,
        "reason": row.reason or None,
        "has_prior": has_prior,
        "feedback": row.feedback or None,
    }
    return mask.summary(values) if mask else values


def _findings(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One entry a finding over all radiographs, what is present and likely first."""
    merged: dict[str, Mapping[str, Any]] = {}
    for finding in sorted(found, key=_rank):
        if finding["name"] != "no_finding":
            merged.setdefault(finding["name"], finding)
    return [{**finding, "display": name_of(finding["name"])} for finding in merged.values()]


def _rank(finding: Mapping[str, Any]) -> tuple[int, float]:
    return _ORDER.get(Status(finding["status"]), 2), -(finding["probability"] or 0.0)


def _images(
    service: Service, row: StudyRow, reading: ReadingRow | None, mask: Mask | None
) -> list[ImageShape]:
    """The images in the order of the reading where there is one, else of the instances."""
    instances = studies.images_of(service, row.id)
    entries = reading.document["radiographs"] if reading else []
    verdicts = {entry["sop_instance_uid"]: entry for entry in entries}
    return [
        _image(row.id, number, instance, verdicts.get(instance.sop_uid), mask)
        for number, instance in enumerate(order_images(instances, reading), start=1)
    ]


def order_images(instances: Sequence[InstanceRow], reading: ReadingRow | None) -> list[InstanceRow]:
    """Instances numbered as the reading numbers its radiographs; what it lacks comes last."""
    entries = reading.document["radiographs"] if reading else []
    places = {entry["sop_instance_uid"]: n for n, entry in enumerate(entries)}
    return sorted(instances, key=lambda item: places.get(item.sop_uid, len(places)))


def _image(
    study_id: str,
    number: int,
    instance: InstanceRow,
    verdict: Mapping[str, Any] | None,
    mask: Mask | None,
) -> ImageShape:
    return ImageShape(
        number=number,
        sop_uid=mask.uid(instance.sop_uid) if mask else instance.sop_uid,
        series_uid=mask.uid(instance.series_uid) if mask else instance.series_uid,
        rows=instance.rows,
        columns=instance.columns,
        view=(verdict["view"] if verdict else instance.view) or None,
        wado_uri=f"/api/v1/studies/{study_id}/images/{number}/dicom",
        is_refused=verdict is not None and not verdict["quality"]["accepted"],
    )
