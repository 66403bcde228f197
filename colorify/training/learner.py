"""One fastai Learner for every method: what is trained, on which batches, and how a killed run goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from fastai.callback.progress import ProgressCallback
from fastai.callback.training import GradientClip
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.metrics import Metric
from fastai.optimizer import OptimWrapper
from torch import Tensor

from colorify.data.cache import Pictures
from colorify.lock import lock
from colorify.models import checkpoint
from colorify.models.checkpoint import CheckpointError
from colorify.models.unet import UNet, channels_last
from colorify.training import processes
from colorify.training.callbacks import EMA, Charts, FrozenNorms, Grids, Schedule
from colorify.training.checkpointer import Checkpointer, TrainingError, stops_cleanly
from colorify.training.config import GRIDS, MODEL_FILE, STATE_FILE, Run, TrainConfig
from colorify.training.loaders import TrainLoader, ValidLoader, spread, statistics
from colorify.training.recipe import Recipe
from colorify.training.snapshot import capture, plain, restore, saved_run
from colorify.training.speed import Progress, SmoothLoss, Speed
from colorify.training.validation import MeanLoss, validation_metrics


def train(recipe: Recipe, config: TrainConfig, train_set: Pictures, valid_set: Pictures, run: Run) -> Path:
    """Train a network by ``recipe`` into ``run.out``, from its checkpoint if there is one.

    Returns the path of the model, or of the checkpoint when the run was stopped before its last step. A run that is
    killed and started again reaches the weights of one left alone: batches are a function of the step, and the
    checkpoint holds weights, averages, optimisers, history and random state. When the model is written, the checkpoint
    goes. Raises `TrainingError` when it was made with other numbers, or when the loss is not finite, and `BusyError`
    when another run trains into ``run.out``.
    """
    with lock(Path(run.out)) if processes.first() else nullcontext():
        return _train(recipe, config, train_set, valid_set, run)


def _train(recipe: Recipe, config: TrainConfig, train_set: Pictures, valid_set: Pictures, run: Run) -> Path:
    state_file, model_file = Path(run.out) / STATE_FILE, Path(run.out) / MODEL_FILE
    if config.batch % processes.count() or len(valid_set) < processes.count():
        found = f"a batch of {config.batch} and {len(valid_set)} validation pictures"
        raise TrainingError(f"{found} cannot be shared equally by {processes.count()} processes")
    saved = None if run.restart else saved_run(state_file, model_file, config)
    if saved and not saved.state:
        return model_file
    torch.manual_seed(config.seed)
    summary: dict[str, Any] = {"config": plain(config), "pictures": len(train_set), **statistics(train_set)}
    measured = validation_metrics(recipe.codec, summary["mean_ab"], summary["prior"])
    learn = _learner(recipe, config, train_set, valid_set, run, measured)
    checkpointer = learn.checkpointer
    if processes.first():
        checkpointer.write_state = lambda: checkpoint.save(capture(recipe, learn, summary), state_file)
    if saved:
        restore(saved, recipe, learn)
    if checkpointer.step < config.steps:
        with stops_cleanly(checkpointer), _plain_errors(state_file):
            learn.fit(-(-config.steps // config.valid_every) - checkpointer.step // config.valid_every)
    if checkpointer.step < config.steps:
        return state_file
    with processes.in_turn():
        if processes.first():
            final = capture(recipe, learn, summary)
            checkpoint.save(
                dataclasses.replace(final, weights=checkpointer.best or final.weights, state={}), model_file
            )
            state_file.unlink(missing_ok=True)
    return model_file


def _learner(
    recipe: Recipe, config: TrainConfig, train_set: Pictures, valid_set: Pictures, run: Run, measured: list[Metric]
) -> Learner:
    """A learner with a fresh network and everything that happens around its steps."""
    network = UNet(config.network, recipe.codec.outputs)
    network.dtype = run.dtype
    for start in recipe.starts:
        start(network)
    network = channels_last(network.to(run.device))
    if processes.count() > 1 and run.device.startswith("cuda"):
        network = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)
    checkpointer = Checkpointer(config.steps, run.save_minutes, run.stop_minutes, recipe.score)
    valid = ValidLoader(valid_set, config.batch, config.size(config.steps), run.device)
    dls = DataLoaders(TrainLoader(train_set, config, checkpointer, run.device), valid, device=run.device)
    dls.n_inp = 1  # the network sees luma; ab and index go to the loss
    shown = valid.batch(spread(len(valid_set)).to(run.device))
    callbacks = [
        Schedule(config.lr, config.steps, config.warmup, config.hold),
        EMA(network, config.ema),
        *([FrozenNorms(network)] if config.frozen_norms else []),
        checkpointer,
        Charts(("valid_loss", "below_gray", "de2000")),
        GradientClip(config.clip),
        *([Grids(shown, recipe.codec, Path(run.out) / GRIDS, config.grid_every)] if processes.first() else []),
        *([Speed(network, config.size, run.dtype, run.out)] if processes.first() else []),
        *recipe.callbacks,
    ]
    optimizer = partial(_optimizer, weight_decay=config.weight_decay)
    learn = Learner(
        dls, network, recipe.loss, optimizer, cbs=callbacks, metrics=measured, wd_bn_bias=True, train_bn=False
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


def _optimizer(params: list[Tensor], lr: float, weight_decay: float) -> OptimWrapper:
    """AdamW (Loshchilov, Hutter 2019) that decays weights but neither biases nor norms."""
    groups = [
        {"params": [p for p in params if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in params if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return OptimWrapper(opt=torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), fused=True))


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
