"""Verdicts: what a cue makes of a mention, before a section has its say."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from hilum.text.types import Assertion, Hit

__all__ = [
    "DOUBTS",
    "DOUBT_DEGREE",
    "MENTIONED",
    "PLAIN",
    "Judged",
    "Verdict",
    "claim_of",
    "nest",
    "revise",
]

MENTIONED = frozenset({"finding", "device", "part"})
"""Kinds of hits that are claimed or denied; anatomy is only named."""

DOUBTS = frozenset({"uncertain", "suggests"})
"""Categories of cues that leave a thing possible."""

DOUBT_DEGREE = 0.5
"""Probability that a question or a differential conveys, and a doubt without a degree."""

_CERTAIN = 0.9
"""Degree from which a cause ("due to edema") and what is known count as present."""

# What a cue does to one that it stands in: (outer, inner) to the category that results.
_NESTED = {
    ("absent", "uncertain"): "absent",
    ("absent", "suggests"): "absent",
    ("absent", "historical"): "absent",
    ("absent", "absent"): "",
    ("absent", "resolved"): "",
    ("absent", "hypothetical"): "absent",
    ("hypothetical", "uncertain"): "hypothetical",
    ("hypothetical", "hypothetical"): "hypothetical",
    ("hypothetical", "suggests"): "hypothetical",
    ("historical", "uncertain"): "historical",
    ("not_assessed", "hypothetical"): "not_assessed",
    ("not_assessed", "uncertain"): "not_assessed",
}
# Cues behind their words that leave what a cue before them said.
_WEAKER = {
    "uncertain": frozenset({"absent", "hypothetical", "historical", "not_assessed", "resolved"}),
    "historical": frozenset({"absent", "resolved"}),
    "hypothetical": frozenset({"absent"}),
    "absent": frozenset({"hypothetical"}),
    # the verb that German puts last: "könnte einer Pneumonie entsprechen"
    "suggests": frozenset({"absent", "hypothetical", "not_assessed", "suggests", "uncertain"}),
}
_ASSERTIONS = {
    "": Assertion.PRESENT,
    "absent": Assertion.ABSENT,
    "resolved": Assertion.ABSENT,
    "normal": Assertion.ABSENT,
    "uncertain": Assertion.UNCERTAIN,
    "suggests": Assertion.UNCERTAIN,
    "historical": Assertion.HISTORICAL,
    "hypothetical": Assertion.HYPOTHETICAL,
    "not_assessed": Assertion.NOT_ASSESSED,
}


class Verdict(NamedTuple):
    """What is said of a hit: a cue's category (empty: plainly stated), degree and cue.

    ``degree`` counts for ``uncertain``, ``suggests``, ``normal`` and for a ``historical`` cue
    that means what is known and still there; ``cue`` is the index of the hit that decided,
    -1 for none.
    """

    category: str
    degree: float
    cue: int


class Judged(NamedTuple):
    """A folded sentence with its hits, their gaps, and a verdict for each hit that has one."""

    sentence: str
    hits: list[Hit]
    gaps: list[int]
    verdicts: list[Verdict | None]


PLAIN = Verdict("", 1.0, -1)


@cache
def claim_of(category: str, degree: float) -> tuple[Assertion, float | None]:
    """The assertion of a verdict, and the probability of presence that its wording conveys.

    The probability is None where nothing is claimed.

    >>> claim_of("suggests", 0.85)
    (<Assertion.UNCERTAIN: 'uncertain'>, 0.85)
    """
    if category == "normal" and degree > 0:
        return Assertion.UNCERTAIN, degree
    if degree >= _CERTAIN and category in ("suggests", "historical"):
        return Assertion.PRESENT, 1.0
    assertion = _ASSERTIONS[category]
    if assertion is Assertion.UNCERTAIN:
        return assertion, degree
    if assertion is Assertion.PRESENT:
        return assertion, 1.0
    return assertion, 0.0 if assertion is Assertion.ABSENT else None


def nest(outer: Verdict, inner: Verdict) -> Verdict | None:
    """What an inner cue makes within the scope of an outer one; None for plainly stated.

    "No suspicious nodule" denies, "not free of infiltrate" states, "likely due to" doubts.
    """
    category = _NESTED.get((outer.category, inner.category))
    if category is not None:
        return Verdict(category, outer.degree, outer.cue) if category else None
    if outer.category in DOUBTS and inner.category in DOUBTS:
        return Verdict(inner.category, min(outer.degree, inner.degree), inner.cue)
    return inner


def revise(before: Verdict | None, after: Verdict) -> Verdict:
    """The stronger of what a cue before a mention said and what one behind it says."""
    if before is not None and before.category in _WEAKER.get(after.category, ()):
        return before
    return after
