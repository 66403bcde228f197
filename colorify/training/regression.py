"""Method 1, regression: trains the backbone to predict ab; the base of the other two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from colorify.codec import Channels
from colorify.data.cache import Pictures
from colorify.losses import RegressionLoss
from colorify.training.learner import Method, Run, TrainConfig, train
from colorify.training.transfer import Start, import_imagenet


@dataclass(frozen=True)
class RegressionConfig(TrainConfig):
    """Numbers of the method `regression`."""

    beta: float = 0.2  # of the smooth L1 loss, in units of 50 ab
    encoder_weights: Literal["random", "imagenet"] = "random"  # that a fresh network starts from


def regression(
    config: RegressionConfig, train_set: Pictures, valid_set: Pictures, run: Run, starts: Sequence[Start] = ()
) -> Path:
    """Train, or go on training, and return the path of the model; ``starts`` give the start values."""
    codec = Channels()
    if config.encoder_weights == "imagenet" and not starts:
        starts = [import_imagenet]
    method = Method("regression", codec, RegressionLoss(codec, config.beta), starts)
    return train(method, config, train_set, valid_set, run)
