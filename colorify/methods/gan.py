"""Method 3, GAN: refines a regression model until its colours are as vivid as true ones; the high-resolution model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from fastai.callback.core import Callback, CancelBackwardException, CancelStepException
from torch import Tensor
from torch.nn import functional as F

from colorify.codec import Channels
from colorify.data.cache import Pictures
from colorify.losses import RegressionLoss
from colorify.methods.critic import Critic, critic_input
from colorify.models.checkpoint import Checkpoint
from colorify.models.unet import UNet
from colorify.training import processes
from colorify.training.config import Run, TrainConfig
from colorify.training.method import Method
from colorify.training.recipe import Recipe
from colorify.training.transfer import Start

_CODEC = Channels()


@dataclass(frozen=True)
class GanConfig(TrainConfig):
    """Numbers of the method `gan`."""

    beta: float = 0.3  # of `RegressionLoss`: that of the regression that it starts from
    saturation: float = 1.0  # of the colours that it is held to, over the true ones; a regression is made so to start
    adversarial: float = 0.01  # weight of the critic's word beside that loss
    critic_width: int = 64
    critic_lr: float = 1e-4
    critic_steps: int = 500  # steps in which the critic alone learns, on what the regression model predicts


@dataclass
class GanLoss:
    """The loss of the regression, and, while `luma` is set (in training), how untrue the critic finds the colours.

    Held to colours of more ``saturation`` than the truth has, the generator comes out about as vivid as the truth (a
    regression is duller), and the critic must look for something else than dullness.
    """

    regression: RegressionLoss
    critic: Critic
    adversarial: float
    saturation: float = 1.0
    luma: Tensor | None = None  # (B, 1, h, w) of the batch

    def __call__(self, output: Tensor, ab: Tensor, *_: Tensor) -> Tensor:
        loss = self.regression(output, ab * self.saturation)
        if self.luma is None:
            return loss
        return loss - self.adversarial * self.critic.score(self.luma, output).mean()


class Adversary(Callback):
    """Trains the critic on every batch, before the generator's step; for the first steps the critic alone."""

    order = 5

    def __init__(self, loss: GanLoss, optimizer: torch.optim.Optimizer, critic_steps: int):
        self.gan_loss, self.critic_optimizer, self.alone = loss, optimizer, critic_steps
        self.taught = processes.together(loss.critic)

    @property
    def frozen(self) -> bool:
        """Whether the generator waits."""
        return self.checkpointer.step < self.alone

    def before_batch(self) -> None:
        if self.training:  # a waiting generator must not move its running statistics either
            self.learn.model.train(not self.frozen)

    def after_pred(self) -> None:
        self.gan_loss.luma = None
        if self.training:
            luma = F.avg_pool2d(self.xb[0], 2)
            self._teach(luma, self.gan_loss.regression.codec.encode(self.yb[0]), self.pred.detach())
            self.gan_loss.luma = luma

    def _teach(self, luma: Tensor, true: Tensor, predicted: Tensor) -> None:
        """One step of the critic by the hinge loss (Lim, Ye 2017); afterwards it is still, statistics and all."""
        critic = self.gan_loss.critic.train().requires_grad_(True)
        of_true, of_predicted = self.taught(torch.cat([critic_input(luma, code) for code in (true, predicted)])).chunk(
            2
        )
        loss = F.relu(1 - of_true).mean() + F.relu(1 + of_predicted).mean()
        self.critic_optimizer.zero_grad()
        loss.backward()
        self.critic_optimizer.step()
        critic.eval().requires_grad_(False)

    def before_backward(self) -> None:
        if self.frozen:
            raise CancelBackwardException

    def before_step(self) -> None:
        if self.frozen:
            raise CancelStepException


def score(row: dict) -> float:
    """Of a validation: rare colours found, near the truth, as colourful as it, without stains."""
    off = sum(abs(math.log(max(row[name], 1e-3))) for name in ("colorfulness", "bleeding"))
    return row["auc_rebalanced"] - row["de2000"] - off


def saturate(factor: float) -> Start:
    """Start values for a generator: a regression whose colours become so much more saturated."""

    @torch.no_grad()
    def start(network: UNet) -> None:
        for part in network.head.parameters():
            part.mul_(factor)

    return start


def recipe(config: GanConfig, pictures: Pictures, run: Run) -> Recipe:
    """The regression's loss and the critic's; the model is that of the best `score` since the generator learns."""
    torch.manual_seed(config.seed)
    critic = Critic(config.critic_width).to(run.device)
    optimizer = torch.optim.Adam(critic.parameters(), config.critic_lr, betas=(0.5, 0.999))
    loss = GanLoss(RegressionLoss(_CODEC, config.beta), critic, config.adversarial, config.saturation)

    def counted(row: dict) -> float | None:
        return score(row) if row["step"] > config.critic_steps else None

    parts: dict[str, torch.nn.Module | torch.optim.Optimizer] = {"critic": critic, "critic_optimizer": optimizer}
    adversary = Adversary(loss, optimizer, config.critic_steps)
    return Recipe(METHOD.name, _CODEC, loss, [], [adversary], parts, counted)


def prepare(config: GanConfig, source: Checkpoint | None, whole: bool) -> list[Start]:
    """Any start but a GAN's own model is made more saturated."""
    own = whole and source is not None and source.method == METHOD.name
    return [] if own else [saturate(config.saturation)]


METHOD = Method(
    "gan",
    GanConfig,
    _CODEC,
    recipe,
    base="regression",
    prepare=prepare,
)
