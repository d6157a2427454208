"""Questions about findings: presence, negation, place, severity, differential."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from hilum.ontology import finding_concept
from hilum.synth.evidence import fact_evidence
from hilum.synth.facts import Fact, cardiomegaly_status, find_facts
from hilum.synth.language.phrasing import phrase_of
from hilum.synth.language.plan import family_of
from hilum.synth.language.tables import phrase_table
from hilum.synth.language.words import pick, where_words, with_article
from hilum.synth.questions.tables import (
    Group,
    choose,
    multiple,
    open_question,
    question_table,
    twins,
)
from hilum.synth.types import PhantomImage
from hilum.types import Status

__all__ = ["absent_findings", "finding_questions", "noun_of"]

OTHER = {"left": "right", "right": "left"}
ZONES = ("upper_zone", "middle_zone", "lower_zone")
LOBES = ("upper_lobe", "middle_lobe", "lower_lobe")


def absent_findings(image: PhantomImage) -> tuple[str, ...]:
    """Findings that are surely not there, barely visible ones counted as there."""
    names = {fact.name for fact in find_facts(image)}
    absent = [
        name
        for name, disputed in question_table()["absent"].items()
        if not names & {*disputed, *family_of(name)}
    ]
    if cardiomegaly_status(image) is Status.ABSENT:
        absent.append("cardiomegaly")
    return tuple(absent)


def noun_of(name: str) -> str:
    """The bare noun of a finding: "pleural effusion"."""
    return finding_concept(name).terms[0]


def finding_questions(image: PhantomImage, rng: np.random.Generator) -> Iterator[Group]:
    """Every question about findings that has one true answer on this film."""
    facts = find_facts(image)
    clear = [fact for fact in facts if not fact.is_barely_seen]
    absent = absent_findings(image)
    for fact in clear:
        alone = not any(o.name in family_of(fact.name) for o in facts if o is not fact)
        if fact.name != "cardiomegaly" or cardiomegaly_status(image) is Status.PRESENT:
            yield from _presence(image, fact, absent, rng)
            if alone:
                yield from _severity(image, fact, rng)
        if alone:
            yield from _place(image, fact, rng)
        yield from _differential(image, fact, rng)
    for name in absent:
        words = question_table()["words"]
        yield twins(
            "negation",
            words["no_is_there"].format(np=noun_of(name)),
            _is_there(name),
        )
    yield from _which_are_there(image, clear, absent, rng)


def _is_there(name: str) -> str:
    noun = noun_of(name)
    a_noun = with_article(noun) if phrase_table()[name].get("counts") else noun
    return str(question_table()["words"]["is_there"].format(a_np=a_noun))


def _presence(
    image: PhantomImage, fact: Fact, absent: Sequence[str], rng: np.random.Generator
) -> Iterator[Group]:
    """Present against its mirror image, against its denial, against what is not there."""
    words, evidence = question_table()["words"], [fact_evidence(fact)]
    bare = _bare(fact)
    others = [o for o in find_facts(image) if o is not fact and o.name in family_of(fact.name)]
    phrase = phrase_of(bare, image)
    yes = _exists(phrase.short, phrase.is_plural, phrase.counts)
    if fact.side in OTHER and not others and "{side}" in _short_or_where(fact):
        mirrored = phrase_of(_mirrored(bare), image)
        if mirrored.short != phrase.short and "lingula" not in phrase.short:
            no = _exists(mirrored.short, mirrored.is_plural, mirrored.counts)
            yield twins("presence", yes, no, evidence=evidence, no_evidence=())
    if absent:
        name = pick(rng, absent)
        there = _is_there(fact.name) if fact.name in phrase_table() else yes
        yield twins("presence", there, _is_there(name), evidence=evidence, no_evidence=())
    denied = words["no_is_there"].format(np=noun_of(fact.name))
    yield twins("negation", _is_there(fact.name), denied, evidence=evidence)


def _bare(fact: Fact) -> Fact:
    return replace(fact, places=() if fact.base == "pneumothorax" else fact.places)


def _mirrored(fact: Fact) -> Fact:
    swap = {"middle_lobe": "lingula", "lingula": "middle_lobe"}
    places = tuple(swap.get(place, place) for place in fact.places)
    return replace(fact, side=OTHER[fact.side], places=places)


def _short_or_where(fact: Fact) -> str:
    short = str(phrase_table()[fact.name]["short"])
    return short.replace("{where}", "{side}")


def _exists(text: str, is_plural: bool, counts: bool) -> str:
    words = question_table()["words"]
    if is_plural:
        return str(words["are_there"].format(np=text))
    return str(words["is_there"].format(a_np=with_article(text) if counts else text))


def _place(image: PhantomImage, fact: Fact, rng: np.random.Generator) -> Iterator[Group]:
    """Where something is: in words, by choice, and against another place."""
    table, evidence = question_table()["words"], [fact_evidence(fact)]
    noun = noun_of(fact.name)
    if fact.side in OTHER and fact.name != "scoliosis":
        yield choose(
            "place",
            table["which_side"].format(noun=noun),
            fact.side,
            ("right", "left"),
            evidence=evidence,
        )
    kind = fact.places[0].rpartition("_")[2] if fact.places else ""
    if kind not in ("zone", "lobe") and fact.places != ("lingula",):
        return
    if fact.count > 1 and fact.side != "bilateral":
        return
    key = "where_many" if phrase_of(fact, image).is_plural else "where"
    if key == "where_many":
        noun = _plural(noun)
    text = pick(rng, table[key]).format(noun=noun)
    yield open_question("place", text, where_words(fact), evidence)
    if len(fact.places) == 1 and fact.side in OTHER and fact.places != ("lingula",):
        wrong = [where_words(other) for other in _elsewhere(fact)]
        yield choose("place", text, where_words(fact), wrong, evidence=evidence, rng=rng)
        away = pick(rng, wrong)
        placed = table["is_placed"]
        yield twins(
            "place",
            placed.format(noun=noun, where=where_words(fact)),
            placed.format(noun=noun, where=away),
            evidence=evidence,
        )


def _plural(noun: str) -> str:
    if noun.endswith("y"):
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith("s") else "s")


def _elsewhere(fact: Fact) -> list[Fact]:
    """The same finding in the places of either lung where it is not."""
    is_zone = fact.places[0].endswith("zone")
    lobes = {"left": ("upper_lobe", "lower_lobe"), "right": LOBES}
    return [
        replace(fact, side=side, places=(place,))
        for side in (fact.side, OTHER[fact.side])
        for place in (ZONES if is_zone else lobes[side])
        if (side, (place,)) != (fact.side, fact.places)
    ]


def _severity(image: PhantomImage, fact: Fact, rng: np.random.Generator) -> Iterator[Group]:
    row, table = phrase_table()[fact.name], question_table()["words"]
    grades = list(dict.fromkeys(word for word in row["severities"] if word))
    phrase, evidence = phrase_of(fact, image), [fact_evidence(fact)]
    if phrase.severity and len(grades) > 2:
        key = "how_large" if "large" in grades else "how_severe"
        text = pick(rng, table[key]).format(short=phrase.short)
        if phrase.words["severity"] in grades:
            yield choose("severity", text, phrase.words["severity"], grades, evidence=evidence)
    if fact.size_mm and phrase.size_mm and fact.count == 1:
        text = pick(rng, table["how_large"]).format(short=phrase.short)
        yield open_question("severity", text, phrase.words["size"], evidence)


def _differential(image: PhantomImage, fact: Fact, rng: np.random.Generator) -> Iterator[Group]:
    table = question_table()
    causes = table["differential"]["causes"].get(fact.name)
    if not causes:
        return
    short = phrase_of(_bare(fact), image).short
    text = table["words"]["which_cause"].format(short=short)
    wrong = list(rng.permutation(table["differential"]["impossible"])[:2])
    evidence = [fact_evidence(fact)]
    yield multiple("differential", text, causes, [str(w) for w in wrong], rng, evidence=evidence)


def _which_are_there(
    image: PhantomImage, clear: Sequence[Fact], absent: Sequence[str], rng: np.random.Generator
) -> Iterator[Group]:
    names = list(dict.fromkeys(fact.name for fact in clear))
    if "cardiomegaly" in names and cardiomegaly_status(image) is not Status.PRESENT:
        names.remove("cardiomegaly")
    if not names or len(absent) < 2:
        return
    wrong = [absent[int(i)] for i in rng.permutation(len(absent))[: max(2, 5 - len(names))]]
    yield multiple(
        "presence",
        question_table()["words"]["which_there"],
        [noun_of(name) for name in names],
        [noun_of(name) for name in wrong],
        rng,
        evidence=[fact_evidence(fact) for fact in clear if fact.name in names],
    )
