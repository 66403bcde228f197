"""Codecs turn ab into what a head predicts, and back: `Channels` (continuous) and `Bits` (a compact index)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from colorify.color import AB_LIMIT


@dataclass(frozen=True)
class Channels:
    """Two continuous values, ab / 50: up to 16.7 million colours; the codec of regression and GAN."""

    scale: float = 50.0  # ab units for an output of one

    name = "channels"
    outputs = 2

    def encode(self, ab: Tensor) -> Tensor:
        """ab ``(..., 2, H, W)`` -> target of the same shape."""
        return ab / self.scale

    def decode(self, output: Tensor) -> Tensor:
        """Head output ``(..., 2, H, W)`` -> ab, limited to what sRGB can hold."""
        return (output * self.scale).clamp(-AB_LIMIT, AB_LIMIT)


@dataclass(frozen=True)
class Bits:
    """``bits`` bits for a and as many for b, in one index: 4 make 256 classes, 5 make 1,024.

    The index is ``a_level * 2**bits + b_level``; level 0 is centred half a step above -`AB_LIMIT`. Values beyond
    the range go to the nearest level, never to the other end.
    """

    bits: int = 4

    name = "bits"

    def __post_init__(self):
        if not 1 <= self.bits <= 8:
            raise ValueError(f"Bits takes 1 to 8 bits a channel, got {self.bits}")

    @property
    def levels(self) -> int:
        """Levels of each of a and b."""
        return 2**self.bits

    @property
    def outputs(self) -> int:
        """Number of classes."""
        return self.levels**2

    @property
    def step(self) -> float:
        """Width of a level in ab units; the round trip is off by at most half of it."""
        return 2 * AB_LIMIT / self.levels

    @cached_property
    def centers(self) -> Tensor:
        """ab of every index ``(outputs, 2)``."""
        level = (torch.arange(self.levels) + 0.5) * self.step - AB_LIMIT
        return torch.cartesian_prod(level, level)

    def encode(self, ab: Tensor) -> Tensor:
        """ab ``(..., 2, H, W)`` -> index ``(..., H, W)``, int64."""
        level = ((ab + AB_LIMIT) / self.step).floor().clamp(0, self.levels - 1).long()
        a, b = level.unbind(-3)
        return a * self.levels + b

    def lookup(self, index: Tensor) -> Tensor:
        """Index ``(..., H, W)`` -> ab of the level's centre ``(..., 2, H, W)``."""
        return self.centers.to(index.device)[index].movedim(-1, -3)

    def decode(self, logits: Tensor) -> Tensor:
        """Head output ``(..., outputs, H, W)`` -> ab of the most likely index."""
        return self.lookup(logits.argmax(-3))


Codec = Channels | Bits


def to_text(codec: Codec) -> str:
    """``channels`` or ``bits4``: how checkpoints and params name a codec."""
    return codec.name if isinstance(codec, Channels) else f"bits{codec.bits}"


def from_text(text: str) -> Codec:
    """The codec that `to_text` named."""
    if text == Channels.name:
        return Channels()
    if text.startswith("bits") and text[4:].isdigit():
        return Bits(int(text[4:]))
    raise ValueError(f"unknown codec {text!r}: expected 'channels' or 'bits4', 'bits5', ...")
