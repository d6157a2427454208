"""Whether a simulated reader finds a finding, and how it is missed."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from hilum.synth.facts import Fact
from hilum.synth.gaze.types import Outcome
from hilum.synth.types import PhantomImage

__all__ = ["draw_outcome", "gaze_table", "is_large", "prob_detected"]

MISSES = (Outcome.SEARCH_ERROR, Outcome.RECOGNITION_ERROR, Outcome.DECISION_ERROR)


@cache
def gaze_table() -> dict[str, Any]:
    """The table ``gaze.toml``: numbers of the simulation with their sources."""
    text = resources.files(__package__).joinpath("gaze.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def prob_detected(visibility: float, skill: float) -> float:
    """Probability in (0, 1) that a reader of a skill in [0, 1] detects what is so well seen."""
    table = gaze_table()["detection"]
    middle = table["middle"] - table["skill"] * (skill - 0.5)
    return float(1.0 / (1.0 + np.exp(-table["slope"] * (visibility - middle))))


def is_large(fact: Fact, image: PhantomImage) -> bool:
    """Whether a finding covers so much of the film that no eye passes it by."""
    lungs = image.truth.masks["right_lung"] | image.truth.masks["left_lung"]
    size = 0 if fact.truth.mask is None else int(fact.truth.mask.sum())
    return size > float(gaze_table()["errors"]["large"]) * max(1, int(lungs.sum()))


def draw_outcome(
    fact: Fact, image: PhantomImage, skill: float, rng: np.random.Generator
) -> Outcome:
    """What becomes of a finding; a large one is at least looked at, and for long."""
    if rng.random() < prob_detected(fact.visibility, skill):
        return Outcome.DETECTED
    if is_large(fact, image):
        return Outcome.DECISION_ERROR
    table = gaze_table()["errors"]
    shares = np.array([table[name] for name in ("search", "recognition", "decision")])
    return MISSES[int(rng.choice(3, p=shares / shares.sum()))]
