"""Findings of one radiograph: calibrated probability, four-valued status, region.

Stands between anatomy and change on the main path. A finding that the model was not
trained for, or that the image does not allow, is *not assessed* and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from hilum.findings.calibration import (
    LabelCalibration,
    calibrations_of,
    conditional_logit,
)
from hilum.findings.cardiomegaly import assess_cardiomegaly
from hilum.findings.crop import crop_array, thorax_box
from hilum.findings.localise import Localisation, Localiser, lungs_of
from hilum.findings.second_opinion import SecondOpinion, second_opinion
from hilum.models import Model, RunAhead
from hilum.models.preprocess import field_of_view
from hilum.ontology import finding_names
from hilum.types import Anatomy, Box, Finding, FloatImage, Quality, Radiograph, Status

__all__ = ["assess"]

CHILD_FROM = 0.95
"""Probability of a small child from which the children's heads apply.

They were learned from children of one to five years, the others from patients of four to 85;
at this limit 2 of 102 NIH films (children of 8 and 13) and 98 % of small children lie above it.
"""
CHILD_BELOW_YEARS = 6.0
"""The same limit where the age is known."""
SHOWN = (Status.PRESENT, Status.UNCERTAIN)
"""Statuses of a finding that is given a place."""
DEFAULT_POINT = 0.5
"""Operating point of a user's classifier that states none."""
_OUTSIDE = "the film is unlike those learned from (distance {novelty:.2f}, limit {limit:.2f})"
EVIDENCE_THRESHOLD = 0.5
"""Share of its own maximum from which the context's evidence is drawn as a region."""
FOREIGN_THRESHOLD = 0.6
"""Share of its own maximum from which a user's heat map is drawn as a region."""


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
        quality: The gate's verdict; ``prob_child`` chooses between adult and child.
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
        found = _assess_foreign(radiograph, anatomy, model)
    else:
        is_child = _is_child(quality, age_years)
        found = _assess_shipped(radiograph, anatomy, (model, context), is_child=is_child)
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


def _is_child(quality: Quality, age_years: float | None) -> bool:
    if age_years is not None:
        return age_years < CHILD_BELOW_YEARS
    return quality.scores.get("prob_child", 0.0) >= CHILD_FROM


def _assess_shipped(
    radiograph: Radiograph,
    anatomy: Anatomy,
    models: tuple[Model, Model | RunAhead | None],
    *,
    is_child: bool,
) -> dict[str, Finding]:
    model, context = models
    crop = thorax_box(lungs_of(anatomy, radiograph.orientation))
    # the members run before the context is waited for, which began beside the anatomy
    outputs = model.run(crop_array(radiograph.pixels, crop))
    whole = second_opinion(radiograph, anatomy, context) if context is not None else None
    if whole is not None and whole.is_outside:
        found = _all_not_assessed(_OUTSIDE.format(novelty=whole.novelty, limit=whole.limit))
    else:
        found = _judge(outputs["logits"], whole, model, is_child=is_child)
        where = partial(Localiser, radiograph.orientation, anatomy)
        found |= _locate(found, where, (outputs["opacity"], crop), model)
        if whole is not None:
            found |= _locate_by_evidence(found, where, whole, radiograph.orientation.shape)
    if not is_child:
        by_image = None if whole is None or whole.is_outside else whole.ratio
        found["cardiomegaly"] = assess_cardiomegaly(radiograph, anatomy, by_image)
    return found


def _judge(
    heads: FloatImage, whole: SecondOpinion | None, model: Model, *, is_child: bool
) -> dict[str, Finding]:
    """Findings without places, from the members' logits and the second opinion."""
    calibration = model.manifest.calibration
    group = calibration["child" if is_child else "adult"]
    if whole is not None:
        shares = np.asarray(calibration["context_weights"], np.float32)
        heads = combine(heads, whole.logits_of(model.manifest.labels), shares)
    logits = member_logits(heads, model.manifest.labels, is_child=is_child)
    found = {
        name: _finding(name, logits[name], numbers)
        for name, numbers in calibrations_of(group["labels"]).items()
    }
    for name, reason in group["not_assessed"].items():
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
    return {name: _located(found[name], where) for name in names}


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
        placed[name] = _located(found[name], where.locate(heat * prob))
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


def _finding(name: str, logits: FloatImage, numbers: LabelCalibration) -> Finding:
    logit = float(logits.mean())
    prob = numbers.probability(logit)
    return Finding(
        name=name,
        status=numbers.status(prob),
        probability=prob,
        interval=numbers.interval(logit, float(logits.std())),
        operating_point=numbers.operating_point,
    )


def _located(finding: Finding, where: Localisation) -> Finding:
    return replace(finding, regions=where.regions, zones=where.zones, heatmap=where.heatmap)


def _assess_foreign(radiograph: Radiograph, anatomy: Anatomy, model: Model) -> dict[str, Finding]:
    """Findings of a user's own classifier: raw scores, said to be uncalibrated.

    Its heat maps, where it gives any, are relative: each is scaled to its own maximum.
    """
    manifest = model.manifest
    outputs = model.run(radiograph.pixels)
    points: Mapping[str, float] = manifest.calibration.get("operating_points", {})
    view = field_of_view(radiograph.orientation.shape, manifest.input)
    localiser = Localiser(
        orientation=radiograph.orientation,
        anatomy=anatomy,
        crop=Box(*view),
        threshold=FOREIGN_THRESHOLD,
    )
    found = {}
    for index, (label, prob) in enumerate(
        zip(manifest.labels, outputs["probabilities"].tolist(), strict=True)
    ):
        point = float(points.get(label, DEFAULT_POINT))
        finding = Finding(
            name=label,
            status=Status.PRESENT if prob >= point else Status.ABSENT,
            probability=min(max(float(prob), 0.0), 1.0),
            operating_point=point,
            problem=f"uncalibrated score of {manifest.name}",
        )
        if "heatmaps" in outputs and finding.status is Status.PRESENT:
            heat = outputs["heatmaps"][index]
            finding = _located(finding, localiser.locate(heat / max(float(heat.max()), 1e-6)))
        found[label] = finding
    return found
