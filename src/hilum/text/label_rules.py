"""The rules that make labels of claims about concepts, whatever read the claims.

Over a report present beats uncertain beats absent, whatever their order; a claim that is
historical or hypothetical counts for nothing (but an implant or an operation lasts), one
that could not be assessed is uncertain. The normal label (``no_finding``) is present when
something was claimed and no abnormality is present or uncertain, and otherwise not
mentioned, as in CheXpert (Irvin et al. 2019). It is never read into a report of which
nothing was understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from hilum.errors import InvalidValueError
from hilum.text.label_tables import Effect, Rule, Scheme, load_scheme
from hilum.text.types import Assertion
from hilum.text.uncertainty import (
    LabelValue,
    UncertainPolicy,
    apply_policy,
    check_policy,
    to_number,
)

__all__ = [
    "Fact",
    "FactLike",
    "Hierarchy",
    "LabelValue",
    "ReportLabels",
    "check_options",
    "label_facts",
]

Hierarchy = Literal["mention", "ontology"]

_HIERARCHIES = get_args(Hierarchy)
# read once: looking a member up in its class is slow
_PRESENT, _ABSENT, _UNCERTAIN = Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN
_HISTORICAL, _NOT_ASSESSED = Assertion.HISTORICAL, Assertion.NOT_ASSESSED


class Fact(NamedTuple):
    """What labelling needs of an observation.

    ``qualifiers`` are its places, textures and shapes. ``degree`` is the probability of presence
    that the wording conveys, None where it conveys none.
    """

    name: str
    assertion: Assertion
    degree: float | None = None
    qualifiers: tuple[str, ...] = ()


# A fact, or a claim that has no qualifiers.
FactLike = (
    tuple[str, Assertion, float | None, tuple[str, ...]] | tuple[str, Assertion, float | None]
)


@dataclass(frozen=True, slots=True)
class ReportLabels(Mapping[str, LabelValue]):
    """The labels of one report, a mapping from label to value in the scheme's order.

    ``degrees`` are probabilities of presence in [0, 1] beside the values: 1 present, 0
    absent, between for uncertain, None where nothing is claimed. ``policy`` is what was done
    with the uncertain ones.

    >>> labels = label_facts([Fact("pleural_effusion", Assertion.PRESENT)])
    >>> str(labels["pleural_effusion"]), str(labels["edema"])
    ('present', 'not_mentioned')
    """

    scheme: str
    names: tuple[str, ...]
    values_in_order: tuple[LabelValue, ...]
    degrees: tuple[float | None, ...]
    policy: UncertainPolicy = "keep"

    def __getitem__(self, label: str) -> LabelValue:
        return self.values_in_order[load_scheme(self.scheme).index[label]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def degree(self, label: str) -> float | None:
        """Probability of presence that the wording conveys, None where nothing is claimed."""
        return self.degrees[load_scheme(self.scheme).index[label]]

    def numbers(self) -> tuple[float | None, ...]:
        """Training targets in the scheme's order; see ``uncertainty.to_number``."""
        pairs = zip(self.values_in_order, self.degrees, strict=True)
        return tuple(to_number(value, degree, self.policy) for value, degree in pairs)

    def having(self, value: LabelValue | str) -> tuple[str, ...]:
        """The labels of that value."""
        pairs = zip(self.names, self.values_in_order, strict=True)
        return tuple(name for name, own in pairs if own == value)


def check_options(uncertain: str, hierarchy: str) -> None:
    """Raise ``InvalidValueError`` unless both options are known."""
    check_policy(uncertain)
    if hierarchy not in _HIERARCHIES:
        raise InvalidValueError(
            f"got hierarchy={hierarchy!r}; use one of {', '.join(_HIERARCHIES)}"
        )


def label_facts(
    facts: Iterable[FactLike],
    *,
    scheme: str = "chexpert",
    uncertain: UncertainPolicy = "keep",
    hierarchy: Hierarchy = "mention",
) -> ReportLabels:
    """Label from facts that are already known; arguments as in ``label_report``.

    Raises:
        InvalidValueError: If an option is unknown.
    """
    check_options(uncertain, hierarchy)
    compiled = load_scheme(scheme)
    present, uncertain_bits, absent, doubts, is_normal = _merge(facts, compiled)
    if hierarchy == "ontology":
        present, uncertain_bits = _raise_parents(present, uncertain_bits, doubts, compiled)
    if is_normal and not (present | uncertain_bits) & compiled.blocking:
        present |= 1 << compiled.normal
    uncertain_bits &= ~present
    values, degrees = _spell(
        len(compiled.labels), present, uncertain_bits, absent & ~uncertain_bits, uncertain
    )
    if uncertain_bits and uncertain in ("keep", "probability"):
        degrees = tuple(
            doubts[label] if uncertain_bits >> label & 1 else degree
            for label, degree in enumerate(degrees)
        )
    return ReportLabels(scheme, compiled.labels, values, degrees, uncertain)


def _merge(
    facts: Iterable[FactLike], scheme: Scheme
) -> tuple[int, int, int, dict[int, float], bool]:
    """Bits of the labels claimed present, uncertain and absent, the highest degree of each
    uncertain one, and whether the report may be normal.
    """
    present = uncertain = absent = 0
    doubts: dict[int, float] = {}
    is_claiming = is_blocked = False
    for fact in facts:
        name, assertion = fact[0], fact[1]
        # identity, because the hash of an enumeration's member is slow
        if assertion is _ABSENT:
            is_claiming = True
            rule = scheme.absent.get(name)
            if rule is not None:
                absent |= rule.always.absent
            continue
        if assertion is _PRESENT:
            rule = scheme.present.get(name)
        elif assertion is _UNCERTAIN or assertion is _NOT_ASSESSED:
            rule = scheme.uncertain.get(name)
        elif assertion is _HISTORICAL and name in scheme.past:
            rule = scheme.past[name]
        else:
            continue
        is_claiming = True
        for effect in _effects(rule, fact) if rule is not None else ():
            present |= effect.present
            uncertain |= effect.uncertain
            is_blocked = is_blocked or effect.is_blocking
            for label, weight in effect.doubts:
                doubt = weight * (0.5 if fact[2] is None else fact[2])
                doubts[label] = max(doubts.get(label, 0.0), doubt)
    return present, uncertain, absent, doubts, is_claiming and not is_blocked


def _effects(rule: Rule, fact: FactLike) -> Sequence[Effect]:
    if not rule.conditional or len(fact) == 3:
        return (rule.always,)
    qualifiers = fact[3]
    met = [effect for needs, effect in rule.conditional if not needs.isdisjoint(qualifiers)]
    return [rule.always, *met]


def _raise_parents(
    present: int, uncertain: int, doubts: dict[int, float], scheme: Scheme
) -> tuple[int, int]:
    """Carry presence and doubt to the wider labels; absence stays where it is."""
    for child, parent in scheme.rises:
        present |= (present >> child & 1) << parent
        if uncertain >> child & 1:
            uncertain |= 1 << parent
            doubts[parent] = max(doubts.get(parent, 0.0), doubts[child])
    return present, uncertain


@lru_cache(maxsize=1 << 16)
def _spell(
    count: int, present: int, uncertain: int, absent: int, policy: UncertainPolicy
) -> tuple[tuple[LabelValue, ...], tuple[float | None, ...]]:
    """Values and degrees of ``count`` labels; present wins over the other bits."""
    values = []
    for label in range(count):
        if present >> label & 1:
            value = LabelValue.PRESENT
        elif uncertain >> label & 1:
            value = apply_policy(LabelValue.UNCERTAIN, policy)
        else:
            value = LabelValue.ABSENT if absent >> label & 1 else LabelValue.NOT_MENTIONED
        values.append(value)
    return tuple(values), tuple(to_number(value, None) for value in values)
