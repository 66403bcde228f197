"""What a training method is: its numbers, its recipe, and what it starts from. `colorify.methods.registry` has all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from colorify.codec import Codec
from colorify.data.cache import Pictures
from colorify.models.checkpoint import Checkpoint
from colorify.training.config import Run, TrainConfig
from colorify.training.learner import train
from colorify.training.recipe import Recipe
from colorify.training.transfer import Start


def _nothing(config: Any, source: Checkpoint | None, whole: bool) -> list[Start]:
    return []


@dataclass(frozen=True)
class Method:
    """One way to train the network; its module and its section of ``params.yaml`` have its name."""

    name: str
    config: type[TrainConfig]
    codec: Codec
    recipe: Callable[[Any, Pictures, Run], Recipe]  # of a config, the training pictures and a run
    base: str | None = None  # the method whose model it starts from unless told otherwise
    takes: Literal["model", "backbone"] = "model"  # what of that model
    prepare: Callable[[Any, Checkpoint | None, bool], list[Start]] = _nothing
    """Further start values: of a config, the model started from (if any), and whether all of it was taken."""

    def train(
        self, config: TrainConfig, train_set: Pictures, valid_set: Pictures, run: Run, starts: Sequence[Start] = ()
    ) -> Path:
        """Train, or go on training, and return the path of the model; ``starts`` give the start values, if any."""
        recipe = self.recipe(config, train_set, run)
        recipe.starts = [*recipe.starts, *(starts or self.prepare(config, None, False))]
        return train(recipe, config, train_set, valid_set, run)
