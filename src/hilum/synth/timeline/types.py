"""A patient of phantoms over time: studies, and what happened between them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from hilum.errors import require
from hilum.synth.thorax.build import Build
from hilum.synth.timeline.context_types import PhantomContext
from hilum.synth.types import PhantomSpec

__all__ = ["PatientEvent", "PatientStudy", "PhantomPatient"]


@dataclass(frozen=True, slots=True)
class PatientEvent:
    """Something done to a patient, ``day`` days after the first study (negative before it).

    ``kind`` is snake case (``antibiotics``, ``intubation``, ``chest_tube_removed``).
    """

    day: float
    kind: str


@dataclass(frozen=True, slots=True)
class PatientStudy:
    """One film of a patient: when, what to render, what was asked and what happened before.

    ``events`` happened since the study before. ``day`` counts from the first study, ``time``
    is an invented date.
    """

    day: float
    time: dt.datetime
    spec: PhantomSpec
    context: PhantomContext
    events: tuple[PatientEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class PhantomPatient:
    """A patient: one build, the name of the course, studies in order of time."""

    build: Build
    course: str
    studies: tuple[PatientStudy, ...]

    def __post_init__(self) -> None:
        days = [study.day for study in self.studies]
        require(bool(days) and days == sorted(days), "studies are in order of time")

    @property
    def events(self) -> tuple[PatientEvent, ...]:
        """Everything that happened, in order of time."""
        return tuple(event for study in self.studies for event in study.events)
