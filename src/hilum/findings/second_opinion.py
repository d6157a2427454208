"""What ``hilum-context`` says of the whole film, brought together with the anatomy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from hilum.findings.calibration import sigmoid
from hilum.findings.cardiomegaly import ImageRatio
from hilum.findings.places import PLACES, evidence_heat, evidence_logits, side_weights
from hilum.models import Model, RunAhead
from hilum.types import Anatomy, FloatImage, Radiograph

__all__ = ["RATIO", "SMALL_CHILD", "SecondOpinion", "second_opinion"]

RATIO = "cardiothoracic_ratio"
"""The context's head that is no logit but an estimate of the ratio."""
SMALL_CHILD = "small_child"
"""The context's head that tells children of one to five years from all others."""
SMOOTH = 1.5
"""Cells of the evidence maps over which a heat map is smoothed."""


@dataclass(frozen=True, slots=True, eq=False)
class SecondOpinion:
    """Logits by head, evidence maps ``(places, 36, 36)`` by head, and the film's distance.

    ``weights`` are those of the places by side; ``ratio`` and ``small_child`` (a
    probability) are None where the model estimates none.
    ``regions`` names the heads whose evidence was shown to point at the finding, the ``places``
    where it may lie and the ``usual`` evidence there, ``(2, places)``.
    """

    logits: Mapping[str, float]
    evidence: Mapping[str, FloatImage]
    weights: FloatImage
    novelty: float
    limit: float
    ratio: ImageRatio | None = None
    small_child: float | None = None
    regions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def is_outside(self) -> bool:
        """Whether the film is unlike those learned from."""
        return self.novelty > self.limit

    def logits_of(self, labels: tuple[str, ...]) -> FloatImage:
        """Logits ``(1, heads)`` in the order of another model's heads."""
        return np.array([[self.logits[label] for label in labels]], np.float32)

    def heat(self, label: str) -> FloatImage | None:
        """Evidence for a head over the upright film, ``(36, 36)``, its maximum being 1.

        It is zero outside the places where the finding may lie; None where nothing speaks for it.
        """
        region = self.regions[label]
        places = [PLACES.index(place) for place in region["places"]]
        weights = self.weights[:, places]
        usual = np.asarray(region["usual"], np.float32)
        added = evidence_heat(self.evidence[label][places], weights, usual)
        inside = weights.sum((0, 1)) > 0
        smooth = np.asarray(cv2.GaussianBlur(added, (0, 0), SMOOTH), np.float32)
        heat = np.maximum(smooth, 0.0) * inside
        peak = float(heat.max())
        return heat / np.float32(peak) if peak > 0.0 else None


def second_opinion(
    radiograph: Radiograph, anatomy: Anatomy, context: Model | RunAhead
) -> SecondOpinion:
    """Run the context (or take its result) and weigh its evidence by the anatomy."""
    outputs = context.run(radiograph.pixels)
    manifest = context.manifest
    weights = side_weights(anatomy, radiograph.orientation)
    logits = outputs["logits"][0] + evidence_logits(outputs["evidence"], weights.sum(0))
    by_head = dict(zip(manifest.labels, logits.tolist(), strict=True))
    ratio = None
    if RATIO in by_head:
        ratio = ImageRatio(by_head[RATIO], float(manifest.calibration["ratio_sd"]))
    return SecondOpinion(
        logits=by_head,
        evidence=dict(zip(manifest.labels, outputs["evidence"], strict=True)),
        weights=weights,
        novelty=float(outputs["novelty"]),
        limit=float(manifest.calibration.get("novelty_limit", np.inf)),
        ratio=ratio,
        small_child=sigmoid(by_head[SMALL_CHILD]) if SMALL_CHILD in by_head else None,
        regions=manifest.calibration.get("regions", {}),
    )
