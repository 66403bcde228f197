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
from colorify.training.transfer import Start, import_backbone, import_imagenet


@dataclass(frozen=True)
class RegressionConfig(TrainConfig):
    """Numbers of the method `regression`."""

    beta: float = 0.2  # of the smooth L1 loss, in units of 50 ab
    backbone: str = ""  # a released model, or a file, whose backbone a fresh network starts from; empty: from none
    encoder_weights: Literal["random", "imagenet"] = "random"  # without a backbone: what the encoder starts from


def recipe(config: RegressionConfig, pictures: Pictures, run: Run) -> Recipe:
    """Smooth L1 on ab."""
    return Recipe(METHOD.name, METHOD.codec, RegressionLoss(METHOD.codec, config.beta))


def prepare(config: RegressionConfig, source: Checkpoint | None, whole: bool) -> list[Start]:
    """A network that starts from no model may start from a released one's backbone, or its encoder from ImageNet."""
    if source is not None:
        return []
    if config.backbone:
        return [import_backbone(checkpoint.load(released.find(config.backbone)))]
    return [import_imagenet] if config.encoder_weights == "imagenet" else []


METHOD = Method(
    "regression",
    RegressionConfig,
    Channels(),
    recipe,
    prepare=prepare,
)
