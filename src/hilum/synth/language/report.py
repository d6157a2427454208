"""Write a report from a phantom's truth: the way from image to sentences.

What is said of each finding is decided in ``plan``, how in the other modules and their tables;
here the sections are put together.
"""

from __future__ import annotations

import numpy as np

from hilum.errors import InvalidValueError
from hilum.ontology import finding_concept
from hilum.synth.evidence import fact_evidence
from hilum.synth.language.device_sentences import (
    say_device,
    say_new_device,
    say_removed_device,
)
from hilum.synth.language.finding_sentences import heart_sentence, say_finding, say_gone
from hilum.synth.language.normal_sentences import normal_sentences, quality_sentences
from hilum.synth.language.plan import Plan, Planned, plan_report
from hilum.synth.language.tables import device_table, sentence_table
from hilum.synth.language.types import Claim, PhantomReport, PhantomSentence
from hilum.synth.language.words import pick
from hilum.synth.timeline.context_types import PhantomContext
from hilum.synth.types import PhantomImage
from hilum.types import ChangeKind, Status, View

__all__ = ["report_styles", "write_report"]

QUIET_DEVICES = ("ecg_leads",)
PROB_QUIET = 0.5


def report_styles() -> tuple[str, ...]:
    """The styles that ``write_report`` knows."""
    return tuple(sentence_table()["styles"])


def write_report(
    image: PhantomImage,
    *,
    rng: np.random.Generator,
    style: str = "full",
    prior: PhantomImage | None = None,
    context: PhantomContext | None = None,
) -> PhantomReport:
    """Write a report on a phantom from its truth; equal generator states give equal reports.

    Millimetres and centimetres are printed only where the radiograph has a spacing.

    Args:
        image: The film to report.
        rng: Chooses words, and decides what is hedged or missed where it is barely seen.
        style: One of ``report_styles()``: ``full`` prose, ``terse``, ``structured`` by organ,
            ``dictation`` (an impression only).
        prior: An earlier film of the same patient; without it nothing is compared.
        context: Gives the indication.

    Raises:
        InvalidValueError: If the style is unknown.
    """
    if style not in report_styles():
        raise InvalidValueError(f"no style {style!r}; use one of {', '.join(report_styles())}")
    sections = sentence_table()["styles"][style]["sections"]
    plan = plan_report(image, prior, rng)
    sentences = list[PhantomSentence]()
    if "indication" in sections and context is not None:
        sentences.append(PhantomSentence(context.indication, "indication"))
    if "comparison" in sections:
        words = sentence_table()["comparison"]["none" if prior is None else "some"]
        sentences.append(PhantomSentence(pick(rng, words), "comparison"))
    flaws = quality_sentences(plan, rng)
    if "technique" in sections:
        sentences.append(PhantomSentence(_technique(image, rng), "technique"))
        sentences += [flaw for flaw in flaws if flaw.section == "technique"]
    flaws = [flaw for flaw in flaws if flaw.section == "findings"]
    if "findings" in sections:
        sentences += _findings(plan, style, flaws, rng)
    sentences += _impression(plan, style, rng)
    return PhantomReport(style, tuple(sentences), plan.missed_evidence)


def _technique(image: PhantomImage, rng: np.random.Generator) -> str:
    view = image.truth.view
    key = "AP_supine" if image.spec.imaging.is_supine and view is View.AP else view.value
    return pick(rng, sentence_table()["technique"][key])


def _findings(
    plan: Plan, style: str, flaws: list[PhantomSentence], rng: np.random.Generator
) -> list[PhantomSentence]:
    table = sentence_table()["styles"][style]
    voice, by_organ, prob_tail = table["voice"], table["organs"], table["tails"]
    sentences = list[PhantomSentence]()
    for organ in sentence_table()["orders"]:
        part = [flaw for flaw in flaws if flaw.organ == organ]
        if organ == "devices":
            part += _devices(plan, voice, rng)
        if organ == "heart_mediastinum":
            part += _heart(plan, voice, rng)
        planned = [p for p in plan.said if p.group == organ and p.fact.name != "cardiomegaly"]
        if plan.image.truth.view is View.LATERAL:
            planned = [p for p in plan.said if p.group == organ]
        part += [say_finding(plan, p, voice, prob_tail, rng) for p in planned]
        part += [
            say_gone(plan, p, voice, rng)
            for p in plan.gone
            if p.group == organ and p.fact.name != "cardiomegaly"
        ]
        is_line = by_organ and not part
        if organ != "devices" or is_line:
            part += normal_sentences(plan, organ, voice, rng, is_line=is_line)
        sentences += part
    return sentences


def _heart(plan: Plan, voice: str, rng: np.random.Generator) -> list[PhantomSentence]:
    planned = next((p for p in plan.said if p.fact.name == "cardiomegaly"), None)
    found = heart_sentence(plan, planned, voice, rng)
    return [found] if found is not None else []


def _devices(plan: Plan, voice: str, rng: np.random.Generator) -> list[PhantomSentence]:
    sentences = list[PhantomSentence]()
    kinds = {c.current: c.kind for c in plan.devices if c.current >= 0}
    for index, truth in enumerate(plan.image.truth.devices):
        if truth.spec.name in QUIET_DEVICES and rng.random() < PROB_QUIET:
            continue
        if kinds.get(index) is ChangeKind.NEW and truth.spec.name not in QUIET_DEVICES:
            sentences += say_new_device(plan, index, voice, rng)
        else:
            sentences.append(say_device(plan.image, index, voice, rng))
    gone = [c for c in plan.devices if c.kind is ChangeKind.GONE and c.name not in QUIET_DEVICES]
    return sentences + [say_removed_device(plan, change, voice, rng) for change in gone]


def _is_acute(name: str) -> bool:
    return name not in sentence_table()["chronic"]


def _impression(plan: Plan, style: str, rng: np.random.Generator) -> list[PhantomSentence]:
    """Most urgent first, with what is hedged said as such; one line where nothing is acute."""
    limit = int(sentence_table()["impression_lines"])
    said = sorted(plan.said, key=lambda p: (not _is_acute(p.fact.name), _urgency(p)))
    lines = [_impress(plan, planned, rng) for planned in said]
    voice = sentence_table()["styles"][style]["voice"]
    wrong = [
        say_device(plan.image, index, voice, rng)
        for index, truth in enumerate(plan.image.truth.devices)
        if not truth.spec.is_correct and "any" not in device_table()[truth.spec.name]
    ]
    acute = sum(_is_acute(p.fact.name) for p in said)
    if not acute and not wrong:
        lines.insert(0, _nothing_acute(plan, rng))
    lines += [say_gone(plan, p, "terse", rng) for p in plan.gone if p.fact.name != "cardiomegaly"]
    first = sum(_urgency(planned) == 1 for planned in said)
    lines = [*lines[:first], *wrong, *lines[first:]]
    if "findings" in sentence_table()["styles"][style]["sections"]:
        lines = lines[:limit]
    else:  # it is all that there is
        lines += _rest(plan, voice, rng)
    return [PhantomSentence(s.text, "impression", "", s.claims, s.evidence) for s in lines]


def _rest(plan: Plan, voice: str, rng: np.random.Generator) -> list[PhantomSentence]:
    """What else an impression says that stands alone: devices in place, what is not there."""
    rest = [
        say_device(plan.image, index, voice, rng)
        for index, truth in enumerate(plan.image.truth.devices)
        if truth.spec.name not in QUIET_DEVICES
        and (truth.spec.is_correct or "any" in device_table()[truth.spec.name])
    ]
    if any(_is_acute(planned.fact.name) for planned in plan.said):
        rest += normal_sentences(plan, "pleura", voice, rng)
    return rest


def _urgency(planned: Planned) -> int:
    return finding_concept(planned.fact.name).urgency


def _impress(plan: Plan, planned: Planned, rng: np.random.Generator) -> PhantomSentence:
    return say_finding(plan, planned, "terse", 0.0, rng)


def _nothing_acute(plan: Plan, rng: np.random.Generator) -> PhantomSentence:
    missed = [fact for fact in plan.missed if _is_acute(fact.name)]
    truth = Status.PRESENT if missed else Status.ABSENT
    claim = Claim("acute_process", Status.ABSENT, truth)
    text = pick(rng, sentence_table()["impression"]["none"])
    evidence = tuple(fact_evidence(fact) for fact in missed)
    return PhantomSentence(text, "impression", "", (claim,), evidence)
