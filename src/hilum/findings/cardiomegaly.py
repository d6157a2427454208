"""Cardiomegaly from the measured cardiothoracic ratio.

The probability is that of the true ratio exceeding the limit, the measurement's error being
normal. Limits: 0.50 on PA films (Danzer 1919) and 0.55 on AP films, where the heart lies
further from the detector and is magnified.
"""

from __future__ import annotations

import math

from hilum.types import Anatomy, Finding, Radiograph, Status, View

__all__ = ["LIMITS", "assess_cardiomegaly"]

LIMITS = {View.PA: 0.50, View.FRONTAL: 0.52, View.AP: 0.55}
"""Ratio above which a heart counts as enlarged; ``FRONTAL`` lies between, view unknown."""
OPERATING_POINT = 0.5
RULE_OUT = 0.2
LEAST_SD = 0.015
"""The ratio changes by about this much with inspiration and heartbeat alone."""


def assess_cardiomegaly(radiograph: Radiograph, anatomy: Anatomy) -> Finding:
    """Assess cardiomegaly from ``cardiothoracic_ratio``; not assessed where it is missing."""
    ratio = anatomy.measurement("cardiothoracic_ratio")
    if ratio is None or ratio.value is None:
        why = ratio.problem if ratio is not None else "the heart was not outlined"
        return Finding("cardiomegaly", Status.NOT_ASSESSED, problem=why)
    spread = max(ratio.uncertainty or 0.0, LEAST_SD)
    excess = (ratio.value - LIMITS[radiograph.view]) / spread
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
    )


def _normal_cdf(deviate: float) -> float:
    return 0.5 * math.erfc(-deviate / math.sqrt(2.0))
