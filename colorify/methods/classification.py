"""Method 2, classification: the low-resolution model, a distribution over 4+4-bit colours for every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from fastai.callback.core import Callback

from colorify.codec import Bits, rebalancing
from colorify.data.cache import Pictures
from colorify.losses import ClassificationLoss, Weighting
from colorify.models.checkpoint import Checkpoint
from colorify.models.unet import UNet
from colorify.training.config import PRIOR_BITS, Run, TrainConfig
from colorify.training.loaders import statistics
from colorify.training.method import Method
from colorify.training.recipe import Recipe
from colorify.training.transfer import Start, import_head

_CODEC = Bits(PRIOR_BITS)


@dataclass(frozen=True)
class ClassificationConfig(TrainConfig):
    """Numbers of the method `classification`."""

    weighting: Weighting = "rebalanced"
    rebalance: float = 0.5  # lambda of Zhang 2016: 1 is no rebalancing, 0 the fullest
    ramp: float = 0.5  # share of the steps in which the weights grow from none to full
    distance_weight: float = 0.2  # of the distance, in ab units, of the decoded colour beside the cross entropy


class Ramp(Callback):
    """Raises the strength of the loss's weights from 0 to 1 over the first so many steps."""

    order = 10

    def __init__(self, loss: ClassificationLoss, steps: float):
        self.weighted, self.rise = loss, steps

    def before_batch(self) -> None:
        self.weighted.strength = min(1.0, self.checkpointer.step / self.rise) if self.rise else 1.0


def recipe(config: ClassificationConfig, pictures: Pictures, run: Run) -> Recipe:
    """Cross entropy with soft labels and class weights; the head starts at the prior of the pictures."""
    codec = _CODEC
    prior = torch.tensor(statistics(pictures)["prior"])
    weights = rebalancing(prior, codec, config.rebalance)
    loss = ClassificationLoss(codec, config.weighting, weights, distance_weight=config.distance_weight)

    @torch.no_grad()
    def at_the_prior(network: UNet) -> None:
        network.bias.copy_(prior.clamp(min=1e-6).log())

    ramp = Ramp(loss, config.ramp * config.steps)
    return Recipe(METHOD.name, codec, loss, [at_the_prior], [ramp])


def prepare(config: ClassificationConfig, source: Checkpoint | None, whole: bool) -> list[Start]:
    """The head of a regression, not of a bare backbone, is worth a start."""
    if source is None or whole or source.method != "regression":
        return []
    return [import_head(source, _CODEC)]


METHOD = Method(
    "classification",
    ClassificationConfig,
    _CODEC,
    recipe,
    base="regression",
    takes="backbone",
    prepare=prepare,
)
