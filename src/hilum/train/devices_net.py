"""The network of ``hilum-devices``: a U-Net that keeps two-pixel lines in sight.

An ImageNet EfficientNet-Lite0 up to stride 16 says where in the chest it looks; a shallow branch
on locally normalised grey levels sees faint lines whatever the film's tone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from hilum.train.networks import STAGE_CHANNELS, STAGE_ENDS, LiteEncoder

__all__ = ["DevicesNet", "normalise_locally"]

CELL = 8
FLOOR = 0.02
RARE = -4.0


def normalise_locally(grey: Tensor) -> Tensor:
    """Grey levels less their neighbourhood's mean, by its spread; about 24 pixels around."""
    size = grey.shape[2:]
    detail = grey - _smooth(grey, size)
    spread = torch.sqrt(_smooth(detail * detail, size) + FLOOR**2)
    return torch.clamp(detail / spread, -3.0, 3.0)


def _smooth(grey: Tensor, size: torch.Size) -> Tensor:
    small = F.avg_pool2d(grey, CELL)
    small = F.avg_pool2d(small, 3, stride=1, padding=1, count_include_pad=False)
    return F.interpolate(small, size=[int(n) for n in size], mode="bilinear", align_corners=False)


def _conv(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class DevicesNet(nn.Module):
    """Logits of lines, then of their tips: ``(batch, 2 * kinds, rows / 2, columns / 2)``.

    Input ``(batch, 1, rows, columns)`` in [0, 1], both multiples of 16.
    """

    WIDTHS = (16, 24, 40, 64)
    FINE = 16

    def __init__(self, *, kinds: int, frozen_blocks: int = 3) -> None:
        super().__init__()
        self.encoder = LiteEncoder(frozen_blocks=frozen_blocks)
        self.encoder.blocks = self.encoder.blocks[: STAGE_ENDS[3]]
        self.encoder.head = nn.Sequential()
        widths = self.WIDTHS
        self.lateral = nn.ModuleList(
            nn.Conv2d(c, w, 1) for c, w in zip(STAGE_CHANNELS[:4], widths, strict=True)
        )
        self.top = nn.Sequential(_conv(widths[3], widths[3]), _conv(widths[3], widths[3]))
        self.merge = nn.ModuleList(
            _conv(widths[i + 1] + widths[i] + (self.FINE if i == 0 else 0), widths[i])
            for i in range(3)
        )
        self.fine = nn.Sequential(_conv(2, self.FINE, stride=2), _conv(self.FINE, self.FINE))
        self.detail = _conv(widths[0], widths[0])
        self.out = nn.Conv2d(widths[0], 2 * kinds, 1)
        nn.init.constant_(self.out.bias, RARE)

    def forward(self, grey: Tensor) -> Tensor:
        """Logits at half the resolution of the input."""
        features = [layer(f) for layer, f in zip(self.lateral, self.encoder(grey), strict=True)]
        fine = self.fine(torch.cat([grey * 2 - 1, normalise_locally(grey)], 1))
        x = self.top(features[3])
        for level in (2, 1, 0):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            parts = [x, features[level]] + ([fine] if level == 0 else [])
            x = self.merge[level](torch.cat(parts, 1))
        return torch.as_tensor(self.out(self.detail(x)))
