"""Answers about phantoms, checked against the spec by code that shares nothing with the asking.

The text engine reads what a question is about; whether that is so is looked up in the spec and in
the masks.
"""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from hilum.errors import InvalidValueError
from hilum.ontology import ancestors, descendants
from hilum.synth import (
    Build,
    DeviceSpec,
    FindingSpec,
    PhantomImage,
    PhantomQuestion,
    PhantomSpec,
    ask,
    mask_of,
)
from hilum.synth.disease.pathology import spec_sides
from hilum.synth.facts import spec_name
from hilum.synth.questions import FORMS, TYPES
from hilum.text import Observation, parse
from hilum.text.types import MentionKind
from phantom_factory import draw, varied_spec

PLAIN = PhantomSpec(Build(heart_ratio=0.45))
NO = re.compile(r"^Is it correct that there is no (.+)\?$")
THERE = re.compile(r"^(?:Is|Are) there (.+)\?$")
LIES = re.compile(r"^Does the (.+) lie ((?:in|at|throughout) .+)\?$")
LEVEL = re.compile(r"^Does the (.+) lie (above|below) the level of the carina\?$")
RATIO = re.compile(r"^Is the cardiothoracic ratio (above|below) (\d\.\d\d)\?$")
RIGHT = re.compile(r"^Is the tip of the (.+) in a correct position\?$")
WRONG = re.compile(r"^Is the (.+) malpositioned\?$")
CHANGED = re.compile(r"^(?:Has|Have) the (.+) (increased|decreased) since")
NEW = re.compile(r"^(?:Is|Are) the (.+) new since")
OLD = re.compile(r"^(?:Was|Were) the (.+) already present")


def read(phrase: str) -> Observation:
    observations = parse(f"FINDINGS: {phrase[0].upper()}{phrase[1:]}.").observations
    assert observations, phrase
    return observations[0]


def family(name: str) -> set[str]:
    return {name, *ancestors(name), *descendants(name)}


def specs_meant(
    said: Observation, spec: PhantomSpec, *, anywhere: bool = False
) -> list[FindingSpec]:
    sides = {"bilateral": {"left", "right"}}.get(said.side, {said.side})
    anywhere = anywhere or not said.side
    return [
        finding
        for finding in spec.findings
        if spec_name(finding) in family(said.name) and (anywhere or sides & {*spec_sides(finding)})
    ]


def is_there(phrase: str, image: PhantomImage) -> bool:
    said = read(phrase)
    if said.kind is MentionKind.DEVICE:
        return any(device.name == said.name for device in image.spec.devices)
    if said.name == "cardiomegaly":
        return image.truth.measurements["cardiothoracic_ratio"] > 0.5
    return bool(specs_meant(said, image.spec))


def device_meant(phrase: str, image: PhantomImage) -> int:
    said = read(phrase)
    found = [i for i, d in enumerate(image.spec.devices) if d.name == said.name]
    if len(found) > 1:
        found = [i for i in found if image.spec.devices[i].side == said.side]
    assert len(found) == 1
    return found[0]


def is_above_carina(noun: str, image: PhantomImage) -> bool:
    carina = image.truth.landmarks["carina"][1]
    if noun.startswith("tip of the "):
        index = device_meant(noun.removeprefix("tip of the "), image)
        return image.truth.devices[index].tip[1] < carina
    (finding,) = [t for t in image.truth.findings if spec_name(t.spec) in family(read(noun).name)]
    return bool(np.argwhere(finding.mask)[:, 0].mean() < carina)


def extents(phrase: str, image: PhantomImage) -> float:
    if read(phrase).kind is MentionKind.DEVICE:
        return float(is_there(phrase, image))
    meant = specs_meant(read(phrase), image.spec)
    assert len(meant) <= 1
    return meant[0].extent if meant else 0.0


def answer_by_spec(text: str, image: PhantomImage, prior: PhantomImage | None) -> bool:
    """Whether yes is the true answer."""
    if found := NO.match(text):
        return not is_there(found[1], image)
    if found := THERE.match(text):
        return is_there(found[1], image)
    if found := LEVEL.match(text):
        return is_above_carina(found[1], image) == (found[2] == "above")
    if found := LIES.match(text):
        said = read(f"{found[1]} {found[2]}")
        (finding,) = specs_meant(said, image.spec, anywhere=True)
        places = {finding.place.removeprefix("left_").removeprefix("right_")}
        return said.side in spec_sides(finding) and set(said.places) <= places
    if found := RATIO.match(text):
        ratio = image.truth.measurements["cardiothoracic_ratio"]
        return (ratio > float(found[2])) == (found[1] == "above")
    if found := RIGHT.match(text):
        return image.spec.devices[device_meant(found[1], image)].is_correct
    if found := WRONG.match(text):
        return not image.spec.devices[device_meant(found[1], image)].is_correct
    assert prior is not None, text
    if found := CHANGED.match(text):
        now, then = extents(found[1], image), extents(found[1], prior)
        return now > then if found[2] == "increased" else now < then
    if found := NEW.match(text):
        return extents(found[1], prior) == 0
    if found := OLD.match(text):
        return extents(found[1], prior) > 0
    raise AssertionError(f"no code answers {text!r}")


def placed_spec(rng: np.random.Generator) -> PhantomSpec:
    """Findings with places of their own, clearly seen, and devices."""
    names = ["consolidation", "nodule", "pleural_effusion", "pneumothorax", "mass", "emphysema"]
    places = {"consolidation": ["upper_lobe", "lower_lobe"], "nodule": ["upper_zone", "lower_zone"]}
    places["mass"] = ["middle_zone", "upper_zone"]
    sizes = {"nodule": 24.0, "mass": 50.0}
    findings = tuple(
        FindingSpec(
            str(name),
            "bilateral" if name == "emphysema" else str(rng.choice(["left", "right"])),
            str(rng.choice(places.get(str(name), [""]))),
            float(rng.uniform(0.7, 1.0)),
            sizes.get(str(name), 0.0),
            seed=int(rng.integers(99)),
        )
        for name in rng.choice(names, int(rng.integers(1, 4)), replace=False)
    )
    devices = tuple(
        DeviceSpec(str(name), str(rng.choice(["left", "right"])), bool(rng.random() > 0.4))
        for name in rng.choice(
            ["endotracheal_tube", "nasogastric_tube", "chest_tube", "picc", "pacemaker"],
            int(rng.integers(0, 3)),
            replace=False,
        )
    )
    return replace(PLAIN, findings=findings, devices=devices)


def later(spec: PhantomSpec, rng: np.random.Generator) -> PhantomSpec:
    """The same patient with every extent changed clearly, and perhaps one finding less."""
    kept = spec.findings[int(rng.integers(2)) :]
    changed = tuple(replace(f, extent=float(rng.choice([0.45, f.extent]))) for f in kept)
    devices = spec.devices[int(rng.integers(2)) :]
    if rng.random() < 0.5:
        devices = (*devices, DeviceSpec("central_venous_line", "left"))
    return replace(spec, findings=changed, devices=devices)


def cases() -> list[tuple[PhantomImage, PhantomImage | None, tuple[PhantomQuestion, ...]]]:
    made = []
    for seed in range(60):
        rng = np.random.default_rng([seed, 77])
        prior = draw(placed_spec(rng)) if seed % 2 else None
        image = draw(placed_spec(rng) if prior is None else later(prior.spec, rng))
        made.append((image, prior, ask(image, rng=rng, count=40, prior=prior)))
    return made


@pytest.fixture(scope="module")
def asked():
    return cases()


def test_every_closed_answer_is_that_of_the_spec(asked) -> None:
    kinds = Counter[str]()
    for image, prior, questions in asked:
        for question in questions:
            if question.form == "closed":
                truth = "yes" if answer_by_spec(question.question, image, prior) else "no"
                assert question.answer == truth, (question.question, image.spec.findings)
                kinds[question.type] += 1
    asked_devices = sum(
        q.question.startswith(("Is the", "Was the")) and "prior" in q.question
        for _, _, questions in asked
        for q in questions
        if any(e.kind == "device" for e in q.evidence)
    )
    assert asked_devices > 10
    wanted = {"presence", "negation", "place", "geometry", "device", "change"}
    assert {kind for kind, count in kinds.items() if count > 20} >= wanted


def test_yes_and_no_are_balanced_and_twins_opposed(asked) -> None:
    for _, _, questions in asked:
        closed = [q for q in questions if q.form == "closed"]
        assert sum(q.answer == "yes" for q in closed) * 2 == len(closed)
        by_id = {q.id: q for q in questions}
        assert len(by_id) == len(questions) == len({q.question + q.form for q in questions})
        for question in closed:
            twin = by_id[question.pair]
            assert twin.pair == question.id
            assert twin.type == question.type
            assert twin.answer != question.answer
        assert not any(q.pair for q in questions if q.form != "closed")


def test_twins_stand_in_either_order(asked) -> None:
    first = Counter(
        question.answer
        for _, _, questions in asked
        for question in questions
        if question.form == "closed" and question.pair > question.id and len(question.pair) == 2
    )
    assert min(first["yes"], first["no"]) > 0.35 * sum(first.values())


def test_all_types_and_forms_are_asked(asked) -> None:
    questions = [q for _, _, part in asked for q in part]
    assert {q.type for q in questions} == set(TYPES)
    assert {q.form for q in questions} == set(FORMS)


def test_choices_hold_their_answer(asked) -> None:
    for image, _, questions in asked:
        for question in questions:
            if not question.options:
                continue
            assert len(set(question.options)) == len(question.options) >= 2
            chosen = [question.options[i] for i in question.correct]
            assert question.answer == ", ".join(chosen)
            assert len(chosen) == 1 or question.form == "multiple_choice"
            if question.question.startswith("Which of these are present"):
                there = {o for o in question.options if is_there(o, image)}
                assert there == set(chosen)
            if "projection is this" in question.question:
                assert question.answer == image.spec.imaging.view.value
            if question.question.startswith("How large is the heart"):
                ratio = image.truth.measurements["cardiothoracic_ratio"]  # of a PA film
                words = ("normal", "borderline", "enlarged")
                assert question.answer == words[(ratio > 0.49) + (ratio > 0.52)]
            if question.question.startswith("On which side"):
                noun = re.sub(r"^On which side is the (.+)\?$", r"\1", question.question)
                (finding,) = specs_meant(read(noun), image.spec)
                assert spec_sides(finding) == (question.answer,)


def test_evidence_points_at_masks(asked) -> None:
    for image, _, questions in asked:
        for question in questions:
            for evidence in question.evidence:
                mask = mask_of(image, evidence) if not evidence.is_prior else None
                is_region = evidence.kind in ("finding", "device", "structure")
                assert evidence.is_prior or not is_region or (mask is not None and mask.any())


def test_what_is_barely_seen_is_neither_asked_for_nor_denied() -> None:
    spec = replace(PLAIN, findings=(FindingSpec("pneumothorax", "left", extent=0.06),))
    for seed in range(10):
        for question in ask(draw(spec), rng=np.random.default_rng(seed), count=30):
            assert "pneumothorax" not in question.question


def test_count_seed_and_prior() -> None:
    image = draw(varied_spec(np.random.default_rng(3)))
    for count in (0, 1, 2, 5, 8):
        questions = ask(image, rng=np.random.default_rng(1), count=count)
        assert len(questions) <= count
        assert questions == ask(image, rng=np.random.default_rng(1), count=count)
        assert not any(q.type == "change" for q in questions)
    assert 6 <= len(ask(image, rng=np.random.default_rng(1))) <= 8  # a plain film may have fewer
    with pytest.raises(InvalidValueError, match="at least 0"):
        ask(image, rng=np.random.default_rng(1), count=-1)
