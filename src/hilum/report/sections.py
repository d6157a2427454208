"""The sections around the findings: technique, comparison, and what was not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hilum.report.plan import Line
from hilum.report.wording import capitalise, join_words, number, templates
from hilum.types import Evidence, Issue, Quality, Radiograph, RadiographReading, Study, View

__all__ = ["comparison", "indication", "refusal_line", "technique", "warning_lines"]


def indication(study: Study) -> str:
    """The request in the requester's words, on one line; empty when none was given."""
    parts = (" ".join(text.split()) for text in (study.context.indication, study.context.history))
    return " ".join(_closed(part) for part in parts if part)


def technique(readings: Sequence[RadiographReading]) -> str:
    """How each radiograph that was read is known to have been taken."""
    lines = [_projection(r.radiograph, r.quality) for r in readings if r.quality.accepted]
    return " ".join(dict.fromkeys(lines))


def _projection(radiograph: Radiograph, quality: Quality) -> str:
    words: Mapping[str, str] = templates()["technique"]
    view = radiograph.view
    if view is View.LATERAL:
        return words["lateral"]
    if view is View.UNKNOWN:
        return words["unknown"]
    if view is View.FRONTAL:
        return words["frontal_unknown"]
    origin = words["declared"]
    if "image" in radiograph.view_origin or "estimate" in radiograph.view_origin:
        prob_ap = quality.scores.get("prob_ap")
        origin = words["estimated"]
        if prob_ap is not None:
            prob = prob_ap if view is View.AP else 1.0 - prob_ap
            origin = words["estimated_prob"].format(prob=f"{prob:.2f}")
    return words["frontal"].format(view=view.value, origin=origin)


def comparison(study: Study) -> str:
    """The priors that were given, by date, newest first; "None." without any."""
    words: Mapping[str, str] = templates()["comparison"]
    priors = [prior for prior in study.priors if prior.radiographs]
    if not priors:
        return words["none"]
    dates = sorted({p.date.date().isoformat() for p in priors if p.date}, reverse=True)
    undated = sum(prior.date is None for prior in priors)
    parts = []
    if dates:
        form = words["one"] if len(dates) == 1 else words["many"]
        parts.append(form.format(dates=join_words(dates, "and")))
    if undated:
        parts.append(words["undated_one"] if undated == 1 else words["undated_many"])
    return " ".join(parts)


def warning_lines(readings: Sequence[RadiographReading]) -> list[Line]:
    """One line a different warning of the radiographs that were read, with all its issues."""
    fixed: Mapping[str, str] = templates()["issues"]
    issues: dict[str, list[Issue]] = {}
    for reading in readings:
        if reading.quality.accepted:
            for issue in (*reading.quality.warnings, *reading.anatomy.warnings):
                text = fixed.get(issue.code) or _closed(capitalise(issue.message.strip()))
                issues.setdefault(text, []).append(issue)
    return [Line(text, tuple(found)) for text, found in issues.items()]


def refusal_line(readings: Sequence[RadiographReading]) -> Line | None:
    """Which radiographs were not read and why; None when all were."""
    words: Mapping[str, Any] = templates()["impression"]
    refused = [reading for reading in readings if not reading.quality.accepted]
    if not refused:
        return None
    issues = [issue for reading in refused for issue in reading.quality.reasons]
    reasons = " ".join(dict.fromkeys(_closed(issue.message.strip()) for issue in issues))
    count, total = len(refused), len(readings)
    if count == total:
        form = words["refused_one"] if total == 1 else words["refused_many"]
    else:
        form = words["refused_some"] if count == 1 else words["refused_several"]
    text = form.format(count=number(count), total=number(total), reasons=reasons)
    evidence: tuple[Evidence, ...] = tuple(issues)
    return Line(capitalise(text), evidence)


def _closed(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
