"""Findings of a user's own classifier, which says nothing of calibration or anatomy."""

from __future__ import annotations

from collections.abc import Mapping

from hilum.findings.localise import Localiser
from hilum.models import Model
from hilum.models.preprocess import field_of_view
from hilum.types import Anatomy, Box, Finding, Radiograph, Status

__all__ = ["assess_foreign"]

DEFAULT_POINT = 0.5
"""Operating point of a classifier that states none."""
THRESHOLD = 0.6
"""Share of its own maximum from which a heat map is drawn as a region."""


def assess_foreign(radiograph: Radiograph, anatomy: Anatomy, model: Model) -> dict[str, Finding]:
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
        threshold=THRESHOLD,
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
            finding = localiser.locate(heat / max(float(heat.max()), 1e-6)).place(finding)
        found[label] = finding
    return found
