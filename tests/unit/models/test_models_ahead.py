"""Running a network before its result is asked for."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hilum.models import RunAhead


class Recorder:
    """A model that notes what it was run on."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.manifest = SimpleNamespace(name="recorder")
        self.seen: list[float] = []

    def run(self, pixels: Any) -> dict[str, Any]:
        self.seen.append(float(pixels[0, 0]))
        if not np.isfinite(pixels).all():
            raise ValueError("not finite")
        return {"mean": pixels.mean()}


def image(value: float) -> Any:
    return np.full((4, 4), value, np.float32)


def test_what_was_begun_is_taken_and_runs_once() -> None:
    model, pixels = Recorder(threads=2), image(0.5)
    ahead = RunAhead(model, pixels)  # type: ignore[arg-type]
    assert ahead.manifest.name == "recorder"
    assert ahead.run(pixels)["mean"] == ahead.run(pixels)["mean"] == 0.5
    assert model.seen == [0.5]


def test_other_pixels_are_run_anew() -> None:
    model = Recorder(threads=2)
    ahead = RunAhead(model, image(0.5))  # type: ignore[arg-type]
    assert ahead.run(image(0.25))["mean"] == 0.25  # the gate has turned the image


def test_with_one_thread_nothing_is_begun() -> None:
    model, pixels = Recorder(threads=1), image(0.5)
    ahead = RunAhead(model, pixels)  # type: ignore[arg-type]
    assert model.seen == []
    assert ahead.run(pixels)["mean"] == 0.5


def test_an_error_waits_until_the_result_is_wanted() -> None:
    pixels = image(np.nan)
    ahead = RunAhead(Recorder(threads=2), pixels)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not finite"):
        ahead.run(pixels)
