"""Findings of one radiograph: calibrated probability, four-valued status, region.

Stands between anatomy and change on the main path. A finding that the model was not
trained for, or that the image does not allow, is *not assessed* and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import mul

import numpy as np

from hilum.findings.calibration import (
    LabelCalibration,
    calibrations_of,
    conditional_logit,
    status_of,
)
from hilum.findings.cardiomegaly import assess_cardiomegaly
from hilum.findings.crop import crop_array, thorax_box
from hilum.findings.foreign import assess_foreign
from hilum.findings.groups import ADULT, CHILD, group_shares
from hilum.findings.localise import Localiser, lungs_of
from hilum.findings.second_opinion import SecondOpinion, second_opinion
from hilum.models import Model, RunAhead
from hilum.ontology import finding_names
from hilum.types import Anatomy, Box, Finding, FloatImage, Quality, Radiograph, Status

__all__ = ["assess"]

SHOWN = (Status.PRESENT, Status.UNCERTAIN)
"""Statuses of a finding that is given a place."""
_OUTSIDE = "the film is unlike those learned from (distance {novelty:.2f}, limit {limit:.2f})"
_BOTH = "the age is not known: weighed {adult:.0%} as an adult's and {child:.0%} as a small child's"
EVIDENCE_THRESHOLD = 0.5
"""Share of its own maximum from which the context's evidence is drawn as a region."""


def assess(
    radiograph: Radiograph,
    anatomy: Anatomy,
    quality: Quality,
    model: Model,
    *,
    context: Model | RunAhead | None = None,
    age_years: float | None = None,
) -> tuple[Finding, ...]:
    """Assess every finding of the ontology on one frontal radiograph.

    Args:
        radiograph: Upright and accepted by the gate.
        anatomy: Its structures; the lungs bound the crop and the regions.
        quality: The gate's verdict; ``prob_child`` weighs between adult and child.
        model: A model of task ``findings``; the shipped one looks at the lungs.
        context: A second opinion on the whole film, of which ``model`` states the weight; a
            user's own classifier goes without.
        age_years: The patient's age where it is known; decides over ``prob_child``.

    Returns:
        One finding for each name of the ontology, in its order; those that cannot be
        assessed are ``NOT_ASSESSED`` with the reason.
    """
    names = finding_names()
    if model.manifest.calibration.get("method") != "hilum-findings":
        found = assess_foreign(radiograph, anatomy, model)
    else:
        shares_of = partial(group_shares, quality, age_years)
        found = _assess_shipped(radiograph, anatomy, (model, context), shares_of)
    found = without_contradiction(found)
    missing = f"{model.manifest.name} was not trained for it"
    return tuple(found.get(name) or not_assessed(name, missing) for name in names)


def without_contradiction(found: Mapping[str, Finding]) -> dict[str, Finding]:
    """The findings, "no finding" at most uncertain beside one that is present.

    It is learned as the complement of pneumonia and so knows nothing of, say, a large heart.
    """
    normal = found.get("no_finding")
    is_sick = any(f.status is Status.PRESENT for f in found.values() if f is not normal)
    if normal is None or normal.status is not Status.PRESENT or not is_sick:
        return dict(found)
    return {**found, "no_finding": replace(normal, status=Status.UNCERTAIN)}


def not_assessed(name: str, problem: str) -> Finding:
    """A finding that was not assessed, and why."""
    return Finding(name, Status.NOT_ASSESSED, problem=problem)


def _all_not_assessed(problem: str) -> dict[str, Finding]:
    return {name: not_assessed(name, problem) for name in finding_names()}


def _assess_shipped(
    radiograph: Radiograph,
    anatomy: Anatomy,
    models: tuple[Model, Model | RunAhead | None],
    shares_of: Callable[[SecondOpinion | None], dict[str, float]],
) -> dict[str, Finding]:
    model, context = models
    crop = thorax_box(lungs_of(anatomy, radiograph.orientation))
    # the members run before the context is waited for, which began beside the anatomy
    outputs = model.run(crop_array(radiograph.pixels, crop))
    whole = second_opinion(radiograph, anatomy, context) if context is not None else None
    shares = shares_of(whole)
    if whole is not None and whole.is_outside:
        found = _all_not_assessed(_OUTSIDE.format(novelty=whole.novelty, limit=whole.limit))
    else:
        found = _judge(outputs["logits"], whole, model, shares)
        where = partial(Localiser, radiograph.orientation, anatomy)
        found |= _locate(found, where, (outputs["opacity"], crop), model)
        if whole is not None:
            found |= _locate_by_evidence(found, where, whole, radiograph.orientation.shape)
    if next(iter(shares)) == ADULT:
        by_image = None if whole is None or whole.is_outside else whole.ratio
        found["cardiomegaly"] = assess_cardiomegaly(radiograph, anatomy, by_image)
    return found


def _judge(
    heads: FloatImage, whole: SecondOpinion | None, model: Model, shares: Mapping[str, float]
) -> dict[str, Finding]:
    """Findings without places, from the members' logits and the second opinion.

    What is assessed is that of the likelier group, the first of ``shares``; a finding that both
    know is judged by both.
    """
    calibration, labels = model.manifest.calibration, model.manifest.labels
    if whole is not None:
        weights = np.asarray(calibration["context_weights"], np.float32)
        heads = combine(heads, whole.logits_of(labels), weights)
    numbers = {group: calibrations_of(calibration[group]["labels"]) for group in shares}
    logits = {group: member_logits(heads, labels, is_child=group == CHILD) for group in shares}
    likelier = next(iter(shares))
    found = {}
    for name in numbers[likelier]:
        judges = [group for group in shares if name in numbers[group]]
        total = sum(shares[group] for group in judges)
        parts = [(shares[g] / total, numbers[g][name], logits[g][name]) for g in judges]
        found[name] = _finding(name, parts)
        if len(judges) > 1:
            found[name] = replace(found[name], problem=_BOTH.format(**shares))
    for name, reason in calibration[likelier]["not_assessed"].items():
        found[name] = not_assessed(name, reason)
    return found


def _is_shown(found: Mapping[str, Finding], name: str) -> bool:
    return name in found and found[name].status in SHOWN


def _locate(
    found: Mapping[str, Finding],
    localiser: Callable[..., Localiser],
    seen: tuple[FloatImage, Box],
    model: Model,
) -> dict[str, Finding]:
    """Places of the findings that the opacity map (over a crop) may point at."""
    calibration = model.manifest.calibration["map"]
    names = [name for name in calibration["findings"] if _is_shown(found, name)]
    if not names:
        return {}
    opacity, crop = seen
    where = localiser(crop=crop, threshold=float(calibration["threshold"])).locate(opacity)
    return {name: where.place(found[name]) for name in names}


def _locate_by_evidence(
    found: Mapping[str, Finding],
    localiser: Callable[..., Localiser],
    whole: SecondOpinion,
    shape: tuple[int, int],
) -> dict[str, Finding]:
    """Places of the findings whose evidence maps were shown to point at them.

    Evidence is relative to its maximum; a region's score is that share of the probability.
    """
    rows, columns = shape
    placed = {}
    for name in whole.regions:
        if not _is_shown(found, name) or (heat := whole.heat(name)) is None:
            continue
        prob = np.float32(found[name].probability or 0.0)
        where = localiser(
            crop=Box(0.0, 0.0, float(columns), float(rows)),
            threshold=float(prob * EVIDENCE_THRESHOLD),
        )
        placed[name] = where.locate(heat * prob).place(found[name])
    return placed


def combine(members: FloatImage, context: FloatImage, weights: FloatImage) -> FloatImage:
    """Mix each member's logits ``(members, heads)`` with the context's ``(1, heads)``.

    ``weights`` ``(heads,)`` is the context's share in [0, 1] of each head.
    """
    return np.asarray((1.0 - weights) * members + weights * context, np.float32)


def member_logits(
    logits: FloatImage, labels: tuple[str, ...], *, is_child: bool
) -> dict[str, FloatImage]:
    """Logits of each finding by member, from the network's heads.

    Args:
        logits: ``(members, heads)``.
        labels: The heads' names; ``pneumonia_adult`` and ``pneumonia_child`` are the two
            parents, ``lung_opacity`` stands for itself, all others are conditional on an
            abnormal adult.
        is_child: Which parent applies.

    Returns:
        Finding name to logits ``(members,)``.
    """
    heads = dict(zip(labels, logits.T, strict=True))
    parent = heads.pop("pneumonia_child" if is_child else "pneumonia_adult")
    heads.pop("pneumonia_adult" if is_child else "pneumonia_child")
    result = {"pneumonia": parent, "no_finding": -parent, "lung_opacity": heads.pop("lung_opacity")}
    for name, values in heads.items():
        pairs = zip(parent.tolist(), values.tolist(), strict=True)
        result[name] = np.array([conditional_logit(p, v) for p, v in pairs], np.float32)
    return result


def _finding(name: str, parts: Sequence[tuple[float, LabelCalibration, FloatImage]]) -> Finding:
    """The finding as each group judges it, weighted by the group's probability.

    ``parts`` are (probability of the group, calibration, logits by member).
    """
    said, intervals = [], []
    for _, numbers, logits in parts:
        logit = float(logits.mean())
        said.append((numbers.probability(logit), numbers.operating_point, numbers.rule_out))
        intervals.append(numbers.interval(logit, float(logits.std())))
    shares = [share for share, _, _ in parts]
    prob, point, rule_out = _weighed(shares, said)
    known = [interval for interval in intervals if interval is not None]
    interval = None
    if len(known) == len(parts):
        low, high = _weighed(shares, known)
        interval = low, high
    return Finding(
        name=name,
        status=status_of(prob, operating_point=point, rule_out=rule_out),
        probability=prob,
        interval=interval,
        operating_point=point,
    )


def _weighed(shares: Sequence[float], rows: Sequence[tuple[float, ...]]) -> list[float]:
    """Mean of the rows, column by column, weighted by ``shares``, which sum to one."""
    return [sum(map(mul, shares, column)) for column in zip(*rows, strict=True)]
