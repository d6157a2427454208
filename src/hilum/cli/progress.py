"""The progress bar of commands that work through many files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from hilum.scale.batch import BatchProgress

__all__ = ["show_progress"]


@contextmanager
def show_progress(
    console: Console, doing: str, unit: str
) -> Iterator[Callable[[BatchProgress], None]]:
    """A bar with rate and remaining time; yields what tells it how far the work is.

    Args:
        console: Where it is shown, standard error.
        doing: The word before the bar, ``Reading``.
        unit: What is counted, ``files``.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        # From the whole run, since single files differ by much.
        TimeRemainingColumn(),
        TextColumn("left"),
        TextColumn("{task.fields[failed]}", style="red"),
    )
    progress = Progress(*columns, console=console, speed_estimate_period=300.0)
    bar = progress.add_task(doing, total=None, rate="", failed="")

    def show(state: BatchProgress) -> None:
        progress.start()  # only now, so that a wrong argument shows no empty bar
        elapsed = progress.tasks[0].elapsed
        progress.update(
            bar,
            total=state.total - state.skipped,
            completed=state.done,
            rate=f"{state.done / elapsed:.1f} {unit}/s" if state.done and elapsed else "",
            failed=f"{state.failed} failed" if state.failed else "",
        )

    try:
        yield show
    finally:
        progress.stop()
