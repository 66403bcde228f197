"""Encoders of the U-Net: ``(B, 1, H, W)`` in -1..1, sides multiples of 32 -> features at 1/2, 1/4, 1/8, 1/16 and 1/32.

The ResNets of He et al. 2015, with torchvision's layer names, and the EfficientNet-Lites (Tan, Le 2019, without squeeze
and excitation, clipped at 6), with those of the package `efficientnet_lite_pytorch` less their underscores, so that
weights learnt on ImageNet fit (`colorify.models.imagenet`). They are written here because importing torchvision costs
seconds that colouring one photo need not pay.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

from torch import Tensor, nn
from torch.nn import functional as F

from colorify.models.depthwise import DepthwiseConv, uneven_border

if TYPE_CHECKING:
    from typing_extensions import TypeIs

ResNetName = Literal["resnet18", "resnet34", "resnet50"]
LiteName = Literal["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
EncoderName = Literal[ResNetName, LiteName]


def make_encoder(name: EncoderName) -> ResNet | EfficientNetLite:
    """An encoder with random weights; ``channels`` are those of its five features."""
    return EfficientNetLite(name) if is_lite(name) else ResNet(name)


def is_lite(name: EncoderName) -> TypeIs[LiteName]:
    """Whether it is an EfficientNet-Lite."""
    return name in get_args(LiteName)


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size but for its stride; batch norm follows, so without bias."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
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
        self.conv1, self.bn1 = conv(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, width * 4, 1), nn.BatchNorm2d(width * 4)
        self.downsample = downsample
        nn.init.zeros_(self.bn3.weight)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        return F.relu(self.bn3(self.conv3(y)) + shortcut, inplace=True)


_RESNETS: dict[ResNetName, tuple[type[BasicBlock | Bottleneck], tuple[int, ...]]] = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
}


def _layer(block: type[BasicBlock | Bottleneck], inputs: int, width: int, count: int, stride: int) -> nn.Sequential:
    outputs = width * block.expansion
    shortcut = None
    if stride > 1 or inputs != outputs:
        shortcut = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
    rest = (block(outputs, width, 1, None) for _ in range(count - 1))
    return nn.Sequential(block(inputs, width, stride, shortcut), *rest)


class ResNet(nn.Module):
    """ResNet without its classifier."""

    def __init__(self, name: ResNetName):
        super().__init__()
        block, counts = _RESNETS[name]
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


class Halving(nn.Conv2d):
    """Convolution of stride 2 that pads one pixel more behind than before, as TensorFlow does, for even sides."""

    def __init__(self, inputs: int, outputs: int, kernel: int):
        super().__init__(inputs, outputs, kernel, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, uneven_border(self.kernel_size[0])))


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


class InvertedBottleneck(nn.Module):
    """1x1 to more channels, depthwise, 1x1 to fewer (Sandler et al. 2018), and a shortcut where the shape allows."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        width = inputs * expansion
        if expansion > 1:
            self.expand, self.bn0 = nn.Conv2d(inputs, width, 1, bias=False), _norm(width)
        self.depthwise = DepthwiseConv(width, kernel, stride)
        self.bn1 = _norm(width)
        self.project, self.bn2 = nn.Conv2d(width, outputs, 1, bias=False), _norm(outputs)
        self.expands, self.adds = expansion > 1, stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.bn0(self.expand(x)), inplace=True) if self.expands else x
        y = F.relu6(self.bn1(self.depthwise(y)), inplace=True)
        y = self.bn2(self.project(y))
        return x + y if self.adds else y


_LITES = {  # factors of width and depth
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}

_STAGES = (  # blocks, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite without its classifier; the features are taken where the size is about to halve."""

    def __init__(self, name: LiteName):
        super().__init__()
        wider, deeper = _LITES[name]
        self.conv_stem, self.bn0 = Halving(1, 32, 3), _norm(32)
        self.blocks, self.taps, channels = nn.ModuleList(), [], [32]  # the first and last stage are never deeper
        for number, (count, kernel, stride, expansion, width) in enumerate(_STAGES):
            if stride == 2:
                self.taps.append(len(self.blocks) - 1)
            count = count if number in (0, len(_STAGES) - 1) else math.ceil(count * deeper)
            for step in range(count):
                outputs = _in_eights(width * wider)
                self.blocks.append(
                    InvertedBottleneck(channels[-1], outputs, kernel, stride if step == 0 else 1, expansion)
                )
                channels.append(outputs)
        self.taps.append(len(self.blocks) - 1)
        self.channels = tuple(channels[tap + 1] for tap in self.taps)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self.bn0(self.conv_stem(x)), inplace=True)
        features = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                features.append(x)
        return features


def _in_eights(width: float) -> int:
    """The nearest multiple of 8 that is not under 90 % of ``width``."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * width else rounded + 8
