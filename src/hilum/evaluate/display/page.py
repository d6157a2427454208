"""One self-contained HTML page of an evaluation: scores, plots, worst cases, definitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, Template
from markupsafe import Markup

from hilum._version import __version__
from hilum.evaluate.display.tabular import HEADER, score_rows
from hilum.evaluate.scores import Evaluation
from hilum.types import DISCLAIMER

__all__ = ["Figure", "WorstCase", "render_page"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawn plot (``<figure>`` from ``display.plots``) under a heading."""

    heading: str
    markup: str


@dataclass(frozen=True, slots=True)
class WorstCase:
    """A unit that went most wrong: what was asked, what was said, what is true.

    ``left`` and ``right`` are shown side by side; ``picture`` is a data URI, or empty.
    """

    unit: str
    title: str
    left: str
    right: str
    picture: str = ""


@cache
def _template() -> Template:
    loader = PackageLoader("hilum.evaluate.display")
    return Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template("evaluation.html.j2")


def render_page(
    evaluation: Evaluation,
    *,
    title: str,
    figures: Sequence[Figure] = (),
    worst: Sequence[WorstCase] = (),
) -> str:
    """The page as text; it needs no network and holds no script."""
    records = {score.metric.id: score.metric for score in evaluation.scores}
    drawn: dict[str, list[Markup]] = {}
    for figure in figures:
        drawn.setdefault(figure.heading, []).append(Markup(figure.markup))
    excluded = dict(evaluation.excluded)
    for score in evaluation.scores:
        for why, count in score.excluded.items():
            excluded[f"{why} ({score.subject})"] = count
    return _template().render(
        title=title,
        evaluation=evaluation,
        header=HEADER,
        rows=score_rows(evaluation.scores),
        figures=drawn,
        worst=worst,
        excluded=excluded,
        records=sorted(records.values(), key=lambda record: record.id),
        version=__version__,
        disclaimer=DISCLAIMER,
    )
