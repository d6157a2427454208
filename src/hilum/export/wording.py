"""Words and figures as people read them; the text, terminal and HTML outputs share them."""

from __future__ import annotations

import datetime as dt

from hilum import ontology
from hilum.types import Change, Finding, Measurement, RadiographReading, Status

__all__ = [
    "CHANGES",
    "STATUSES",
    "describe_change",
    "describe_date",
    "describe_view",
    "format_date",
    "format_interval",
    "format_measurement",
    "format_probability",
    "list_zones",
    "name_of",
    "order_findings",
    "summarise_problem",
]

STATUSES = {
    Status.PRESENT: "present",
    Status.UNCERTAIN: "uncertain",
    Status.ABSENT: "absent",
    Status.NOT_ASSESSED: "not assessed",
}
"""The statuses in the order in which findings are listed."""

CHANGES = {
    "new": "new",
    "larger": "larger",
    "smaller": "smaller",
    "gone": "no longer seen",
    "unchanged": "unchanged",
}

UNITS = {"1": ("", 1.0, 2), "mm": (" mm", 1.0, 0), "mm2": (" cm²", 0.01, 0), "deg": ("°", 1.0, 0)}
"""Unit of a measurement: what is printed, the factor to it, and decimals."""


def name_of(name: str) -> str:
    """The ontology's label of a finding, structure or zone, with a capital.

    >>> name_of("edema"), name_of("heart_width")
    ('Pulmonary edema', 'Heart width')
    """
    labels = {concept.name: concept.label for concept in ontology.findings()}
    labels |= {concept.name: concept.label for concept in ontology.anatomy()}
    label = labels.get(name, name.replace("_", " "))
    return label[:1].upper() + label[1:]


def format_probability(probability: float) -> str:
    """A probability in whole percent, never as 0 or 100.

    >>> format_probability(0.873), format_probability(0.002), format_probability(0.9999)
    ('87 %', '<1 %', '>99 %')
    """
    percent = round(100 * probability)
    if percent < 1:
        return "<1 %"
    return ">99 %" if percent > 99 else f"{percent} %"


def format_interval(interval: tuple[float, float]) -> str:
    """A 95 % interval in whole percent.

    >>> format_interval((0.79, 0.93))
    '79–93 %'
    """
    low, high = (round(100 * limit) for limit in interval)
    return f"{low}–{high} %"


def format_measurement(measurement: Measurement) -> str:
    """Value, one standard deviation and unit, or why there is no value.

    >>> format_measurement(Measurement("cardiothoracic_ratio", 0.4922, "1", 0.018))
    '0.49 ± 0.02'
    >>> format_measurement(Measurement("left_lung_area", 27711.0, "mm2"))
    '277 cm²'
    """
    if measurement.value is None:
        return f"not measured: {measurement.problem}"
    fallback = (f" {measurement.unit.replace('2', '²')}", 1.0, 0)
    unit, factor, digits = UNITS.get(measurement.unit, fallback)
    text = f"{measurement.value * factor:.{digits}f}"
    if measurement.uncertainty is not None:
        text += f" ± {measurement.uncertainty * factor:.{digits}f}"
    return text + unit


def format_date(moment: dt.datetime | None) -> str:
    """The day of a moment; "undated" when it is unknown."""
    return moment.date().isoformat() if moment else "undated"


def describe_date(moment: dt.datetime | None) -> str:
    """Which study a report is of, in words."""
    return f"study of {format_date(moment)}" if moment else "undated study"


def describe_view(image: RadiographReading) -> str:
    """The view of a radiograph in words."""
    words = {
        "PA": "PA view",
        "AP": "AP view",
        "FRONTAL": "Frontal view",
        "LATERAL": "Lateral view",
        "UNKNOWN": "View unknown",
    }
    return words[image.radiograph.view.value]


def describe_change(change: Change) -> str:
    """One change as a line."""
    since = format_date(change.prior_date)
    return f"{name_of(change.finding)}: {CHANGES[change.kind.value]} since {since}"


def list_zones(finding: Finding) -> str:
    """Zones of a finding, separated by commas."""
    return ", ".join(name_of(zone).lower() for zone in finding.zones)


def order_findings(image: RadiographReading) -> list[Finding]:
    """Present before uncertain, absent and not assessed; then by probability."""
    rank = {status: place for place, status in enumerate(STATUSES)}
    return sorted(image.findings, key=lambda f: (rank[f.status], -(f.probability or 0.0)))


def summarise_problem(image: RadiographReading) -> str:
    """Why a radiograph was refused, in one line; empty for an accepted one."""
    return " ".join(issue.message for issue in image.quality.reasons)
