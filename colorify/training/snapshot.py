"""All of a run as one checkpoint, and back: how a killed run goes on to the same weights."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import torch
from fastai.learner import Learner
from torch import Tensor, nn

from colorify.models import checkpoint
from colorify.models.checkpoint import Checkpoint
from colorify.training.checkpointer import TrainingError
from colorify.training.config import TrainConfig
from colorify.training.recipe import Recipe


def saved_run(state_file: Path, model_file: Path, config: TrainConfig) -> Checkpoint | None:
    """The checkpoint to go on from, or the finished model, or None; made with other numbers it is an error."""
    for path in (state_file, model_file):
        if path.exists():
            saved = checkpoint.load(path, with_state=True)
            _same_config(saved.training["config"], plain(config), path)
            return saved
    return None


def _parts(recipe: Recipe, learn: Learner) -> dict[str, nn.Module | torch.optim.Optimizer]:
    """Everything with a state, besides the averaged network, whose weights are the model."""
    return {"network": learn.ema.network, "optimizer": learn.opt.opt, **recipe.parts}


def capture(recipe: Recipe, learn: Learner, summary: dict) -> Checkpoint:
    """All of a run: the averaged weights as the model, the rest as its state."""
    checkpointer, averaged = learn.checkpointer, learn.ema.averaged
    state = {"averaged": averaged.n_averaged, "random": torch.get_rng_state()}
    for part, thing in _parts(recipe, learn).items():
        state |= {f"{part}/{name}": tensor for name, tensor in _tensors(thing).items()}
    state |= {f"best/{name}": tensor for name, tensor in checkpointer.best.items()}
    seen = {
        "step": checkpointer.step,
        "samples": checkpointer.step * summary["config"]["batch"],
        "history": checkpointer.history,
    }
    weights = averaged.module.state_dict()
    return Checkpoint(learn.ema.network.config, recipe.codec, recipe.method, weights, summary | seen, state)


def restore(saved: Checkpoint, recipe: Recipe, learn: Learner) -> None:
    """Put a run back to where `capture` saw it."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in saved.state.items():
        part, _, rest = name.partition("/")
        parts.setdefault(part, {})[rest] = tensor
    learn.ema.averaged.module.load_state_dict(saved.weights)
    learn.ema.averaged.n_averaged.copy_(saved.state["averaged"])
    torch.set_rng_state(saved.state["random"])
    for part, thing in _parts(recipe, learn).items():
        _put_back(thing, parts.get(part, {}))
    learn.checkpointer.step, learn.checkpointer.history = saved.training["step"], saved.training["history"]
    learn.checkpointer.best = parts.get("best", {})


def _tensors(thing: nn.Module | torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of a module or an optimiser as named tensors."""
    if isinstance(thing, nn.Module):
        return thing.state_dict()
    state = thing.state_dict()["state"]
    return {f"{index}/{key}": tensor for index, values in state.items() for key, tensor in values.items()}


def _put_back(thing: nn.Module | torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Undo `_tensors`."""
    if isinstance(thing, nn.Module):
        thing.load_state_dict(tensors)
        return
    state = thing.state_dict()
    weights = [weight for group in thing.param_groups for weight in group["params"]]
    for name, tensor in tensors.items():
        index, key = name.split("/")
        if tensor.ndim:  # moments in the memory order of their weights: the fused step reads both as they lie
            tensor = torch.empty_like(weights[int(index)]).copy_(tensor)
        state["state"].setdefault(int(index), {})[key] = tensor
    thing.load_state_dict(state)


def plain(config: TrainConfig) -> dict:
    """The config as JSON keeps it."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def _same_config(saved: dict, wanted: dict, path: Path) -> None:
    differ = sorted(key for key in saved.keys() | wanted.keys() if saved.get(key) != wanted.get(key))
    if differ:
        raise TrainingError(
            f"{path} was made with other {', '.join(differ)}: use the same numbers, another --out, or --restart"
        )
