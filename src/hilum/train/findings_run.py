"""Run of the findings recipe: bank, cross-fitted members, calibration, figures, weights.

The members exist to judge patients that they never saw; what is shipped is one network that
learned from all of them.
"""

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
from sklearn.metrics import roc_auc_score

from hilum.findings.assess import combine
from hilum.models import Manifest, load_model
from hilum.train.context import train_context
from hilum.train.context_features import ContextRecipe
from hilum.train.findings import FindingsRecipe, fold_of, predict, train_member
from hilum.train.findings_data import (
    HEADS,
    Example,
    FeatureBank,
    build_bank,
    load_examples,
)
from hilum.train.findings_figures import shortcut, subgroups, validate
from hilum.train.findings_fit import finding_logits, fit_group, truth_of
from hilum.train.findings_map import judge_map
from hilum.train.findings_phantoms import SPLIT as PHANTOM_SPLIT
from hilum.train.findings_phantoms import load_phantom_examples
from hilum.train.networks import FindingsNet
from hilum.train.ship import ship_context, ship_findings
from hilum.types import FloatImage

__all__ = ["CrossFit", "cross_fit", "finish", "train_findings"]

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
VARIANTS = {"nih": 7, "kermany": 2, "anatomy": 4}
CHILDREN = {"train": 1500, "val": 408}
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class CrossFit:
    """Members and what each said of examples that it did not learn from (NaN elsewhere).

    ``logits`` ``(members, examples, heads)``, ``maps`` logits ``(members, examples, 16, 16)``.
    """

    members: list[FindingsNet]
    logits: npt.NDArray[np.float32]
    maps: npt.NDArray[np.float32]

    def of_first(self, count: int) -> CrossFit:
        """What was said of the first ``count`` examples: the real ones come before phantoms."""
        return CrossFit(self.members, self.logits[:, :count], self.maps[:, :count])


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
    is_phantom = np.array([e.split == PHANTOM_SPLIT for e in examples])
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
            chosen = np.flatnonzero(held_in | is_phantom)
            member = train_member(bank, examples, chosen, recipe, seed=recipe.seed + k)
            torch.save(member.state_dict(), path)
        unseen = np.flatnonzero(~held_in)
        logits[k, unseen], maps[k, unseen] = predict(member, bank, unseen)
        members.append(member)
        _log_member(k, logits[k], examples, is_train & (fold == k))
    return CrossFit(members, logits, maps)


def train_whole(
    bank: FeatureBank, examples: list[Example], recipe: FindingsRecipe, folder: Path
) -> FindingsNet:
    """The network that is shipped, of all training patients; taken from ``folder`` if it is there.

    Three members would cost time in every reading.
    """
    path = folder / "findings-whole.pt"
    if path.exists():
        whole = FindingsNet(labels=len(HEADS))
        whole.load_state_dict(torch.load(path))
        return whole.eval()
    is_used = np.array([e.split in ("train", PHANTOM_SPLIT) for e in examples])
    seed = recipe.seed + recipe.members
    whole = train_member(bank, examples, np.flatnonzero(is_used), recipe, seed=seed)
    torch.save(whole.state_dict(), path)
    return whole


def judge(
    fit: CrossFit, whole: FindingsNet, bank: FeatureBank, examples: list[Example]
) -> npt.NDArray[np.float32]:
    """Logits ``(examples, heads)`` by what did not learn from them.

    Training patients are judged by the member that left them out, all others by ``whole``.
    """
    logits = mean_of_known(fit.logits)
    rest = np.flatnonzero([e.split != "train" for e in examples])
    logits[rest], _ = predict(whole, bank, rest)
    return logits


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
    heads; coarse, and shared within a group, so that it cannot fit the noise. Adults are judged
    within the AP films only: there acquisition says least about the label (docs/log.md).
    """
    labels = np.stack([e.labels for e in examples])
    is_train = np.array([e.split == "train" and e.view in ("", "AP") for e in examples])
    is_train &= np.isfinite(members[:, 0])
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


def spread_of(
    members: npt.NDArray[np.float32],
    context: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    *,
    is_child: bool,
) -> dict[str, float]:
    """How far members of one recipe disagree: standard deviation of each finding's logit.

    Args:
        members: Logits ``(members, n, heads)`` of films that none of them saw.
        context: Logits ``(n, heads)``.
        weights: The context's shares ``(heads,)``.
        is_child: Which findings.
    """
    said = [finding_logits(combine(m, context, weights), is_child=is_child) for m in members]
    stacked = {name: np.stack([logits[name] for logits in said]) for name in said[0]}
    return {name: float(np.sqrt(values.var(0).mean())) for name, values in stacked.items()}


def finish(
    logits: npt.NDArray[np.float32],
    context: npt.NDArray[np.float32],
    examples: list[Example],
    *,
    members: npt.NDArray[np.float32],
    located: tuple[dict[str, Any], dict[str, Any]],
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Calibration and figures: cross-fitted on the training split, as shipped on validation.

    Args:
        logits: Logits ``(examples, heads)`` of networks that did not see the patient.
        context: Likewise of the context.
        examples: What both judged.
        members: Logits ``(members, examples, heads)``; their disagreement on validation widens
            the intervals.
        located: What the opacity map may show, and its figures.
        seed: Of the bootstraps.
    """
    is_train = np.array([e.split == "train" for e in examples]) & np.isfinite(logits[:, 0])
    weights = context_weights(logits, context, examples)
    crossed = combine(logits, context, weights)
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
        spreads = spread_of(members[:, held], context[held], weights, is_child=group == "child")
        for name, entry in fitted["labels"].items():
            entry["spread"] = round(spreads[name], 4)
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
                for name, heads in (("lungs", logits), ("whole", context), ("mixed", crossed))
            }
            figures["subgroups"] = subgroups(crossed[train], [examples[i] for i in train])
    calibration["map"], figures["map"] = located
    return calibration, figures


def positives_of(examples: list[Example], *, is_child: bool) -> dict[str, int]:
    """Positive radiographs by finding."""
    names = finding_logits(np.zeros((1, len(HEADS)), np.float32), is_child=is_child)
    return {n: int(np.nansum(truth_of(n, examples, is_child=is_child))) for n in names}


def train_findings(
    data: Path,
    out: Path,
    *,
    cache: Path,
    recipe: FindingsRecipe | None = None,
    phantoms: Path | None = None,
) -> Manifest:
    """Train, calibrate and write ``hilum-findings`` and ``hilum-context`` into ``out``.

    ``phantoms`` is a data set of ``hilum phantom dataset`` for the members to learn from as
    well; the shipped weights have seen none.
    """
    recipe = recipe or FindingsRecipe()
    examples = load_examples(data, children=CHILDREN, seed=3)
    mixed = examples + (load_phantom_examples(phantoms) if phantoms else [])
    bank = build_bank(mixed, find_lungs, cache=cache, size=recipe.size, variants=VARIANTS, seed=5)
    fit = cross_fit(bank, mixed, recipe, cache).of_first(len(examples))
    shipped = train_whole(bank, mixed, recipe, cache)
    whole = ContextRecipe()
    context = train_context(examples, cache=cache, recipe=whole)
    calibration, figures = finish(
        judge(fit, shipped, bank, examples),
        context.logits,
        examples,
        members=fit.logits,
        located=judge_map(mean_of_known(fit.maps), bank, examples),
        seed=recipe.seed,
    )
    logger.info("figures %s", json.dumps(figures))
    ship_context(context, out, recipe=whole.as_dict(), figures=figures["shortcut"]["whole"])
    return ship_findings(
        shipped, out, recipe=recipe.as_dict(), calibration=calibration, figures=figures
    )
