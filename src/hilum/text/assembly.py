"""Build the structure of one sentence: mentions, attributes, relations and observations."""

from __future__ import annotations

from collections.abc import Set
from functools import cache
from typing import Literal, NamedTuple

from hilum.text.attributes import attach_groups
from hilum.text.chunks import split_chunks
from hilum.text.lexicon import Lexicon
from hilum.text.observations import list_observations
from hilum.text.priors import find_prior
from hilum.text.relations import link_parts, link_signs, locate
from hilum.text.rows import read_rows
from hilum.text.sides import organ_group, part_siblings
from hilum.text.types import (
    Assertion,
    Attribute,
    Hit,
    Mention,
    MentionKind,
    Observation,
    Relation,
    Span,
)
from hilum.text.verdicts import MENTIONED, PLAIN, Judged, Verdict, claim_of

__all__ = ["Context", "ParsedSentence", "build_structure", "names_if_normal"]

Context = Literal["report", "request", "past"]
"""What a section does: it reports, it asks (indication, technique), or it tells of a prior."""

_UNLIKELY = 0.3
"""Below this degree a diagnosis is named to be dismissed; no sign stands for it."""

_KINDS = {kind.value: kind for kind in MentionKind}
_SUPPOSED = {
    Assertion.PRESENT: Assertion.HYPOTHETICAL,
    Assertion.UNCERTAIN: Assertion.HYPOTHETICAL,
}
_RECALLED = {
    Assertion.PRESENT: Assertion.HISTORICAL,
    Assertion.UNCERTAIN: Assertion.HISTORICAL,
}
_UNDER: dict[Context, dict[Assertion, Assertion]] = {
    "report": {},
    "request": _SUPPOSED,
    "past": _RECALLED,
}


class ParsedSentence(NamedTuple):
    """A sentence's share of a document: offsets and indexes count from its own start."""

    mentions: tuple[Mention, ...]
    attributes: tuple[Attribute, ...]
    relations: tuple[Relation, ...]
    observations: tuple[Observation, ...]


@cache
def _normals() -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for row in read_rows("normals.csv"):
        names[row["place"]] = (*names.get(row["place"], ()), row["name"])
    return names


def names_if_normal(place: str) -> tuple[str, ...]:
    """The findings that are absent when a place is said to be normal.

    >>> names_if_normal("cardiac_silhouette")
    ('cardiomegaly',)
    """
    return _normals().get(place, ())


def build_structure(
    judged: Judged, lexicon: Lexicon, *, context: Context, halves: Set[Hit]
) -> ParsedSentence:
    """The structure of a folded sentence.

    Args:
        judged: The sentence with its terms, sizes and halves of places.
        lexicon: Where the terms are from.
        context: What the sentence's section does.
        halves: Those hits that are half of a place ("upper" of "upper and lower lobes").
    """
    return _Structure(judged, lexicon, context, halves).build()


class _Structure:
    """A sentence on the way from hits to a ``ParsedSentence``."""

    def __init__(
        self, judged: Judged, lexicon: Lexicon, context: Context, halves: Set[Hit]
    ) -> None:
        self.sentence, self.hits, self.gaps, self.verdicts = judged
        self.kinds = {kind for _, _, kind, _ in self.hits}
        self.under = _UNDER[context]
        self.halves = halves
        self.chunks = split_chunks(self.hits, self.gaps)
        self.owners = attach_groups(self.hits, self.chunks, self.verdicts)
        part_siblings(self.hits, self.owners, lexicon.compositions)
        self.mentions: list[Mention] = []
        self.number: dict[int, int] = {}

    def build(self) -> ParsedSentence:
        """Mentions first, then what refers to them by number."""
        signs: list[tuple[int, int]] = []
        if len(self.owners) > 1:
            signs = link_signs(self.hits, self.gaps, self.verdicts)
        if signs:
            self._inherit_sides(signs)
            signs = [(a, b) for a, b in signs if self._verdict(b).degree >= _UNLIKELY]
        for at, (_, _, kind, _) in enumerate(self.hits):
            if kind == "anatomy" or kind in MENTIONED:
                self._mention(at)
        observations = self._observe(signs)
        if "cue:compares" in self.kinds:
            prior = find_prior(self.sentence, self.hits, self.gaps)
            observations = [
                row._replace(compared_with=prior) if row.change else row for row in observations
            ]
        attributes = self._attributes()
        relations = self._relations(signs)
        return ParsedSentence(
            tuple(self.mentions), tuple(attributes), tuple(relations), tuple(observations)
        )

    def _verdict(self, at: int) -> Verdict:
        return self.verdicts[at] or PLAIN

    def _mention(self, at: int) -> None:
        start, end, kind, name = self.hits[at]
        self.number[at] = len(self.mentions)
        if kind != "anatomy":
            self._claim(_KINDS[kind], name, Span(start, end), self._verdict(at))
            return
        spans: tuple[Span, ...] = (Span(start, end),)
        if self.hits[at] in self.halves:
            spans = tuple(sorted(spans + self._noun_of_whole(at)))
        mention = Mention(MentionKind.ANATOMY, name, spans, 0, Assertion.PRESENT, None, None)
        self.mentions.append(mention)

    def _claim(self, kind: MentionKind, name: str, span: Span, verdict: Verdict) -> None:
        stated, degree = claim_of(verdict.category, verdict.degree)
        assertion = self.under.get(stated, stated)
        if self.under and verdict.category == "historical":
            assertion = Assertion.HISTORICAL
        cue = Span(*self.hits[verdict.cue][:2]) if verdict.cue >= 0 else None
        degree = degree if assertion is stated else None
        self.mentions.append(Mention(kind, name, (span,), 0, assertion, degree, cue))

    def _noun_of_whole(self, at: int) -> tuple[Span, ...]:
        """The noun that half of a place shares with the whole one behind it, or before it."""
        for hit in self.hits[at + 1 :]:
            if hit.kind == "anatomy" and hit not in self.halves:
                noun = self.sentence.rfind(" ", hit.start, hit.end) + 1
                return (Span(max(noun, hit.start), hit.end),)
        for hit in reversed(self.hits[:at]):
            if hit.kind == "anatomy" and hit not in self.halves:
                noun = self.sentence.find(" ", hit.start, hit.end)
                return (Span(hit.start, noun),) if noun > 0 else ()
        return ()

    def _inherit_sides(self, signs: list[tuple[int, int]]) -> None:
        """Give a diagnosis without a place the side of the sign that it is read from."""
        owners = {owner.head: owner for owner in self.owners}
        for sign, diagnosis in signs:
            target, source = owners[diagnosis], owners[sign]
            group = organ_group(self.hits[diagnosis].name)
            if not group or group != organ_group(self.hits[sign].name):
                continue
            if any(one.is_located() for one in target.groups):
                continue
            sides = {one.side for one in source.groups if one.side}
            if sides:
                target.groups[0].side = sides.pop() if len(sides) == 1 else "bilateral"

    def _observe(self, signs: list[tuple[int, int]]) -> list[Observation]:
        rows: list[Observation] = []
        for owner in self.owners:
            number = self.number[owner.head]
            names = [self.hits[to].name for sign, to in signs if sign == owner.head]
            rows += list_observations(
                owner,
                self.hits,
                self.mentions[number],
                number,
                has_resolved=self._verdict(owner.head).category == "resolved",
                suggests=tuple(dict.fromkeys(names)) if names else (),
            )
        if "cue:normal" in self.kinds:
            for at, (_, _, kind, name) in enumerate(self.hits):
                if kind == "anatomy" and self.verdicts[at] is not None:
                    self._observe_normal(at, name, rows)
        return rows

    def _observe_normal(self, at: int, place: str, rows: list[Observation]) -> None:
        """Add what is absent, or at its limit, because a place is said to be normal."""
        side = self._side_of(at)
        for name in names_if_normal(place):
            number = len(self.mentions)
            span = Span(*self.hits[at][:2])
            self._claim(MentionKind.FINDING, name, span, self._verdict(at))
            _, _, _, _, assertion, degree, _ = self.mentions[number]
            said = (name, side, assertion, degree)
            # two places of one sentence may deny the same: "heart and silhouette are normal"
            if any((row.name, row.side, row.assertion, row.degree) == said for row in rows):
                self.mentions.pop()
                continue
            kind = MentionKind.FINDING
            rows.append(Observation(name, kind, assertion, degree, number, 0, side))

    def _side_of(self, at: int) -> str:
        """The side of a place: said before it, or alone behind what is said of it."""
        cue = self._verdict(at).cue
        within = self.hits[cue + 1 : cue + 3] if cue >= 0 else []
        for hit in within:
            if hit.kind == "side" and hit.start < self.hits[cue].end:
                return hit.name
        for number, chunk in enumerate(self.chunks):
            if not chunk.start <= at < chunk.end:
                continue
            side = chunk.groups[0].side
            if not side and number + 1 < len(self.chunks):
                after = self.chunks[number + 1]
                if not after.heads and not after.groups[0].places and after.clause == chunk.clause:
                    side = after.groups[0].side
            return side
        return ""

    def _attributes(self) -> list[Attribute]:
        found = []
        for owner in self.owners:
            used = {at for group in owner.groups for at in (*group.sides, *group.attributes)}
            for at in sorted(used) if used else ():
                start, end, kind, name = self.hits[at]
                found.append(Attribute(kind, name, Span(start, end), self.number[owner.head]))
        return found

    def _relations(self, signs: list[tuple[int, int]]) -> list[Relation]:
        number = self.number
        found = [Relation("located_at", number[a], number[b]) for a, b in locate(self.owners)]
        if "part" in self.kinds:
            parts = link_parts(self.hits, self.chunks)
            found += [Relation("part_of", number[a], number[b]) for a, b in parts]
        found += [Relation("suggestive_of", number[a], number[b]) for a, b in signs]
        return found
