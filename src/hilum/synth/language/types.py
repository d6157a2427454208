"""What a report about a phantom is made of: sentences, and what each claims."""

from __future__ import annotations

from dataclasses import dataclass

from hilum.synth.evidence import Evidence
from hilum.synth.language.tables import sentence_table
from hilum.types import Box, ChangeKind, Point, Status

__all__ = ["Claim", "PhantomReport", "PhantomSentence", "ReferringPhrase"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a sentence says of one finding or device, and what is true.

    ``name`` is the ontology's, ``status`` what is said, ``truth`` what is (present or absent;
    uncertain where a measurement is borderline). They differ where a barely visible finding was
    hedged or missed. ``side``, ``severity``, ``places`` (side-neutral) and ``size_mm`` are what
    is said, ``tip`` the place of a device's tip, ``is_correct`` whether it belongs there.
    """

    name: str
    status: Status
    truth: Status
    side: str = ""
    severity: str = ""
    places: tuple[str, ...] = ()
    size_mm: float = 0.0
    change: ChangeKind | None = None
    tip: str = ""
    is_correct: bool | None = None

    @property
    def is_missed(self) -> bool:
        """Whether something that is there is denied."""
        return self.status is Status.ABSENT and self.truth is Status.PRESENT


@dataclass(frozen=True, slots=True)
class PhantomSentence:
    """One sentence of a report: its text, section, organ, claims and evidence."""

    text: str
    section: str
    organ: str = ""
    claims: tuple[Claim, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class PhantomReport:
    """A report written from a phantom's truth.

    ``sentences`` stand in the order of their sections; ``missed`` are the findings that are
    there but that the report does not mention, or denies.
    """

    style: str
    sentences: tuple[PhantomSentence, ...]
    missed: tuple[Evidence, ...] = ()

    def section(self, name: str) -> tuple[PhantomSentence, ...]:
        """The sentences of one section."""
        return tuple(s for s in self.sentences if s.section == name)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Everything that is claimed, in order."""
        return tuple(claim for sentence in self.sentences for claim in sentence.claims)

    @property
    def text(self) -> str:
        """The report as it would be read: headings, and lines as the style has them."""
        parts = []
        for name, heading in sentence_table()["headings"].items():
            sentences = self.section(name)
            if sentences:
                parts.append(self._render(heading, sentences))
        return "\n\n".join(parts)

    def _render(self, heading: str, sentences: tuple[PhantomSentence, ...]) -> str:
        texts = [sentence.text for sentence in sentences]
        if sentences[0].section == "impression" and self.style != "dictation" and len(texts) > 1:
            return f"{heading}:\n" + "\n".join(f"{n}. {t}" for n, t in enumerate(texts, 1))
        if sentences[0].section == "findings" and sentence_table()["styles"][self.style]["organs"]:
            organs = sentence_table()["organs"]
            lines = [
                f"{label}: " + " ".join(s.text for s in sentences if s.organ == organ)
                for organ, label in organs.items()
                if any(s.organ == organ for s in sentences)
            ]
            return f"{heading}:\n" + "\n".join(lines)
        return f"{heading}: " + " ".join(texts)


@dataclass(frozen=True, slots=True)
class ReferringPhrase:
    """Words that mean exactly one region of an image.

    ``box`` bounds it and ``point`` is its centre or tip, in pixels; ``mask`` is the name of its
    mask (``finding_0``, ``device_1``, ``left_lower_zone``, a structure), empty for a point.
    """

    text: str
    name: str
    evidence: Evidence
    box: Box
    mask: str
    point: Point
