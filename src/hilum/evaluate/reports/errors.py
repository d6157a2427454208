"""Errors of a report against its reference, by rules, in GREEN's six categories.

GREEN (Ostmeier 2024) is a language model that counts errors; this counts what Hilum's rules
find, and is named ``error_rules``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from hilum.evaluate.reports.structure import claimed_observations
from hilum.ontology import findings
from hilum.text import Document, Observation

__all__ = ["CATEGORIES", "count_errors", "error_score"]

CATEGORIES = (
    "false_finding",
    "missing_finding",
    "wrong_location",
    "wrong_severity",
    "false_comparison",
    "missing_comparison",
)
"""GREEN's (a) to (f), in its order."""

_SEVERITY = {"minimal": 0, "mild": 1, "moderate": 2, "severe": 3}
_CLAIMED = frozenset({"present", "uncertain"})
_CHANGES = frozenset({"new", "increased", "decreased", "unchanged", "resolved"})


def count_errors(found: Document, wanted: Document) -> list[int]:
    """Six error counts in the order of ``CATEGORIES`` and, seventh, the matched findings.

    Findings and devices claimed present or uncertain are paired by name, those on the same
    side first; a finding of the report that the reference does not claim is false, one of
    the reference that the report does not claim is missing. Pairs with opposite sides or
    disjoint places are wrong in location, pairs with two severities wrong in severity. A
    change claimed by the report alone, or another change than the reference's, is a false
    comparison; one claimed by the reference alone a missing one.
    """
    mine, theirs = _by_name(found), _by_name(wanted)
    counts = dict.fromkeys(CATEGORIES, 0)
    matched = 0
    for name in sorted(set(mine) | set(theirs)):
        pairs, extra, lost = _paired(mine.get(name, []), theirs.get(name, []))
        counts["false_finding"] += len(extra)
        counts["missing_finding"] += len(lost)
        matched += len(pairs)
        for own, other in pairs:
            for category in _differences(own, other):
                counts[category] += 1
    return [*(counts[category] for category in CATEGORIES), matched]


def _by_name(document: Document) -> Mapping[str, list[Observation]]:
    groups: dict[str, list[Observation]] = defaultdict(list)
    seen: set[tuple[str, str, tuple[str, ...]]] = set()
    for item in claimed_observations(document):
        if item.assertion not in _CLAIMED or item.name in _normal_names():
            continue
        key = (item.name, item.side, item.places)
        if key not in seen:  # findings and impression say the same twice
            seen.add(key)
            groups[item.name].append(item)
    return {name: _without_repeats(items) for name, items in groups.items()}


@cache
def _normal_names() -> frozenset[str]:
    return frozenset(concept.name for concept in findings() if concept.kind == "normal")


def _without_repeats(items: list[Observation]) -> list[Observation]:
    """Leave out a claim without side and place where the same is claimed with them."""
    placed = [item for item in items if item.side or item.places]
    return placed or items


def _paired(
    mine: Sequence[Observation], theirs: Sequence[Observation]
) -> tuple[list[tuple[Observation, Observation]], list[Observation], list[Observation]]:
    pairs, left = [], list(theirs)
    waiting: list[Observation] = []
    for item in mine:
        same = next((other for other in left if other.side == item.side), None)
        if same is None:
            waiting.append(item)
            continue
        left.remove(same)
        pairs.append((item, same))
    while waiting and left:
        pairs.append((waiting.pop(0), left.pop(0)))
    return pairs, waiting, left


def _differences(own: Observation, other: Observation) -> list[str]:
    found = []
    sides = {own.side, other.side} - {""}
    is_apart = bool(own.places and other.places and not set(own.places) & set(other.places))
    if sides == {"left", "right"} or is_apart:
        found.append("wrong_location")
    if own.severity in _SEVERITY and other.severity in _SEVERITY and own.severity != other.severity:
        found.append("wrong_severity")
    says, should = own.change in _CHANGES, other.change in _CHANGES
    if says and (not should or own.change != other.change):
        found.append("false_comparison")
    elif should and not says:
        found.append("missing_comparison")
    return found


def error_score(counts: npt.NDArray[np.float64]) -> float:
    """Mean over reports of matched / (matched + errors), from rows of ``count_errors``.

    The form of the GREEN score; a report with neither a match nor an error counts 1.
    """
    errors, matched = counts[:, :-1].sum(axis=1), counts[:, -1]
    total = errors + matched
    values = np.where(total > 0, matched / np.maximum(total, 1), 1.0)
    return float(values.mean()) if len(values) else float("nan")
