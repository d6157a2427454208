"""Fixations of a simulated reader, and what became of each finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hilum.errors import require

__all__ = ["Fixation", "Outcome", "SimulatedReader"]


class Outcome(StrEnum):
    """What a reader made of a finding: found it, or missed it in one of Kundel's three ways."""

    DETECTED = "detected"
    SEARCH_ERROR = "search_error"
    RECOGNITION_ERROR = "recognition_error"
    DECISION_ERROR = "decision_error"


@dataclass(frozen=True, slots=True)
class Fixation:
    """The eye at rest: ``x``, ``y`` in pixels of the image, times in seconds.

    ``target`` is what was aimed at: a mask (``finding_0``, ``device_1``, ``left_upper_zone``,
    ``heart``), a landmark, or ``overview``. ``pupil_mm`` is the diameter of the pupil.
    """

    x: float
    y: float
    start_s: float
    duration_s: float
    target: str
    pupil_mm: float | None = None

    def __post_init__(self) -> None:
        require(self.start_s >= 0 and self.duration_s > 0, "a fixation has a start and a duration")

    @property
    def end_s(self) -> float:
        """When the eye leaves."""
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class SimulatedReader:
    """What a simulated reader looked at, and the outcome for each finding of the truth.

    ``outcomes`` goes from the index of a finding that is on the film to what became of it.
    """

    fixations: tuple[Fixation, ...]
    outcomes: Mapping[int, Outcome]
