"""Prevalence: how probabilities and calls change when disease is rarer or commoner."""

from __future__ import annotations

import numpy as np

from hilum.errors import require
from hilum.evaluate.findings.labelled import Array

__all__ = ["estimate_prevalence", "shift_prevalence"]


def shift_prevalence(prob: Array, *, trained: float, target: float) -> Array:
    """Probabilities as they would be at another prevalence, all else equal (label shift).

    The odds are multiplied by the ratio of the prior odds (Saerens 2002, equation 2.4).

    Args:
        prob: Calibrated probabilities at prevalence ``trained``.
        trained: Prevalence that the calibration saw, in (0, 1).
        target: Prevalence of the site, in (0, 1).
    """
    for name, value in (("trained", trained), ("target", target)):
        require(0.0 < value < 1.0, f"{name} prevalence lies in (0, 1), got {value}")
    prob = np.asarray(prob, dtype=float)
    present = prob * target / trained
    absent = (1 - prob) * (1 - target) / (1 - trained)
    return present / (present + absent)


def estimate_prevalence(prob: Array, *, trained: float, steps: int = 1000) -> float:
    """Prevalence of unlabelled units by expectation-maximisation (Saerens 2002).

    Maximum likelihood under label shift when ``prob`` is calibrated at ``trained``.
    """
    prob = np.asarray(prob, dtype=float)
    prob = prob[~np.isnan(prob)]
    require(len(prob) > 0, "no probability to estimate a prevalence from")
    target = trained
    for _ in range(steps):
        held = min(max(target, 1e-9), 1 - 1e-9)
        updated = float(np.mean(shift_prevalence(prob, trained=trained, target=held)))
        if abs(updated - target) < 1e-10:
            return updated
        target = updated
    return target
