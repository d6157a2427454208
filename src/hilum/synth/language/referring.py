"""Phrases that refer to one region of a phantom: findings, devices, tips, structures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hilum.synth.disease.grades import base_name
from hilum.synth.disease.pathology import spec_sides
from hilum.synth.evidence import (
    Evidence,
    device_evidence,
    fact_evidence,
    mask_of,
    structure_evidence,
)
from hilum.synth.facts import Fact, find_facts
from hilum.synth.language.device_sentences import device_phrase
from hilum.synth.language.phrasing import phrase_of
from hilum.synth.language.plan import family_of
from hilum.synth.language.tables import referring_table
from hilum.synth.language.types import ReferringPhrase
from hilum.synth.language.words import pick
from hilum.synth.types import PhantomImage
from hilum.types import Box, Point

__all__ = ["refer"]

TIPLESS = ("ecg_leads", "sternotomy_wires", "surgical_clips", "prosthetic_valve", "spinal_hardware")
WITH_LEADS = ("pacemaker", "icd")
SIZES_DIFFER = 1.2


def refer(image: PhantomImage, *, rng: np.random.Generator) -> tuple[ReferringPhrase, ...]:
    """Phrases that refer to regions of a film, each meaning one region only.

    Findings that are barely seen, or that share their words with another, are not referred to,
    nor is an angle under fluid. On a lateral film, where left and right lie over each other, only
    findings and devices are.

    Args:
        image: The phantom.
        rng: Chooses words and which structures are named.
    """
    phrases = [*_findings(image, rng), *_devices(image)]
    if image.truth.view.is_frontal:
        phrases += [*_structures(image, rng), *_landmarks(image, rng)]
    texts = [phrase.text for phrase in phrases]
    return tuple(phrase for phrase in phrases if texts.count(phrase.text) == 1)


def _findings(image: PhantomImage, rng: np.random.Generator) -> Iterator[ReferringPhrase]:
    facts = find_facts(image)
    for fact in facts:
        if fact.is_barely_seen or fact.truth.box is None or fact.truth.mask is None:
            continue
        if any(_may_be_meant(fact, other) for other in facts if other is not fact):
            continue
        phrase = phrase_of(fact, image)
        text = pick(rng, (phrase.full, phrase.short))
        yield _phrase(text, fact.name, fact_evidence(fact), fact.truth.box, image)


def _may_be_meant(fact: Fact, other: Fact) -> bool:
    """Whether the words for one finding fit the other too."""
    if other.name not in family_of(fact.name):
        return False
    if fact.side != other.side and "bilateral" not in (fact.side, other.side):
        return False
    sizes = sorted((fact.size_mm, other.size_mm))
    if sizes[0] and sizes[1] > sizes[0] * SIZES_DIFFER and fact.places != other.places:
        return False
    return not (fact.places and other.places and not set(fact.places) & set(other.places))


def _devices(image: PhantomImage) -> Iterator[ReferringPhrase]:
    names = [device_phrase(truth.spec) for truth in image.truth.devices]
    for index, truth in enumerate(image.truth.devices):
        evidence, name = device_evidence(image, index), names[index]
        if names.count(name) > 1:
            continue
        if evidence.box is not None:
            yield _phrase(name, truth.spec.name, evidence, evidence.box, image)
        if truth.spec.name not in TIPLESS and _is_inside(image, truth.tip):
            box = _box_around(image, truth.tip)
            part = "lead tip" if truth.spec.name in WITH_LEADS else "tip"
            text = f"{part} of the {name}"
            yield ReferringPhrase(text, truth.spec.name, evidence, box, "", truth.tip)


def _structures(image: PhantomImage, rng: np.random.Generator) -> Iterator[ReferringPhrase]:
    table = referring_table()
    for name, words in table["structures"].items():
        if rng.random() > table["shares"]["structure"]:
            continue
        try:
            evidence = structure_evidence(image, name)
        except KeyError:  # a lung that is not on the film has no zones
            continue
        if evidence.box is not None:
            yield _phrase(pick(rng, words), name, evidence, evidence.box, image)


def _landmarks(image: PhantomImage, rng: np.random.Generator) -> Iterator[ReferringPhrase]:
    table = referring_table()
    drowned = {
        f"{side}_costophrenic_angle"
        for spec in image.spec.findings
        if base_name(spec.name) == "pleural_effusion"
        for side in spec_sides(spec)
    }
    for name, words in table["landmarks"].items():
        point = image.truth.landmarks.get(name)
        if point is None or name in drowned or not _is_inside(image, point):
            continue
        if rng.random() <= table["shares"]["structure"]:
            box = _box_around(image, point)
            evidence = Evidence("landmark", name, box=box, point=point)
            yield ReferringPhrase(pick(rng, words), name, evidence, box, "", point)


def _phrase(
    text: str, name: str, evidence: Evidence, box: Box, image: PhantomImage
) -> ReferringPhrase:
    mask = mask_of(image, evidence)
    assert mask is not None
    rows, columns = np.nonzero(mask)
    centre = (float(columns.mean()) + 0.5, float(rows.mean()) + 0.5)
    return ReferringPhrase(text, name, evidence, box, evidence.mask, centre)


def _is_inside(image: PhantomImage, point: Point) -> bool:
    rows, columns = (int(size) for size in image.radiograph.pixels.shape)
    return bool(0 <= point[0] < columns and 0 <= point[1] < rows)


def _box_around(image: PhantomImage, point: Sequence[float]) -> Box:
    """A square around a point, cut at the image's border."""
    rows, columns = image.radiograph.pixels.shape
    half = referring_table()["shares"]["point_box"] * columns / 2
    left, top = max(0.0, point[0] - half), max(0.0, point[1] - half)
    right, bottom = min(float(columns), point[0] + half), min(float(rows), point[1] + half)
    return Box(left, top, right - left, bottom - top)
