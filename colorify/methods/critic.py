"""The critic of the GAN: tells, patch by patch, true colours from predicted ones, seeing L and ab."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class Critic(nn.Sequential):
    """Patch critic (Isola et al. 2017) with spectral norm (Miyato et al. 2018): ``(B, 3, h, w)`` -> scores.

    ``width`` is the number of channels of the first layer; each score sees 46 x 46 pixels of the prediction.
    """

    def __init__(self, width: int = 64):
        widths = (3, width, width * 2, width * 4)
        layers: list[nn.Module] = []
        for inputs, outputs, stride in zip(widths, widths[1:], (2, 2, 2), strict=False):
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, 4, stride, 1)), nn.LeakyReLU(0.2)]
        super().__init__(*layers, spectral_norm(nn.Conv2d(widths[-1], 1, 4, 1, 2)))

    def score(self, luma: Tensor, code: Tensor) -> Tensor:
        """Scores of the colours ``code`` ``(B, 2, h, w)``, ab / 50, on L* ``(B, 1, h, w)``; higher is truer."""
        return self(critic_input(luma, code))


def critic_input(luma: Tensor, code: Tensor) -> Tensor:
    """What the critic sees ``(B, 3, h, w)`` of the colours ``code`` ``(B, 2, h, w)`` on L* ``(B, 1, h, w)``."""
    return torch.cat((luma / 50 - 1, code), 1)
