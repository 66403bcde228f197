"""Codecs turn ab into what a head predicts, and back: `Channels` (continuous) and `Bits` (a compact index).

`decode` takes numpy arrays as well as tensors; without torch if need be.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from colorify.color import AB_LIMIT, rgb_to_lab

if TYPE_CHECKING:
    from torch import Tensor

    from colorify.color import Planes

TEMPERATURE = 0.38
"""Of the annealed mean: Zhang et al. 2016 found it vivid without the stains of the mode."""


@dataclass(frozen=True)
class Channels:
    """Two continuous values, ab / 50: up to 16.7 million colours; the codec of regression and GAN."""

    scale: float = 50.0  # ab units for an output of one

    name = "channels"
    outputs = 2

    def encode(self, ab: Tensor) -> Tensor:
        """ab ``(..., 2, H, W)`` -> target of the same shape."""
        return ab / self.scale

    def decode(self, output: Planes, temperature: float | None = None) -> Planes:
        """Head output ``(..., 2, H, W)`` -> ab, limited to what sRGB can hold; it has no temperature."""
        return (output * self.scale).clip(-AB_LIMIT, AB_LIMIT)


@dataclass(frozen=True)
class Bits:
    """``bits`` bits for a and as many for b, in one index: 4 make 256 classes, 5 make 1,024.

    The index is ``a_level * 2**bits + b_level``; level 0 is centred half a step above -`AB_LIMIT`. Values beyond
    the range go to the nearest level, never to the other end.
    """

    bits: int = 4

    name = "bits"

    def __post_init__(self) -> None:
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
    def centers(self) -> np.ndarray:
        """ab of every index ``(outputs, 2)``, float32."""
        level = (np.arange(self.levels, dtype=np.float32) + 0.5) * self.step - AB_LIMIT
        return np.stack(np.meshgrid(level, level, indexing="ij"), -1).reshape(-1, 2)

    def encode(self, ab: Tensor) -> Tensor:
        """ab ``(..., 2, H, W)`` -> index ``(..., H, W)``, int64."""
        level = ((ab + AB_LIMIT) / self.step).floor().clamp(0, self.levels - 1).long()
        a, b = level.unbind(-3)
        return a * self.levels + b

    def lookup(self, index: Planes) -> Planes:
        """Index ``(..., H, W)`` -> ab of the level's centre ``(..., 2, H, W)``."""
        if isinstance(index, np.ndarray):
            return np.moveaxis(self.centers[index], -1, -3)
        import torch

        return torch.from_numpy(self.centers).to(index.device)[index].movedim(-1, -3)

    def soft_encode(self, ab: Tensor) -> tuple[Tensor, Tensor]:
        """ab ``(..., 2, H, W)`` -> its four nearest indices and their shares, both ``(..., 4, H, W)``.

        Shares are bilinear: they sum to one, and the mean of the four centres is ab itself (inside the outer centres).
        """
        import torch

        position = ((ab + AB_LIMIT) / self.step - 0.5).clamp(0, self.levels - 1)
        low = position.floor().clamp(max=self.levels - 2)
        high = position - low
        (a, b), (a_high, b_high) = low.long().unbind(-3), high.unbind(-3)
        index = torch.stack([(a + i) * self.levels + b + j for i in (0, 1) for j in (0, 1)], -3)
        a_shares, b_shares = (1 - a_high, a_high), (1 - b_high, b_high)
        return index, torch.stack([one * two for one in a_shares for two in b_shares], -3)

    def decode(self, logits: Planes, temperature: float | None = None) -> Planes:
        """Head output ``(..., outputs, H, W)`` -> ab by the annealed mean (Zhang et al. 2016, eq. 5).

        ``temperature`` 1 gives the mean, 0 the mode, None `TEMPERATURE`.
        """
        temperature = TEMPERATURE if temperature is None else temperature
        if temperature == 0:
            return self.lookup(logits.argmax(-3))
        height, width = logits.shape[-2:]
        if isinstance(logits, np.ndarray):
            shares = softmax(logits / np.float32(temperature)).reshape(*logits.shape[:-2], -1)
            return (self.centers.T @ shares).reshape(*logits.shape[:-3], 2, height, width)
        shares = (logits / temperature).softmax(-3).flatten(-2)
        return (logits.new_tensor(self.centers).T @ shares).unflatten(-1, (height, width))

    @cached_property
    def in_gamut(self) -> Tensor:
        """Which indices some colour of sRGB has: bool ``(outputs,)``."""
        import torch

        ramp = torch.linspace(0, 1, 64)
        lab = rgb_to_lab(torch.cartesian_prod(ramp, ramp, ramp).T[..., None])
        return torch.zeros(self.outputs, dtype=torch.bool).index_fill(0, self.encode(lab[1:]).unique(), True)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Shares of the classes ``(..., classes, H, W)``."""
    shares = np.exp(logits - logits.max(-3, keepdims=True))
    return shares / shares.sum(-3, keepdims=True)


def smooth_prior(counts: Tensor, codec: Bits, sigma: float = 5.0) -> Tensor:
    """Counts of classes ``(Q,)`` -> their prior, smoothed by a Gaussian of ``sigma`` ab units (Zhang et al. 2016)."""
    import torch

    centers = torch.from_numpy(codec.centers)
    distance = torch.cdist(centers, centers)
    kernel = torch.exp(-0.5 * (distance / sigma) ** 2)
    spread = (kernel / kernel.sum(0)) @ (counts / counts.sum())
    return spread / spread.sum()


def rebalancing(prior: Tensor, codec: Bits, share: float = 0.5) -> Tensor:
    """Weights of the classes (Zhang et al. 2016, eq. 4): 1 / ((1 - share) p + share / Q), with a mean of 1 under p.

    Q counts the classes inside the gamut; ``share`` 0 makes every class as important as any other, 1 every pixel.
    """
    weights = 1 / ((1 - share) * prior + share / codec.in_gamut.sum())
    return weights / (prior * weights).sum()


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
