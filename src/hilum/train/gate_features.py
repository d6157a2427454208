"""Features of the gate: a frozen ImageNet encoder, pooled and on its 7 x 7 grid.

Pooled features tell what an image shows, whatever its place; the grid tells how it lies,
which is what orientation and layout need.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from hilum.train.export_onnx import onnx_session
from hilum.train.gate_data import INPUT, Sample, draw, load_chest, load_photographs
from hilum.train.networks import LiteEncoder

__all__ = [
    "CELLS",
    "GRID_CHANNELS",
    "POOLED",
    "GateEncoder",
    "compute_features",
]

POOLED, GRID_CHANNELS, CELLS = 1280 + 2 * 112, 320, 49


class GateEncoder(nn.Module):
    """Maps ``(batch, 1, 224, 224)`` in [0, 1] to pooled features and the last block's grid.

    Pooled: mean of the 1280 last channels, mean and deviation of the 112 of stride 16.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = LiteEncoder(frozen_blocks=16)

    def forward(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        """``(batch, 1504)`` and ``(batch, 320, 7, 7)``."""
        features = self.encoder(grey)
        middle, last = features[3], features[4]
        mean = middle.mean((2, 3))
        spread = ((middle - mean[:, :, None, None]) ** 2).mean((2, 3))
        top = self.encoder.head(last).mean((2, 3))
        return torch.cat([top, mean, torch.sqrt(spread + 1e-6)], 1), last


def compute_features(
    samples: Sequence[Sample], *, batch: int = 32
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float16]]:
    """Draw and encode samples: pooled ``(n, 1504)`` and grid ``(n, 320, 49)``, float16."""
    photographs = load_photographs(held_out=False)
    paths = [s.path for s in samples if s.path and s.may_train and not s.is_varied]
    paths = [path for path in paths if path is not None][:: max(1, len(paths) // 250)]
    pool = [load_chest(path) for path in paths]
    session = onnx_session(GateEncoder(), side=INPUT.rows, outputs=["pooled", "grid"])
    pooled = np.empty((len(samples), POOLED), np.float16)
    grid = np.empty((len(samples), GRID_CHANNELS, CELLS), np.float16)
    for start in range(0, len(samples), batch):
        part = samples[start : start + batch]
        images = [draw(s, photographs=photographs, pool=pool) for s in part]
        flat, cells = session.run(None, {"image": np.stack(images)})
        pooled[start : start + len(part)] = flat
        grid[start : start + len(part)] = cells.reshape(len(part), GRID_CHANNELS, CELLS)
    return pooled, grid
