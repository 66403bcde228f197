"""Method 2, classification: the low-resolution model, a distribution over 4+4-bit colours for every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from fastai.callback.core import Callback

from colorify.codec import Bits, rebalancing
from colorify.data.cache import Pictures
from colorify.losses import ClassificationLoss, Weighting
from colorify.models.unet import UNet
from colorify.training.learner import PRIOR_BITS, Method, Run, TrainConfig, statistics, train
from colorify.training.transfer import Start


@dataclass(frozen=True)
class ClassificationConfig(TrainConfig):
    """Numbers of the method `classification`."""

    weighting: Weighting = "rebalanced"
    rebalance: float = 0.5  # lambda of Zhang 2016: 1 is no rebalancing, 0 the fullest
    ramp: float = 0.5  # share of the steps in which the weights grow from none to full
    answer: float = 0.2  # what an ab unit between the decoded and the true colour counts beside the cross entropy


class Ramp(Callback):
    """Raises the strength of the loss's weights from 0 to 1 over the first so many steps."""

    order = 10

    def __init__(self, loss: ClassificationLoss, steps: float):
        self.weighted, self.rise = loss, steps

    def before_batch(self) -> None:
        self.weighted.strength = min(1.0, self.keeper.step / self.rise) if self.rise else 1.0


def classification(
    config: ClassificationConfig, train_set: Pictures, valid_set: Pictures, run: Run, starts: Sequence[Start] = ()
) -> Path:
    """Train, or go on training, and return the path of the model; ``starts`` give it a trained backbone."""
    codec = Bits(PRIOR_BITS)
    prior = torch.tensor(statistics(train_set)["prior"])
    weights = rebalancing(prior, codec, config.rebalance)
    loss = ClassificationLoss(codec, config.weighting, weights, answer=config.answer)

    @torch.no_grad()
    def at_the_prior(network: UNet) -> None:
        network.head.bias.copy_(prior.clamp(min=1e-6).log())

    ramp = Ramp(loss, config.ramp * config.steps)
    method = Method("classification", codec, loss, (at_the_prior, *starts), [ramp])
    return train(method, config, train_set, valid_set, run)
