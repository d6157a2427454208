"""Run of the findings recipe: bank, cross-fitted members, calibration, figures, weights."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from hilum.findings.assess import combine
from hilum.models import Manifest, load_model
from hilum.train.context import ContextRecipe, train_context
from hilum.train.findings import FindingsRecipe, fold_of, predict, train_member
from hilum.train.findings_data import (
    HEADS,
    Example,
    FeatureBank,
    build_bank,
    load_examples,
)
from hilum.train.findings_fit import (
    auroc_interval,
    expected_calibration_error,
    finding_logits,
    fit_group,
    truth_of,
)
from hilum.train.networks import FindingsNet
from hilum.train.ship import ship_context, ship_findings
from hilum.types import FloatImage

__all__ = ["CrossFit", "cross_fit", "finish", "train_findings"]

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
VARIANTS = {"nih": 7, "kermany": 2, "anatomy": 4}
CHILDREN = {"train": 1500, "val": 408}
LOCATED = ("lung_opacity", "pneumonia", "consolidation", "infiltration")
"""Findings that the opacity map, trained on boxes of opacities, may point at."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class CrossFit:
    """Members and what each said of examples that it did not learn from (NaN elsewhere).

    ``logits`` ``(members, examples, heads)``, ``maps`` logits ``(members, examples, 16, 16)``.
    """

    members: list[FindingsNet]
    logits: npt.NDArray[np.float32]
    maps: npt.NDArray[np.float32]


def find_lungs(pixels: FloatImage) -> npt.NDArray[np.bool_]:
    """Union of the lungs by ``hilum-anatomy``, bool of the shape of ``pixels``."""
    probs = load_model("hilum-anatomy").run(pixels)["probabilities"][:2].max(0)
    return np.asarray(cv2.resize(probs, pixels.shape[::-1]) > 0.5)


def cross_fit(
    bank: FeatureBank, examples: list[Example], recipe: FindingsRecipe, folder: Path
) -> CrossFit:
    """Train members, each without one fold; finished ones in ``folder`` are taken as they are.

    With fewer members than folds, the examples of the other folds have no unseen prediction.
    """
    fold = fold_of([e.patient for e in examples], recipe.folds, seed=recipe.seed)
    is_train = np.array([e.split == "train" for e in examples])
    count = len(examples)
    logits = np.full((recipe.members, count, len(HEADS)), np.nan, np.float32)
    maps = np.full((recipe.members, count, 16, 16), np.nan, np.float32)
    members = []
    for k in range(recipe.members):
        path = folder / f"findings-{k}.pt"
        held_in = is_train & (fold != k)
        if path.exists():
            member = FindingsNet(labels=len(HEADS))
            member.load_state_dict(torch.load(path))
            member.eval()
        else:
            chosen = np.flatnonzero(held_in)
            member = train_member(bank, examples, chosen, recipe, seed=recipe.seed + k)
            torch.save(member.state_dict(), path)
        unseen = np.flatnonzero(~held_in)
        logits[k, unseen], maps[k, unseen] = predict(member, bank, unseen)
        members.append(member)
        _log_member(k, logits[k], examples, is_train & (fold == k))
    return CrossFit(members, logits, maps)


def mean_of_known(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Mean over members ``(members, ...)``, ignoring NaN; NaN where no member spoke."""
    known = np.isfinite(values)
    count = known.sum(0)
    total = np.where(known, values, 0.0).sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _log_member(
    k: int,
    logits: npt.NDArray[np.float32],
    examples: list[Example],
    held_out: npt.NDArray[np.bool_],
) -> None:
    for head, view in (("pneumonia_adult", ""), ("pneumonia_adult", "AP"), ("pneumonia_child", "")):
        column = HEADS.index(head)
        truth = np.array([e.labels[column] for e in examples])
        use = held_out & np.isfinite(truth)
        use &= np.array([view in ("", e.view) for e in examples])
        score = roc_auc_score(truth[use], logits[use, column])
        logger.info("fold %d held out: %s %s AUROC %.4f", k, head, view, score)


def context_weights(
    members: npt.NDArray[np.float32], context: npt.NDArray[np.float32], examples: list[Example]
) -> npt.NDArray[np.float32]:
    """The context's share of each head: the best of a coarse grid, by group of heads.

    Judged by the mean cross-fitted AUROC of adults' parents, children, and the conditional
    heads; coarse, and shared within a group, so that it cannot fit the noise.
    """
    labels = np.stack([e.labels for e in examples])
    is_train = np.array([e.split == "train" for e in examples]) & np.isfinite(members[:, 0])
    weights = np.zeros(len(HEADS), np.float32)
    for group in ((0, 2), (1,), (3, 4, 5, 6, 7)):
        scores = {}
        for share in SHARES:
            mixed = combine(members, context, np.full(len(HEADS), share, np.float32))
            values = []
            for head in group:
                use = is_train & np.isfinite(labels[:, head])
                values.append(float(roc_auc_score(labels[use, head], mixed[use, head])))
            scores[share] = float(np.mean(values))
        logger.info("context share of heads %s: %s", group, scores)
        weights[list(group)] = max(scores, key=lambda s: scores[s])
    weights[8:] = weights[3]
    return weights


def finish(
    fit: CrossFit,
    context: npt.NDArray[np.float32],
    bank: FeatureBank,
    examples: list[Example],
    *,
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Calibration and figures: cross-fitted on the training split, ensemble on validation."""
    members = mean_of_known(fit.logits)
    is_train = np.array([e.split == "train" for e in examples]) & np.isfinite(members[:, 0])
    weights = context_weights(members, context, examples)
    crossed = combine(members, context, weights)
    calibration: dict[str, Any] = {"context_weights": [round(float(w), 3) for w in weights]}
    figures: dict[str, Any] = {}
    for group, source in (("adult", "nih"), ("child", "kermany")):
        mine = np.array([e.source == source for e in examples])
        train = np.flatnonzero(mine & is_train)
        held = np.flatnonzero(mine & np.array([e.split != "train" for e in examples]))
        whole = [e for e, m in zip(examples, mine, strict=True) if m and e.split == "train"]
        fitted = fit_group(
            crossed[train],
            [examples[i] for i in train],
            is_child=group == "child",
            learned=positives_of(whole, is_child=group == "child"),
            seed=seed,
        )
        figures[group] = {"cross_fitted": fitted.pop("figures")}
        figures[group]["validation"] = validate(
            crossed[held],
            [examples[i] for i in held],
            fitted["labels"],
            is_child=group == "child",
        )
        calibration[group] = fitted
        if group == "adult":
            figures["shortcut"] = {
                name: shortcut(heads[train], [examples[i] for i in train])
                for name, heads in (("lungs", members), ("whole", context), ("mixed", crossed))
            }
            figures["subgroups"] = subgroups(crossed[train], [examples[i] for i in train])
    threshold, figures["map"] = map_threshold(fit, bank, examples)
    calibration["map"] = {"threshold": threshold, "findings": list(LOCATED)}
    return calibration, figures


def positives_of(examples: list[Example], *, is_child: bool) -> dict[str, int]:
    """Positive radiographs by finding."""
    names = finding_logits(np.zeros((1, len(HEADS)), np.float32), is_child=is_child)
    return {n: int(np.nansum(truth_of(n, examples, is_child=is_child))) for n in names}


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


def map_threshold(
    fit: CrossFit, bank: FeatureBank, examples: list[Example]
) -> tuple[float, dict[str, float]]:
    """The map value that best separates marked cells; its Dice, and the pointing game.

    The pointing game is the share of films with boxes whose highest cell is marked.
    """
    maps = 1.0 / (1.0 + np.exp(-mean_of_known(fit.maps)))
    marked = [
        i
        for i, e in enumerate(examples)
        if e.boxes and e.source == "nih" and e.split == "train" and np.isfinite(maps[i, 0, 0])
    ]
    truth = bank.maps[marked, 0] > 0.5
    peaks = maps[marked].reshape(len(marked), -1).argmax(1)
    hits = truth.reshape(len(marked), -1)[np.arange(len(marked)), peaks]
    best = (0.5, 0.0)
    for threshold in np.arange(0.15, 0.8, 0.05):
        seen = maps[marked] >= threshold
        dice = 2 * float((seen & truth).sum()) / max(int(seen.sum() + truth.sum()), 1)
        if dice > best[1]:
            best = (round(float(threshold), 3), round(dice, 4))
    pointing = round(float(hits.mean()), 4)
    return best[0], {"cell_dice": best[1], "pointing_game": pointing, "n": len(marked)}


def train_findings(
    data: Path, out: Path, *, cache: Path, recipe: FindingsRecipe | None = None
) -> Manifest:
    """Train, calibrate and write ``hilum-findings`` and ``hilum-context`` into ``out``."""
    recipe = recipe or FindingsRecipe()
    examples = load_examples(data, children=CHILDREN, seed=3)
    bank = build_bank(
        examples, find_lungs, cache=cache, size=recipe.size, variants=VARIANTS, seed=5
    )
    fit = cross_fit(bank, examples, recipe, cache)
    whole = ContextRecipe()
    context = train_context(
        examples, folds=recipe.folds, fold_seed=recipe.seed, cache=cache, recipe=whole
    )
    calibration, figures = finish(fit, context.logits, bank, examples, seed=recipe.seed)
    logger.info("figures %s", json.dumps(figures))
    ship_context(context, out, recipe=whole.as_dict(), figures=figures["shortcut"]["whole"])
    return ship_findings(
        fit.members, out, recipe=recipe.as_dict(), calibration=calibration, figures=figures
    )
