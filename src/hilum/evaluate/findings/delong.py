"""DeLong's variance of AUROCs and the paired test (DeLong 1988, by ranks: Sun and Xu 2014)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from hilum.errors import require
from hilum.evaluate.findings.labelled import NAN, Array, labelled, positives
from hilum.evaluate.resampling import PairedTest
from hilum.evaluate.scores import Interval

__all__ = ["delong_covariance", "delong_interval", "delong_test"]


def delong_covariance(truth: Array, probs: Array) -> tuple[Array, Array]:
    """AUROCs of several readers of the same units, and their covariance.

    Args:
        truth: ``(units,)`` of 0 and 1, at least two of each.
        probs: ``(readers, units)``.

    Returns:
        ``(readers,)`` AUROCs and ``(readers, readers)`` covariance.
    """
    present, absent = probs[:, truth == 1], probs[:, truth == 0]
    m, n = present.shape[1], absent.shape[1]
    require(m > 1 and n > 1, f"DeLong needs two of each class, got {m} present and {n} absent")
    everyone = np.concatenate([present, absent], axis=1)
    among_all = np.array([rankdata(row) for row in everyone])
    among_present = np.array([rankdata(row) for row in present])
    among_absent = np.array([rankdata(row) for row in absent])
    areas = (among_all[:, :m].sum(axis=1) / m - (m + 1) / 2) / n
    of_present = (among_all[:, :m] - among_present) / n
    of_absent = 1.0 - (among_all[:, m:] - among_absent) / m
    covariance = np.cov(of_present) / m + np.cov(of_absent) / n
    return areas, np.atleast_2d(covariance)


def delong_interval(
    truth: Array, prob: Array, *, level: float = 0.95, on_logit: bool = True
) -> Interval | None:
    """Confidence interval of an AUROC; units count as independent.

    On the logit scale the interval stays within [0, 1] (Pepe 2003, section 5.2.4). None
    where a class has fewer than two units or the AUROC is 0 or 1 with zero variance.
    """
    truth, prob = labelled(truth, prob)
    if min(positives(truth)) < 2:
        return None
    areas, covariance = delong_covariance(truth, prob[None, :])
    area, deviation = float(areas[0]), math.sqrt(max(float(covariance[0, 0]), 0.0))
    if deviation == 0.0:
        return None
    reach = float(ndtri((1 + level) / 2)) * deviation
    if not on_logit or area in (0.0, 1.0):
        return Interval(max(0.0, area - reach), min(1.0, area + reach), level, "delong")
    centre, reach = math.log(area / (1 - area)), reach / (area * (1 - area))
    ends = [1 / (1 + math.exp(-(centre + sign * reach))) for sign in (-1, 1)]
    return Interval(ends[0], ends[1], level, "delong, logit")


def delong_test(
    truth: Array, first: Array, second: Array, *, level: float = 0.95
) -> PairedTest | None:
    """Second AUROC minus first, of the same units; None where the variance is zero."""
    keep = ~(np.isnan(truth) | np.isnan(first) | np.isnan(second))
    truth = truth[keep]
    if min(positives(truth)) < 2:
        return None
    probs = np.stack([first[keep], second[keep]])
    areas, covariance = delong_covariance(truth, probs)
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    difference = float(areas[1] - areas[0])
    if variance <= 1e-18:
        return None
    deviation = math.sqrt(variance)
    reach = float(ndtri((1 + level) / 2)) * deviation
    interval = Interval(difference - reach, difference + reach, level, "paired delong")
    p_value = 2 * float(ndtr(-abs(difference) / deviation)) if deviation else NAN
    return PairedTest(difference, interval, p_value, "paired delong")
