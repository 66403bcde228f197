"""How fast a training runs, and callbacks of fastai's that keep the device from waiting for the host."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path

import torch
from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.learner import AvgSmoothLoss, Learner
from torch.utils.flop_counter import FlopCounterMode

from colorify.models.unet import UNet
from colorify.training import processes

SPEED_FILE = "speed.csv"


class SmoothLoss(AvgSmoothLoss):
    """fastai's, kept on the device; ``value`` is the mean over all processes, ``own`` that of this one."""

    val: torch.Tensor

    def accumulate(self, learn: Learner) -> None:
        self.count += 1
        loss = learn.loss.detach().mean()
        self.val = torch.lerp(loss, self.val.to(loss), self.beta)

    @property
    def own(self) -> float:
        return float(super().value)

    @property
    def value(self) -> float:
        return processes.summed((self.own,), self.val.device)[0] / processes.count()


class Progress(ProgressCallback):
    """fastai's bar; it shows the loss of every 20th batch only."""

    def after_batch(self) -> None:
        self.pbar.update(self.iter + 1)
        if self.training and self.iter % 20 == 0:
            self.pbar.comment = f"{self.recorder.smooth_loss.own:.4f}"


class Speed(Callback):
    """Writes, between two validations, samples a second and where the time went, a row each, to ``speed.csv``.

    ``waiting`` is the share of the time in which the host made batches instead of steps; ``utilisation`` the share of
    the floating-point operations that this device does in large matrix products of the same precision (model FLOPs:
    three times those of a forward pass, as in Chowdhery et al. 2022).
    """

    order = 95

    def __init__(self, network: UNet, size: Callable[[int], int], dtype: torch.dtype, folder: Path):
        self.network, self.size, self.dtype, self.path = network, size, dtype, Path(folder) / SPEED_FILE
        self.operations: dict[int, int] = {}

    def before_fit(self) -> None:
        self.device = next(self.network.parameters()).device
        self.peak = peak(self.device, self.dtype)

    def before_train(self) -> None:
        self.samples, self.work, self.begun = 0, 0, self._now()
        self.dls.train.seconds = 0.0

    def after_batch(self) -> None:
        if self.training:
            self.samples += len(self.xb[0])
            self.work += 3 * self._operations(self.size(self.checkpointer.step - 1)) * len(self.xb[0])

    def after_train(self) -> None:
        seconds = self._now() - self.begun
        row = {
            "step": self.checkpointer.step,
            "samples_per_second": round(self.samples * processes.count() / seconds, 1),
            "waiting": round(self.dls.train.seconds / seconds, 4),
            "utilisation": round(self.work / seconds / self.peak, 4),
        }
        new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(row)

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def _operations(self, side: int) -> int:
        """Floating-point operations of one picture, forward; counted once a size, on no device."""
        if side not in self.operations:
            with torch.device("meta"), FlopCounterMode(display=False) as counter:
                UNet(self.network.config, self.network.head.out_channels).eval()(torch.empty(1, 1, side, side))
            self.operations[side] = counter.get_total_flops()
        return self.operations[side]


def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself; one that does not is slower with it than with float32."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def peak(device: torch.device, dtype: torch.dtype, side: int = 4096) -> float:
    """Floating-point operations a second of a matrix product on ``device``, measured: the best of a few."""
    side = side if device.type == "cuda" else side // 4
    one = torch.ones(side, side, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        one @ one
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - begun)
    return 2 * side**3 / best
