"""The one network: a ResNet encoder and a U-Net decoder that sees L and predicts at half size.

The encoder is the ResNet of He et al. 2015 with torchvision's layer names, so that its ImageNet weights fit;
it is written here because importing torchvision costs seconds that colouring one photo need not pay.
The decoder is a U-Net (Ronneberger et al. 2015) that upsamples by sub-pixel convolution (Shi et al. 2016)
with ICNR start values (Aitken et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 32
"""Inputs are padded to a multiple of this inside the network; any size from 1 x 1 works."""


@dataclass(frozen=True)
class UNetConfig:
    """Shape of the network; 60 M parameters by default."""

    encoder: Literal["resnet18", "resnet34", "resnet50"] = "resnet50"
    decoder: tuple[int, ...] = (896, 384, 192, 96)  # channels at 1/16, 1/8, 1/4 and 1/2 of the size


SMALL = UNetConfig("resnet18", (192, 128, 64, 32))
"""The variant for CPUs, smoke runs and quick experiments."""


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None):
        super().__init__()
        self.conv1, self.bn1 = _conv(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width, 3), nn.BatchNorm2d(width)
        self.downsample = downsample
        nn.init.zeros_(self.bn2.weight)  # starts as the identity

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + shortcut, inplace=True)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and a shortcut; the stride is on the 3x3, as in torchvision."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None):
        super().__init__()
        self.conv1, self.bn1 = _conv(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = _conv(width, width * 4, 1), nn.BatchNorm2d(width * 4)
        self.downsample = downsample
        nn.init.zeros_(self.bn3.weight)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        return F.relu(self.bn3(self.conv3(y)) + shortcut, inplace=True)


_ENCODERS = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
}


def _layer(block: type, inputs: int, width: int, count: int, stride: int) -> nn.Sequential:
    outputs = width * block.expansion
    shortcut = None
    if stride > 1 or inputs != outputs:
        shortcut = nn.Sequential(_conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
    rest = (block(outputs, width, 1, None) for _ in range(count - 1))
    return nn.Sequential(block(inputs, width, stride, shortcut), *rest)


class Encoder(nn.Module):
    """ResNet without its classifier: ``(B, 1, H, W)`` -> features at 1/2, 1/4, 1/8, 1/16 and 1/32."""

    def __init__(self, name: str):
        super().__init__()
        block, counts = _ENCODERS[name]
        self.channels = (64, *(width * block.expansion for width in (64, 128, 256, 512)))
        self.conv1, self.bn1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.layer1 = _layer(block, 64, 64, counts[0], 1)
        self.layer2 = _layer(block, self.channels[1], 128, counts[1], 2)
        self.layer3 = _layer(block, self.channels[2], 256, counts[2], 2)
        self.layer4 = _layer(block, self.channels[3], 512, counts[3], 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = [F.relu(self.bn1(self.conv1(x)), inplace=True)]
        x = F.max_pool2d(features[0], 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            features.append(x)
        return features


class Up(nn.Module):
    """Double the size by sub-pixel convolution, join the skip, and mix: ``-> (B, width, 2H, 2W)``."""

    def __init__(self, inputs: int, skip: int, width: int):
        super().__init__()
        self.expand = nn.Conv2d(inputs, width * 4, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.mix1, self.bn1 = _conv(width + skip, width, 3), nn.BatchNorm2d(width)
        self.mix2, self.bn2 = _conv(width, width, 3), nn.BatchNorm2d(width)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.relu(self.bn(F.pixel_shuffle(self.expand(x), 2)), inplace=True)
        x = F.relu(self.bn1(self.mix1(torch.cat((x, skip), 1))), inplace=True)
        return F.relu(self.bn2(self.mix2(x)), inplace=True)

    @torch.no_grad()
    def icnr(self) -> None:
        """Make the four sub-pixels of each output start equal, so that no checkerboard is drawn."""
        self.expand.weight.copy_(self.expand.weight[::4].repeat_interleave(4, 0))


class Backbone(nn.Module):
    """The whole U-Net but its head: L ``(B, 1, H, W)`` scaled to -1..1 -> features ``(B, width, H/2, W/2)``."""

    def __init__(self, config: UNetConfig):
        super().__init__()
        self.encoder = Encoder(config.encoder)
        *skips, deepest = self.encoder.channels
        if len(config.decoder) != len(skips):
            raise ValueError(f"decoder needs {len(skips)} widths (1/16, 1/8, 1/4, 1/2), got {config.decoder}")
        inputs = (deepest, *config.decoder)
        self.decoder = nn.ModuleList(map(Up, inputs, reversed(skips), config.decoder))

    def forward(self, x: Tensor) -> Tensor:
        *skips, x = self.encoder(x)
        for up, skip in zip(self.decoder, reversed(skips), strict=True):
            x = up(x, skip)
        return x


class UNet(nn.Module):
    """L* ``(B, 1, H, W)`` in 0..100 -> what the codec's head predicts, ``(B, outputs, ceil(H/2), ceil(W/2))``."""

    def __init__(self, config: UNetConfig, outputs: int):
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        self.head = nn.Conv2d(config.decoder[-1], outputs, 1)
        if not self.head.weight.is_meta:  # else weights are to come; drawing on meta would import half of torch
            self.apply(_start)

    def forward(self, luma: Tensor) -> Tensor:
        height, width = luma.shape[-2:]
        x = F.pad(luma / 50 - 1, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        return self.head(self.backbone(x))[..., : (height + 1) // 2, : (width + 1) // 2]


def _start(module: nn.Module) -> None:
    """Start values: He et al. 2015 for convolutions, ICNR for upsampling, zero for the head (gray)."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, Up):
        module.icnr()
    elif isinstance(module, UNet):
        nn.init.zeros_(module.head.weight)
        nn.init.zeros_(module.head.bias)
