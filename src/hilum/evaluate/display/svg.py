"""Small charts as SVG text: lines, points and bars with axes; nothing but numbers go in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["COLOURS", "Axes", "Series", "draw_chart", "draw_forest"]

COLOURS = ("#1f6f8b", "#b4462d", "#4b7f3f", "#7a4f9a", "#a87b13", "#3a5fb0", "#8f3f6a", "#55606a")
"""Told apart in print too: they differ in lightness."""
LEFT, TOP, RIGHT, BOTTOM = 46, 26, 12, 36
TICKS = 5


@dataclass(frozen=True, slots=True)
class Axes:
    """Title, labels and ranges of a chart; ``diagonal`` draws the line of equality."""

    title: str
    x_label: str
    y_label: str
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    diagonal: bool = False
    width: int = 340
    height: int = 300


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one line or cloud; ``name`` goes into the legend, ``kind`` is ``line``,
    ``step`` or ``points``; ``is_dashed`` for references."""

    name: str
    points: Sequence[tuple[float, float]]
    kind: str = "line"
    is_dashed: bool = False


def _place(axes: Axes, x: float, y: float) -> tuple[float, float]:
    (x0, x1), (y0, y1) = axes.x_range, axes.y_range
    wide, high = axes.width - LEFT - RIGHT, axes.height - TOP - BOTTOM
    return (
        LEFT + wide * (x - x0) / ((x1 - x0) or 1.0),
        TOP + high * (1 - (y - y0) / ((y1 - y0) or 1.0)),
    )


def _ticks(low: float, high: float) -> list[float]:
    return [low + (high - low) * n / TICKS for n in range(TICKS + 1)]


def _text(x: float, y: float, what: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(what)}</text>'


def _frame(axes: Axes) -> list[str]:
    parts = [_text(axes.width / 2, 15, axes.title, more=' class="title"')]
    for value in _ticks(*axes.x_range):
        x, y = _place(axes, value, axes.y_range[0])
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{y:.1f}"/>')
        parts.append(_text(x, y + 13, f"{value:.3g}"))
    for value in _ticks(*axes.y_range):
        x, y = _place(axes, axes.x_range[0], value)
        parts.append(f'<path class="grid" d="M{x:.1f} {y:.1f}H{axes.width - RIGHT}"/>')
        parts.append(_text(x - 5, y + 3.5, f"{value:.3g}", "end"))
    parts.append(_text((LEFT + axes.width - RIGHT) / 2, axes.height - 6, axes.x_label))
    middle = (TOP + axes.height - BOTTOM) / 2
    turn = f' transform="rotate(-90 11 {middle:.1f})"'
    parts.append(_text(11, middle, axes.y_label, more=turn))
    return parts


def _drawn(axes: Axes, series: Series, colour: str) -> str:
    places = [_place(axes, x, y) for x, y in series.points]
    if series.kind == "points":
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>' for x, y in places)
        return f'<g fill="{colour}">{dots}</g>'
    path, last = [], None
    for x, y in places:
        if last is None:
            path.append(f"M{x:.1f} {y:.1f}")
        elif series.kind == "step":
            path.append(f"V{y:.1f}H{x:.1f}")
        else:
            path.append(f"L{x:.1f} {y:.1f}")
        last = (x, y)
    dash = ' stroke-dasharray="4 3"' if series.is_dashed else ""
    return f'<path fill="none" stroke="{colour}" stroke-width="1.6"{dash} d="{"".join(path)}"/>'


def draw_chart(axes: Axes, series: Sequence[Series]) -> str:
    """A chart with its legend, as one ``<svg>`` element with a text alternative."""
    parts = [*_frame(axes)]
    if axes.diagonal:
        ends = [(axes.x_range[0], axes.y_range[0]), (axes.x_range[1], axes.y_range[1])]
        parts.append(_drawn(axes, Series("", ends, is_dashed=True), "#9aa4ac"))
    for number, own in enumerate(series):
        parts.append(_drawn(axes, own, COLOURS[number % len(COLOURS)]))
    named = [(n, own) for n, own in enumerate(series) if own.name]
    legend = ""
    if named:
        rows = "".join(
            f'<li><span style="background:{COLOURS[n % len(COLOURS)]}"></span>'
            f"{escape(own.name)}</li>"
            for n, own in named
        )
        legend = f'<ul class="legend">{rows}</ul>'
    return (
        f'<figure><svg viewBox="0 0 {axes.width} {axes.height}" role="img" '
        f'aria-label="{escape(axes.title)}">{"".join(parts)}</svg>{legend}</figure>'
    )


def draw_forest(
    title: str,
    rows: Sequence[tuple[str, float, float | None, float | None]],
    *,
    x_label: str,
    x_range: tuple[float, float] = (0.0, 1.0),
    reference: float | None = None,
) -> str:
    """Values with their intervals, one row a line; ``reference`` is a dashed upright line."""
    width, step, label = 520, 20, 190
    height = 52 + step * len(rows)
    low, high = x_range

    def at(value: float) -> float:
        share = (min(max(value, low), high) - low) / ((high - low) or 1.0)
        return label + (width - label - 90) * share

    parts = [_text(width / 2, 15, title, more=' class="title"')]
    for value in _ticks(low, high):
        x = at(value)
        parts.append(f'<path class="grid" d="M{x:.1f} 24V{height - 26}"/>')
        parts.append(_text(x, height - 14, f"{value:.3g}"))
    if reference is not None:
        x = at(reference)
        parts.append(f'<path class="reference" d="M{x:.1f} 24V{height - 26}"/>')
    for number, (name, value, bottom, top) in enumerate(rows):
        y = 36 + step * number
        parts.append(_text(label - 8, y + 4, name, "end"))
        if bottom is not None and top is not None:
            parts.append(f'<path class="whisker" d="M{at(bottom):.1f} {y}H{at(top):.1f}"/>')
        parts.append(f'<circle class="dot" cx="{at(value):.1f}" cy="{y}" r="3.4"/>')
        span = "" if bottom is None or top is None else f" ({bottom:.2f} to {top:.2f})"
        parts.append(_text(width - 84, y + 4, f"{value:.3f}{span}", "start"))
    parts.append(_text((label + width - 90) / 2, height - 2, x_label))
    return (
        f'<figure class="forest"><svg viewBox="0 0 {width + 40} {height}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg></figure>'
    )
