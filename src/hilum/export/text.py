"""The draft report as plain text: ``report.txt``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from hilum.export.wording import (
    describe_change,
    describe_date,
    describe_view,
    format_interval,
    format_measurement,
    format_probability,
    name_of,
    order_findings,
)
from hilum.types import DISCLAIMER, RadiographReading, Reading, Status, Unreadable

__all__ = ["render_text"]

WIDTH = 88


def render_text(reading: Reading) -> str:
    """Render a reading as text, at most 88 columns wide where words allow it.

    The disclaimer stands first and last. Control characters in texts that came from
    outside are removed, so that printing the report cannot steer a terminal.
    """
    study, report = reading.study, reading.report
    blocks = [DISCLAIMER, f"Chest radiograph report (draft), {describe_date(study.date)}"]
    sections = {
        "Indication": report.indication,
        "Technique": report.technique,
        "Comparison": report.comparison,
        "Findings": " ".join(s.text for s in report.findings),
        "Impression": "\n".join(f"- {s.text}" for s in report.impression),
    }
    blocks += [_section(title, text.splitlines()) for title, text in sections.items() if text]
    for number, image in enumerate(reading.radiographs, start=1):
        blocks.append(_image(number, image))
    if reading.changes:
        blocks.append(_section("Changes", [f"- {describe_change(c)}" for c in reading.changes]))
    if study.unreadable:
        blocks.append(_section("Could not be read", _unreadable(study.unreadable)))
    return "\n\n".join([*blocks, DISCLAIMER]) + "\n"


def _unreadable(items: Iterable[Unreadable]) -> list[str]:
    return [f"- {item.source}: {item.reason}" for item in items]


def _image(number: int, image: RadiographReading) -> str:
    title = f"Image {number}: {image.radiograph.source} ({describe_view(image)})"
    quality = image.quality
    if not quality.accepted:
        return _section(title, [f"Not read: {issue.message}" for issue in quality.reasons])
    warnings = (*image.radiograph.notes, *quality.warnings, *image.anatomy.warnings)
    lines = [f"! {issue.message}" for issue in warnings]
    for finding in order_findings(image):
        name = name_of(finding.name)
        if finding.status is Status.NOT_ASSESSED:
            lines.append(f"- {name}: not assessed, {finding.problem}")
            continue
        figures = [format_probability(finding.probability or 0.0)]
        figures += [format_interval(finding.interval)] if finding.interval else []
        said = f"; {finding.problem}" if finding.problem else ""
        lines.append(f"- {name}: {finding.status.value} ({', '.join(figures)}){said}")
    lines += [f"- {name_of(m.name)}: {format_measurement(m)}" for m in image.anatomy.measurements]
    return _section(title, lines)


def _section(title: str, lines: Iterable[str]) -> str:
    wrapped = [
        textwrap.fill(
            _printable(line),
            WIDTH,
            initial_indent="  ",
            subsequent_indent="    " if line.startswith(("- ", "! ")) else "  ",
            break_long_words=False,
        )
        for line in lines
    ]
    return "\n".join([_printable(title), *wrapped])


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
