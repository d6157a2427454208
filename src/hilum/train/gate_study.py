"""How the gate generalises: trained without a source or a kind, judged on it.

Everything works on cached features, so leaving out costs a fit of logistic regressions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hilum.train.gate_data import Sample
from hilum.train.gate_heads import (
    HEADS,
    Array,
    fit_distance,
    fit_heads,
    fit_reduction,
    fuse_chest,
)

__all__ = ["KIND_GROUPS", "SOURCES", "bootstrap_share", "judge", "leave_one_out"]

Half = npt.NDArray[np.float16]

SOURCES: dict[str, tuple[str, ...]] = {
    "nih": ("nih",),
    "kermany": ("kermany",),
    # the anatomy images come from the covid collection
    "covid": ("covid", "anatomy"),
}
"""Sources that are left out together."""

KIND_GROUPS: dict[str, tuple[str, ...]] = {
    "photograph": ("photograph",),
    "text, plot, window": ("text", "plot", "window", "screen"),
    "pattern, shapes, noise": ("pattern", "shapes", "noise", "spectrum"),
    "slices": ("body_slice", "coronal_slice", "head_slice"),
    "ultrasound": ("ultrasound",),
    "limbs": ("hand", "joint"),
    "pelvis": ("pelvis",),
    "abdomen": ("abdomen", "barium"),
    "skull": ("skull", "teeth"),
    "spine": ("spine",),
    "shoulder": ("shoulder",),
    "mammogram": ("mammogram",),
    "angiogram": ("angiogram",),
    "patch": ("patch", "strip"),
    "rearranged": ("tiles", "fold", "collage", "swirl"),
}
"""Kinds that resemble each other, left out together."""


def bootstrap_share(
    flags: npt.NDArray[np.bool_], patients: Sequence[str], *, seed: int = 0, draws: int = 1000
) -> tuple[float, float, float]:
    """Share of true flags with its 95 % interval, resampling patients.

    An interval that resampling cannot give (all or none true) ends at the rule of three.
    """
    unique, inverse = np.unique(np.asarray(patients), return_inverse=True)
    true = np.bincount(inverse, weights=flags.astype(float))
    count = np.bincount(inverse).astype(float)
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(unique), (draws, len(unique)))
    shares = true[picks].sum(axis=1) / count[picks].sum(axis=1)
    low, high = np.percentile(shares, [2.5, 97.5])
    share = float(flags.mean())
    rule = 3.0 / len(unique)
    low = max(0.0, 1 - rule) if share == 1.0 else float(low)
    high = min(1.0, rule) if share == 0.0 else float(high)
    return share, low, high


def judge(
    train: Sequence[int],
    test: Sequence[int],
    samples: Sequence[Sample],
    raw: tuple[Half, Half],
    *,
    names: Sequence[str] = HEADS,
) -> tuple[Array, Array]:
    """Fit heads ``names`` on rows ``train``; logits and novelty ``(n,)`` of rows ``test``."""
    pooled, grid = raw
    upright = [i for i in train if samples[i].role == "chest"]
    reduction = fit_reduction(pooled[upright], grid[upright])
    rows = list(train)
    part = [samples[i] for i in rows]
    features = reduction.apply(pooled[rows], grid[rows])
    heads, distance = fit_heads(part, features, names=names), fit_distance(part, features)
    held_out = reduction.apply(pooled[list(test)], grid[list(test)])
    novelty = distance.novelty(held_out)
    return fuse_chest(heads.logits(held_out), novelty), novelty


def leave_one_out(
    samples: Sequence[Sample], raw: tuple[Half, Half], *, kind: str
) -> dict[str, tuple[list[int], Array, Array]]:
    """For each source (``kind="source"``) or kind of negative: its rows, logits and novelty."""
    groups: Mapping[str, tuple[str, ...]] = SOURCES if kind == "source" else KIND_GROUPS
    names = HEADS if kind == "source" else ("chest",)
    results: dict[str, tuple[list[int], Array, Array]] = {}
    for name, members in groups.items():
        test = [i for i, s in enumerate(samples) if s.group in members]
        train = [i for i, s in enumerate(samples) if s.may_train and s.group not in members]
        if test and train:
            results[name] = (test, *judge(train, test, samples, raw, names=names))
    return results
