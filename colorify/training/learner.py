"""One fastai Learner for every method: what is trained, on which batches, and how a killed run goes on."""

from __future__ import annotations

import dataclasses
import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from fastai.callback.training import GradientClip
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.optimizer import OptimWrapper
from torch import Tensor

from colorify.codec import Codec
from colorify.data.batches import AugmentConfig, Batch, train_batch, valid_batch
from colorify.data.cache import Pictures
from colorify.models import checkpoint
from colorify.models.checkpoint import Checkpoint
from colorify.models.unet import UNet, UNetConfig
from colorify.training.callbacks import Average, Below, Difference, Grids, Keeper, Schedule, TrainingError

STATE_FILE, MODEL_FILE, GRIDS = "state.safetensors", "model.safetensors", "grids"


@dataclass(frozen=True)
class TrainConfig:
    """Numbers that change the result, the same for every method."""

    steps: int  # batches in all
    network: UNetConfig = field(default_factory=UNetConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    batch: int = 32
    sizes: tuple[tuple[float, int], ...] = ((0.0, 128),)  # (from this share of the steps, side in pixels)
    lr: float = 1e-3  # peak of the schedule
    warmup: float = 0.05  # share of the steps
    weight_decay: float = 0.01  # on weights, not on biases and norms
    clip: float = 1.0  # norm of the gradient
    ema: float = 0.998  # decay of the averaged weights
    seed: int = 0
    valid_every: int = 500  # steps; an epoch of the progress bar
    grid_every: int = 100  # steps

    def size(self, step: int) -> int:
        """Side of the training squares at a step."""
        return [side for share, side in self.sizes if step >= share * self.steps][-1]


@dataclass(frozen=True)
class Run:
    """What changes only the machine or the run, never the result."""

    out: Path  # folder of the checkpoint, the model and the grids
    device: str = "cpu"
    save_minutes: float = 5.0  # between two checkpoints, besides one after each validation
    stop_minutes: float | None = None  # stop after so long; the same command goes on
    restart: bool = False  # forget the checkpoint in `out`


class _Steps:
    """The train loader: the batches from the keeper's step to the end of the epoch."""

    def __init__(self, pictures: Pictures, config: TrainConfig, keeper: Keeper, device: str):
        self.pictures, self.config, self.keeper = pictures.to(device), config, keeper

    def names(self, index: Tensor) -> list[str]:
        return [self.pictures.entries[i].path for i in index.tolist()]

    def _range(self) -> range:
        every, step = self.config.valid_every, self.keeper.step
        return range(step, min((step // every + 1) * every, self.config.steps))

    def __len__(self) -> int:
        return len(self._range())

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        config = self.config
        for step in self._range():
            side = config.size(step)
            yield tuple(train_batch(self.pictures, step, config.batch, side, config.augment, config.seed))


class _Valid:
    """The valid loader: every picture, centred and clean."""

    def __init__(self, pictures: Pictures, batch: int, size: int, device: str):
        self.pictures, self.size = pictures.to(device), size
        self.chunks = torch.arange(len(pictures), device=device).split(batch)

    def __len__(self) -> int:
        return len(self.chunks)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return map(tuple, map(self.batch, self.chunks))

    def batch(self, index: Tensor) -> Batch:
        return valid_batch(self.pictures, index, self.size)


def train(
    method: str, config: TrainConfig, codec: Codec, loss: Callable, train_set: Pictures, valid_set: Pictures, run: Run
) -> Path:
    """Train a network by ``method`` into ``run.out``, from its checkpoint if there is one.

    Returns the path of the model, or of the checkpoint when the run was stopped before its last step. A run that is
    killed and started again reaches the weights of one left alone: batches are a function of the step, and the
    checkpoint holds weights, average, optimiser, history and random state. Raises `TrainingError` when the checkpoint
    was made with other numbers, or when the loss is not finite.
    """
    state_file, model_file = Path(run.out) / STATE_FILE, Path(run.out) / MODEL_FILE
    saved = checkpoint.load(state_file, with_state=True) if state_file.exists() and not run.restart else None
    if saved:
        _same_config(saved.training["config"], _plain(config), state_file)
    torch.manual_seed(config.seed)
    summary = {"config": _plain(config), "mean_ab": mean_ab(train_set), "pictures": len(train_set)}
    learn = _learner(config, codec, loss, train_set, valid_set, run, summary["mean_ab"])
    keeper = learn.keeper
    keeper.write_state = lambda: checkpoint.save(_capture(method, codec, learn, summary), state_file)
    if saved:
        _restore(saved, learn)
    if keeper.step < config.steps:
        with _stops_cleanly(keeper), _plain_errors():
            learn.fit(-(-config.steps // config.valid_every) - keeper.step // config.valid_every)
    if keeper.step < config.steps:
        return state_file
    checkpoint.save(dataclasses.replace(_capture(method, codec, learn, summary), state={}), model_file)
    return model_file


def _learner(
    config: TrainConfig,
    codec: Codec,
    loss: Callable,
    train_set: Pictures,
    valid_set: Pictures,
    run: Run,
    mean: tuple[float, float],
) -> Learner:
    """A learner with a fresh network and everything that happens around its steps."""
    network = UNet(config.network, codec.outputs).to(run.device, memory_format=torch.channels_last)
    keeper = Keeper(config.steps, run.save_minutes, run.stop_minutes)
    valid = _Valid(valid_set, config.batch, config.size(config.steps), run.device)
    dls = DataLoaders(_Steps(train_set, config, keeper, run.device), valid, device=run.device)
    dls.n_inp = 1  # the network sees luma; ab and index go to the loss
    rows = {"gray": torch.zeros(2), "mean": torch.tensor(mean)}
    judged = [*(Below(label, codec, row) for label, row in rows.items()), Difference(codec)]
    judged += [Difference(codec, label, row) for label, row in rows.items()]
    shown = valid.batch(_spread(len(valid_set)).to(run.device))
    callbacks = [
        Schedule(config.lr, config.steps, config.warmup),
        Average(network, config.ema),
        Grids(shown, codec, Path(run.out) / GRIDS, config.grid_every),
        keeper,
        GradientClip(config.clip),
    ]
    optimizer = partial(_optimizer, weight_decay=config.weight_decay)
    learn = Learner(dls, network, loss, optimizer, cbs=callbacks, metrics=judged, wd_bn_bias=True, train_bn=False)
    learn.create_opt()
    return learn


def mean_ab(pictures: Pictures, count: int = 2000) -> tuple[float, float]:
    """Mean a and b of (up to ``count``, evenly spread) pictures: the constant that a model must beat."""
    chunks = _spread(len(pictures), count).split(64)
    total = torch.stack([valid_batch(pictures, chunk, 32).ab.sum((0, 2, 3)) for chunk in chunks]).sum(0)
    return tuple(round(float(value), 4) for value in total / (sum(map(len, chunks)) * 16 * 16))


def _spread(total: int, count: int = 8) -> Tensor:
    """Up to ``count`` indices, evenly spread over ``range(total)``."""
    return torch.arange(min(count, total)) * total // min(count, total)


def _optimizer(params: list[Tensor], lr: float, weight_decay: float) -> OptimWrapper:
    """AdamW (Loshchilov, Hutter 2019) that decays weights but neither biases nor norms."""
    groups = [
        {"params": [p for p in params if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in params if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return OptimWrapper(opt=torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), fused=True))


def _capture(method: str, codec: Codec, learn: Learner, summary: dict) -> Checkpoint:
    """All of a run: the averaged weights as the model, the rest as its state."""
    keeper, network = learn.keeper, learn.average.network
    averaged = learn.average.averaged
    optimizer = learn.opt.opt.state_dict()["state"]
    state = {f"network/{name}": tensor for name, tensor in network.state_dict().items()}
    state |= {f"optimizer/{i}/{key}": tensor for i, values in optimizer.items() for key, tensor in values.items()}
    state |= {"averaged": averaged.n_averaged, "random": torch.get_rng_state()}
    seen = {"step": keeper.step, "samples": keeper.step * summary["config"]["batch"], "history": keeper.history}
    weights = averaged.module.state_dict()
    return Checkpoint(network.config, codec, method, weights, summary | seen, state)


def _restore(saved: Checkpoint, learn: Learner) -> None:
    """Put a run back to where `_capture` saw it."""
    parts: dict[str, dict] = {"network": {}, "optimizer": {}}
    for name, tensor in saved.state.items():
        part, _, rest = name.partition("/")
        if rest:
            parts[part][rest] = tensor
    learn.average.network.load_state_dict(parts["network"])
    learn.average.averaged.module.load_state_dict(saved.weights)
    learn.average.averaged.n_averaged.copy_(saved.state["averaged"])
    optimizer = learn.opt.opt
    state = optimizer.state_dict()
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for name, tensor in parts["optimizer"].items():
        index, key = name.split("/")
        if tensor.ndim:  # moments in the memory order of their weights: the fused step reads both as they lie
            tensor = torch.empty_like(weights[int(index)]).copy_(tensor)
        state["state"].setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict(state)
    torch.set_rng_state(saved.state["random"])
    learn.keeper.step, learn.keeper.history = saved.training["step"], saved.training["history"]


def _plain(config: TrainConfig) -> dict:
    """The config as JSON keeps it."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def _same_config(saved: dict, wanted: dict, path: Path) -> None:
    differ = sorted(key for key in saved.keys() | wanted.keys() if saved.get(key) != wanted.get(key))
    if differ:
        raise TrainingError(
            f"{path} was made with other {', '.join(differ)}: use the same numbers, another --out, or --restart"
        )


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Take off the line that fastai puts before the message of a callback's error."""
    try:
        yield
    except TrainingError as error:
        raise TrainingError(str(error).rpartition("\n\t")[2]) from None


@contextmanager
def _stops_cleanly(keeper: Keeper) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the run after the current batch, with a checkpoint; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame) -> None:
        keeper.stop = True
        signal.signal(number, old[number])

    for number in old:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
