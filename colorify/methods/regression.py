"""Method 1, regression: trains the backbone to predict ab; the base of the other two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from colorify.codec import Channels
from colorify.data.cache import Pictures
from colorify.losses import RegressionLoss
from colorify.models import checkpoint, released
from colorify.models.checkpoint import Checkpoint
from colorify.training.config import Run, TrainConfig
from colorify.training.method import Method
from colorify.training.recipe import Recipe
from colorify.training.transfer import Start, import_backbone, import_imagenet, import_model

_CODEC = Channels()


@dataclass(frozen=True)
class RegressionConfig(TrainConfig):
    """Numbers of the method `regression`."""

    beta: float = 0.2  # of the smooth L1 loss, in units of 50 ab
    start: str = ""  # a released model, or a file, that a fresh network starts from; empty: from none
    encoder_weights: Literal["random", "imagenet"] = "random"  # without a start: those of the encoder


def recipe(config: RegressionConfig, pictures: Pictures, run: Run) -> Recipe:
    """Smooth L1 on ab."""
    return Recipe(METHOD.name, _CODEC, RegressionLoss(_CODEC, config.beta))


def prepare(config: RegressionConfig, source: Checkpoint | None, whole: bool) -> list[Start]:
    """A network that is given no model starts from a released one, or its encoder from ImageNet.

    Of the released one it takes the backbone, and the head too where that predicts ab as this method does.
    """
    if source is not None:
        return []
    if config.start:
        found = checkpoint.load(released.find(config.start))
        return [import_model(found, METHOD.codec) if found.codec == METHOD.codec else import_backbone(found)]
    return [import_imagenet] if config.encoder_weights == "imagenet" else []


METHOD = Method(
    "regression",
    RegressionConfig,
    _CODEC,
    recipe,
    prepare=prepare,
)
