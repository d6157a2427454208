"""How a reader's probabilities bear corruption, as scores relative to the clean images.

Units that the reader refuses (NaN) under the corruption are left out of both sides, and their
share is a score of its own: a reader that refuses what it cannot read is not a worse one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from hilum.errors import require
from hilum.evaluate.audits.corruptions import SEVERITIES, CorruptionDraw, stress
from hilum.evaluate.findings import auroc
from hilum.evaluate.findings.labelled import NAN, Array, positives
from hilum.types import FloatImage

__all__ = [
    "Reader",
    "Stressed",
    "corruption_error",
    "flipped_calls",
    "probability_shift",
    "refused_share",
    "relative_auroc",
    "stress_reader",
]

Reader = Callable[[FloatImage], Mapping[str, float]]
"""An upright image, float32 ``(rows, columns)`` in [0, 1], to probabilities by finding."""
Stressed = Mapping[tuple[str, int], Mapping[str, Array]]
"""Probabilities ``(units,)`` by corruption and severity, then by finding; NaN where refused."""


def _both(truth: Array, prob: Array, reference_prob: Array) -> tuple[Array, Array, Array]:
    keep = ~(np.isnan(truth) | np.isnan(prob) | np.isnan(reference_prob))
    return truth[keep], prob[keep], reference_prob[keep]


def relative_auroc(truth: Array, prob: Array, reference_prob: Array) -> float:
    """AUROC under a corruption over AUROC on the same clean images; NaN where undefined.

    Args:
        truth: ``(units,)`` of 0, 1 or NaN.
        prob: ``(units,)`` under corruption, NaN where refused.
        reference_prob: ``(units,)`` of the clean images.
    """
    truth, prob, clean = _both(truth, prob, reference_prob)
    whole = auroc(truth, clean)
    return auroc(truth, prob) / whole if whole > 0 else NAN


def corruption_error(
    truth: Array, prob: Array, reference_prob: Array, *, least: float = 5
) -> float:
    """Summed error 1 - AUROC over conditions, over that of the clean images.

    In the manner of Hendrycks and Dietterich 2019 with the reader's own clean error, and not
    another network's, as the measure.

    Args:
        truth: ``(units,)``.
        prob: ``(units, conditions)``, the severities of one corruption or of all.
        reference_prob: ``(units,)`` of the clean images.
        least: A condition counts only with so many present and so many absent left unrefused.
    """
    require(prob.ndim == 2, f"prob is (units, conditions), got {prob.shape}")
    stressed, clean = 0.0, 0.0
    for column in prob.T:
        kept = _both(truth, column, reference_prob)
        if min(positives(kept[0])) < max(least, 1):
            continue
        stressed += 1 - auroc(kept[0], kept[1])
        clean += 1 - auroc(kept[0], kept[2])
    return stressed / clean if clean > 0 else NAN


def probability_shift(prob: Array, reference_prob: Array) -> float:
    """Mean absolute difference of probability from the clean image's."""
    difference = np.abs(prob - reference_prob)
    kept = difference[~np.isnan(difference)]
    return float(kept.mean()) if len(kept) else NAN


def flipped_calls(prob: Array, reference_prob: Array, *, threshold: float) -> float:
    """Share of images called otherwise than when clean, at ``prob >= threshold``."""
    keep = ~(np.isnan(prob) | np.isnan(reference_prob))
    if not keep.any():
        return NAN
    return float(np.mean((prob[keep] >= threshold) != (reference_prob[keep] >= threshold)))


def refused_share(prob: Array, reference_prob: Array) -> float:
    """Share of the images read when clean that are refused under the corruption."""
    was_read = ~np.isnan(reference_prob)
    return float(np.isnan(prob[was_read]).mean()) if was_read.any() else NAN


def stress_reader(
    reader: Reader,
    images: Iterable[FloatImage],
    *,
    rng: np.random.Generator,
    names: Sequence[str] = (),
    severities: Sequence[int] = SEVERITIES,
) -> tuple[dict[str, Array], dict[tuple[str, int], dict[str, Array]]]:
    """Read images clean and under each corruption at each severity.

    Args:
        reader: What is audited; an empty mapping means that it refused.
        images: Upright, float32 in [0, 1].
        rng: What decides; another draw for each image.
        names: Corruptions; all where empty.
        severities: Of 1 to 5.

    Returns:
        Clean probabilities ``(units,)`` by finding, and those under stress.
    """
    clean: list[Mapping[str, float]] = []
    stressed: dict[tuple[str, int], list[Mapping[str, float]]] = {}
    for image in images:
        clean.append(reader(image))
        draw: CorruptionDraw
        for draw, changed in stress(image, rng=rng, names=names, severities=severities):
            stressed.setdefault((draw.name, draw.severity), []).append(reader(changed))
    require(bool(clean), "no image to read")
    findings = sorted({name for row in clean for name in row})
    return _columns(clean, findings), {k: _columns(v, findings) for k, v in stressed.items()}


def _columns(rows: Sequence[Mapping[str, float]], findings: Sequence[str]) -> dict[str, Array]:
    return {name: np.array([row.get(name, np.nan) for row in rows]) for name in findings}
