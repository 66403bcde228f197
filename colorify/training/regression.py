"""Method 1, regression: trains the backbone to predict ab; the base of the other two."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from colorify.codec import Channels
from colorify.data.cache import Pictures
from colorify.losses import RegressionLoss
from colorify.training.learner import Run, TrainConfig, train


@dataclass(frozen=True)
class RegressionConfig(TrainConfig):
    """Numbers of the method `regression`."""

    beta: float = 0.2  # of the smooth L1 loss, in units of 50 ab


def regression(config: RegressionConfig, train_set: Pictures, valid_set: Pictures, run: Run) -> Path:
    """Train, or go on training, and return the path of the model."""
    codec = Channels()
    return train("regression", config, codec, RegressionLoss(codec, config.beta), train_set, valid_set, run)
