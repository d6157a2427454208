"""Word what became of the findings since the prior study, in one sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from hilum.ontology import ancestors, finding_names
from hilum.report.plan import Line
from hilum.report.wording import concept_or_new, templates, terms
from hilum.types import Change, ChangeKind

__all__ = ["change_lines"]

_KINDS = (
    ChangeKind.NEW,
    ChangeKind.LARGER,
    ChangeKind.SMALLER,
    ChangeKind.GONE,
    ChangeKind.UNCHANGED,
)


def change_lines(changes: Sequence[Change]) -> list[Line]:
    """One line a prior date, newest first, what is new before what is unchanged.

    A wider finding that changed as a narrower one did is not told twice; it joins the
    evidence.
    """
    by_date: dict[dt.date | None, list[Change]] = {}
    for change in changes:
        if concept_or_new(change.finding).kind != "normal":
            day = None if change.prior_date is None else change.prior_date.date()
            by_date.setdefault(day, []).append(change)
    days = sorted(by_date, key=lambda day: (day is not None, day or dt.date.min), reverse=True)
    return [_line(day, by_date[day]) for day in days]


def _line(day: dt.date | None, changes: Sequence[Change]) -> Line:
    words: Mapping[str, Any] = templates()["changes"]
    clauses = []
    for kind in _KINDS:
        of_kind = sorted((c for c in changes if c.kind is kind), key=_order)
        told = [c for c in of_kind if not _is_implied(c, of_kind)]
        own = [c.finding for c in told if c.finding in words]
        plain = [c.finding for c in told if c.finding not in words]
        if plain:
            clauses.append(_clause(words["default"][kind.value], plain))
        clauses += [words[name][kind.value] for name in dict.fromkeys(own)]
    text = ", ".join(clauses)
    if day is None:
        return Line(words["since_prior"].format(changes=text), tuple(changes))
    text = words["since_date"].format(date=day.isoformat(), changes=text)
    return Line(text, tuple(changes))


def _clause(template: str, names: Sequence[str]) -> str:
    """Fill a clause written in the singular, and agree its verb with several findings."""
    unique = list(dict.fromkeys(names))
    text = template.format(terms=terms(unique, "and"))
    if len([term for name in unique for term in concept_or_new(name).terms]) < 2:
        return text
    singular = template.removeprefix("{terms} ")
    plural = singular.replace("is ", "are ", 1).replace("has ", "have ", 1)
    return text.removesuffix(singular) + plural


def _is_implied(change: Change, others: Sequence[Change]) -> bool:
    return any(
        change.finding in ancestors(other.finding)
        for other in others
        if concept_or_new(other.finding).group
    )


def _order(change: Change) -> int:
    names = finding_names()
    return names.index(change.finding) if change.finding in names else len(names)
