"""From trained networks to shipped models: ONNX, manifest, calibration, figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hilum.findings.places import GRID, PLACES
from hilum.models import Manifest, write_model
from hilum.models.compress import store_half
from hilum.train.context import CONTEXT_HEADS, ContextRun
from hilum.train.export_onnx import export_onnx, store_int8
from hilum.train.findings_data import HEADS
from hilum.train.networks import AnatomyNet, FindingsEnsemble, FindingsNet, StructuresNet
from hilum.train.phantom_pool import ANATOMY, STRUCTURES

__all__ = ["SplitMaps", "ship_anatomy", "ship_context", "ship_findings", "ship_structures"]

INPUT = {"rows": 256, "columns": 256, "resize": "stretch", "percentiles": [0.5, 99.5]}
LICENCE = "CC BY-NC-SA 4.0 (research and teaching)"
SOURCE = "trained by the Hilum project; encoder initialised from EfficientNet-Lite0 (Apache-2.0)"
ANATOMY_DATA = (
    "29 annotated adults (GeneralBlockchain), lung masks of 2,592 children (Kermany, V7 Labs), "
    "pseudo-labels on ChestX-ray14 and covid-chestxray images that may train weights; simulated "
    "radiographs of Hilum's phantom with their truth"
)
STRUCTURES_DATA = (
    "simulated radiographs of Hilum's phantom with their truth; real films with the anatomy "
    "alone: 29 annotated adults (GeneralBlockchain), 300 children (Kermany, V7 Labs), and "
    "ChestX-ray14 and covid-chestxray images that may train weights as hilum-anatomy sees them"
)
FINDINGS_DATA = (
    "674 ChestX-ray14 films with RSNA opacity boxes, 1,500 children (Kermany), 29 adults with "
    "outlined opacities (GeneralBlockchain)"
)


class SplitMaps(nn.Module):
    """The probabilities that a network's logits stand for, parted at channel ``at``.

    Of ``(batch, channels, rows, columns)`` the first ``at`` channels, then the rest.
    """

    def __init__(self, net: nn.Module, at: int) -> None:
        super().__init__()
        self.net, self.at = net, at

    def forward(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        """Both parts of ``(batch, 1, rows, columns)`` in [0, 1]."""
        maps = torch.sigmoid(self.net(grey))
        return maps[:, : self.at], maps[:, self.at :]


def ship_anatomy(
    net: AnatomyNet, out: Path, *, recipe: Mapping[str, Any], figures: Mapping[str, Any]
) -> Manifest:
    """Write ``hilum-anatomy`` into ``out``.

    Args:
        net: Trained.
        out: Folder of the weights.
        recipe: Resolved configuration.
        figures: Scores by name, one value a development image.
    """
    weights = export_onnx(SplitMaps(net, 4), side=256, outputs=["probabilities", "carina"])
    fields = {
        "name": "hilum-anatomy",
        "task": "anatomy",
        "version": "1.2.0",
        "title": "Lungs, heart with mediastinum, airways and carina on frontal radiographs",
        "labels": ["left_lung", "right_lung", "cardiomediastinum", "airways"],
        "input": INPUT,
        "outputs": {
            "probabilities": {
                "meaning": "probability of each structure by pixel",
                "shape": ["labels", 256, 256],
            },
            "carina": {"meaning": "heat map of the carina in [0, 1]", "shape": [1, 256, 256]},
        },
        "calibration": {"measurement_sd": _measurement_sd(figures)},
        "training": {
            "data": ANATOMY_DATA,
            "licence": "CC0, CC BY 4.0, CC BY-NC-SA",
            "recipe": recipe,
        },
        "licence": LICENCE,
        "source": SOURCE,
        "figures": summarise(figures),
        "golden": {"tolerance": 0.02},
    }
    return write_model(out, store_half(weights), fields)


class _StructuresOutput(nn.Module):
    """Probabilities ``(batch, structures, 256, 256)`` of what phantoms taught."""

    def __init__(self, net: StructuresNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, grey: Tensor) -> Tensor:
        first = len(ANATOMY)
        half = torch.sigmoid(self.net(grey)[:, first : first + len(STRUCTURES)])
        return nn.functional.interpolate(
            half, scale_factor=2.0, mode="bilinear", align_corners=False
        )


def ship_structures(
    net: StructuresNet, out: Path, *, recipe: Mapping[str, Any], figures: Mapping[str, Any]
) -> Manifest:
    """Write ``hilum-structures`` into ``out``.

    Args:
        net: Trained.
        out: Folder of the weights.
        recipe: Resolved configuration.
        figures: Scores by name, one value an image; all of them are of phantoms or of the
            anatomy that it was trained beside.
    """
    weights = export_onnx(_StructuresOutput(net), side=256, outputs=["probabilities"])
    fields = {
        "name": "hilum-structures",
        "task": "structures",
        "version": "1.0.0",
        "title": "Bones, aortic arch, hila and hemidiaphragms, learned from simulation only",
        "labels": list(STRUCTURES),
        "input": INPUT,
        "outputs": {
            "probabilities": {
                "meaning": "probability of each structure by pixel",
                "shape": ["labels", 256, 256],
            },
        },
        "training": {
            "data": STRUCTURES_DATA,
            "licence": "CC0, CC BY 4.0, CC BY-NC-SA",
            "recipe": recipe,
        },
        "licence": LICENCE,
        "source": SOURCE,
        "figures": summarise(figures),
        "golden": {"tolerance": 0.02},
    }
    return write_model(out, store_half(store_int8(weights)), fields)


def _measurement_sd(figures: Mapping[str, Any]) -> dict[str, float]:
    """Model error of the ratio: the root mean square of what readings were seen to err by."""
    errors = np.asarray(figures.get("read_ratio_error", []))
    if not errors.size:
        return {}
    return {"cardiothoracic_ratio": round(float(np.sqrt((errors * errors).mean())), 4)}


def summarise(figures: Mapping[str, Any], *, seed: int = 0) -> dict[str, Any]:
    """Mean and 95 % bootstrap interval of lists of per-image scores."""
    rng = np.random.default_rng(seed)
    summary: dict[str, Any] = {}
    for name, values in figures.items():
        scores = np.asarray(values, float)
        if scores.size == 0:
            continue
        means = scores[rng.integers(scores.size, size=(2000, scores.size))].mean(1)
        low, high = np.percentile(means, (2.5, 97.5))
        summary[name] = {
            "mean": round(float(scores.mean()), 4),
            "interval": [round(float(low), 4), round(float(high), 4)],
            "n": int(scores.size),
        }
    return summary


def ship_findings(
    net: FindingsNet,
    out: Path,
    *,
    recipe: Mapping[str, Any],
    calibration: Mapping[str, Any],
    figures: Mapping[str, Any],
) -> Manifest:
    """Write ``hilum-findings`` into ``out``.

    Args:
        net: On the shared trunk.
        out: Folder of the weights.
        recipe: Resolved configuration.
        calibration: ``adult``, ``child`` and ``map`` as ``findings.assess`` reads them.
        figures: Development figures.
    """
    weights = export_onnx(FindingsEnsemble([net]), side=256, outputs=["logits", "opacity"])
    fields = {
        "name": "hilum-findings",
        "task": "findings",
        "version": "1.3.0",
        "title": "Findings on frontal radiographs of adults and children",
        "labels": list(HEADS),
        "input": INPUT,
        "outputs": {
            "logits": {"meaning": "logits by member and head", "shape": [1, "labels"]},
            "opacity": {"meaning": "probability of an opacity by cell", "shape": [16, 16]},
        },
        "calibration": {"method": "hilum-findings", **calibration},
        "training": {
            "data": FINDINGS_DATA,
            "licence": "NIH Clinical Center, RSNA (non-commercial), CC BY 4.0, CC BY-NC-SA",
            "recipe": recipe,
        },
        "licence": LICENCE,
        "source": SOURCE,
        "figures": figures,
        "golden": {"tolerance": 0.02},
    }
    return write_model(out, store_half(store_int8(weights)), fields)


def ship_context(
    run: ContextRun, out: Path, *, recipe: Mapping[str, Any], figures: Mapping[str, Any]
) -> Manifest:
    """Write ``hilum-context`` into ``out``."""
    side = int(recipe["size"])
    weights = export_onnx(run.net, side=side, outputs=["logits", "evidence", "novelty"])
    fields = {
        "name": "hilum-context",
        "task": "context",
        "version": "2.3.0",
        "title": "A second opinion on the whole film for hilum-findings",
        "labels": list(CONTEXT_HEADS),
        "input": {**INPUT, "rows": side, "columns": side},
        "outputs": {
            "logits": {"meaning": "logits by head of the whole film", "shape": [1, "labels"]},
            "evidence": {
                "meaning": "maps whose means over the places complete the logits",
                "shape": ["labels", len(PLACES), GRID, GRID],
            },
            "novelty": {"meaning": "distance from the films learned from, near 1", "shape": []},
        },
        "calibration": {
            "novelty_limit": round(run.novelty_limit, 4),
            "ratio_sd": run.ratio["sd"],
            "regions": run.regions,
        },
        "training": {
            "data": "674 ChestX-ray14 films, 1,500 children (Kermany), acquisitions varied",
            "licence": "NIH Clinical Center, CC BY 4.0",
            "recipe": recipe,
        },
        "licence": LICENCE,
        "source": SOURCE,
        "figures": {**figures, "cardiothoracic_ratio": run.ratio, "small_child": run.small_child},
        "golden": {"tolerance": 0.02},
    }
    return write_model(out, store_half(weights), fields)
