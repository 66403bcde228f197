"""Losses: from a head's output and the true ab ``(B, 2, H, W)`` to one number."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from colorify.codec import Channels


@dataclass(frozen=True)
class RegressionLoss:
    """Smooth L1 (Girshick 2015): squared below ``beta``, absolute above; duller when ``beta`` is large."""

    codec: Channels
    beta: float = 0.2  # in units of the codec: 0.2 is 10 ab units

    def __call__(self, output: Tensor, ab: Tensor, *_) -> Tensor:
        return F.smooth_l1_loss(output, self.codec.encode(ab), beta=self.beta)
