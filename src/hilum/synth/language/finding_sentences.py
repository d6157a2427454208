"""Sentences about findings: stated, hedged, changed, resolved; and of the heart's size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hilum.synth.evidence import Evidence, fact_evidence, structure_evidence
from hilum.synth.facts import (
    Fact,
    cardiomegaly_status,
    heart_severity,
    heart_size,
    lobe_on,
    mediastinal_shift_mm,
)
from hilum.synth.facts import fact_table as facts_table
from hilum.synth.language.phrasing import Phrase, phrase_of, said_side
from hilum.synth.language.plan import Plan, Planned
from hilum.synth.language.tables import phrase_table, sentence_table
from hilum.synth.language.types import Claim, PhantomSentence
from hilum.synth.language.words import capital, fill, pick
from hilum.synth.types import PhantomImage
from hilum.types import ChangeKind, Status, View

__all__ = ["heart_sentence", "say_finding", "say_gone"]


SAME_SIDE = (
    "air_bronchogram",
    "blunted_costophrenic_angle",
    "septal_lines",
    "volume_loss",
)
"""Signs that lie where the finding lies."""


def say_finding(
    plan: Plan, planned: Planned, voice: str, prob_tail: float, rng: np.random.Generator
) -> PhantomSentence:
    """The sentence on one finding that is stated or hedged."""
    phrase, table = phrase_of(planned.fact, plan.image), sentence_table()
    words, tail, extra = phrase.frame_words(), "", tuple[str, ...]()
    change = planned.change.kind if planned.change else None
    if planned.status is Status.UNCERTAIN:
        frames, change = table["hedged"][voice], None
    else:
        if rng.random() < prob_tail:
            tail, extra = _tail(plan.image, planned, phrase, rng)
        if change is not None:
            is_several = change is ChangeKind.NEW and phrase.full.startswith("multiple")
            key = f"several_{voice}" if is_several else voice
            frames = table["change"][change.value][key]
        else:
            key = "full_many" if voice == "full" and phrase.is_plural else voice
            frames = table["sure"][key]
    words |= {"tail": f" {tail}" if tail else "", "prior": pick(rng, table["prior"]["words"])}
    frame = pick(rng, frames)
    if "{tail}" not in frame:
        extra = ()
    claim = _claim(planned, phrase, change, is_short="{short}" in frame)
    if claim.side != said_side(fill(frame, words), claim.side):
        claim = replace(claim, side="")
    others = tuple(
        Claim(name, Status.PRESENT, Status.PRESENT, side=_tail_side(plan.image, name, claim.side))
        for name in extra
    )
    evidence = (fact_evidence(planned.fact), *_prior_evidence(plan, planned, change))
    text, claims = capital(fill(frame, words)), _by_side(claim, planned.fact)
    return PhantomSentence(text, "findings", planned.group, (*claims, *others), evidence)


def say_gone(plan: Plan, planned: Planned, voice: str, rng: np.random.Generator) -> PhantomSentence:
    """The sentence on a finding of the prior film that is there no more."""
    assert plan.prior is not None
    phrase, table = phrase_of(planned.fact, plan.prior), sentence_table()
    words = phrase.frame_words() | {"prior": pick(rng, table["prior"]["words"])}
    frame = pick(rng, table["change"][ChangeKind.GONE.value][voice])
    fact, text = planned.fact, capital(fill(frame, words))
    side = said_side(text, planned.fact.side)
    claim = Claim(fact.name, Status.ABSENT, Status.ABSENT, side, change=ChangeKind.GONE)
    evidence = (fact_evidence(fact, is_prior=True),)
    claims = _by_side(claim, fact)
    return PhantomSentence(text, "findings", planned.group, claims, evidence)


def _by_side(claim: Claim, fact: Fact) -> tuple[Claim, ...]:
    """One claim a side where the sides differ: a right upper and a left lower lobe."""
    if fact.name != "lobar_collapse" or fact.side != "bilateral" or len(fact.places) < 2:
        return (claim,)
    return tuple(
        replace(claim, side=side, places=(lobe_on(fact.truth.spec, side),))
        for side in ("right", "left")
    )


def _claim(
    planned: Planned, phrase: Phrase, change: ChangeKind | None, *, is_short: bool = False
) -> Claim:
    fact = planned.fact
    return Claim(
        fact.name,
        planned.status,
        Status.PRESENT,
        side=phrase.side,
        severity="" if is_short else phrase.severity,
        places=phrase.places,
        size_mm=0.0 if is_short else phrase.size_mm,
        change=change,
    )


def _prior_evidence(
    plan: Plan, planned: Planned, change: ChangeKind | None
) -> tuple[Evidence, ...]:
    if change is None or planned.change is None or planned.change.prior < 0 or plan.prior is None:
        return ()
    truth = plan.prior.truth.findings[planned.change.prior]
    name = planned.change.name
    return (Evidence("finding", name, planned.change.prior, truth.box, is_prior=True),)


def _tail(
    image: PhantomImage, planned: Planned, phrase: Phrase, rng: np.random.Generator
) -> tuple[str, tuple[str, ...]]:
    """What may follow a plain finding, and the ontology names that it claims."""
    fact = planned.fact
    extent = fact.truth.spec.extent
    fit = [
        tail
        for tail in phrase_table()[fact.name].get("tails", ())
        if tail["least"] <= extent <= tail.get("most", 1.0)
        and fact.kind in tail.get("kinds", (fact.kind,))
        and _is_met(image, fact.side, tail.get("needs", ""))
    ]
    if not fit:
        return "", ()
    chosen = fit[int(rng.integers(len(fit)))]
    return fill(chosen["text"], phrase.words), tuple(chosen["claims"])


def _is_met(image: PhantomImage, side: str, needs: str) -> bool:
    if needs == "upright":
        return not image.spec.imaging.is_supine and image.truth.view.is_frontal
    if needs in ("pushed", "pulled"):
        shift = mediastinal_shift_mm(image.spec)
        towards = "left" if shift > 0 else "right"
        is_visible = abs(shift) >= facts_table()["shift"]["least_mm"]
        wanted = {"pushed": {"left": "right", "right": "left"}.get(side), "pulled": side}[needs]
        return is_visible and image.truth.view.is_frontal and towards == wanted
    return True


def _tail_side(image: PhantomImage, name: str, side: str) -> str:
    if name == "mediastinal_shift":
        return "left" if mediastinal_shift_mm(image.spec) > 0 else "right"
    return side if name in SAME_SIDE else ""


def heart_sentence(
    plan: Plan, planned: Planned | None, voice: str, rng: np.random.Generator
) -> PhantomSentence | None:
    """The sentence on the heart's size of a frontal film; None on others."""
    image, table = plan.image, sentence_table()["heart"]
    found = heart_size(image)
    if found is None:
        return None
    status, truth = cardiomegaly_status(image), cardiomegaly_status(image)
    if planned is not None:
        status = planned.status
    elif any(fact.name == "cardiomegaly" for fact in plan.missed):
        status = Status.ABSENT
    keys = {Status.PRESENT: "enlarged", Status.ABSENT: "normal"}
    key = keys.get(status, "borderline")
    if key == "borderline" and planned is not None:
        key = "hedged"
    frames = table[key][voice]
    if key == "hedged" and voice == "full" and image.truth.view is not View.AP:
        frames = table[key]["full_frontal"]
    severity = heart_severity(found) if key in ("enlarged", "hedged") else ""
    shows = rng.random() < (0.6 if voice == "full" else 0.3)
    words = {
        "severity": severity,
        "Severity": capital(severity),
        "adverb": table["words"]["adverbs"].get(severity, ""),
        "ratio": table["words"]["ratio"].format(value=f"{found.ratio:.2f}") if shows else "",
    }
    frame = pick(rng, frames)
    said = sentence_table()["severity_words"].get(severity, "")
    claim = Claim("cardiomegaly", status, truth, severity=said)
    evidence = [Evidence("measurement", "cardiothoracic_ratio"), structure_evidence(image, "heart")]
    if planned is not None:
        evidence.insert(0, fact_evidence(planned.fact))
    text = capital(fill(frame, words))
    return PhantomSentence(text, "findings", "heart_mediastinum", (claim,), tuple(evidence))
