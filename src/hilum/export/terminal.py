"""The draft report in the terminal, drawn with rich."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hilum.export.wording import (
    STATUSES,
    describe_change,
    describe_date,
    describe_view,
    format_interval,
    format_measurement,
    format_probability,
    list_zones,
    name_of,
    order_findings,
)
from hilum.types import DISCLAIMER, Finding, Issue, RadiographReading, Reading, Status

__all__ = ["render_terminal"]

STYLES = {
    Status.PRESENT: "bold yellow",
    Status.UNCERTAIN: "cyan",
    Status.ABSENT: "green",
}
BAR_WIDTH = 5


def render_terminal(reading: Reading) -> RenderableType:
    """Build what ``rich.console.Console.print`` shows; the disclaimer is first and last.

    Texts from outside are added as plain ``Text``: markup in them is not obeyed.
    """
    parts: list[RenderableType] = [_disclaimer()]
    if reading.report.findings or reading.report.impression:
        parts.append(_report(reading))
    for number, image in enumerate(reading.radiographs, start=1):
        parts += _image(number, image)
    parts += [_line("↔ ", describe_change(change), "magenta") for change in reading.changes]
    parts += [
        _line("✗ ", f"{item.source}: {item.reason}", "red") for item in reading.study.unreadable
    ]
    return Group(*parts, _disclaimer())


def _disclaimer() -> Text:
    return Text(DISCLAIMER, style="bold reverse")


def _line(mark: str, text: str, style: str) -> Text:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return Text(mark + printable, style=style)


def _report(reading: Reading) -> Panel:
    report = reading.report
    body: list[RenderableType] = []
    sections = {
        "Indication": [report.indication],
        "Technique": [report.technique],
        "Comparison": [report.comparison],
        "Findings": [" ".join(s.text for s in report.findings)],
        "Impression": [f"• {s.text}" for s in report.impression],
    }
    for title, lines in sections.items():
        if any(lines):
            body.append(Text(title, style="bold"))
            body += [Padding(_line("", line, ""), (0, 0, 0, 2)) for line in lines]
    title = f"Draft report, {describe_date(reading.study.date)}"
    return Panel(Group(*body), title=title, title_align="left", box=box.ROUNDED)


def _image(number: int, image: RadiographReading) -> Iterable[RenderableType]:
    heading = f"{number}. {image.radiograph.source} ({describe_view(image)})"
    yield _line("\n", heading, "bold")
    if not image.quality.accepted:
        for issue in image.quality.reasons:
            yield _line("  ✗ not read: ", issue.message, "bold red")
        return
    warnings: tuple[Issue, ...] = (
        *image.radiograph.notes, *image.quality.warnings, *image.anatomy.warnings,
    )  # fmt: skip
    for issue in warnings:
        yield _line("  ! ", issue.message, "yellow")
    if _assessed(image):
        yield _findings(image)
    for finding in image.findings:
        if finding.status is Status.NOT_ASSESSED:
            yield _line("  ", f"{name_of(finding.name)}: not assessed, {finding.problem}", "dim")
    if image.anatomy.measurements:
        yield _measurements(image)


def _assessed(image: RadiographReading) -> list[Finding]:
    return [f for f in order_findings(image) if f.status is not Status.NOT_ASSESSED]


def _findings(image: RadiographReading) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Finding", min_width=12)
    table.add_column("Status", no_wrap=True, min_width=9)
    table.add_column("Probability", no_wrap=True, min_width=5)
    table.add_column("95 %", no_wrap=True, justify="right")
    table.add_column("Present from", justify="right")
    table.add_column("Where", min_width=10)
    for finding in _assessed(image):
        style = STYLES[finding.status]
        point = finding.operating_point
        table.add_row(
            Text(name_of(finding.name), style=style),
            Text(STATUSES[finding.status], style=style),
            _bar(finding, style),
            format_interval(finding.interval) if finding.interval else "",
            format_probability(point) if point is not None else "",
            Text(list_zones(finding) or finding.problem or "", style="dim"),
        )
    return table


def _bar(finding: Finding, style: str) -> Text:
    if finding.probability is None:
        return Text("")
    # The figure comes first: a narrow terminal cuts the bar, not the figure.
    filled = round(finding.probability * BAR_WIDTH)
    bar = Text(f"{format_probability(finding.probability):>5} ")
    bar.append("█" * filled, style=style)
    return bar.append("·" * (BAR_WIDTH - filled), style="grey50")


def _measurements(image: RadiographReading) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Measurement", no_wrap=True)
    table.add_column("Value ± 1 SD")
    for measurement in image.anatomy.measurements:
        style = "dim" if measurement.value is None else ""
        table.add_row(name_of(measurement.name), Text(format_measurement(measurement), style=style))
    return table
