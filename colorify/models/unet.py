"""The one network: an encoder (`colorify.models.encoders`) and a U-Net decoder that sees L and predicts at half size.

The decoder is a U-Net (Ronneberger et al. 2015) that upsamples by sub-pixel convolution (Shi et al. 2016)
with ICNR start values (Aitken et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights

from colorify.models.encoders import EncoderName, conv, make_encoder

STRIDE = 32
"""Inputs are padded to a multiple of this inside the network; any size from 1 x 1 works."""


@dataclass(frozen=True)
class UNetConfig:
    """Shape of the network; 60 M parameters by default."""

    encoder: EncoderName = "resnet50"
    decoder: tuple[int, ...] = (896, 384, 192, 96)  # channels at 1/16, 1/8, 1/4 and 1/2 of the size
    attention: int = 0  # heads of a self-attention over the encoder's deepest features; 0: none


SMALL = UNetConfig("efficientnet_lite2", (256, 160, 64, 32), attention=8)
"""The variant for CPUs, which the released models are: 7.5 M parameters."""


class Up(nn.Module):
    """Double the size by sub-pixel convolution, join the skip, and mix: ``-> (B, width, 2H, 2W)``."""

    def __init__(self, inputs: int, skip: int, width: int):
        super().__init__()
        self.expand = nn.Conv2d(inputs, width * 4, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.mix1, self.bn1 = conv(width + skip, width, 3), nn.BatchNorm2d(width)
        self.mix2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.relu(self.bn(F.pixel_shuffle(self.expand(x), 2)), inplace=True)
        x = F.relu(self.bn1(self.mix1(torch.cat((x, skip), 1))), inplace=True)
        return F.relu(self.bn2(self.mix2(x)), inplace=True)

    @torch.no_grad()
    def icnr(self) -> None:
        """Make the four sub-pixels of each output start equal, so that no checkerboard is drawn."""
        self.expand.weight.copy_(self.expand.weight[::4].repeat_interleave(4, 0))


class Attention(nn.Module):
    """Self-attention (Vaswani et al. 2017) of all places of a picture, added to them: ``(B, C, H, W)`` -> the same.

    It starts as the identity.
    """

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.mix = nn.Linear(channels, channels * 3)
        self.out = nn.Linear(channels, channels)
        for part in self.out.parameters():
            nn.init.zeros_(part)

    def forward(self, x: Tensor) -> Tensor:
        places = x.flatten(2).mT  # (B, H * W, C)
        parts = self.mix(self.norm(places)).unflatten(2, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (B, heads, H * W, C / heads)
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        return x + self.out(seen).mT.unflatten(2, x.shape[2:])


class Backbone(nn.Module):
    """The whole U-Net but its head: L ``(B, 1, H, W)`` scaled to -1..1 -> features ``(B, width, H/2, W/2)``."""

    def __init__(self, config: UNetConfig):
        super().__init__()
        self.encoder = make_encoder(config.encoder)
        *skips, deepest = self.encoder.channels
        if len(config.decoder) != len(skips):
            raise ValueError(f"decoder needs {len(skips)} widths (1/16, 1/8, 1/4, 1/2), got {config.decoder}")
        if config.attention and deepest % config.attention:
            raise ValueError(f"{config.attention} heads of attention do not share {deepest} channels equally")
        self.attention = Attention(deepest, config.attention) if config.attention else nn.Identity()
        inputs = (deepest, *config.decoder)
        self.decoder = nn.ModuleList(map(Up, inputs, reversed(skips), config.decoder))

    def forward(self, x: Tensor) -> Tensor:
        seen: list[Tensor] = self.encoder(x)
        *skips, deepest = seen
        x = self.attention(deepest)
        for up, skip in zip(self.decoder, reversed(skips), strict=True):
            x = up(x, skip)
        return x


class UNet(nn.Module):
    """L* ``(B, 1, H, W)`` in 0..100 -> what the codec's head predicts, ``(B, outputs, ceil(H/2), ceil(W/2))``."""

    dtype = torch.float32  # in which it multiplies, by autocast; its weights and its answer are float32

    def __init__(self, config: UNetConfig, outputs: int):
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        self.head = nn.Conv2d(config.decoder[-1], outputs, 1)
        if not self.head.weight.is_meta:  # else weights are to come; drawing on meta would import half of torch
            self.apply(_start)

    @property
    def bias(self) -> Tensor:
        """That of the head, ``(outputs,)``."""
        return cast(Tensor, self.head.bias)

    def forward(self, luma: Tensor) -> Tensor:
        if self.dtype == torch.float32:
            return self._answer(luma)
        with torch.autocast(luma.device.type, self.dtype):
            return self._answer(luma).float()

    def _answer(self, luma: Tensor) -> Tensor:
        height, width = luma.shape[-2:]
        return self.head(self.backbone(_padded(luma)))[..., : (height + 1) // 2, : (width + 1) // 2]

    def encode(self, luma: Tensor) -> list[Tensor]:
        """What the encoder sees at 1/4, 1/8 and 1/16 of the size, of the picture padded to `STRIDE`."""
        return self.backbone.encoder(_padded(luma))[1:4]


def _padded(luma: Tensor) -> Tensor:
    height, width = luma.shape[-2:]
    return F.pad(luma / 50 - 1, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")


def channels_last(network: UNet) -> UNet:
    """The same network, its weights laid out as convolutions multiply them soonest."""
    memory: dict[str, Any] = {"memory_format": torch.channels_last}  # which torch's own types lack
    return network.to(**memory)


@torch.no_grad()
def fuse_batch_norm(network: UNet) -> UNet:
    """Take every batch norm into the convolution before it, for a network that will not learn any more."""
    for parent in network.modules():
        for (_, before), (name, norm) in pairwise(list(parent.named_children())):
            if not (isinstance(before, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)):
                continue
            repeats = before.out_channels // norm.num_features  # more than one where pixels are shuffled in between
            parts = (norm.running_mean, norm.running_var, norm.weight, norm.bias)
            mean, variance, scale, shift = (part.repeat_interleave(repeats) for part in parts if part is not None)
            before.weight, before.bias = fuse_conv_bn_weights(
                before.weight, before.bias, mean, variance, norm.eps, scale, shift
            )
            setattr(parent, name, nn.Identity())
    return network


def _start(module: nn.Module) -> None:
    """Start values: He et al. 2015 for convolutions, ICNR for upsampling, zero for the head (gray)."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, Up):
        module.icnr()
    elif isinstance(module, UNet):
        for part in module.head.parameters():
            nn.init.zeros_(part)
