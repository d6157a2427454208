"""Load the label schemes: their labels, and how concepts of the ontology make them.

``tables/schemes.csv`` lists the labels of every scheme, ``tables/<scheme>.csv`` the mapping
from concepts. Both are compiled once into a plan that ``labels`` walks a claim at a time.

A mapping row has an ``effect``:

- ``same``: the label is claimed as the concept is;
- ``implies``: the concept is a narrower thing, so its presence (or doubt) carries over and
  its absence says nothing of the label;
- ``suggests``: presence or doubt of the concept makes the label uncertain;
- ``blocks``: no label, but an abnormality that keeps the report from being normal;
- ``none``: no label, and of no weight.

``needs`` lists places, textures and shapes of which the observation must have one.
``tables/lasting.csv`` names what stays once it was done: "status post spinal fusion" tells
of the past, and of hardware that is there now.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from hilum.errors import InvalidValueError

__all__ = [
    "SCHEMES",
    "Effect",
    "MappingRow",
    "Rule",
    "Scheme",
    "SchemeLabel",
    "label_names",
    "label_titles",
    "load_scheme",
    "mapping_rows",
    "scheme_labels",
]

SCHEMES = ("chexpert", "chestxray14", "padchest", "mesh")

_CLAIMS = ("present", "uncertain", "absent")
_ROLES = ("normal", "finding", "device", "exempt")
_EFFECTS = ("same", "implies", "suggests", "blocks", "none")


@dataclass(frozen=True, slots=True)
class SchemeLabel:
    """A label: its name in snake case, its spelling in the dataset and its wider labels.

    ``role`` is ``normal`` (follows from the others), ``finding``, ``device``, or ``exempt``
    (does not keep a report from being normal).
    """

    scheme: str
    label: str
    title: str
    parents: tuple[str, ...]
    role: str
    note: str


@dataclass(frozen=True, slots=True)
class MappingRow:
    """What one concept does to one label; see the module for ``effect`` and ``needs``."""

    concept: str
    label: str
    effect: str
    needs: tuple[str, ...]
    note: str


class Effect(NamedTuple):
    """What a claim does, labels as bits of an integer in the scheme's order.

    ``doubts`` are (label, weight) pairs: the degree of an uncertain label is the weight
    times the degree of the claim. ``is_blocking`` keeps the report from being normal.
    """

    present: int
    uncertain: int
    absent: int
    doubts: tuple[tuple[int, float], ...]
    is_blocking: bool


class Rule(NamedTuple):
    """``always``, and the effects that ask for one of some places, textures or shapes."""

    always: Effect
    conditional: tuple[tuple[frozenset[str], Effect], ...]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A compiled scheme: what each concept does when present, uncertain, absent or past.

    ``normal`` is the index of the label that follows from the others, ``blocking`` the bits
    of the labels that keep a report from being normal. ``rises`` are (child, parent) pairs
    in an order in which one pass carries every presence to the top. ``is_conditional`` says
    whether any rule asks for a place, a texture or a shape.
    """

    name: str
    labels: tuple[str, ...]
    index: dict[str, int]
    present: dict[str, Rule]
    uncertain: dict[str, Rule]
    absent: dict[str, Rule]
    past: dict[str, Rule]
    normal: int
    blocking: int
    rises: tuple[tuple[int, int], ...]
    is_conditional: bool


def _read(table: str) -> list[dict[str, str]]:
    text = (resources.files("hilum.text") / "tables" / table).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _check_scheme(scheme: str) -> None:
    if scheme not in SCHEMES:
        raise InvalidValueError(f"got scheme {scheme!r}; use one of {', '.join(SCHEMES)}")


@cache
def scheme_labels(scheme: str) -> tuple[SchemeLabel, ...]:
    """The labels of a scheme, in the order of its publication where it has one.

    Raises:
        InvalidValueError: If there is no such scheme.
    """
    _check_scheme(scheme)
    labels = []
    for row in _read("schemes.csv"):
        if row["scheme"] == scheme:
            parents = tuple(part for part in row.pop("parents").split("|") if part)
            labels.append(SchemeLabel(**row, parents=parents))
    return tuple(labels)


@cache
def mapping_rows(scheme: str) -> tuple[MappingRow, ...]:
    """The rows that make a scheme's labels from concepts.

    Raises:
        InvalidValueError: If there is no such scheme.
    """
    _check_scheme(scheme)
    rows = []
    for row in _read(f"{scheme}.csv"):
        needs = tuple(part for part in row.pop("needs").split("|") if part)
        rows.append(MappingRow(**row, needs=needs))
    return tuple(rows)


@cache
def label_names(scheme: str = "chexpert") -> tuple[str, ...]:
    """Names of a scheme's labels, in order.

    >>> label_names("chexpert")[:3]
    ('no_finding', 'enlarged_cardiomediastinum', 'cardiomegaly')

    Raises:
        InvalidValueError: If there is no such scheme.
    """
    return tuple(label.label for label in scheme_labels(scheme))


@cache
def label_titles(scheme: str = "chexpert") -> dict[str, str]:
    """Label to its spelling in the dataset.

    >>> label_titles("chestxray14")["effusion"]
    'Effusion'
    """
    return {label.label: label.title for label in scheme_labels(scheme)}


def _effect(rows: Iterable[MappingRow], claim: str, index: dict[str, int]) -> Effect:
    """What rows do together on a claim ``present``, ``uncertain`` or ``absent``."""
    bits = dict.fromkeys(_CLAIMS, 0)
    doubts = []
    is_blocking = False
    for row in rows:
        if row.effect == "none" or (claim == "absent" and row.effect != "same"):
            continue
        if row.effect == "blocks":
            is_blocking = True
            continue
        label = index[row.label]
        outcome = "uncertain" if row.effect == "suggests" else claim
        bits[outcome] |= 1 << label
        if outcome == "uncertain":
            doubts.append((label, 0.5 if row.effect == "suggests" else 1.0))
    return Effect(**bits, doubts=tuple(doubts), is_blocking=is_blocking)


def _rules(scheme: str, claim: str, index: dict[str, int]) -> dict[str, Rule]:
    """Concept to its rule for a claim; concepts without any effect are left out."""
    grouped: dict[str, list[MappingRow]] = {}
    for row in mapping_rows(scheme):
        grouped.setdefault(row.concept, []).append(row)
    nothing = _effect((), claim, index)
    rules = {}
    for concept, rows in grouped.items():
        always = _effect((row for row in rows if not row.needs), claim, index)
        conditional = tuple(
            (frozenset(row.needs), _effect((row,), claim, index)) for row in rows if row.needs
        )
        conditional = tuple(pair for pair in conditional if pair[1] != nothing)
        if always != nothing or conditional:
            rules[concept] = Rule(always, conditional)
    return rules


def _rises(labels: tuple[SchemeLabel, ...], index: dict[str, int]) -> tuple[tuple[int, int], ...]:
    """(child, parent) pairs, deepest child first, so that one pass reaches the top."""
    parents = {label.label: label.parents for label in labels}

    def depth(name: str) -> int:
        return max((1 + depth(parent) for parent in parents[name]), default=0)

    ordered = sorted(parents, key=depth, reverse=True)
    return tuple((index[name], index[parent]) for name in ordered for parent in parents[name])


@cache
def load_scheme(scheme: str) -> Scheme:
    """The compiled scheme.

    Raises:
        InvalidValueError: If there is no such scheme, or its table breaks the format.
    """
    labels = scheme_labels(scheme)
    index = {label.label: number for number, label in enumerate(labels)}
    for row in mapping_rows(scheme):
        if row.effect not in _EFFECTS or (row.label and row.label not in index):
            raise InvalidValueError(
                f"{scheme}.csv: got label {row.label!r} with effect {row.effect!r} for "
                f"{row.concept!r}; use a label of schemes.csv and one of {', '.join(_EFFECTS)}"
            )
    roles = [label.role for label in labels]
    if roles.count("normal") != 1 or not set(roles) <= set(_ROLES):
        raise InvalidValueError(
            f"schemes.csv: got roles {sorted(set(roles))} in {scheme}; use one label of role "
            f"normal, and of the others {', '.join(_ROLES)}"
        )
    present = _rules(scheme, "present", index)
    lasting = {row["concept"] for row in _read("lasting.csv")}
    return Scheme(
        name=scheme,
        labels=tuple(index),
        index=index,
        present=present,
        uncertain=_rules(scheme, "uncertain", index),
        absent=_rules(scheme, "absent", index),
        past={concept: rule for concept, rule in present.items() if concept in lasting},
        normal=roles.index("normal"),
        blocking=sum(1 << i for i, role in enumerate(roles) if role in ("finding", "device")),
        rises=_rises(labels, index),
        is_conditional=any(row.needs for row in mapping_rows(scheme)),
    )
