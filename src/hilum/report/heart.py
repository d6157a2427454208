"""Word the size of the heart from its measurement and its appearance, both shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hilum.report.plan import Line, Seen
from hilum.report.wording import band, concept_or_new, decapitalise, head, templates
from hilum.types import Evidence, Measurement, RadiographReading, Status, View

__all__ = ["heart_impression", "heart_line", "pick_ratio", "ratio_class"]

_RATIO = "cardiothoracic_ratio"


def _words() -> Mapping[str, Any]:
    words: Mapping[str, Any] = templates()["heart"]
    return words


def pick_ratio(readings: Sequence[RadiographReading]) -> tuple[Measurement, View] | None:
    """The cardiothoracic ratio to tell, and the view it was measured on.

    A measured one goes before one that failed, and PA before AP, which magnifies the heart.
    """
    found = []
    for reading in readings:
        measurement = reading.anatomy.measurement(_RATIO)
        if measurement is not None:
            found.append((measurement, reading.radiograph.view))
    return min(found, key=lambda f: (f[0].value is None, f[1] is View.AP), default=None)


def ratio_class(ratio: Measurement, view: View, age_years: float | None) -> str:
    """``above``, ``borderline`` or ``normal`` for its view and age, or ``unmeasured``."""
    if ratio.value is None:
        return "unmeasured"
    words = _words()
    limit = words["limit_ap"] if view is View.AP else words["limit"]
    if age_years is not None and age_years < words["infant_below_years"]:
        limit = max(limit, words["limit_infant"])
    spread = ratio.uncertainty or 0.0
    if ratio.value > limit + spread:
        return "above"
    return "borderline" if ratio.value > limit - spread else "normal"


def heart_line(
    seen: Seen | None, ratio: tuple[Measurement, View] | None, age_years: float | None
) -> Line | None:
    """The sentence on the heart's size; None without a measurement to tell.

    Without a measurement, cardiomegaly is worded like any other finding.
    """
    if ratio is None:
        return None
    measurement, view = ratio
    status = "unread" if seen is None else seen.status.value
    row = ratio_class(measurement, view, age_years)
    verb = band(seen.probability)["verb"] if seen is not None else ""
    problem = (measurement.problem or "").strip().rstrip(".")
    reason = decapitalise(problem) or _words()["no_reason"]
    text = _words()[status][row].format(verb=verb, ratio=_spoken(measurement), reason=reason)
    is_large = row == "above" or status == "present"
    if view is View.AP and is_large:
        text += _words()["ap_warning"]
    evidence: tuple[Evidence, ...] = (measurement,)
    if seen is not None:
        evidence = (*seen.evidence, measurement)
    return Line(text, evidence)


def heart_impression(
    seen: Seen | None, ratio: tuple[Measurement, View] | None, age_years: float | None
) -> Line | None:
    """Cardiomegaly, or an increased ratio without it, for the impression."""
    words = _words()["impression"]
    urgency = concept_or_new("cardiomegaly").urgency
    is_above = ratio is not None and ratio_class(*ratio, age_years) == "above"
    evidence: list[Evidence] = []
    if seen is not None and seen.status is Status.PRESENT:
        subject = head("cardiomegaly", seen.probability, ())
        evidence += seen.evidence
        if ratio is not None:
            evidence.append(ratio[0])
        text = words["present"].format(head=subject)
        return Line(text, tuple(evidence), urgency, seen.probability)
    if ratio is None or not is_above:
        return None
    return Line(words["above"], (ratio[0],), urgency)


def _spoken(ratio: Measurement) -> str:
    """The ratio with its uncertainty, as tables print it, but never as nothing."""
    if ratio.value is None:
        return ""
    if not ratio.uncertainty:
        return str(_words()["ratio"].format(value=f"{ratio.value:.2f}"))
    uncertainty = max(ratio.uncertainty, 0.01)
    return str(
        _words()["ratio_uncertainty"].format(
            value=f"{ratio.value:.2f}", uncertainty=f"{uncertainty:.2f}"
        )
    )
