"""The draft report as one HTML file that opens without network: ``report.html``.

Everything is inlined, and a content security policy allows nothing but the style sheet
and the script of the template, by their hashes. Texts from outside are escaped.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from hilum._version import __version__
from hilum.export import wording
from hilum.export.overlays import LAYERS, draw_overlays
from hilum.export.pictures import encode_heatmap, encode_radiograph
from hilum.types import (
    DISCLAIMER,
    Change,
    Evidence,
    Finding,
    Measurement,
    RadiographReading,
    Reading,
    Statement,
    Status,
    Study,
)

__all__ = ["render_html"]

PRIOR_SIDE = 640
"""Long side of the newest prior's image, which is shown beside the current one."""


def render_html(reading: Reading) -> str:
    """Render a reading as a page: images with overlays on the left, the report on the right."""
    style, script = _asset("report.css"), _asset("report.js")
    images = [_image(number, image) for number, image in enumerate(reading.radiographs, start=1)]
    return _template().render(
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        disclaimer=DISCLAIMER,
        version=__version__,
        reading=reading,
        date=wording.format_date(reading.study.date),
        is_readable=reading.is_readable,
        images=images,
        layers={
            layer: label
            for layer, label in LAYERS.items()
            if any(shape.layer == layer for image in images for shape in image["shapes"])
        },
        sections=_sections(reading),
        changes=[_change(change) for change in reading.changes],
        prior=_prior(reading.study.priors),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("templates", name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Everything is forbidden but embedded images and this very style and script."""

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")

    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{digest(style)}'; script-src 'sha256-{digest(script)}'"
    )


def _image(number: int, image: RadiographReading) -> dict[str, Any]:
    radiograph, quality, anatomy = image.radiograph, image.quality, image.anatomy
    rows, columns = radiograph.orientation.shape
    spacing = radiograph.spacing
    facts = [
        wording.describe_view(image),
        wording.format_date(radiograph.acquired),
        f"{radiograph.columns} × {radiograph.rows} pixels",
        f"{spacing.column_mm:.3g} mm per pixel ({spacing.origin.value})" if spacing else "no scale",
    ]
    warnings = (*radiograph.notes, *quality.warnings, *anatomy.warnings)
    items: list[Evidence] = [*quality.reasons, *warnings, *anatomy.measurements, *image.findings]
    return {
        "number": number,
        "source": radiograph.source,
        "tab": wording.describe_view(image).removesuffix(" view"),
        "facts": facts,
        "rows": rows,
        "columns": columns,
        "href": encode_radiograph(radiograph.pixels),
        "shapes": draw_overlays(image),
        "heats": [_heat(f, image) for f in image.findings if f.heatmap is not None],
        "accepted": quality.accepted,
        "reasons": quality.reasons,
        "warnings": warnings,
        "findings": [_finding(f) for f in wording.order_findings(image)],
        "measurements": [_measurement(m) for m in anatomy.measurements],
        "ids": [item.id for item in items if item.id],
    }


def _heat(finding: Finding, image: RadiographReading) -> dict[str, Any]:
    assert finding.heatmap is not None
    return {
        "id": finding.id,
        "href": encode_heatmap(finding.heatmap, image.radiograph.orientation),
        # Where nothing else shows the finding on the image, its heat map lights up with it.
        "is_lit": not finding.regions and not finding.zones,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    probability, interval, point = finding.probability, finding.interval, finding.operating_point
    return {
        "id": finding.id,
        "name": wording.name_of(finding.name),
        "status": finding.status.value,
        "status_text": wording.STATUSES[finding.status],
        "is_assessed": finding.status is not Status.NOT_ASSESSED,
        "probability": probability,
        "figures": wording.format_probability(probability) if probability is not None else "",
        "interval": interval,
        "interval_text": wording.format_interval(interval) if interval else "",
        "operating_point": point,
        "operating_text": wording.format_probability(point) if point is not None else "",
        "where": wording.list_zones(finding),
        "problem": finding.problem or "",
        "has_heat": finding.heatmap is not None,
    }


def _measurement(measurement: Measurement) -> dict[str, Any]:
    return {
        "id": measurement.id,
        "name": wording.name_of(measurement.name),
        "text": wording.format_measurement(measurement),
        "is_missing": measurement.value is None,
    }


def _sections(reading: Reading) -> dict[str, list[dict[str, str]]]:
    report = reading.report
    sections = {"Impression": report.impression, "Findings": report.findings}
    return {title: [_statement(s) for s in texts] for title, texts in sections.items() if texts}


def _statement(statement: Statement) -> dict[str, str]:
    """A change lights up what it compares, too."""
    ids: dict[str, None] = {}
    for item in statement.evidence:
        ids[item.id] = None
        if isinstance(item, Change):
            ids.update(dict.fromkeys(item.evidence))
    return {"text": statement.text, "evidence": " ".join(ids)}


def _change(change: Change) -> dict[str, str]:
    return {
        "text": wording.describe_change(change),
        "kind": change.kind.value,
        "evidence": " ".join(dict.fromkeys((change.id, *change.evidence))),
    }


def _prior(priors: tuple[Study, ...]) -> dict[str, Any] | None:
    """The first frontal image of the newest prior, or whatever it has first."""
    radiographs = [r for study in priors[:1] for r in study.radiographs]
    radiographs.sort(key=lambda r: not r.view.is_frontal)
    if not radiographs:
        return None
    shown = radiographs[0]
    return {
        "date": wording.format_date(shown.acquired or priors[0].date),
        "source": shown.source,
        "href": encode_radiograph(shown.pixels, long_side=PRIOR_SIDE),
        "rows": shown.pixels.shape[0],
        "columns": shown.pixels.shape[1],
    }
