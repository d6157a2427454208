"""Other operating points, other words: statuses and report of a stored reading, drawn up anew.

Nothing is read again and nothing is stored. Statuses follow as in ``hilum.findings``: present
from the operating point on, absent below the model's rule-out limit, uncertain between them. What
depends on the pixels stays as it was: a finding that a lower point makes present has no place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hilum import report
from hilum.errors import HilumError, InvalidValueError, require
from hilum.findings.assess import without_contradiction
from hilum.findings.calibration import LabelCalibration, calibrations_of, status_of
from hilum.findings.cardiomegaly import OPERATING_POINT, RULE_OUT
from hilum.models.registry import find_model
from hilum.types import (
    Anatomy,
    Change,
    ChangeKind,
    Context,
    Finding,
    Issue,
    Measurement,
    Orientation,
    Quality,
    Radiograph,
    RadiographReading,
    Report,
    Statement,
    Status,
    Study,
    Unreadable,
    View,
)

__all__ = ["StoredReading", "reword"]

_NORMAL = "no_finding"
_HEART = LabelCalibration(1.0, 0.0, OPERATING_POINT, RULE_OUT)
_SHIPPED = "hilum-findings"


@dataclass(frozen=True, slots=True)
class StoredReading:
    """What a report is drafted from, rebuilt from ``reading.json``; it holds no pixels.

    ``limits`` are the calibrations of the model that read each radiograph.
    """

    study: Study
    radiographs: tuple[RadiographReading, ...]
    changes: tuple[Change, ...]
    limits: tuple[Mapping[str, LabelCalibration], ...]

    @classmethod
    def of(cls, document: Mapping[str, Any], *, age_years: float | None = None) -> StoredReading:
        """Rebuild from a document; the age is not part of it and words the size of a heart."""
        images = tuple(_radiograph(entry) for entry in document["radiographs"])
        models = tuple(document.get("models", {}))
        return cls(
            study=Study(
                radiographs=tuple(image.radiograph for image in images),
                uid=document["study_uid"],
                context=Context(age_years=age_years),
                unreadable=() if images else (Unreadable("", "nothing was readable"),),
            ),
            radiographs=images,
            changes=tuple(_change(entry) for entry in document["changes"]),
            limits=tuple(_limits(image, models) for image in images),
        )

    def with_points(self, points: Mapping[str, float]) -> StoredReading:
        """The same reading with statuses by other operating points.

        Args:
            points: Probability in [0, 1] by the name or id of a finding.

        Raises:
            InvalidValueError: A finding is unknown or was not assessed, or a point is no
                probability.
        """
        self._check(points)
        images = tuple(
            replace(image, findings=_restate(image.findings, limits, points))
            for image, limits in zip(self.radiographs, self.limits, strict=True)
        )
        moved = {
            now.id
            for after, before in zip(images, self.radiographs, strict=True)
            for now, was in zip(after.findings, before.findings, strict=True)
            if now.status is not was.status
        }
        # what was compared with the prior was the status that no longer holds
        kept = tuple(c for c in self.changes if not moved.intersection(c.evidence))
        return replace(self, radiographs=images, changes=kept)

    def draft(self) -> Report:
        """The report of these statuses."""
        return report.draft(self.study, self.radiographs, self.changes)

    def _check(self, points: Mapping[str, float]) -> None:
        findings = [f for image in self.radiographs for f in image.findings]
        assessed = [f for f in findings if f.status is not Status.NOT_ASSESSED]
        known = {key for f in assessed for key in (f.name, f.id)}
        for key, point in points.items():
            require(0.0 <= point <= 1.0, f"an operating point is in [0, 1], got {point}")
            if key not in known:
                names = ", ".join(sorted({f.name for f in assessed})) or "none"
                raise InvalidValueError(
                    f"no finding of that name was assessed; operating points may be given for: "
                    f"{names}"
                )


def reword(
    document: Mapping[str, Any],
    points: Mapping[str, float],
    *,
    age_years: float | None = None,
) -> dict[str, Any]:
    """Statuses and report by other operating points, in the shape of ``reading.json``.

    Args:
        document: The stored reading.
        points: Probability by the name of a finding (all radiographs) or by its id.
        age_years: The patient's age when it was read.

    Returns:
        ``findings`` of all radiographs, and ``report`` with its two lists of statements. With
        no point changed the words are those of the stored report.

    Raises:
        InvalidValueError: A finding is unknown, or a point is no probability.
    """
    stored = StoredReading.of(document, age_years=age_years)
    changed = stored.with_points(points)
    drafted = changed.draft()
    return {
        "findings": [
            {
                "id": finding.id,
                "name": finding.name,
                "status": finding.status.value,
                "operating_point": finding.operating_point,
            }
            for image in changed.radiographs
            for finding in image.findings
        ],
        "report": {
            "findings": _statements(drafted.findings),
            "impression": _statements(drafted.impression),
        },
    }


def _restate(
    findings: Iterable[Finding],
    limits: Mapping[str, LabelCalibration],
    points: Mapping[str, float],
) -> tuple[Finding, ...]:
    """Statuses by other points; a status whose point did not move stays as it was stored."""
    found = {f.name: f for f in findings}
    moved = {}
    for name, finding in found.items():
        point = points.get(finding.id, points.get(name))
        if (
            point is not None
            and point != finding.operating_point
            and finding.probability is not None
        ):
            moved[name] = _with_status(finding, limits, point)
    if not moved:
        return tuple(found.values())
    changed = {**found, **moved}
    normal = changed.get(_NORMAL)
    if normal is not None and normal.operating_point is not None and _NORMAL not in moved:
        # it may have been held back by a finding that is present no more
        changed[_NORMAL] = _with_status(normal, limits, normal.operating_point)
    return tuple(without_contradiction(changed).values())


def _with_status(finding: Finding, limits: Mapping[str, LabelCalibration], point: float) -> Finding:
    # of a foreign classifier no rule-out limit is known: then nothing is uncertain
    rule_out = limits[finding.name].rule_out if finding.name in limits else point
    assert finding.probability is not None
    status = status_of(finding.probability, operating_point=point, rule_out=rule_out)
    return replace(finding, status=status, operating_point=point)


def _limits(image: RadiographReading, models: Iterable[str]) -> Mapping[str, LabelCalibration]:
    """Calibrations of the shipped model's group, adult or child, whose findings were assessed."""
    if _SHIPPED not in models:
        return {"cardiomegaly": _HEART}
    try:
        manifest = find_model(_SHIPPED).manifest
    except HilumError:
        manifest = None
    groups = manifest.calibration if manifest is not None else {}
    assessed = {f.name for f in image.findings if f.probability is not None} - {"cardiomegaly"}
    candidates = [
        calibrations_of(groups[name]["labels"]) for name in ("adult", "child") if name in groups
    ]
    best = min(candidates, key=lambda limits: len(assessed ^ set(limits)), default={})
    return {**best, "cardiomegaly": _HEART}


def _radiograph(entry: Mapping[str, Any]) -> RadiographReading:
    quality = entry["quality"]
    return RadiographReading(
        radiograph=Radiograph(
            pixels=np.zeros((1, 1), np.float32),
            source=entry["source"],
            orientation=Orientation(1, 1),
            view=View(entry["view"]),
            view_origin=entry["view_origin"],
        ),
        quality=Quality(
            accepted=quality["accepted"],
            reasons=tuple(Issue(**issue) for issue in quality["reasons"]),
            warnings=tuple(Issue(**issue) for issue in quality["warnings"]),
            scores={k: v for k, v in quality["scores"].items() if v is not None},
        ),
        anatomy=Anatomy(measurements=tuple(Measurement(**m) for m in entry["measurements"])),
        findings=tuple(_finding(finding) for finding in entry["findings"]),
    )


def _finding(entry: Mapping[str, Any]) -> Finding:
    interval = entry["interval"]
    return Finding(
        name=entry["name"],
        status=Status(entry["status"]),
        probability=entry["probability"],
        interval=(interval[0], interval[1]) if interval else None,
        operating_point=entry["operating_point"],
        zones=tuple(entry["zones"]),
        problem=entry["problem"],
        id=entry["id"],
    )


def _change(entry: Mapping[str, Any]) -> Change:
    date = entry["prior_date"]
    return Change(
        finding=entry["finding"],
        kind=ChangeKind(entry["kind"]),
        evidence=tuple(entry["evidence"]),
        prior_date=dt.datetime.fromisoformat(date) if date else None,
        id=entry["id"],
    )


def _statements(statements: Iterable[Statement]) -> list[dict[str, Any]]:
    return [{"text": s.text, "evidence": [item.id for item in s.evidence]} for s in statements]
