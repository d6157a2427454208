"""What a report says is not there: clear organs, denied findings, and the film's own flaws."""

from __future__ import annotations

import numpy as np

from hilum.ontology import finding_concept
from hilum.synth.evidence import Evidence, structure_evidence
from hilum.synth.facts import fact_table
from hilum.synth.language.plan import Plan, family_of
from hilum.synth.language.tables import negatives, sentence_table
from hilum.synth.language.types import Claim, PhantomSentence
from hilum.synth.language.words import capital, fill, join_terms, pick
from hilum.types import Status

__all__ = ["normal_sentences", "quality_sentences"]

LUNGS = ("right_lung", "left_lung")
PROB_DENIED = {"full": 0.75, "terse": 0.5}
PROB_NORMAL = {"lungs": 1.0, "pleura": 0.95, "bones": 0.5, "diaphragm_abdomen": 0.3}


def normal_sentences(
    plan: Plan, organ: str, voice: str, rng: np.random.Generator, *, is_line: bool = False
) -> list[PhantomSentence]:
    """What is denied of one organ, after what was found in it.

    Args:
        plan: What the report says; whatever it says or hedges is not denied.
        organ: A group of the ontology.
        voice: ``full`` or ``terse``.
        rng: Decides what is denied and how.
        is_line: The organ has a line of its own, which must not stay empty.
    """
    said = [planned for planned in plan.said if planned.group == organ]
    gone = {planned.fact.name for planned in plan.gone if planned.group == organ}
    table = sentence_table()["normal"].get(organ)
    sentences = list[PhantomSentence]()
    if table and not said and not gone:
        if is_line or rng.random() < PROB_NORMAL.get(organ, 0.0):
            texts = table["line"] if is_line else table[voice]
            if texts:
                sentences.append(_denial(plan, organ, pick(rng, texts), tuple(table["claims"])))
        return sentences
    rows = [row for row in negatives() if row.group == organ]
    said_names = {planned.fact.name for planned in plan.said} | gone
    free = [r for r in rows if not said_names & {*r.blocked_by, *family_of(r.name)}]
    denied = [row for row in free if rng.random() < PROB_DENIED[voice]]
    if denied:
        words = {"terms": join_terms([row.term for row in denied])}
        text = capital(fill(pick(rng, sentence_table()["negative"][voice]), words))
        sentences.append(_denial(plan, organ, text, tuple(row.name for row in denied)))
    return sentences


def _denial(plan: Plan, organ: str, text: str, names: tuple[str, ...]) -> PhantomSentence:
    claims = tuple(Claim(name, Status.ABSENT, _truth(plan, organ, name)) for name in names)
    evidence = tuple(structure_evidence(plan.image, name) for name in LUNGS)
    if organ == "heart_mediastinum":
        evidence = (structure_evidence(plan.image, "cardiomediastinum"),)
    return PhantomSentence(text, "findings", organ, claims, evidence)


def _truth(plan: Plan, organ: str, name: str) -> Status:
    """Absent, unless something that was missed makes the denial false."""
    blocking = {name, *family_of(name)}
    blocking |= {b for row in negatives() if row.name == name for b in row.blocked_by}
    missed = any(
        fact.name in blocking or (name == "lung_opacity" and _is_of(fact.name, organ))
        for fact in plan.missed
    )
    return Status.PRESENT if missed else Status.ABSENT


def _is_of(name: str, organ: str) -> bool:
    return finding_concept(name).group == organ


def quality_sentences(plan: Plan, rng: np.random.Generator) -> list[PhantomSentence]:
    """Low lung volumes and rotation, where they truly are."""
    table, image, sentences = sentence_table()["quality"], plan.image, list[PhantomSentence]()
    names = {fact.base for fact in (p.fact for p in plan.said)} | {f.base for f in plan.missed}
    build, imaging = image.spec.build, image.spec.imaging
    is_low = build.inspiration < fact_table()["low_volumes"]["inspiration"]
    if is_low and not names & {"emphysema", "fibrosis"} and image.truth.view.is_frontal:
        claim = Claim("low_lung_volumes", Status.PRESENT, Status.PRESENT)
        evidence = tuple(structure_evidence(image, name) for name in LUNGS)
        text = pick(rng, table["low_volumes"])
        sentences.append(PhantomSentence(text, "findings", "lungs", (claim,), evidence))
    if abs(imaging.yaw) > fact_table()["rotation"]["yaw"] and image.truth.view.is_frontal:
        evidence = (Evidence("measurement", "yaw"),)
        text = pick(rng, table["rotated"])
        sentences.append(PhantomSentence(text, "technique", "", (), evidence))
    return sentences
