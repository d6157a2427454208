"""Read one sentence: match its terms, judge them, and give its claims or its whole structure.

Readings are remembered by the folded sentence, so what reports repeat costs a look-up.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from hilum.text.assembly import Context, ParsedSentence, build_structure, names_if_normal
from hilum.text.assertion import judge_hits
from hilum.text.chunks import find_extras
from hilum.text.grammar import classify_gaps
from hilum.text.lexicon import Lexicon, load_lexicon
from hilum.text.matching import match_terms
from hilum.text.types import Assertion, Hit
from hilum.text.verdicts import Judged, Verdict, claim_of

__all__ = ["Claim", "Context", "ParsedSentence", "read_claims", "read_sentence"]

REMEMBERED = 1 << 15
"""Sentences whose reading is kept."""

_WITHIN_FINDING = frozenset(
    {"anatomy", "temporal", "shape", "texture", "distribution", "count", "margin"}
)
# What is read from the words of a term itself, by the term's kind.
_WITHIN = {
    "finding": _WITHIN_FINDING,
    "device": _WITHIN_FINDING,
    "anatomy": frozenset({"side"}),
    "cue:normal": frozenset({"side"}),
}
_EMPTY = ParsedSentence((), (), (), ())


class Claim(NamedTuple):
    """What a sentence says of one concept; ``degree`` as in ``Observation``."""

    name: str
    assertion: Assertion
    degree: float | None


@lru_cache(maxsize=REMEMBERED)
def read_claims(sentence: str, language: str) -> tuple[Claim, ...]:
    """What a folded sentence of a reporting section claims, without structure.

    The names, assertions and degrees are those of ``read_sentence(...).observations``; a
    claim that several observations share is given once.
    """
    lexicon = load_lexicon(language)
    hits = _match(sentence, lexicon)
    if not hits:
        return ()
    verdicts = judge_hits(hits, classify_gaps(sentence, hits, language), lexicon)
    found: dict[tuple[str, str, float], Claim] = {}
    for (_, _, kind, name), verdict in zip(hits, verdicts, strict=True):
        if verdict is None or kind == "part":
            continue
        category, degree, _ = verdict
        if kind != "anatomy":
            found[name, category, degree] = _make_claim(name, category, degree)
            continue
        for finding in names_if_normal(name):
            found[finding, category, degree] = _make_claim(finding, category, degree)
    return tuple(found.values())


@lru_cache(maxsize=4096)
def _make_claim(name: str, category: str, degree: float) -> Claim:
    """The claim that a verdict makes; few differ, and making one costs more than finding it."""
    return Claim(name, *claim_of(category, degree))


@lru_cache(maxsize=REMEMBERED)
def read_sentence(sentence: str, language: str, context: Context = "report") -> ParsedSentence:
    """The structure of a folded sentence, with offsets of the sentence.

    Args:
        sentence: As ``fold`` and ``split_sentences`` give it.
        language: ISO 639-1 code of a lexicon.
        context: What its section does; only a report claims that something is present.
    """
    lexicon = load_lexicon(language)
    hits = _match(sentence, lexicon)
    if not hits:
        return _EMPTY
    gaps = classify_gaps(sentence, hits, language)
    verdicts = judge_hits(hits, gaps, lexicon)
    halves = find_extras(sentence, hits, gaps, language)
    extras = halves + _find_inner(sentence, hits, language)
    if extras:
        hits, verdicts = _merge(hits, verdicts, extras)
        gaps = classify_gaps(sentence, hits, language)
    words = {hit for hit in halves if hit.kind == "anatomy"}
    judged = Judged(sentence, hits, gaps, verdicts)
    return build_structure(judged, lexicon, context=context, halves=words)


def _match(sentence: str, lexicon: Lexicon) -> list[Hit]:
    """The hits of a sentence; a pseudo cue masks the cue in its words and is none itself."""
    hits = match_terms(sentence, lexicon)
    for _, _, kind, _ in hits:
        if kind == "cue:pseudo":
            return [hit for hit in hits if hit.kind != "cue:pseudo"]
    return hits


def _find_inner(sentence: str, hits: list[Hit], language: str) -> list[Hit]:
    found: list[Hit] = []
    for start, end, kind, name in hits:
        wanted = _WITHIN.get(kind)
        if wanted is None or " " not in sentence[start:end]:
            continue
        for first, last, inner, value in _read_term(sentence[start:end], language):
            # the left atrium is on no side
            if inner in wanted and not name.startswith(value):
                found.append(Hit(start + first, start + last, inner, value))
    return found


@lru_cache(maxsize=4096)
def _read_term(term: str, language: str) -> tuple[Hit, ...]:
    """Terms within one of several words: the apex of "apical cap", but no "pulmonary"."""
    lexicon = load_lexicon(language)
    first = term.find(" ") + 1
    found = list(match_terms(term[: term.rfind(" ")], lexicon))
    known = {hit[:2] for hit in found}
    for start, end, kind, name in match_terms(term[first:], lexicon):
        if (start + first, end + first) not in known:
            found.append(Hit(start + first, end + first, kind, name))
    return tuple(hit for hit in found if term[hit.start : hit.end] != "pulmonary")


def _merge(
    hits: list[Hit], verdicts: list[Verdict | None], extras: list[Hit]
) -> tuple[list[Hit], list[Verdict | None]]:
    """Hits with extra ones among them, each behind what covers it; verdicts name their cue."""
    taken = bytearray(max(hit.end for hit in hits))
    for start, end, _, _ in hits:
        taken[start:end] = b"\1" * (end - start)
    free = [x for x in extras if x.kind != "size" or not any(taken[x.start : x.end])]
    order = sorted(
        [(hit.start, 0, at) for at, hit in enumerate(hits)]
        + [(hit.start, 1, at) for at, hit in enumerate(free)]
    )
    place = {at: new for new, (_, is_extra, at) in enumerate(order) if not is_extra}
    merged = [free[at] if is_extra else hits[at] for _, is_extra, at in order]
    moved: list[Verdict | None] = []
    for _, is_extra, at in order:
        verdict = None if is_extra else verdicts[at]
        if verdict is not None and verdict.cue >= 0:
            verdict = verdict._replace(cue=place[verdict.cue])
        moved.append(verdict)
    return merged, moved
