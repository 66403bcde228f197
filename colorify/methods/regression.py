"""Method 1, regression: trains the backbone to predict ab; the base of the other two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from colorify.codec import Channels
from colorify.data.cache import Pictures
from colorify.losses import RegressionLoss
from colorify.models.checkpoint import Checkpoint
from colorify.training.config import Run, TrainConfig
from colorify.training.method import Method
from colorify.training.recipe import Recipe
from colorify.training.transfer import Start, import_imagenet

_CODEC = Channels()


@dataclass(frozen=True)
class RegressionConfig(TrainConfig):
    """Numbers of the method `regression`."""

    beta: float = 0.2  # of the smooth L1 loss, in units of 50 ab
    encoder_weights: Literal["random", "imagenet"] = "random"  # that a fresh network starts from


def recipe(config: RegressionConfig, pictures: Pictures, run: Run) -> Recipe:
    """Smooth L1 on ab."""
    return Recipe(METHOD.name, _CODEC, RegressionLoss(_CODEC, config.beta))


def prepare(config: RegressionConfig, source: Checkpoint | None, whole: bool) -> list[Start]:
    """A network that starts from no model may start from ImageNet."""
    return [import_imagenet] if config.encoder_weights == "imagenet" and source is None else []


METHOD = Method(
    "regression",
    RegressionConfig,
    _CODEC,
    recipe,
    prepare=prepare,
)
