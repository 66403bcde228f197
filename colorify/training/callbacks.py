"""What happens around each training step: schedule, averaging, grids, charts; each a fastai callback."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from fastai.callback.core import Callback
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from colorify import figures
from colorify.codec import Codec
from colorify.color import render
from colorify.data.batches import Batch
from colorify.training import processes


class Schedule(Callback):
    """Learning rate as a function of the step alone: linear warm-up, the peak, then half a cosine to zero."""

    order = 10

    def __init__(self, lr: float, steps: int, warmup: float, hold: float = 0.0):
        self.peak, self.steps, self.rise = lr, steps, max(1, round(steps * warmup))
        self.fall = max(self.rise, round(steps * hold))

    def before_batch(self) -> None:
        if self.training:
            self.opt.set_hyper("lr", self.at(self.checkpointer.step))

    def at(self, step: int) -> float:
        """The rate of a step."""
        if step < self.rise:
            return self.peak * (step + 1) / self.rise
        share = max(0, step - self.fall) / max(1, self.steps - self.fall)
        return self.peak * 0.5 * (1 + math.cos(math.pi * share))


class FrozenNorms(Callback):
    """Keeps the statistics of batch norms as they are, those of a model that learnt from large batches.

    Those of small ones are so far off them that the model is worse after a fine-tuning than before.
    """

    order = 6  # after the GAN's, which sets the mode

    def __init__(self, network: torch.nn.Module):
        self.norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]

    def before_batch(self) -> None:
        for norm in self.norms if self.training else ():
            norm.eval()


class EMA(Callback):
    """Exponential moving average of the weights; what is validated, drawn and released."""

    order = 20

    def __init__(self, network: torch.nn.Module, decay: float):
        self.network, self.decay = network, decay
        self.averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)

    def after_step(self) -> None:
        if processes.count() > 1:
            processes.same_statistics(self.network)
        self.averaged.update_parameters(self.network)

    def before_validate(self) -> None:
        self.trained, self.learn.model = self.learn.model, self.averaged.module.eval()

    def after_validate(self) -> None:
        self.learn.model = self.trained


class Grids(Callback):
    """Original | gray | colorized of the same pictures every so many steps: PNG files, and live in a notebook."""

    order = 30

    def __init__(self, batch: Batch, codec: Codec, folder: Path, every: int):
        self.batch, self.codec, self.folder, self.every = batch, codec, Path(folder), every
        self.live = Live()

    def after_batch(self) -> None:
        step = self.checkpointer.step + 1  # the checkpointer counts this batch after us
        if self.training and (step % self.every == 0 or step == self.checkpointer.steps):
            self.draw(step)

    @torch.no_grad()
    def draw(self, step: int) -> None:
        """Write ``step-000500.png`` and show it."""
        network = self.ema.averaged.module.eval()
        predicted = self.codec.decode(network(self.batch.luma))
        sheet = figures.grid(
            {
                "original": _pictures(self.batch.luma, self.batch.ab),
                "gray": _pictures(self.batch.luma, torch.zeros_like(self.batch.ab)),
                f"colorized, step {step:,}": _pictures(self.batch.luma, predicted),
            }
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        sheet.save(self.folder / f"step-{step:06d}.png")
        self.live.show(lambda: sheet)


class Charts(Callback):
    """The history of the validation so far, live in a notebook."""

    order = 95  # after the checkpointer, which writes it

    def __init__(self, names: Sequence[str]):
        self.names, self.live = names, Live()

    def after_epoch(self) -> None:
        self.live.show(lambda: figures.history(self.checkpointer.history, self.names))


class Live:
    """A picture in a notebook; the newest takes the place of the one before."""

    def __init__(self) -> None:
        self.handle = None

    def show(self, draw: Callable[[], Image.Image]) -> None:
        """Show what is drawn; nothing happens outside of a notebook."""
        ipython = sys.modules.get("IPython")  # a notebook has imported it
        if not (ipython and hasattr(ipython.get_ipython(), "kernel")):
            return
        from IPython.display import display

        if self.handle is None:
            self.handle = display(draw(), display_id=True)
        else:
            self.handle.update(draw())


def _pictures(luma: Tensor, ab: Tensor) -> list[Image.Image]:
    """L* ``(B, 1, H, W)`` and smaller ab as pictures of L*'s size, or of 128 px if that is larger."""
    scale = max(1.0, 128 / luma.shape[-1])
    luma = F.interpolate(luma, scale_factor=scale, mode="bicubic", align_corners=False).clamp(0, 100)
    ab = F.interpolate(ab, luma.shape[-2:], mode="bicubic", align_corners=False)
    rgb = (render(luma, ab) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(picture) for picture in rgb]
