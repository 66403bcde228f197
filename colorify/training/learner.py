"""One fastai Learner for every method: what is trained, on which batches, and how a killed run goes on."""

from __future__ import annotations

import dataclasses
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.callback.training import GradientClip
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.metrics import Metric
from fastai.optimizer import OptimWrapper
from torch import Tensor, nn

from colorify.alone import alone
from colorify.codec import Bits, Codec, smooth_prior
from colorify.data.batches import AugmentConfig, Batch, train_batch, valid_batch
from colorify.data.cache import Pictures
from colorify.models import checkpoint
from colorify.models.checkpoint import Checkpoint, CheckpointError
from colorify.models.unet import UNet, UNetConfig
from colorify.training import processes
from colorify.training.callbacks import Average, Charts, Grids, Keeper, Schedule, TrainingError
from colorify.training.judges import MeanLoss, judges
from colorify.training.speed import Progress, SmoothLoss, Speed, has_bfloat16
from colorify.training.transfer import Start

STATE_FILE, MODEL_FILE, GRIDS = "state.safetensors", "model.safetensors", "grids"
PRIOR_BITS = 4
"""Codec of the prior that every model carries: the weights of `auc_rebalanced` come from it."""


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
    hold: float = 0.0  # until this share of the steps the rate stays at its peak, then it falls to zero
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
    compile: bool = False  # translate the network for the device first: a minute that pays on a GPU

    @property
    def dtype(self) -> torch.dtype:
        """What the network computes in: bfloat16 where the device multiplies it; its weights stay float32."""
        return torch.bfloat16 if self.device.startswith("cuda") or has_bfloat16() else torch.float32


@dataclass
class Method:
    """What one of the three methods adds to the common training."""

    name: str
    codec: Codec
    loss: Callable[..., Tensor]
    starts: Sequence[Start] = ()  # give a fresh network its start values, one after the other
    callbacks: list[Callback] = field(default_factory=list)
    parts: dict[str, nn.Module | torch.optim.Optimizer] = field(default_factory=dict)  # further things to resume
    score: Callable[[dict], float | None] | None = None  # of a validation; the best average is kept, else the last


class _Steps:
    """The train loader: the batches from the keeper's step to the end of the epoch."""

    def __init__(self, pictures: Pictures, config: TrainConfig, keeper: Keeper, device: str):
        self.pictures, self.config, self.keeper = pictures.to(device), config, keeper
        self.seconds = 0.0  # in which the host made batches

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
            begun = time.perf_counter()
            part = processes.rank(), processes.count()
            size = config.size(step)
            batch = train_batch(self.pictures, step, config.batch, size, config.augment, config.seed, *part)
            self.seconds += time.perf_counter() - begun
            yield tuple(batch)


class _Valid:
    """The valid loader: every picture, centred and clean; dealt among the processes."""

    def __init__(self, pictures: Pictures, batch: int, size: int, device: str):
        self.pictures, self.size = pictures.to(device), size
        self.chunks = torch.arange(processes.rank(), len(pictures), processes.count(), device=device).split(batch)

    def __len__(self) -> int:
        return len(self.chunks)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return map(tuple, map(self.batch, self.chunks))

    def batch(self, index: Tensor) -> Batch:
        return valid_batch(self.pictures, index, self.size)


def train(method: Method, config: TrainConfig, train_set: Pictures, valid_set: Pictures, run: Run) -> Path:
    """Train a network by ``method`` into ``run.out``, from its checkpoint if there is one.

    Returns the path of the model, or of the checkpoint when the run was stopped before its last step. A run that is
    killed and started again reaches the weights of one left alone: batches are a function of the step, and the
    checkpoint holds weights, averages, optimisers, history and random state. When the model is written, the checkpoint
    goes. Raises `TrainingError` when it was made with other numbers, or when the loss is not finite, and `BusyError`
    when another run trains into ``run.out``.
    """
    with alone(Path(run.out)) if processes.first() else nullcontext():
        return _train(method, config, train_set, valid_set, run)


def _train(method: Method, config: TrainConfig, train_set: Pictures, valid_set: Pictures, run: Run) -> Path:
    state_file, model_file = Path(run.out) / STATE_FILE, Path(run.out) / MODEL_FILE
    if config.batch % processes.count() or len(valid_set) < processes.count():
        found = f"a batch of {config.batch} and {len(valid_set)} validation pictures"
        raise TrainingError(f"{found} cannot be shared equally by {processes.count()} processes")
    saved = None if run.restart else _saved(state_file, model_file, config)
    if saved and not saved.state:
        return model_file
    torch.manual_seed(config.seed)
    summary = {"config": _plain(config), "pictures": len(train_set), **statistics(train_set)}
    judged = judges(method.codec, summary["mean_ab"], summary["prior"])
    learn = _learner(method, config, train_set, valid_set, run, judged)
    keeper = learn.keeper
    if processes.first():
        keeper.write_state = lambda: checkpoint.save(_capture(method, learn, summary), state_file)
    if saved:
        _restore(saved, method, learn)
    if keeper.step < config.steps:
        with _stops_cleanly(keeper), _plain_errors(state_file):
            learn.fit(-(-config.steps // config.valid_every) - keeper.step // config.valid_every)
    if keeper.step < config.steps:
        return state_file
    with processes.in_turn():
        if processes.first():
            final = _capture(method, learn, summary)
            checkpoint.save(dataclasses.replace(final, weights=keeper.best or final.weights, state={}), model_file)
            state_file.unlink(missing_ok=True)
    return model_file


def _saved(state_file: Path, model_file: Path, config: TrainConfig) -> Checkpoint | None:
    """The checkpoint to go on from, or the finished model, or None; made with other numbers it is an error."""
    for path in (state_file, model_file):
        if path.exists():
            saved = checkpoint.load(path, with_state=True)
            _same_config(saved.training["config"], _plain(config), path)
            return saved
    return None


def _learner(
    method: Method, config: TrainConfig, train_set: Pictures, valid_set: Pictures, run: Run, judged: list[Metric]
) -> Learner:
    """A learner with a fresh network and everything that happens around its steps."""
    network = UNet(config.network, method.codec.outputs)
    network.dtype = run.dtype
    for start in method.starts:
        start(network)
    network.to(run.device, memory_format=torch.channels_last)
    if processes.count() > 1 and run.device.startswith("cuda"):
        network = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)
    keeper = Keeper(config.steps, run.save_minutes, run.stop_minutes, method.score)
    valid = _Valid(valid_set, config.batch, config.size(config.steps), run.device)
    dls = DataLoaders(_Steps(train_set, config, keeper, run.device), valid, device=run.device)
    dls.n_inp = 1  # the network sees luma; ab and index go to the loss
    shown = valid.batch(spread(len(valid_set)).to(run.device))
    callbacks = [
        Schedule(config.lr, config.steps, config.warmup, config.hold),
        Average(network, config.ema),
        keeper,
        Charts(("valid_loss", "below_gray", "de2000")),
        GradientClip(config.clip),
        *([Grids(shown, method.codec, Path(run.out) / GRIDS, config.grid_every)] if processes.first() else []),
        *([Speed(network, config.size, run.dtype, run.out)] if processes.first() else []),
        *method.callbacks,
    ]
    optimizer = partial(_optimizer, weight_decay=config.weight_decay)
    learn = Learner(
        dls, network, method.loss, optimizer, cbs=callbacks, metrics=judged, wd_bn_bias=True, train_bn=False
    )
    learn.remove_cb(ProgressCallback)  # takes every heir of it too: ours comes afterwards
    if processes.first():
        learn.add_cb(Progress())
    learn.recorder.smooth_loss, learn.recorder.loss = SmoothLoss(), MeanLoss()
    learn.create_opt()
    if run.compile:
        network.compile(dynamic=False)
    learn.model = processes.together(network)
    return learn


def statistics(pictures: Pictures, count: int = 2000) -> dict[str, tuple[float, ...]]:
    """``mean_ab``, the constant that a model must beat, and ``prior``, the share of every class of 4+4 bits.

    Of (up to ``count``, evenly spread) pictures.
    """
    codec = Bits(PRIOR_BITS)
    chunks = spread(len(pictures), count).to(pictures.device).split(64)
    total, counts = torch.zeros(2), torch.zeros(codec.outputs)
    for chunk in chunks:
        ab = valid_batch(pictures, chunk, 64).ab.cpu()
        total += ab.mean((-2, -1)).sum(0)
        counts += torch.bincount(codec.encode(ab).flatten(), minlength=codec.outputs)
    mean = total / sum(map(len, chunks))
    prior = smooth_prior(counts, codec)
    return {"mean_ab": _rounded(mean, 4), "prior": _rounded(prior, 9)}


def _rounded(values: Tensor, digits: int) -> tuple[float, ...]:
    return tuple(round(float(value), digits) for value in values)


def spread(total: int, count: int = 8) -> Tensor:
    """Up to ``count`` indices, evenly spread over ``range(total)``."""
    return torch.arange(min(count, total)) * total // min(count, total)


def _optimizer(params: list[Tensor], lr: float, weight_decay: float) -> OptimWrapper:
    """AdamW (Loshchilov, Hutter 2019) that decays weights but neither biases nor norms."""
    groups = [
        {"params": [p for p in params if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in params if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return OptimWrapper(opt=torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), fused=True))


def _parts(method: Method, learn: Learner) -> dict[str, nn.Module | torch.optim.Optimizer]:
    """Everything with a state, besides the averaged network, whose weights are the model."""
    return {"network": learn.average.network, "optimizer": learn.opt.opt, **method.parts}


def _capture(method: Method, learn: Learner, summary: dict) -> Checkpoint:
    """All of a run: the averaged weights as the model, the rest as its state."""
    keeper, averaged = learn.keeper, learn.average.averaged
    state = {"averaged": averaged.n_averaged, "random": torch.get_rng_state()}
    for part, thing in _parts(method, learn).items():
        state |= {f"{part}/{name}": tensor for name, tensor in _tensors(thing).items()}
    state |= {f"best/{name}": tensor for name, tensor in keeper.best.items()}
    seen = {"step": keeper.step, "samples": keeper.step * summary["config"]["batch"], "history": keeper.history}
    weights = averaged.module.state_dict()
    return Checkpoint(learn.average.network.config, method.codec, method.name, weights, summary | seen, state)


def _restore(saved: Checkpoint, method: Method, learn: Learner) -> None:
    """Put a run back to where `_capture` saw it."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in saved.state.items():
        part, _, rest = name.partition("/")
        parts.setdefault(part, {})[rest] = tensor
    learn.average.averaged.module.load_state_dict(saved.weights)
    learn.average.averaged.n_averaged.copy_(saved.state["averaged"])
    torch.set_rng_state(saved.state["random"])
    for part, thing in _parts(method, learn).items():
        _put_back(thing, parts.get(part, {}))
    learn.keeper.step, learn.keeper.history = saved.training["step"], saved.training["history"]
    learn.keeper.best = parts.get("best", {})


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
def _plain_errors(state_file: Path) -> Iterator[None]:
    """Take off the line that fastai puts before the message of a callback's error; say it when a process is gone."""
    try:
        yield
    except (TrainingError, CheckpointError) as error:
        raise type(error)(str(error).rpartition("\n\t")[2]) from None
    except RuntimeError as error:
        if processes.count() == 1:
            raise
        cure = f"the same command goes on from {state_file}" if state_file.exists() else "there is no checkpoint yet"
        reason = str(error).strip().splitlines()[0]
        raise TrainingError(
            f"process {processes.rank()} cannot go on, as when another has ended: {reason}; {cure}"
        ) from None


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
