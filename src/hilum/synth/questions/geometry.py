"""Questions about where things lie, how large they are, and about devices and change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hilum.ontology import anatomy_concept
from hilum.synth.changes import PhantomChange, compare
from hilum.synth.evidence import (
    Evidence,
    device_evidence,
    fact_evidence,
    mask_of,
    structure_evidence,
)
from hilum.synth.facts import find_facts, heart_size
from hilum.synth.language.device_sentences import device_phrase, distance_words
from hilum.synth.language.phrasing import Phrase, phrase_of
from hilum.synth.language.plan import family_of
from hilum.synth.language.tables import device_table
from hilum.synth.questions.findings import noun_of
from hilum.synth.questions.tables import Group, choose, open_question, question_table, twins
from hilum.synth.types import PhantomImage
from hilum.types import ChangeKind

__all__ = ["change_questions", "device_questions", "geometry_questions"]

ASKED_DEVICES = (
    "endotracheal_tube",
    "nasogastric_tube",
    "chest_tube",
    "central_venous_line",
    "pacemaker",
    "sternotomy_wires",
)
ROUND = ("nodule", "mass")


def geometry_questions(image: PhantomImage, rng: np.random.Generator) -> Iterator[Group]:
    """The projection; on frontal films above or below, larger or smaller, the ratio."""
    words, table = question_table()["words"], question_table()["geometry"]
    views = question_table()["projections"]
    view, marks = views[image.truth.view.value], [Evidence("measurement", "view")]
    yield choose("geometry", words["projection"], view, list(views.values()), evidence=marks)
    if not image.truth.view.is_frontal:
        return
    yield from _levels(image)
    found = heart_size(image)
    if found is not None:
        evidence = [Evidence("measurement", "cardiothoracic_ratio")]
        evidence.append(structure_evidence(image, "heart"))
        yield open_question("geometry", words["ratio"], f"{found.ratio:.2f}", evidence)
        sizes = question_table()["hearts"]
        right = sizes[found.verdict]
        yield choose("severity", words["heart"], right, list(sizes.values()), evidence=evidence)
        if abs(found.ratio - found.limit) > table["ratio_apart"]:
            more, less = (
                words[key].format(limit=f"{found.limit:.2f}")
                for key in ("ratio_more", "ratio_less")
            )
            yes, no = (more, less) if found.ratio > found.limit else (less, more)
            yield twins("geometry", yes, no, evidence=evidence)
    sides = {side: int(image.truth.masks[f"{side}_lung"].sum()) for side in ("right", "left")}
    larger = max(sides, key=lambda side: sides[side])
    if max(sides.values()) > table["lungs_differ"] * max(1, min(sides.values())):
        evidence = [structure_evidence(image, f"{side}_lung") for side in sides]
        yield choose("geometry", words["which_lung"], larger, ("right", "left"), evidence=evidence)


def _levels(image: PhantomImage) -> Iterator[Group]:
    """Whether the middle of a thing lies above or below the carina."""
    carina = image.truth.landmarks["carina"]
    things = list[tuple[str, float, Evidence]]()
    facts = find_facts(image)
    for fact in facts:
        alone = not any(o.name in family_of(fact.name) for o in facts if o is not fact)
        if fact.name in ROUND and fact.count == 1 and alone and not fact.is_barely_seen:
            mask = mask_of(image, fact_evidence(fact))
            assert mask is not None
            centre = float(np.nonzero(mask)[0].mean()) + 0.5
            things.append((noun_of(fact.name), centre, fact_evidence(fact)))
    for index, truth in enumerate(image.truth.devices):
        if truth.above_carina_mm is not None and _is_alone(image, index):
            text = f"tip of the {device_phrase(truth.spec)}"
            things.append((text, truth.tip[1], device_evidence(image, index)))
    words = question_table()["words"]
    apart = question_table()["geometry"]["apart"] * image.radiograph.pixels.shape[0]
    for noun, y, evidence in things:
        if abs(y - carina[1]) < apart:
            continue
        above, below = (words[key].format(noun=noun) for key in ("is_above", "is_below"))
        yes, no = (above, below) if y < carina[1] else (below, above)
        marks = [evidence, Evidence("landmark", "carina", point=carina)]
        yield twins("geometry", yes, no, evidence=marks)


def _is_alone(image: PhantomImage, index: int) -> bool:
    phrases = [device_phrase(truth.spec) for truth in image.truth.devices]
    return phrases.count(phrases[index]) == 1


def device_questions(image: PhantomImage, rng: np.random.Generator) -> Iterator[Group]:
    """Which devices are there, where their tips are and whether they belong there."""
    words, truths = question_table()["words"], image.truth.devices
    there = {truth.spec.name for truth in truths}
    for index, truth in enumerate(truths):
        name, row = device_phrase(truth.spec), device_table()[truth.spec.name]
        evidence = [device_evidence(image, index)]
        absent = [n for n in ASKED_DEVICES if n not in there]
        if absent and not row.get("is_many"):
            no = _has_device(absent[int(rng.integers(len(absent)))])
            yes = _has_device(truth.spec.name)
            yield twins("device", yes, no, evidence=evidence, no_evidence=())
        if "any" in row or not _is_alone(image, index):
            continue
        right, wrong = (words[key].format(device=name) for key in ("tip_right", "tip_wrong"))
        yes, no = (right, wrong) if truth.spec.is_correct else (wrong, right)
        yield twins("device", yes, no, evidence=evidence)
        text = words["tip_where"].format(device=name)
        place = anatomy_concept(truth.tip_place).label
        yield open_question("device", text, place, evidence)
        distance = distance_words(image, index)
        if distance:
            text = words["tip_distance"].format(device=name)
            yield open_question("device", text, distance, evidence)


def _has_device(name: str) -> str:
    row, words = device_table()[name], question_table()["words"]
    noun = str(row["words"])
    if row.get("is_many"):
        return str(words["are_there"].format(np=noun))
    article = "an" if noun[0] in "aeiouI" else "a"
    return str(words["is_there"].format(a_np=f"{article} {noun}"))


def change_questions(
    image: PhantomImage, prior: PhantomImage, rng: np.random.Generator
) -> Iterator[Group]:
    """What became of each device, and of each finding that is clearly seen on one of two films."""
    facts, before = find_facts(image), find_facts(prior)
    for change in compare(image, prior):
        if change.subject == "device":
            yield from _device_changes(change, image, prior)
            continue
        now = next((f for f in facts if f.index == change.current), None)
        then = next((f for f in before if f.index == change.prior), None)
        fact = now if now is not None else then
        assert fact is not None
        if fact.is_barely_seen or (now and then and then.is_barely_seen):
            continue
        if sum(f.name in family_of(fact.name) for f in facts) > (now is not None):
            continue
        phrase = phrase_of(fact, image if now is not None else prior)
        yield from _changes(change, phrase, fact_evidence(fact, is_prior=now is None))


def _device_changes(
    change: PhantomChange, image: PhantomImage, prior: PhantomImage
) -> Iterator[Group]:
    """Whether a device that is there was there before."""
    if change.current < 0 or not _is_alone(image, change.current):
        return
    names = [truth.spec.name for truth in (*image.truth.devices, *prior.truth.devices)]
    if names.count(change.name) > 1 + (change.kind is ChangeKind.UNCHANGED):
        return  # another of its kind came or went
    words, is_many = question_table()["words"], device_table()[change.name].get("is_many", False)
    noun = device_phrase(image.truth.devices[change.current].spec)
    said = {"short": noun, "Is": "Are" if is_many else "Is", "Was": "Were" if is_many else "Was"}
    new, old = (words[key].format(**said) for key in ("is_new", "was_there"))
    yes, no = (new, old) if change.kind is ChangeKind.NEW else (old, new)
    yield twins("change", yes, no, evidence=[device_evidence(image, change.current)])


def _changes(change: PhantomChange, phrase: Phrase, mark: Evidence) -> Iterator[Group]:
    words, kinds = question_table()["words"], question_table()["changes"]
    verbs = ("Have", "Are", "Were") if phrase.is_plural else ("Has", "Is", "Was")
    said = {"short": phrase.short} | dict(zip(("Has", "Is", "Was"), verbs, strict=True))
    evidence: Sequence[Evidence] = [mark]
    text = words["change"].format(**said)
    right = kinds[change.kind.value]
    yield choose("change", text, right, list(kinds.values()), evidence=evidence)
    larger, smaller, new, old = (
        words[key].format(**said) for key in ("has_larger", "has_smaller", "is_new", "was_there")
    )
    if change.kind is ChangeKind.LARGER:
        yield twins("change", larger, smaller, evidence=evidence)
    elif change.kind is ChangeKind.SMALLER:
        yield twins("change", smaller, larger, evidence=evidence)
    if change.kind is ChangeKind.NEW:
        yield twins("change", new, old, evidence=evidence)
    elif change.kind is not ChangeKind.GONE:
        yield twins("change", old, new, evidence=evidence)
