"""Numbers that every method is trained with, and what changes only the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch

from colorify.data.batches import AugmentConfig
from colorify.models.unet import UNetConfig
from colorify.training.speed import has_bfloat16

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
    frozen_norms: bool = False  # batch norms keep the statistics that they start with: for small batches
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
