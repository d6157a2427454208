"""Name the finding that a state and a place make: "enlarged" of the heart is cardiomegaly.

Reports say most signs as a word and a place in any order ("elevation of the right
hemidiaphragm", "the heart is again mildly enlarged"), with side, severity and change in
between. The table ``lexicon/compositions.csv`` names the pairs, by concept and so for every
language; this module finds the place that a state is said of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from hilum.text.types import Hit

__all__ = ["MAX_WORDS", "Rules", "compose"]

MAX_WORDS = 8
"""Words between a state and its place, at most, where the table says no less."""

COMMA_WORDS = 2
"""A comma separates as many words as this."""

_LINKS = frozenset(
    {"and", "or", "the", "y", "o", "et", "ou", "la", "le", "les", "und", "oder", "der", "die"}
    | {"das", "e", "ed", "il", "del", "della", "do", "da", "el", "de", "des", "du", ",", "&", "/"}
)
"""Words between two places of one list, in every language of the lexicons."""

Rules = Mapping[str, tuple[str, int]]
"""For each place the finding, and the words that may stand between at most."""


def compose(sentence: str, hits: Sequence[Hit], compositions: Mapping[str, Rules]) -> list[Hit]:
    """Replace states by the findings that they make, and findings by narrower ones.

    Args:
        sentence: The folded sentence.
        hits: All hits of it, states included.
        compositions: For each state (or wider finding) the findings that it makes by place; the
            one of the empty place holds where there is none.

    Returns:
        The hits without states. A change said by the one word of a state ("increased
        markings") is part of the finding and is dropped.
    """
    composed: list[Hit] = []
    swallowed: set[tuple[int, int]] = set()
    said = {hit.name for hit in hits}
    for at, hit in enumerate(hits):
        kind = hit.kind
        rules = compositions.get(hit.name) if kind in ("state", "finding") else None
        if rules is None or ("" not in rules and said.isdisjoint(rules)):
            if kind != "state":
                composed.append(hit)
            continue
        names = _findings(sentence, hits, at, rules)
        if kind == "finding":
            names = names or [hit.name]
        elif names and " " not in sentence[hit.start : hit.end]:
            swallowed.add(hit[:2])
        composed += [Hit(hit.start, hit.end, "finding", name) for name in names]
    if not swallowed:
        return composed
    return [hit for hit in composed if hit.kind != "change" or hit[:2] not in swallowed]


def _findings(sentence: str, hits: Sequence[Hit], at: int, rules: Rules) -> list[str]:
    """What the hit makes with the nearest place, and with others listed beside that one.

    Words that are no places ("old" of a fracture) come before places.
    """
    state = hits[at]
    if state.kind == "state" and _is_adjective(sentence, hits, at):
        return []
    best, nearest = None, (True, MAX_WORDS + 1)
    for index, place in enumerate(hits):
        if index == at or place.name not in rules or _is_taken(sentence, hits, at, index):
            continue
        words = _words_between(sentence, state, place)
        rank = (place.kind == "anatomy", words)
        if words <= rules[place.name][1] and rank < nearest:
            best, nearest = index, rank
    if best is None:
        return [rules[""][0]] if "" in rules else []
    otherwise = (state.name if state.kind == "finding" else "", 0)
    listed = (rules.get(hits[index].name, otherwise)[0] for index in _listed(sentence, hits, best))
    return list(dict.fromkeys(name for name in listed if name))


def _is_taken(sentence: str, hits: Sequence[Hit], at: int, place: int) -> bool:
    """Whether the place belongs to another: "growth of a *hilar* mass", "hilar mass, mass"."""
    state = hits[at]
    if place > at:
        following = hits[place + 1] if place + 1 < len(hits) else None
        if state.kind == "state" and following and following.kind == "finding":
            return not sentence[hits[place].end : following.start].strip(" -\n")
        return False
    return any(hit.name == state.name for hit in hits[place + 1 : at] if hit[:2] != state[:2])


def _is_adjective(sentence: str, hits: Sequence[Hit], at: int) -> bool:
    """Whether a state is said of the finding or device behind it ("large left effusion")."""
    end = hits[at].end
    for hit in hits[at + 1 :]:
        if sentence[end : hit.start].strip(" -\n") or hit.kind[:4] == "cue:":
            return False
        if hit.kind in ("finding", "device"):
            return True
        if hit.kind in ("anatomy", "state"):
            return False
        end = hit.end
    return False


def _listed(sentence: str, hits: Sequence[Hit], at: int) -> list[int]:
    """The place at ``at``, then those that are listed with it ("heart and aorta")."""
    kinds = ("anatomy", "side")
    places = [index for index, hit in enumerate(hits) if hit.kind in kinds or index == at]
    middle = places.index(at)
    listed = [at]
    if hits[at].kind != "anatomy":
        return listed
    for chain in (places[middle::-1], places[middle:]):
        for one, other in pairwise(chain):
            between = _between(sentence, hits[one], hits[other])
            if not _LINKS.issuperset(between.replace(",", " , ").split()):
                break
            if hits[other].kind == "anatomy":
                listed.append(other)
    return listed


def _between(sentence: str, one: Hit, other: Hit) -> str:
    return sentence[one.end : other.start] or sentence[other.end : one.start]


def _words_between(sentence: str, one: Hit, other: Hit) -> int:
    """Words between two hits, more for a comma, too many if they are in different clauses."""
    between = _between(sentence, one, other)
    if ";" in between:
        return MAX_WORDS + 1
    return len(between.replace(", ", " ").split()) + COMMA_WORDS * between.count(", ")
