"""The noun phrase of a finding: what it is called, how large, on which side, where."""

from __future__ import annotations

from dataclasses import dataclass

from hilum.synth.facts import Fact, heart_severity, heart_size, lobe_on
from hilum.synth.language.tables import phrase_table, sentence_table
from hilum.synth.language.words import (
    capital,
    fill,
    join_terms,
    said_places,
    where_words,
    with_article,
)
from hilum.synth.types import PhantomImage

__all__ = ["Phrase", "phrase_of", "said_side", "size_words"]

SEVERITIES = ("minimal", "mild", "moderate", "severe")
OTHER = {"left": "right", "right": "left"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A finding in words.

    ``full`` has severity, size and place, ``short`` is how it is mentioned again,
    ``severity`` the ontology's value that the words convey (or empty), ``size_mm`` the size
    that they state (or 0), ``side`` and ``places`` where they put it. ``words`` fills what
    tells more of it.
    """

    full: str
    short: str
    is_plural: bool
    counts: bool
    severity: str
    size_mm: float
    side: str
    places: tuple[str, ...]
    words: dict[str, str]

    def frame_words(self) -> dict[str, str]:
        """What the frames of sentences take."""
        takes = self.counts and not self.is_plural
        article = with_article(self.full) if takes else self.full
        return {
            "np": self.full,
            "Np": capital(self.full),
            "a_np": article,
            "A_np": capital(article),
            "a_new_np": f"{'a ' if takes else ''}new {self.full}",
            "short": self.short,
            "Short": capital(self.short),
            "has": "have" if self.is_plural else "has",
            "is": "are" if self.is_plural else "is",
        }


def phrase_of(fact: Fact, image: PhantomImage) -> Phrase:
    """The phrase of a fact of an image."""
    row = phrase_table()[fact.name]
    is_both, is_several = fact.side == "bilateral", fact.count > 1 and "several" in row
    severity = row["severities"][SEVERITIES.index(fact.severity)]
    if fact.name == "cardiomegaly" and (found := heart_size(image)) is not None:
        severity = heart_severity(found)
    size = float(round(fact.size_mm)) if image.radiograph.spacing is not None else 0.0
    words = _words(fact, severity, size)
    form = "several" if is_several and size else "many" if is_both or is_several else "one"
    short = row.get("short_many", row["short"]) if form != "one" else row["short"]
    if is_both and fact.name == "lobar_collapse" and len(fact.places) > 1:
        form, short = "mixed", row["mixed"]
    full, said = fill(row[form], words), fill(short, words)
    if words["lobe"] == "lingula":  # there is only one
        full, said = (text.replace("left lingula", "lingula") for text in (full, said))
    return Phrase(
        full=full,
        short=said,
        is_plural=bool(row.get("plural", False)) and (is_both or is_several),
        counts=bool(row.get("counts", False)),
        severity=_value(severity) if "{severity}" in row[form] else "",
        size_mm=size if "{size}" in row[form] else 0.0,
        side=said_side(full, fact.side),
        places=_said_places(fact, row[form]),
        words=words,
    )


def _words(fact: Fact, severity: str, size: float) -> dict[str, str]:
    """What the templates of phrases and of what may follow them take."""
    is_both, place = fact.side == "bilateral", fact.places[0] if fact.places else ""
    kinds = phrase_table()[fact.name].get("kinds", {})
    return {
        "severity": severity,
        "side": fact.side,
        "away": OTHER.get(fact.side, ""),
        "angle": "both costophrenic angles" if is_both else f"the {fact.side} costophrenic angle",
        "where": where_words(fact),
        "lobe": place.replace("_", " "),
        "lobes": _lobes(fact) if fact.name == "lobar_collapse" and is_both else "",
        "bone": _bone(place) if place else "",
        "station": {"hilum": "hilar"}.get(place, place),
        "apical": "apical" if fact.places == ("apex",) else "",
        "bullous": "bullous" if fact.kind == "bullous" else "",
        "kind": kinds.get(fact.kind, ""),
        "size": size_words(size) if size else "",
    }


def _value(severity: str) -> str:
    return str(sentence_table()["severity_words"].get(severity, ""))


def said_side(text: str, side: str) -> str:
    """The side that a text conveys of a finding on that side, empty where it leaves it open."""
    words = {"bilateral": ("bilateral", "both", "bibasal")}.get(side, (side, "lingula"))
    return side if side and any(word in text.lower() for word in words) else ""


def _said_places(fact: Fact, form: str) -> tuple[str, ...]:
    """The places that a phrase of that form names."""
    if "{where}" in form:
        return said_places(fact)
    if "{bone}" in form or fact.name == "clavicle_fracture":
        return (fact.places[0].partition("_")[0],)
    fixed = {"fibrosis": ("lung_base",), "bulla": ("upper_zone",)}.get(fact.name)
    takes = any(token in form for token in ("{lobe}", "{lobes}", "{station}", "{apical}", "apical"))
    return fixed or (fact.places if takes else ())


def size_words(millimetres: float) -> str:
    """``12 mm``, or ``4.5 cm`` from three centimetres up."""
    if millimetres < 30:
        return f"{millimetres:.0f} mm"
    return f"{millimetres / 10:.1f} cm"


def _lobes(fact: Fact) -> str:
    """The lobes of both sides where they differ: "right upper lobe and left lower lobe"."""
    words = [
        f"{side} {lobe_on(fact.truth.spec, side)}".replace("_", " ") for side in ("right", "left")
    ]
    return join_terms(words, "and").replace("left lingula", "lingula")


def _bone(place: str) -> str:
    numbers = sentence_table()["numbers"]
    word, _, number = place.partition("_")
    return f"{numbers[int(number) - 1]} rib" if number.isdigit() else word
