"""Losses: from a head's output and the true ab ``(B, 2, H, W)`` to one number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from colorify.codec import Bits, Channels

Weighting = Literal["none", "per_image", "rebalanced"]
"""How pixels count: all the same, as in the original (each class of a picture as much as any other), or by rarity."""


@dataclass(frozen=True)
class RegressionLoss:
    """Smooth L1 (Girshick 2015): squared below ``beta``, absolute above; duller when ``beta`` is large."""

    codec: Channels
    beta: float = 0.2  # in units of the codec: 0.2 is 10 ab units

    def __call__(self, output: Tensor, ab: Tensor, *_: Tensor) -> Tensor:
        return F.smooth_l1_loss(output, self.codec.encode(ab), beta=self.beta)


@dataclass
class ClassificationLoss:
    """Cross entropy with soft labels, each pixel weighted by its true class.

    ``strength`` goes from 0 (all pixels count the same) to 1 (full weights) as training proceeds: full weights from
    the start make a network gray or yellow. ``distance_weight``: an ab unit between the decoded colour and the true one
    counts so much beside the cross entropy, with the same weights; `colorify.metrics.auc` is made of that distance.
    """

    codec: Bits
    weighting: Weighting = "rebalanced"
    class_weights: Tensor = field(default_factory=lambda: torch.ones(256))  # (Q,), for "rebalanced"
    strength: float = 1.0
    distance_weight: float = 0.0

    def __call__(self, logits: Tensor, ab: Tensor, *_: Tensor) -> Tensor:
        index, probabilities = self.codec.soft_encode(ab)
        nll = -(logits.log_softmax(1).gather(1, index) * probabilities).sum(1)  # (B, H, W)
        if self.distance_weight:
            nll = nll + self.distance_weight * (self.codec.decode(logits) - ab).norm(dim=1)
        weights = self.weights(self.codec.encode(ab))
        return (nll * (1 + self.strength * (weights - 1))).mean()

    def weights(self, index: Tensor) -> Tensor:
        """Weight of every pixel ``(B, H, W)``, with a mean of one (over the prior, or over the picture)."""
        if self.weighting == "rebalanced":
            return self.class_weights.to(index.device)[index]
        if self.weighting == "per_image":
            return torch.stack([_balance(one, self.codec.outputs) for one in index])
        return torch.ones_like(index, dtype=torch.float32)


def _balance(index: Tensor, classes: int) -> Tensor:
    """Weights ``(H, W)`` that give every class of one picture the same total."""
    counts = torch.bincount(index.flatten(), minlength=classes)
    return index.numel() / (counts.count_nonzero() * counts[index])
