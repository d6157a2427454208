"""Observations: the structured list, one row a finding or device and side that is said of it."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.text.chunks import Group
from hilum.text.devices import has_tip, is_tip_place, position_at
from hilum.text.sides import Owner
from hilum.text.sizes import millimetres_of
from hilum.text.types import Assertion, Hit, Mention, Observation, Size, Span

__all__ = ["list_observations"]

_UNSAID = ("",)


def list_observations(
    owner: Owner,
    hits: Sequence[Hit],
    mention: Mention,
    number: int,
    *,
    has_resolved: bool,
    suggests: tuple[str, ...],
) -> list[Observation]:
    """The rows of one mention: one a side that it is said to be on.

    Args:
        owner: The mention's hit and the groups said of it.
        hits: All hits of the sentence.
        mention: The mention, whose assertion the rows take.
        number: Its index.
        has_resolved: Whether it is absent because it is said to have resolved.
        suggests: Names of the diagnoses that it stands for.
    """
    rows = []
    for said in _sort_groups(owner.groups):
        values: dict[str, list[str]] = {}
        for at in said.attributes:
            _, _, kind, name = hits[at]
            values.setdefault(kind, []).append(name)
        places = dict.fromkeys([hits[at].name for at in said.places])
        tip = position = ""
        if hits[owner.head].kind == "device":
            tip = _tip(owner, hits, said)
            places.pop(tip, None)
            position = values.get("position", _UNSAID)[0] or position_at(mention.name, tip)
        row = (
            mention.name,
            mention.kind,
            mention.assertion,
            mention.degree,
            number,
            0,
            said.side,
            tuple(places),
            values.get("severity", _UNSAID)[0],
            _sizes(said, owner, hits) if "size" in values else (),
            values.get("count", _UNSAID)[0],
            _several(values, "shape"),
            _several(values, "margin"),
            _several(values, "texture"),
            _several(values, "distribution"),
            values.get("temporal", _UNSAID)[0],
            _change(values.get("change", ()), mention.assertion, has_resolved),
            None,
            tip,
            position,
            suggests,
        )
        rows.append(tuple.__new__(Observation, row))  # a fifth of the cost of calling it
    return rows


def _several(values: dict[str, list[str]], kind: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values[kind])) if kind in values else ()


def _sort_groups(groups: list[Group]) -> list[Group]:
    """One group a side, each with what holds for all; a single one if any is bilateral."""
    if len(groups) == 1:
        return groups
    sides = {group.side for group in groups if group.side}
    common = Group()
    located: dict[str, Group] = {}
    for group in groups:
        is_apart = len(sides) > 1 and "bilateral" not in sides and group.side
        target = located.setdefault(group.side, Group(side=group.side)) if is_apart else common
        _extend(target, group)
    if not located:
        common.side = "bilateral" if "bilateral" in sides else "".join(sides)
        return [common]
    rows = list(located.values())
    first = list(rows[0].attributes)
    for number, row in enumerate(rows):
        row.places = [*common.places, *row.places]
        row.attributes = [*row.attributes, *common.attributes, *(first if number else ())]
    return rows


def _extend(group: Group, other: Group) -> None:
    group.sides += other.sides
    group.places += [place for place in other.places if place not in group.places]
    group.attributes += other.attributes


def _change(said: Sequence[str], assertion: Assertion, has_resolved: bool) -> str:
    """The change that agrees with what is claimed: what is absent can only have resolved."""
    if has_resolved:
        return "resolved"
    if not said or assertion is Assertion.ABSENT:
        return ""
    kept = [change for change in said if change != "resolved"]
    moving = [change for change in kept if change != "unchanged"]
    return (moving or kept or _UNSAID)[0]


def _tip(owner: Owner, hits: Sequence[Hit], said: Group) -> str:
    """Where a device's tip lies: said of the tip, or a vessel or airway said of the tube."""
    if owner.tips:
        return hits[owner.tips[-1]].name
    head = hits[owner.head]
    if has_tip(head.name):
        for at in said.places:
            if hits[at].start >= head.end and is_tip_place(hits[at].name):
                return hits[at].name
    return ""


def _sizes(said: Group, owner: Owner, hits: Sequence[Hit]) -> tuple[Size, ...]:
    """Sizes in the order of the text; one just before the place of a tip is a distance to it."""
    sizes = []
    for at in sorted(at for at in set(said.attributes) if hits[at].kind == "size"):
        hit = hits[at]
        to = hits[at + 1].name if at + 1 in owner.tips else ""
        sizes.append(Size(millimetres_of(hit.name), Span(hit.start, hit.end), to))
    return tuple(sizes)
