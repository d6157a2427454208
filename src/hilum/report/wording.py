"""Turn names, places and probabilities into words; the words are in ``templates.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from hilum.errors import InvalidValueError
from hilum.ontology import FindingConcept, anatomy, finding_concept

__all__ = [
    "band",
    "capitalise",
    "concept_or_new",
    "decapitalise",
    "head",
    "join_words",
    "noun",
    "number",
    "place",
    "sentence",
    "sides",
    "templates",
    "terms",
]


@cache
def templates() -> Mapping[str, Any]:
    """The tables of ``templates.toml``, by section."""
    text = resources.files(__package__).joinpath("templates.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def capitalise(text: str) -> str:
    """``text`` with its first letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def decapitalise(text: str) -> str:
    """``text`` as it goes on inside a sentence; abbreviations keep their capitals.

    >>> decapitalise("AP projection"), decapitalise("The lungs")
    ('AP projection', 'the lungs')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def number(count: int) -> str:
    """A small count in words."""
    words: Sequence[str] = templates()["numbers"]
    return words[count] if count < len(words) else str(count)


def join_words(items: Sequence[str], conjunction: str) -> str:
    """Join items as prose does.

    >>> join_words(["edema", "atelectasis", "consolidation"], "or")
    'edema, atelectasis or consolidation'
    """
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"


def concept_or_new(name: str) -> FindingConcept:
    """The ontology's concept, or a plain one for a finding of a user's own model."""
    try:
        return finding_concept(name)
    except InvalidValueError:
        label = name.replace("_", " ")
        return FindingConcept(name, "finding", label, (label,), "", "", "", "", "", "", (), 3)


def terms(names: Iterable[str], conjunction: str) -> str:
    """Findings as a list in prose, each in its list form.

    >>> terms(["pleural_effusion", "nodule_or_mass"], "or")
    'pleural effusion, lung nodule or mass'
    """
    words = [term for name in names for term in concept_or_new(name).terms]
    return join_words(words, conjunction)


def band(probability: float) -> Mapping[str, str]:
    """The words for a calibrated probability of something present."""
    bands: Sequence[Mapping[str, Any]] = templates()["bands"]
    return next(row for row in bands if probability >= row["floor"])


def noun(name: str, *, is_several: bool = False) -> str:
    """The noun for a finding in a sentence of its own."""
    row = templates()["nouns"].get(name)
    if row is None:
        return concept_or_new(name).label
    return str(row["many" if is_several else "one"])


def sides(zones: Iterable[str]) -> tuple[str, ...]:
    """The patient's sides that the zones lie in, right before left."""
    wanted = set(zones)
    found = {concept.side for concept in anatomy() if concept.name in wanted}
    return tuple(side for side in ("right", "left") if side in found)


def head(name: str, probability: float | None, zones: Sequence[str]) -> str:
    """The subject of a sentence: hedge, side and noun, e.g. "Probable right pneumothorax".

    ``probability`` None leaves the hedge out. The side is spoken only for findings that
    are told by side.
    """
    where = templates()["nouns"].get(name, {}).get("where", "zones")
    is_several = len(zones) > 1
    words = [band(probability)["hedge"]] if probability is not None else []
    if where == "sides":
        found = sides(zones)
        is_several = len(found) > 1
        words.append(templates()["places"]["bilateral"] if is_several else "".join(found))
    words.append(noun(name, is_several=is_several))
    return capitalise(" ".join(word for word in words if word))


def place(name: str, zones: Sequence[str]) -> str:
    """Where a finding is, e.g. "in the right mid and lower zones"; empty if not told.

    >>> place("consolidation", ["left_lower_zone", "right_lower_zone"])
    'in both lower zones'
    """
    if templates()["nouns"].get(name, {}).get("where", "zones") != "zones":
        return ""
    words = templates()["places"]
    right, left = _levels(zones, "right"), _levels(zones, "left")
    if not (right and left):
        return _side_place("right", right) or _side_place("left", left)
    if right == left:
        if len(right) == len(_levels(None, "right")):
            return str(words["both_lungs"])
        form = words["both_one"] if len(right) == 1 else words["both_more"]
        return str(form.format(levels=join_words(right, "and")))
    if len(right) == len(left) == 1:
        form = words["one_each"]
        return str(form.format(right=f"right {right[0]}", left=f"left {left[0]}"))
    return f"{_side_place('right', right)} and {_side_place('left', left)}"


def _levels(zones: Sequence[str] | None, side: str) -> list[str]:
    """Words for the zones of one side, top down (None: for all of them)."""
    return [
        concept.label.removeprefix(f"{side} ").removesuffix(" zone")
        for concept in anatomy()
        if concept.kind == "zone"
        and concept.side == side
        and (zones is None or concept.name in zones)
    ]


def _side_place(side: str, levels: Sequence[str]) -> str:
    if not levels:
        return ""
    words = templates()["places"]
    if len(levels) == len(_levels(None, side)):
        return str(words["whole_lung"].format(side=side))
    form = words["one_zone"] if len(levels) == 1 else words["more_zones"]
    return str(form.format(side=side, levels=join_words(levels, "and")))


def sentence(name: str, status: str, *, subject: str, where: str) -> str:
    """Realise one finding from its template, or the default one."""
    rows = templates()["sentences"]
    form = f"{status}_placed" if where else status
    own = rows.get(name, {})
    template = own.get(form) or rows["default"][form]
    return str(template.format(head=subject, place=where))
