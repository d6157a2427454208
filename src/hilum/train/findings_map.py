"""What the opacity map of ``hilum-findings`` may point at, and how well it does."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from hilum.train.findings_data import HEADS, Example, FeatureBank

__all__ = ["is_pointed_at", "judge_map", "pointing_game"]

LOCATED = ("lung_opacity", "pneumonia", "consolidation", "infiltration")
"""Findings that are opacities: the map, trained on boxes of opacities, may point at them."""
LOCATED_IF = ("edema", "atelectasis")
"""Findings that show as opacities: the map may point at them if it was seen to."""
LEAST_LOCATED = 20
"""Films with boxes from which that can be judged."""


def judge_map(
    logits: npt.NDArray[np.float32], bank: FeatureBank, examples: list[Example]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the opacity map may show, and its figures, on films that its member did not see.

    Args:
        logits: Opacity maps ``(examples, 16, 16)``, NaN where none is known.
        bank: Whose first variant holds the truth.
        examples: What both are of.

    Returns:
        ``threshold``, the map value that best separates marked cells, with the ``findings``
        that the map may point at; and the Dice of the cells with the pointing game: the
        share of films with boxes whose highest cell is marked, by finding too.
    """
    maps = 1.0 / (1.0 + np.exp(-logits))
    marked = [
        i
        for i, e in enumerate(examples)
        if e.boxes and e.source == "nih" and e.split == "train" and np.isfinite(maps[i, 0, 0])
    ]
    truth = bank.maps[marked, 0] > 0.5
    peaks = maps[marked].reshape(len(marked), -1).argmax(1)
    best = (0.5, 0.0)
    for threshold in np.arange(0.15, 0.8, 0.05):
        seen = maps[marked] >= threshold
        dice = 2 * float((seen & truth).sum()) / max(int(seen.sum() + truth.sum()), 1)
        if dice > best[1]:
            best = (round(float(threshold), 3), round(dice, 4))
    figures: dict[str, Any] = {"cell_dice": best[1], **pointing_game(truth, peaks)}
    labels = np.stack([examples[i].labels for i in marked])
    by_finding = {
        name: pointing_game(truth[is_it], peaks[is_it])
        for name in (*LOCATED, *LOCATED_IF)
        if name in HEADS and (is_it := labels[:, HEADS.index(name)] == 1).any()
    }
    shown = [name for name in LOCATED_IF if name in by_finding and is_pointed_at(by_finding[name])]
    figures["by_finding"] = by_finding
    return {"threshold": best[0], "findings": [*LOCATED, *shown]}, figures


def pointing_game(
    truth: npt.NDArray[np.bool_], peaks: npt.NDArray[np.int64]
) -> dict[str, float | int]:
    """Share of peaks that are marked, and of those laid on every other film.

    Args:
        truth: Marked cells ``(films, 16, 16)``.
        peaks: Index of each film's highest cell.
    """
    hits = truth.reshape(len(truth), -1)[:, peaks]
    own, count = float(np.trace(hits)), len(truth)
    others = (float(hits.sum()) - own) / max(count * (count - 1), 1)
    return {
        "pointing_game": round(own / count, 4),
        "by_other_films": round(others, 4),
        "n": count,
    }


def is_pointed_at(game: dict[str, float | int]) -> bool:
    """Whether peaks hit surely more often than peaks of other films would."""
    count = int(game["n"])
    hits = round(game["pointing_game"] * count)
    low = binomtest(hits, count).proportion_ci(method="wilson").low
    return count >= LEAST_LOCATED and low > game["by_other_films"]
