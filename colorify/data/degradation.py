"""Old pictures: grain, softness, fading, vignetting and JPEG blocks on L*, so that historic photos are no surprise."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def degrade(luma: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Give L* ``(B, 1, H, W)`` in 0..100 the faults of old pictures, each with ``probability``, in random strength."""
    if not probability:
        return luma

    def strength(low: float, high: float, neutral: float) -> Tensor:
        """``(B, 1, 1, 1)``: uniform in low..high for the pictures that have this fault, ``neutral`` for the rest."""
        draw = torch.rand(2, len(luma), 1, 1, 1, generator=generator, device=luma.device)
        return torch.where(draw[0] < probability, low + (high - low) * draw[1], neutral)

    noise = torch.randn(luma.shape, generator=generator, device=luma.device)
    luma = blur(luma, strength(0.2, 1.2, 0.0), 3)
    luma = fade(luma, strength(0.6, 1.6, 1.0), strength(0.6, 1.0, 1.0), strength(0.0, 1.0, 0.5))
    luma = vignette(luma, strength(0.0, 0.5, 0.0))
    luma = luma + blur(noise, strength(0.2, 0.7, 0.0), 2) * strength(0.0, 8.0, 0.0)
    return jpeg(luma.clamp(0, 100), strength(15, 90, 100)).clamp(0, 100)


def blur(luma: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Gaussian of ``sigma`` pixels, one ``(B, 1, 1, 1)`` for each picture, cut at ``radius``; 0 leaves a picture."""
    offset = torch.arange(-radius, radius + 1, device=luma.device)
    kernel = torch.exp(-0.5 * (offset / sigma.view(-1, 1).clamp(min=1e-3)) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True))[:, None, None]  # (B, 1, 1, K)
    planes = F.pad(luma.transpose(0, 1), (radius,) * 4, mode="replicate")  # (1, B, H, W)
    planes = F.conv2d(F.conv2d(planes, kernel, groups=len(luma)), kernel.mT, groups=len(luma))
    return planes.transpose(0, 1)


def fade(luma: Tensor, gamma: Tensor, contrast: Tensor, level: Tensor) -> Tensor:
    """Tone curve, then contrast about a gray ``level`` (0 keeps black, 1 keeps white)."""
    toned = (luma / 100).clamp(min=1e-4).pow(gamma)
    return 100 * (level + (toned - level) * contrast)


def vignette(luma: Tensor, darkening: Tensor) -> Tensor:
    """Darken towards the corners, by the share ``darkening`` in the very corner."""
    y, x = (torch.linspace(-1, 1, n, device=luma.device) for n in luma.shape[-2:])
    return luma * (1 - darkening * (x**2 + y[:, None] ** 2) / 2)


# ITU-T T.81, table K.1
_QUANTA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


def jpeg(luma: Tensor, quality: Tensor) -> Tensor:
    """The loss of JPEG at ``quality`` ``(B, 1, 1, 1)`` in 1..100 (libjpeg's scale); 100 leaves a picture as it is.

    A batch stays on its device: codecs of libraries work on one CPU picture at a time.
    """
    height, width = luma.shape[-2:]
    padded = F.pad(luma, (0, -width % 8, 0, -height % 8), mode="replicate") * 2.55 - 128
    blocks = padded.unfold(2, 8, 8).unfold(3, 8, 8)  # (B, 1, H/8, W/8, 8, 8)
    k = torch.arange(8, device=luma.device, dtype=luma.dtype)
    dct = torch.cos((2 * k + 1) * k[:, None] * math.pi / 16) / 2
    dct[0] /= math.sqrt(2)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)[..., None, None]
    quanta = (torch.tensor(_QUANTA, device=luma.device) * scale).clamp(min=1)
    coded = ((dct @ blocks @ dct.T) / quanta).round() * quanta
    pixels = (dct.T @ coded @ dct).permute(0, 1, 2, 4, 3, 5).reshape(padded.shape)
    decoded = (pixels[..., :height, :width] + 128) / 2.55
    return torch.where(quality >= 100, luma, decoded)
