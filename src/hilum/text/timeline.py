"""One patient's findings through several reports, in the manner of Lunguage (Moon et al., 2025).

Each thread is a finding or device at one place. At every report that speaks of it stands the
status, the change that the writer says and the change that the sequence itself implies; where
the two disagree, or a report contradicts itself, a conflict is listed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from hilum.errors import InvalidValueError
from hilum.text.threads import Claim, Thread, collect_claims, group_claims
from hilum.text.types import Assertion, Document, MentionKind

__all__ = [
    "Conflict",
    "DatedReport",
    "Timeline",
    "TimelineEntry",
    "TimelinePoint",
    "build_timeline",
    "timeline_to_dict",
]

GROWTH_MM = 2.0
"""Smaller differences of a diameter are within what readers differ by (Fleischner, 2017)."""

_SEVERITIES = ("minimal", "mild", "moderate", "severe")
_PERSISTING = ("unchanged", "increased", "decreased", "resolved")
_PRECEDENCE = (
    Assertion.PRESENT,
    Assertion.UNCERTAIN,
    Assertion.ABSENT,
    Assertion.NOT_ASSESSED,
    Assertion.HISTORICAL,
)


@dataclass(frozen=True, slots=True)
class DatedReport:
    """A parsed report, its day (None when only the order is known) and the caller's id."""

    document: Document
    date: dt.date | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class TimelinePoint:
    """What report ``report`` (an index into ``Timeline.reports``) says of an entry.

    ``said_change`` and ``implied_change`` are ``new``, ``increased``, ``decreased``,
    ``unchanged``, ``resolved`` or empty; the implied one compares with the last earlier
    report that says present or absent. ``largest_mm`` is the largest diameter said.
    ``observations`` index ``Document.observations`` of that report.
    """

    report: int
    assertion: Assertion
    degree: float | None
    severity: str
    largest_mm: float | None
    tip: str
    position: str
    said_change: str
    implied_change: str
    observations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One finding or device at one place, through time.

    ``name`` is the narrowest name used, ``names`` all of them. ``first_seen`` and
    ``last_seen`` index the reports that first and last say present, None when none does.
    """

    name: str
    names: tuple[str, ...]
    kind: MentionKind
    side: str
    places: tuple[str, ...]
    points: tuple[TimelinePoint, ...]
    first_seen: int | None
    last_seen: int | None


class Conflict(NamedTuple):
    """Statements about ``entry`` in ``report`` that cannot all be true.

    ``kind`` is ``absent_before`` (said unchanged, larger, smaller or resolved, but the last
    statement was absent), ``present_before`` (said new), ``opposite_change`` (the severities
    or sizes say otherwise) or ``present_and_absent`` (in one report).
    """

    kind: str
    entry: int
    report: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The reports from first to last, what runs through them, and what does not fit."""

    reports: tuple[DatedReport, ...]
    entries: tuple[TimelineEntry, ...]
    conflicts: tuple[Conflict, ...]


def build_timeline(reports: Sequence[DatedReport]) -> Timeline:
    """Follow each finding and device of one patient through the reports.

    Reports are put in the order of their days; several of one day, and reports without any
    date, keep the order given.

    Raises:
        InvalidValueError: If only some of the reports have a date.
    """
    ordered = _sort_reports(reports)
    claims = [collect_claims(number, item.document) for number, item in enumerate(ordered)]
    threads = group_claims(claims)
    entries = tuple(_make_entry(thread) for thread in threads)
    conflicts = [
        conflict
        for number, (thread, entry) in enumerate(zip(threads, entries, strict=True))
        for conflict in _find_conflicts(number, thread, entry)
    ]
    conflicts.sort(key=lambda conflict: (conflict.report, conflict.entry))
    return Timeline(ordered, entries, tuple(conflicts))


def _sort_reports(reports: Sequence[DatedReport]) -> tuple[DatedReport, ...]:
    days = [item.date for item in reports]
    dated = sum(day is not None for day in days)
    if not dated:
        return tuple(reports)
    if dated < len(days):
        raise InvalidValueError(
            f"got a date for {dated} of {len(days)} reports; "
            "give every report a date, or none and their order"
        )
    return tuple(sorted(reports, key=lambda item: item.date.toordinal() if item.date else 0))


def _make_entry(thread: Thread) -> TimelineEntry:
    points: list[TimelinePoint] = []
    stated: TimelinePoint | None = None
    for report in sorted(thread.claims):
        point = _make_point(thread.claims[report], stated)
        points.append(point)
        if point.assertion in (Assertion.PRESENT, Assertion.ABSENT):
            stated = point
    seen = [point.report for point in points if point.assertion is Assertion.PRESENT]
    return TimelineEntry(
        name=thread.narrowest_name,
        names=tuple(thread.names),
        kind=thread.first.observation.kind,
        side=thread.side,
        places=thread.places,
        points=tuple(points),
        first_seen=seen[0] if seen else None,
        last_seen=seen[-1] if seen else None,
    )


def _make_point(claims: Sequence[Claim], stated: TimelinePoint | None) -> TimelinePoint:
    """One report's claims as one point; the strongest assertion speaks for all."""
    items = [claim.observation for claim in claims]
    assertion = min((item.assertion for item in items), key=_PRECEDENCE.index)
    items = [item for item in items if item.assertion is assertion]
    sizes = [max(size.millimetres) for item in items for size in item.sizes if not size.to]
    point = TimelinePoint(
        report=claims[0].report,
        assertion=assertion,
        degree=max((item.degree for item in items if item.degree is not None), default=None),
        severity=next((item.severity for item in items if item.severity), ""),
        largest_mm=max(sizes, default=None),
        tip=next((item.tip for item in items if item.tip), ""),
        position=next((item.position for item in items if item.position), ""),
        said_change=next((item.change for item in items if item.change), ""),
        implied_change="",
        observations=tuple(sorted({claim.number for claim in claims})),
    )
    return replace(point, implied_change=_compare(stated, point)) if stated else point


def _compare(before: TimelinePoint, now: TimelinePoint) -> str:
    """The change that two statements imply, empty when they do not tell."""
    was_there = before.assertion is Assertion.PRESENT
    if now.assertion is Assertion.ABSENT:
        return "resolved" if was_there else ""
    if now.assertion is not Assertion.PRESENT:
        return ""
    if not was_there:
        return "new"
    if before.largest_mm is not None and now.largest_mm is not None:
        return _direction(now.largest_mm - before.largest_mm, GROWTH_MM)
    if before.severity in _SEVERITIES and now.severity in _SEVERITIES:
        return _direction(_SEVERITIES.index(now.severity) - _SEVERITIES.index(before.severity), 1)
    return ""


def _direction(difference: float, least: float) -> str:
    if abs(difference) < least:
        return "unchanged"
    return "increased" if difference > 0 else "decreased"


def _find_conflicts(number: int, thread: Thread, entry: TimelineEntry) -> Iterator[Conflict]:
    for report in thread.contradicted:
        yield Conflict("present_and_absent", number, report)
    stated: Assertion | None = None
    for point in entry.points:
        said, implied = point.said_change, point.implied_change
        is_there = point.assertion in (Assertion.PRESENT, Assertion.UNCERTAIN)
        if stated is Assertion.ABSENT and said in (_PERSISTING if is_there else ("resolved",)):
            yield Conflict("absent_before", number, point.report)
        elif stated is Assertion.PRESENT and said == "new":
            yield Conflict("present_before", number, point.report)
        elif said and implied in ("increased", "decreased") and said != implied:
            yield Conflict("opposite_change", number, point.report)
        if point.assertion in (Assertion.PRESENT, Assertion.ABSENT):
            stated = point.assertion


def timeline_to_dict(timeline: Timeline) -> dict[str, Any]:
    """The timeline as plain dicts: every entry tells its status at every report.

    A report that does not speak of an entry has the status ``not_mentioned`` there.
    """
    return {
        "reports": [
            {"id": item.id, "date": item.date.isoformat() if item.date else None}
            for item in timeline.reports
        ],
        "entries": [_entry_to_dict(entry, len(timeline.reports)) for entry in timeline.entries],
        "conflicts": [conflict._asdict() for conflict in timeline.conflicts],
    }


def _entry_to_dict(entry: TimelineEntry, count: int) -> dict[str, Any]:
    points = {point.report: point for point in entry.points}
    return {
        "name": entry.name,
        "names": list(entry.names),
        "kind": entry.kind.value,
        "side": entry.side,
        "places": list(entry.places),
        "first_seen": entry.first_seen,
        "last_seen": entry.last_seen,
        "studies": [_point_to_dict(report, points.get(report)) for report in range(count)],
    }


def _point_to_dict(report: int, point: TimelinePoint | None) -> dict[str, Any]:
    if point is None:
        return {"report": report, "status": "not_mentioned"}
    fields = asdict(point)
    return {
        "report": report,
        "status": fields.pop("assertion").value,
        **{key: fields[key] for key in fields if key not in ("report", "observations")},
        "observations": list(point.observations),
    }
