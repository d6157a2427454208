"""Train the gate: ``hilum train gate`` reproduces ``hilum-gate`` from the shared data.

A frozen ImageNet encoder, logistic heads and a distance, all in one ONNX network. It fits
in minutes on a laptop; nearly all of the time goes into drawing images and encoding them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from hilum.models import write_model
from hilum.models.compress import store_half
from hilum.quality.gate import LABELS
from hilum.train.export_onnx import export_onnx
from hilum.train.gate_data import INPUT, Sample, plan
from hilum.train.gate_features import GateEncoder, compute_features
from hilum.train.gate_heads import (
    NOVELTY_LIMIT,
    NOVELTY_WEIGHT,
    Array,
    Distance,
    Heads,
    Reduction,
    calibrate,
    fit_distance,
    fit_heads,
    fit_reduction,
)
from hilum.train.gate_study import bootstrap_share, leave_one_out

__all__ = ["LIMITS", "GateNet", "main"]

log = logging.getLogger(__name__)

LIMITS = {
    "prob_chest_refuse": 0.5,
    "prob_chest_warn": 0.8,
    "prob_chest_corrected": 0.95,
    "novelty_refuse": 2.6,
    "novelty_warn": 2.0,
    "prob_turned": 0.6,
    "prob_inverted": 0.75,
    "prob_mirrored": 0.98,
    "prob_lateral": 0.82,
    "prob_lateral_accept": 0.95,
    "novelty_lateral": 2.1,
    "prob_view": 0.9,
    "prob_child": 0.95,
}
"""Operating points, chosen on the leave-one-out results (see the model card)."""

Half = npt.NDArray[np.float16]
Unseen = dict[str, tuple[list[int], Array, Array]]


class GateNet(nn.Module):
    """Encoder, heads and distance in one network: ``logits`` and ``novelty``."""

    def __init__(self, reduction: Reduction, heads: Heads, distance: Distance) -> None:
        super().__init__()
        self.encoder = GateEncoder()
        self.reduce = nn.Conv2d(320, len(reduction.channels), 1, bias=False)
        self.reduce.weight.data = torch.from_numpy(reduction.channels)[:, :, None, None].clone()
        self.heads = _fold(heads.weight, heads.bias, reduction)
        # novelty: |z|^2 - |axes z|^2 with z the standardised features around the chest mean
        centre = reduction.mean + reduction.scale * distance.mean
        self.register_buffer("centre", torch.from_numpy(centre.astype(np.float32)))
        gain = 1.0 / (reduction.scale * distance.scale)
        self.register_buffer("gain", torch.from_numpy(gain.astype(np.float32)))
        self.axes = nn.Linear(distance.axes.shape[1], len(distance.axes), bias=False)
        self.axes.weight.data = torch.from_numpy(distance.axes)

    def forward(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        """``(batch, labels)`` logits and ``(batch, 1)`` novelty."""
        pooled, grid = self.encoder(grey)
        features = torch.cat([pooled, self.reduce(grid).flatten(1)], 1)
        z = (features - self.centre) * self.gain
        inside = self.axes(z)
        squared = (z * z).sum(1, keepdim=True) - (inside * inside).sum(1, keepdim=True)
        novelty = torch.sqrt(torch.clamp(squared, min=0.0))
        logits = self.heads(features)
        # the chest logit, the first, is lowered by novelty (gate_heads.fuse_chest)
        chest = logits[:, :1] - NOVELTY_WEIGHT * (novelty - NOVELTY_LIMIT)
        return torch.cat([chest, logits[:, 1:]], 1), novelty


def _fold(weight: Any, bias: Any, reduction: Reduction) -> nn.Linear:
    """A linear layer on raw features that does what ``weight`` does on standardised ones."""
    scaled = (weight / reduction.scale).astype(np.float64)
    layer = nn.Linear(scaled.shape[1], scaled.shape[0])
    layer.weight.data = torch.from_numpy(scaled.astype(np.float32))
    layer.bias.data = torch.from_numpy((bias - scaled @ reduction.mean).astype(np.float32))
    return layer


def _share(flags: Any, patients: Sequence[str]) -> dict[str, float]:
    share, low, high = bootstrap_share(np.asarray(flags, bool), patients)
    return {"share": round(share, 4), "low": round(low, 4), "high": round(high, 4),
            "count": len(patients)}  # fmt: skip


def _logit(prob: float) -> float:
    return float(np.log(prob / (1 - prob)))


def study(samples: Sequence[Sample], raw: tuple[Half, Half], unseen: Unseen) -> dict[str, Any]:
    """Acceptance of sources and refusal of kinds that were left out of the training."""
    chest, first = LABELS.index("chest"), LABELS.index("turned_0")
    least = _logit(LIMITS["prob_chest_refuse"])
    figures: dict[str, Any] = {
        "accepted_unseen_source": {},
        "refused_unseen_kind": {},
        "frontals_called_lateral": {},
    }
    orientation: dict[str, Any] = {}
    for name, (rows, logits, novelty) in unseen.items():
        is_in = (logits[:, chest] >= least) & (novelty <= LIMITS["novelty_refuse"])
        part = [samples[i] for i in rows]
        plain = [i for i, s in enumerate(part) if s.role == "chest" and not s.is_varied]
        owners = [part[i].patient or str(part[i].path) for i in plain]
        figures["accepted_unseen_source"][name] = _share(is_in[plain], owners)
        turned = [i for i, s in enumerate(part) if s.role in ("chest", "turned")]
        owners = [part[i].patient or str(part[i].path) for i in turned]
        turns = np.array([part[i].quarter_turns for i in turned])
        is_inverted = np.array([part[i].is_inverted for i in turned])
        guess = logits[turned][:, first : first + 4].argmax(axis=1)
        polarity = logits[turned][:, LABELS.index("inverted")] > 0
        figures["frontals_called_lateral"][name] = _share(
            logits[plain][:, LABELS.index("lateral")] >= _logit(LIMITS["prob_lateral"]),
            [part[i].patient or str(part[i].path) for i in plain],
        )
        orientation[name] = {
            "turns_right": _share(guess == turns, owners),
            "polarity_right": _share(polarity == is_inverted, owners),
        }
    for name, (rows, logits, novelty) in leave_one_out(samples, raw, kind="kind").items():
        is_in = (logits[:, chest] >= least) & (novelty <= LIMITS["novelty_refuse"])
        figures["refused_unseen_kind"][name] = _share(~is_in, [str(i) for i in rows])
    figures["orientation_unseen_source"] = orientation
    return figures


def _unseen_targets(
    samples: Sequence[Sample], unseen: Unseen, name: str
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Logits of one head on plain radiographs of sources left out, and the truth."""
    logits: list[float] = []
    target: list[bool] = []
    for rows, found, _ in unseen.values():
        for row, values in zip(rows, found, strict=True):
            s = samples[row]
            truth = (s.view == "AP" if s.view else None) if name == "ap" else s.child
            if s.role == "chest" and not s.is_varied and truth is not None:
                logits.append(float(values[LABELS.index(name)]))
                target.append(truth)
    return np.array(logits, np.float32), np.array(target, bool)


def _judge_phantoms(
    samples: Sequence[Sample], raw: tuple[Half, Half], reduction: Reduction, heads: Heads
) -> dict[str, Any]:
    """Shares of the phantoms that trained nothing which the lateral head calls lateral."""
    shares: dict[str, Any] = {}
    for role in ("lateral", "phantom"):
        rows = [i for i, s in enumerate(samples) if s.role == role and not s.may_train]
        logits = heads.logits(reduction.apply(raw[0][rows], raw[1][rows]))
        flags = logits[:, LABELS.index("lateral")] >= _logit(LIMITS["prob_lateral"])
        shares["side" if role == "lateral" else "front"] = _share(
            flags, [str(samples[i].phantom) for i in rows]
        )
    return shares


def _fields(settings: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": "hilum-gate",
        "task": "gate",
        "version": "1",
        "title": "Is it a frontal chest radiograph, upright, of which view, adult or child?",
        "labels": list(LABELS),
        "input": asdict(INPUT),
        "outputs": {
            "logits": {"meaning": "log odds; the four turned_* are one softmax",
                       "shape": ["labels"]},
            "novelty": {"meaning": "distance from known chest radiographs, about 1 for one",
                        "shape": [1]},
        },
        "training": {
            "data": "ChestX-ray14 (NIH), Kermany 2018 train split, covid-chestxray-dataset and "
            "GeneralBlockchain images whose licence allows it; procedural images; photographs "
            "of the scikit-image and scikit-learn wheels; ImageNet weights of EfficientNet-Lite0",
            "licence": "NIH: unrestricted with citation; Kermany: CC BY 4.0; covid and anatomy: "
            "CC BY to CC BY-NC-SA; EfficientNet-Lite0: Apache-2.0",
            "settings": dict(settings),
        },
        "licence": "CC BY-NC-SA 4.0",
        "source": "hilum train gate",
        "calibration": LIMITS,
        "golden": {"tolerance": 0.02},
        "figures": dict(figures),
    }  # fmt: skip


def _features(
    samples: Sequence[Sample], cache: Path | None, settings: Mapping[str, int]
) -> tuple[Half, Half]:
    """Pooled and grid features, from the folder ``cache`` where they are stored."""
    if cache is None:
        return compute_features(samples)
    name = "-".join(str(value) for value in settings.values())
    path = cache / f"gate-{name}-{len(samples)}.npz"
    if not path.exists():
        pooled, grid = compute_features(samples)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(path, pooled=pooled, grid=grid)
    with np.load(path) as stored:
        return stored["pooled"], stored["grid"]


def main(
    data: Path,
    out: Path,
    *,
    cache: Path | None = None,
    kermany: int = 600,
    negatives: int = 105,
    phantoms: int = 300,
    seed: int = 2026,
) -> None:
    """Train the gate and write ``hilum-gate.onnx`` and ``.json`` into ``out``.

    Args:
        data: The folder with ``nih``, ``kermany``, ``covid`` and ``anatomy``.
        out: Folder of the weights.
        cache: Folder that keeps the features between runs.
        kermany: Child radiographs used.
        negatives: Images of each kind of negative.
        phantoms: Simulated chests from the side, and from the front.
        seed: Of everything that is drawn.

    Raises:
        MissingExtraError: The photographs' wheels are not installed.
        UnreadableImageError: An image of ``data`` cannot be read.
    """
    settings = {"kermany": kermany, "negatives": negatives, "phantoms": phantoms, "seed": seed}
    samples = plan(data, kermany=kermany, negatives=negatives, phantoms=phantoms, seed=seed)
    log.info("gate: %d images to draw and encode", len(samples))
    raw = _features(samples, cache, settings)
    unseen = leave_one_out(samples, raw, kind="source")
    figures = study(samples, raw, unseen)
    rows = [i for i, s in enumerate(samples) if s.may_train]
    upright = [i for i in rows if samples[i].role == "chest"]
    reduction = fit_reduction(raw[0][upright], raw[1][upright])
    part, features = [samples[i] for i in rows], reduction.apply(raw[0][rows], raw[1][rows])
    heads, distance = fit_heads(part, features), fit_distance(part, features)
    figures["phantoms_called_lateral"] = _judge_phantoms(samples, raw, reduction, heads)
    for name in ("ap", "child"):
        heads = calibrate(heads, name, *_unseen_targets(samples, unseen, name))
    net = GateNet(reduction, heads, distance)
    weights = store_half(export_onnx(net, side=INPUT.rows, outputs=["logits", "novelty"]))
    write_model(out, weights, _fields({**settings, "images": len(rows)}, figures))
    log.info("gate: %s", json.dumps(figures))
