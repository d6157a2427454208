"""Draft the report of a study: plan, realise, bind.

The last step of the main path before export. The order is that of a radiologist's search
(devices, lungs, pleura, heart and mediastinum, bones); the wording comes from
``templates.toml``; every statement carries the very findings, measurements, changes and
issues it rests on. The same reading always gives the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hilum.report.airspace import airspace_line, is_spoken_for, opacity_line, overlapping
from hilum.report.changes import change_lines
from hilum.report.heart import heart_impression, heart_line, pick_ratio
from hilum.report.impression import impression_lines, normal_line, uncertain_line
from hilum.report.plan import Line, Seen, merge_findings, names_in_group, names_with
from hilum.report.sections import (
    comparison,
    indication,
    refusal_line,
    technique,
    warning_lines,
)
from hilum.report.wording import (
    capitalise,
    concept_or_new,
    head,
    place,
    sentence,
    templates,
    terms,
)
from hilum.types import Change, RadiographReading, Report, Statement, Status, Study, View

__all__ = ["draft"]

_HEART = "cardiomegaly"


def draft(
    study: Study, radiographs: Sequence[RadiographReading], changes: Sequence[Change] = ()
) -> Report:
    """Draft the report of one study.

    Args:
        study: The study that was read; its context and priors fill their sections.
        radiographs: What was seen on each of its radiographs, refused ones included.
            Findings, measurements and issues must carry their ids.
        changes: What became of the findings since a prior study, with their ids.

    Returns:
        A report whose statements are bound to objects of ``radiographs`` and ``changes``.
        When every radiograph was refused, it says only that, and why.

    Raises:
        InvalidValueError: If an object that a sentence rests on carries no id.
    """
    accepted = [reading for reading in radiographs if reading.quality.accepted]
    refused = refusal_line(radiographs)
    if not accepted:
        return Report(impression=_bind([refused] if refused else []), indication=indication(study))
    view = _View.of(study, accepted)
    warnings = warning_lines(accepted)
    changed = change_lines(changes)
    body = [*_body(view), *changed, *_unassessed(view)]
    start = [refused, *warnings] if refused else warnings
    return Report(
        findings=_bind([*start, *body]),
        impression=_bind(_impression(view, changed, warnings)),
        indication=indication(study),
        technique=technique(radiographs),
        comparison=comparison(study),
    )


@dataclass(frozen=True, slots=True)
class _View:
    """Everything that the body and the impression are worded from."""

    readings: Sequence[RadiographReading]
    seen: Mapping[str, Seen]
    airspace: Line | None
    heart: Line | None
    heart_short: Line | None

    @classmethod
    def of(cls, study: Study, accepted: Sequence[RadiographReading]) -> _View:
        seen = merge_findings(accepted)
        ratio, age = pick_ratio(accepted), study.context.age_years
        return cls(
            readings=accepted,
            seen=seen,
            airspace=airspace_line(seen),
            heart=heart_line(seen.get(_HEART), ratio, age),
            heart_short=heart_impression(seen.get(_HEART), ratio, age),
        )


def _bind(lines: Iterable[Line]) -> tuple[Statement, ...]:
    return tuple(Statement(line.text, line.evidence) for line in lines)


def _body(view: _View) -> list[Line]:
    """The sentences of the search: in each group what is seen, in doubt, and absent."""
    lines: list[Line] = []
    for group in templates()["order"]:
        names = names_in_group(view.seen, group)
        positives = _positives(view, names)
        lines += [line for _, line in positives]
        lines += _uncertain(view, names)
        lines += _negatives(view, names)
        if group == "heart_mediastinum" and view.heart is not None:
            lines.append(view.heart)
    return lines


def _positives(view: _View, names: Sequence[str]) -> list[tuple[str, Line]]:
    """What is present among ``names``, each with the name that leads its sentence."""
    lines: list[tuple[str, Line]] = []
    if view.airspace is not None and set(names) & set(overlapping()):
        lines.append((overlapping()[0], view.airspace))
    rest = opacity_line(view.seen)
    for name in names:
        item = view.seen[name]
        if item.status is not Status.PRESENT or _is_joined(view, name):
            continue
        if name == "lung_opacity":
            continue
        lines.append((name, _finding_line(item)))
    if "lung_opacity" in names and view.airspace is None and rest is not None:
        lines.append(("lung_opacity", rest))
    elif "lung_opacity" in names and view.airspace is None and lines:
        lines[0] = (lines[0][0], _with_opacity(view, lines[0][1]))
    return lines


def _with_opacity(view: _View, line: Line) -> Line:
    """Add an opacity that the line's finding explains to its evidence."""
    opacity = view.seen["lung_opacity"]
    if opacity.status is not Status.PRESENT:
        return line
    evidence = (*line.evidence, *opacity.evidence)
    return Line(line.text, evidence, line.urgency, line.probability)


def _is_joined(view: _View, name: str) -> bool:
    """Whether another sentence (air-space disease, heart size) already tells it."""
    if name == _HEART:
        return view.heart is not None
    return view.airspace is not None and name in overlapping()


def _finding_line(item: Seen) -> Line:
    where = place(item.name, item.zones)
    is_present = item.status is Status.PRESENT
    subject = head(item.name, item.probability if is_present else None, item.zones)
    text = sentence(item.name, item.status.value, subject=subject, where=where)
    text = text.removesuffix(".") + item.partly + "."
    urgency = concept_or_new(item.name).urgency
    return Line(text, item.evidence, urgency, item.probability)


def _doubtful(view: _View, names: Iterable[str]) -> list[str]:
    """Names in doubt that no other sentence tells."""
    joined = overlapping()[-1] if view.airspace is not None else ""
    return [
        name
        for name in names
        if view.seen[name].status is Status.UNCERTAIN
        and name != joined
        and not (name == _HEART and view.heart is not None)
        and not is_spoken_for(name, view.seen)
    ]


def _uncertain(view: _View, names: Sequence[str]) -> list[Line]:
    """A sentence for each doubt that has a place, and one for all that have none."""
    doubtful = [view.seen[name] for name in _doubtful(view, names)]
    placed = [item for item in doubtful if item.zones or item.partly]
    lines = [_finding_line(item) for item in placed]
    rest = uncertain_line(view.seen, [item.name for item in doubtful if item not in placed])
    return [*lines, rest] if rest is not None else lines


def _negatives(view: _View, names: Sequence[str]) -> list[Line]:
    """One sentence for all that was assessed and found absent."""
    absent = [
        name
        for name in names
        if name in names_with(view.seen, Status.ABSENT)
        and not is_spoken_for(name, view.seen)
        and not (name == _HEART and view.heart is not None)
    ]
    if not absent:
        return []
    text = templates()["lists"]["negative"].format(terms=terms(absent, "or"))
    evidence = tuple(f for name in absent for f in view.seen[name].evidence)
    return [Line(text, evidence)]


def _unassessed(view: _View) -> list[Line]:
    """One sentence for all that was not assessed, so that silence is never a negative."""
    names = [
        name
        for name in names_with(view.seen, Status.NOT_ASSESSED)
        if not (name == _HEART and view.heart is not None)
    ]
    if not names:
        return []
    count = sum(len(concept_or_new(name).terms) for name in names)
    form = "not_assessed_one" if count == 1 else "not_assessed_many"
    text = templates()["lists"][form].format(terms=capitalise(terms(names, "and")))
    return [Line(text, tuple(f for name in names for f in view.seen[name].evidence))]


def _impression(view: _View, changed: Sequence[Line], warnings: Sequence[Line]) -> list[Line]:
    """The impression: what is present or in doubt, or that nothing is."""
    if all(r.radiograph.view is View.LATERAL for r in view.readings) and not view.seen:
        text = templates()["impression"]["lateral_only"]
        fixed = templates()["issues"]["lateral_not_read"]
        return [Line(text, line.evidence) for line in warnings if line.text == fixed]
    order = templates()["order"]
    positives = [
        line
        for group in order
        for name, line in _positives(view, names_in_group(view.seen, group))
        if concept_or_new(name).kind != "device" and name != _HEART
    ]
    if view.heart_short is not None:
        positives.append(view.heart_short)
    doubtful = _doubtful(view, names_with(view.seen, Status.UNCERTAIN))
    if _HEART in names_with(view.seen, Status.UNCERTAIN) and _HEART not in doubtful:
        doubtful.append(_HEART)
    uncertain = uncertain_line(view.seen, doubtful)
    if not positives and uncertain is None:
        normal = normal_line(view.seen, view.heart)
        positives = [normal] if normal is not None else []
    return impression_lines(positives, uncertain, changed)
