"""``hilum-devices`` from a trained network to a shipped model, with its figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hilum.models import Manifest, write_model
from hilum.models.compress import store_half
from hilum.train.devices_net import DevicesNet
from hilum.train.devices_pool import KINDS, SIDE
from hilum.train.export_onnx import export_onnx
from hilum.train.ship import INPUT, LICENCE, SOURCE, SplitMaps

__all__ = ["export_devices", "ship_devices"]

DATA = (
    "simulated radiographs of Hilum's phantom with their truth; ChestX-ray14 and covid-chestxray "
    "images that may train weights lend them their grey levels only"
)


def export_devices(net: DevicesNet) -> bytes:
    """The network as ONNX with half-precision storage."""
    output = SplitMaps(net, len(KINDS))
    return store_half(export_onnx(output, side=SIDE, outputs=["probabilities", "tips"]))


def ship_devices(
    weights: bytes,
    out: Path,
    *,
    recipe: Mapping[str, Any],
    calibration: Mapping[str, Any],
    figures: Mapping[str, Any],
) -> Manifest:
    """Write ``hilum-devices`` into ``out``.

    Args:
        weights: What ``export_devices`` gave.
        out: Folder of the weights.
        recipe: Resolved configuration.
        calibration: ``least`` and ``above_carina_sd`` by kind, as ``anatomy.find_devices`` reads.
        figures: Of phantoms and of real films, by name.
    """
    half = SIDE // 2
    fields = {
        "name": "hilum-devices",
        "task": "devices",
        "version": "1.0.0",
        "title": "Tubes, lines and their tips, learned from simulation only",
        "labels": list(KINDS),
        "input": {**INPUT, "rows": SIDE, "columns": SIDE},
        "outputs": {
            "probabilities": {
                "meaning": "probability of each device's line by pixel",
                "shape": ["labels", half, half],
            },
            "tips": {
                "meaning": "heat map of each device's tip in [0, 1]",
                "shape": ["labels", half, half],
            },
        },
        "calibration": calibration,
        "training": {"data": DATA, "licence": "CC0, CC BY 4.0, CC BY-NC-SA", "recipe": recipe},
        "licence": LICENCE,
        "source": SOURCE,
        "figures": figures,
        "golden": {"tolerance": 0.02},
    }
    return write_model(out, weights, fields)
