"""Cardiomegaly from the measured cardiothoracic ratio and from the image, both said.

The probability is that of the true ratio exceeding the limit, the error being normal. Limits: 0.50
on PA films (Danzer 1919) and 0.55 on AP films, where the heart lies further from the detector
and is magnified. The measurement decides where there is one; the second estimate comes from the
image by ``hilum-context``, which never sees where the masks end, with its own, larger error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hilum.types import Anatomy, Finding, Radiograph, Status, View

__all__ = ["LIMITS", "ImageRatio", "assess_cardiomegaly"]

LIMITS = {View.PA: 0.50, View.FRONTAL: 0.52, View.AP: 0.55}
"""Ratio above which a heart counts as enlarged; ``FRONTAL`` lies between, view unknown."""
OPERATING_POINT = 0.5
RULE_OUT = 0.2
LEAST_SD = 0.015
"""The ratio changes by about this much with inspiration and heartbeat alone."""


@dataclass(frozen=True, slots=True)
class ImageRatio:
    """The ratio as the image suggests it, and its standard deviation."""

    value: float
    sd: float


def assess_cardiomegaly(
    radiograph: Radiograph, anatomy: Anatomy, by_image: ImageRatio | None = None
) -> Finding:
    """Assess cardiomegaly from ``cardiothoracic_ratio``, else from the image.

    ``problem`` says what both gave; not assessed where neither gave anything.
    """
    limit = LIMITS[radiograph.view]
    ratio = anatomy.measurement("cardiothoracic_ratio")
    image_line = "from the image: not assessed"
    if by_image is not None:
        chance = _normal_cdf((by_image.value - limit) / by_image.sd)
        image_line = (
            f"from the image: ratio {by_image.value:.2f} \N{PLUS-MINUS SIGN} {by_image.sd:.2f}, "
            f"enlarged with probability {chance:.0%}"
        )
    if ratio is not None and ratio.value is not None:
        spread = max(ratio.uncertainty or 0.0, LEAST_SD)
        measured = f"measured: ratio {ratio.value:.2f} \N{PLUS-MINUS SIGN} {spread:.2f}"
        return _finding((ratio.value - limit) / spread, f"{measured}; {image_line}")
    why = (ratio.problem if ratio is not None else None) or "the heart was not outlined"
    if by_image is None:
        return Finding("cardiomegaly", Status.NOT_ASSESSED, problem=why)
    return _finding((by_image.value - limit) / by_image.sd, f"not measured: {why}; {image_line}")


def _finding(excess: float, said: str) -> Finding:
    """The finding of a ratio that exceeds its limit by ``excess`` standard deviations."""
    prob = _normal_cdf(excess)
    status = Status.PRESENT if prob >= OPERATING_POINT else Status.UNCERTAIN
    if prob < RULE_OUT:
        status = Status.ABSENT
    return Finding(
        name="cardiomegaly",
        status=status,
        probability=prob,
        interval=(_normal_cdf(excess - 1.96), _normal_cdf(excess + 1.96)),
        operating_point=OPERATING_POINT,
        problem=said,
    )


def _normal_cdf(deviate: float) -> float:
    return 0.5 * math.erfc(-deviate / math.sqrt(2.0))
