"""Questions about a phantom whose answers are true by construction."""

from __future__ import annotations

from dataclasses import dataclass

from hilum.errors import require
from hilum.synth.evidence import Evidence

__all__ = ["FORMS", "TYPES", "PhantomQuestion"]

TYPES = (
    "presence",
    "place",
    "negation",
    "differential",
    "geometry",
    "change",
    "severity",
    "device",
)
FORMS = ("open", "closed", "single_choice", "multiple_choice")


@dataclass(frozen=True, slots=True)
class PhantomQuestion:
    """One question, its true answer and what it rests on.

    ``type`` is one of ``TYPES``, ``form`` of ``FORMS``. A closed question is answered ``yes``
    or ``no`` and has a twin, ``pair`` its id, that differs in one word or in a negation and has
    the opposite answer. A choice has ``options``, and ``correct`` indexes the right ones;
    ``answer`` is their text. ``evidence`` is empty where nothing is there to point at.
    """

    id: str
    question: str
    answer: str
    type: str
    form: str
    options: tuple[str, ...] = ()
    correct: tuple[int, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    pair: str = ""

    def __post_init__(self) -> None:
        require(self.type in TYPES, f"unknown type of question {self.type!r}")
        require(self.form in FORMS, f"unknown form of question {self.form!r}")
        is_choice = self.form.endswith("choice")
        require(
            is_choice == bool(self.options and self.correct), "a choice has options and an answer"
        )
        require(self.form != "closed" or self.answer in ("yes", "no"), "closed means yes or no")
