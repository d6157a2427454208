"""Figures of ``hilum-findings``: validation, dependence on the projection, subgroups."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from hilum.train.findings_data import HEADS, Example
from hilum.train.findings_fit import (
    auroc_interval,
    chance_error,
    expected_calibration_error,
    finding_logits,
    truth_of,
)

__all__ = ["shortcut", "subgroups", "validate"]


def validate(
    heads: npt.NDArray[np.float32],
    examples: list[Example],
    labels: dict[str, Any],
    *,
    is_child: bool,
) -> dict[str, Any]:
    """AUROC with interval and calibration error of the ensemble on the validation split."""
    result: dict[str, Any] = {}
    for name, logits in finding_logits(heads, is_child=is_child).items():
        truth = truth_of(name, examples, is_child=is_child)
        known = np.isfinite(truth)
        if not known.any() or not 0 < truth[known].sum() < known.sum():
            continue
        patients = [e.patient for e, k in zip(examples, known, strict=True) if k]
        entry = {
            "n": int(known.sum()),
            "positives": int(truth[known].sum()),
            "auroc": [round(v, 4) for v in auroc_interval(truth[known], logits[known], patients)],
        }
        if name in labels:
            z = labels[name]["slope"] * logits[known] + labels[name]["offset"]
            prob = 1.0 / (1.0 + np.exp(-z))
            entry["ece"] = round(expected_calibration_error(truth[known], prob), 4)
            entry["ece_by_chance"] = round(chance_error(prob), 4)
        result[name] = entry
    return result


def shortcut(heads: npt.NDArray[np.float32], examples: list[Example]) -> dict[str, Any]:
    """How far the pneumonia score depends on the projection."""
    score = heads[:, HEADS.index("pneumonia_adult")].astype(float)
    truth = np.array([e.labels[0] for e in examples], float)
    view = np.array([e.view for e in examples])
    patients = np.array([e.patient for e in examples])
    result: dict[str, Any] = {}
    for name in ("AP", "PA"):
        use = view == name
        within = auroc_interval(truth[use], score[use], list(patients[use]))
        result[f"pneumonia_within_{name}"] = [round(v, 4) for v in within]
    for value, name in ((0.0, "normal"), (1.0, "pneumonia")):
        use = truth == value
        gap = roc_auc_score(view[use] == "PA", score[use])
        result[f"view_from_score_among_{name}"] = round(float(gap), 4)
    probe = cross_val_predict(
        LogisticRegression(max_iter=500),
        heads,
        view == "PA",
        groups=patients,
        cv=GroupKFold(5),
        method="decision_function",
    )
    result["view_from_all_logits"] = round(float(roc_auc_score(view == "PA", probe)), 4)
    return result


def subgroups(heads: npt.NDArray[np.float32], examples: list[Example]) -> dict[str, Any]:
    """AUROC of pneumonia by sex and age."""
    score = heads[:, HEADS.index("pneumonia_adult")].astype(float)
    truth = np.array([e.labels[0] for e in examples], float)
    groups = {
        "female": [e.sex == "F" for e in examples],
        "male": [e.sex == "M" for e in examples],
        "under_40": [e.age is not None and e.age < 40 for e in examples],
        "40_to_60": [e.age is not None and 40 <= e.age < 60 for e in examples],
        "60_and_over": [e.age is not None and e.age >= 60 for e in examples],
    }
    result = {}
    for name, chosen in groups.items():
        use = np.array(chosen)
        patients = [e.patient for e, u in zip(examples, use, strict=True) if u]
        value = auroc_interval(truth[use], score[use], patients)
        result[name] = {"n": int(use.sum()), "auroc": [round(v, 4) for v in value]}
    return result
