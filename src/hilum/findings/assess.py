"""Findings of one radiograph: calibrated probability, four-valued status, region.

Stands between anatomy and change on the main path. A finding that the model was not
trained for, or that the image does not allow, is *not assessed* and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hilum.findings.calibration import (
    LabelCalibration,
    calibrations_of,
    conditional_logit,
)
from hilum.findings.cardiomegaly import assess_cardiomegaly
from hilum.findings.crop import crop_array, thorax_box
from hilum.findings.localise import Localisation, Localiser, lungs_of
from hilum.models import Model, RunAhead
from hilum.models.preprocess import field_of_view
from hilum.ontology import finding_names
from hilum.types import Anatomy, Box, Finding, FloatImage, Quality, Radiograph, Status

__all__ = ["assess"]

CHILD_FROM = 0.85
"""Probability of a small child from which the children's heads apply.

They were learned from children of one to five years, the others from patients of four to 85:
below this, 2 % of adults and 99 % of small children are on the right side.
"""
CHILD_BELOW_YEARS = 6.0
"""The same limit where the age is known."""
SHOWN = (Status.PRESENT, Status.UNCERTAIN)
"""Statuses of a finding that is given a place."""
DEFAULT_POINT = 0.5
"""Operating point of a user's classifier that states none."""
_OUTSIDE = "the film is unlike those learned from (distance {novelty:.2f}, limit {limit:.2f})"
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
        if not is_child:
            found["cardiomegaly"] = assess_cardiomegaly(radiograph, anatomy)
    missing = f"{model.manifest.name} was not trained for it"
    return tuple(found.get(name) or not_assessed(name, missing) for name in names)


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
    calibration = model.manifest.calibration
    group = calibration["child" if is_child else "adult"]
    crop = thorax_box(lungs_of(anatomy, radiograph.orientation))
    outputs = model.run(crop_array(radiograph.pixels, crop))
    heads = outputs["logits"]
    if context is not None:
        whole = context.run(radiograph.pixels)
        limit = float(context.manifest.calibration.get("novelty_limit", np.inf))
        if (novelty := float(whole.get("novelty", np.float32(0)))) > limit:
            return _all_not_assessed(_OUTSIDE.format(novelty=novelty, limit=limit))
        shares = np.asarray(calibration["context_weights"], np.float32)
        heads = combine(heads, whole["logits"], shares)
    logits = member_logits(heads, model.manifest.labels, is_child=is_child)
    found = {
        name: _finding(name, logits[name], numbers)
        for name, numbers in calibrations_of(group["labels"]).items()
    }
    for name, reason in group["not_assessed"].items():
        found[name] = not_assessed(name, reason)
    to_locate = [
        name
        for name in calibration["map"]["findings"]
        if name in found and found[name].status in SHOWN
    ]
    if to_locate:
        where = Localiser(
            orientation=radiograph.orientation,
            anatomy=anatomy,
            crop=crop,
            threshold=float(calibration["map"]["threshold"]),
        ).locate(outputs["opacity"])
        found |= {name: _located(found[name], where) for name in to_locate}
    return found


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
