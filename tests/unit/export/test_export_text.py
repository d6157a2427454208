import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from hilum.export import render_text
from hilum.export.terminal import render_terminal
from hilum.types import DISCLAIMER, Reading
from readings import make_prior_reading, make_reading, make_refused_reading, make_two_view_reading


def in_terminal(reading: Reading, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(render_terminal(reading))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


renderers = pytest.mark.parametrize("render", [render_text, in_terminal])


@renderers
@pytest.mark.parametrize(
    "make", [make_reading, make_refused_reading, make_two_view_reading, make_prior_reading]
)
def test_the_disclaimer_stands_first_and_last(
    render: Callable[[Reading], str], make: Callable[[], Reading]
) -> None:
    lines = render(make()).strip().splitlines()
    assert lines[0].strip() == DISCLAIMER
    assert lines[-1].strip() == DISCLAIMER


@renderers
def test_a_report_is_complete(render: Callable[[Reading], str]) -> None:
    shown = render(make_reading())
    for part in (
        "Cough and fever.",
        "One PA chest radiograph.",
        "Likely right lower zone pneumonia.",
        "No pleural effusion is seen.",
        "87 %",
        "79–93 %",
        "not assessed",
        "too few examples",
        "0.49 ± 0.02",
        "not measured: the airways are not plausible",
        "The left costophrenic angle is cut off.",
    ):
        assert part in " ".join(shown.split()), part


@renderers
def test_a_refusal_says_why(render: Callable[[Reading], str]) -> None:
    shown = render(make_refused_reading())
    assert "This is not a chest radiograph." in shown
    assert "notes.txt: This file holds no image." in shown
    assert "Impression" not in shown


@renderers
def test_changes_are_told(render: Callable[[Reading], str]) -> None:
    assert "Pneumonia: larger since 2021-02-01" in render(make_prior_reading())


@renderers
def test_texts_from_outside_cannot_steer_the_terminal(render: Callable[[Reading], str]) -> None:
    nasty = "\x1b[31mred\x07 [bold]not markup[/bold]"
    reading = make_reading(source=nasty)
    reading = replace(reading, report=replace(reading.report, indication=nasty))
    shown = render(reading)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert shown.count("[bold]not markup[/bold]") == 2


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_terminal_keeps_its_width_and_every_figure(width: int) -> None:
    shown = in_terminal(make_reading(), width)
    assert max(map(len, shown.splitlines())) <= width
    assert "87 %" in shown
