"""Calibration, operating points and figures of ``hilum-findings`` from cross-fitted logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from hilum.findings.assess import member_logits
from hilum.train.findings_data import HEADS, Example

__all__ = [
    "auroc_interval",
    "chance_error",
    "expected_calibration_error",
    "fit_group",
    "fit_platt",
    "truth_of",
]

Array = npt.NDArray[np.float64]
LEAST_POSITIVES = 15
LEAST_AUROC = 0.65
"""A label whose cross-fitted AUROC is not surely above this is reported as not assessed."""
BOOTSTRAPS = 200
RULE_OUT_SENSITIVITY = 0.95
LEAST_OPERATING_POINT = 0.2
"""Nothing is called present below this probability.

For a rare label the best F1 lies where nearly every call is false; such findings stay
uncertain.
"""


def fit_platt(logits: Array, truth: Array) -> tuple[float, float]:
    """Platt's slope and offset by maximum likelihood with a weak prior on slope 1."""

    def loss(values: Array) -> float:
        z = values[0] * logits + values[1]
        fit = float(np.mean(np.logaddexp(0.0, z) - truth * z))
        return fit + 0.5 / len(truth) * (values[0] - 1.0) ** 2

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
    return float(slope), float(offset)


def auroc_interval(
    truth: Array, score: Array, patients: list[str], *, seed: int = 0, count: int = 500
) -> tuple[float, float, float]:
    """AUROC with a 95 % bootstrap interval that resamples patients."""
    low, high = bootstrap(
        lambda index: float(roc_auc_score(truth[index], score[index])),
        truth,
        patients,
        seed=seed,
        count=count,
    )
    return float(roc_auc_score(truth, score)), low, high


def bootstrap(
    figure: Callable[[npt.NDArray[np.int64]], float],
    truth: Array,
    patients: list[str],
    *,
    seed: int = 0,
    count: int = 1000,
) -> tuple[float, float]:
    """95 % interval of a figure over resampled patients; one-class resamples are left out."""
    rng = np.random.default_rng(seed)
    names, member = np.unique(patients, return_inverse=True)
    groups = [np.flatnonzero(member == i) for i in range(len(names))]
    values = []
    for _ in range(count):
        picked = rng.integers(len(groups), size=len(groups))
        index = np.concatenate([groups[i] for i in picked])
        if 0 < truth[index].sum() < len(index):
            values.append(figure(index))
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def expected_calibration_error(truth: Array, prob: Array, *, bins: int = 10) -> float:
    """ECE over equal-width bins (Naeini et al. 2015)."""
    which = np.minimum((prob * bins).astype(int), bins - 1)
    gaps = [
        abs(float(truth[which == b].mean() - prob[which == b].mean())) * int((which == b).sum())
        for b in range(bins)
        if (which == b).any()
    ]
    return sum(gaps) / len(truth)


def chance_error(prob: Array, *, draws: int = 200, seed: int = 0) -> float:
    """Mean ECE of labels drawn from the probabilities themselves: what few films cost alone."""
    rng = np.random.default_rng(seed)
    truths = (rng.random((draws, len(prob))) < prob).astype(np.float64)
    return float(np.mean([expected_calibration_error(truth, prob) for truth in truths]))


def truth_of(name: str, examples: list[Example], *, is_child: bool) -> Array:
    """Truth of a finding by example: 0, 1 or NaN; conditional heads are 0 in normal adults."""
    labels = np.stack([e.labels for e in examples]).astype(np.float64)
    if name in ("pneumonia", "no_finding"):
        parent = labels[:, HEADS.index("pneumonia_child" if is_child else "pneumonia_adult")]
        return parent if name == "pneumonia" else 1.0 - parent
    values = labels[:, HEADS.index(name)]
    if name == "lung_opacity":
        return values
    adult = labels[:, HEADS.index("pneumonia_adult")]
    return np.where(np.isnan(values) & (adult == 0), 0.0, values)


def finding_logits(heads: npt.NDArray[np.float32], *, is_child: bool) -> dict[str, Array]:
    """Finding name to logits ``(n,)`` from head logits ``(n, heads)``."""
    return {
        name: values.astype(np.float64)
        for name, values in member_logits(heads, HEADS, is_child=is_child).items()
    }


def fit_group(
    heads: npt.NDArray[np.float32],
    examples: list[Example],
    *,
    is_child: bool,
    learned: dict[str, int],
    seed: int,
) -> dict[str, Any]:
    """Calibrate every finding of adults or of children.

    Args:
        heads: Cross-fitted logits ``(examples, heads)``.
        examples: The same examples, of one age group, training split.
        is_child: Which group.
        learned: Positive radiographs of the whole training split by finding.
        seed: Of the bootstrap.

    Returns:
        ``labels`` (numbers by finding), ``not_assessed`` (reason by finding) and ``figures``.
    """
    result: dict[str, Any] = {"labels": {}, "not_assessed": {}, "figures": {}}
    for name, logits in finding_logits(heads, is_child=is_child).items():
        if is_child and name not in ("pneumonia", "no_finding"):
            reason = "no radiographs of children with this label to learn from"
            result["not_assessed"][name] = reason
            continue
        truth = truth_of(name, examples, is_child=is_child)
        known = np.isfinite(truth)
        entry, figures = _fit_label(
            logits[known],
            truth[known],
            [e.patient for e, k in zip(examples, known, strict=True) if k],
            seed=seed,
        )
        result["figures"][name] = figures
        positives, low = learned[name], figures["auroc"][1]
        if positives < LEAST_POSITIVES:
            result["not_assessed"][name] = (
                f"only {positives} radiographs with this label to learn from"
            )
        elif low < LEAST_AUROC:
            result["not_assessed"][name] = (
                f"not told apart reliably in development (AUROC {figures['auroc'][0]:.2f}, "
                f"95 % interval from {low:.2f}, {positives} radiographs)"
            )
        else:
            result["labels"][name] = entry
    return result


def _fit_label(
    logits: Array, truth: Array, patients: list[str], *, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(seed)
    slope, offset = fit_platt(logits, truth)
    prob = 1.0 / (1.0 + np.exp(-(slope * logits + offset)))
    draws = []
    for _ in range(BOOTSTRAPS):
        index = rng.integers(len(truth), size=len(truth))
        if 0 < truth[index].sum() < len(index):
            a, b = fit_platt(logits[index], truth[index])
            draws.append([round(a, 4), round(b, 4), round(float(rng.standard_normal()), 3)])
    precision, recall, points = precision_recall_curve(truth, prob)
    score = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    operating_point = max(float(points[int(score[:-1].argmax())]), LEAST_OPERATING_POINT)
    rule_out = float(np.quantile(prob[truth == 1], 1 - RULE_OUT_SENSITIVITY))
    entry = {
        "slope": round(slope, 5),
        "offset": round(offset, 5),
        "operating_point": round(operating_point, 4),
        "rule_out": round(min(rule_out, operating_point), 4),
        "draws": draws,
    }
    figures = {
        "n": len(truth),
        "positives": int(truth.sum()),
        "auroc": [round(v, 4) for v in auroc_interval(truth, logits, patients)],
        "average_precision": round(float(average_precision_score(truth, logits)), 4),
        "ece": round(expected_calibration_error(truth, prob), 4),
        "sensitivity": round(float((prob[truth == 1] >= operating_point).mean()), 4),
        "specificity": round(float((prob[truth == 0] < operating_point).mean()), 4),
    }
    return entry, figures
