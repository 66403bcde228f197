"""What one of the methods adds to the common training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from fastai.callback.core import Callback
from torch import Tensor, nn

from colorify.codec import Codec
from colorify.training.transfer import Start


@dataclass
class Recipe:
    """What one of the three methods adds to the common training."""

    method: str  # its name
    codec: Codec
    loss: Callable[..., Tensor]
    starts: Sequence[Start] = ()  # give a fresh network its start values, one after the other
    callbacks: list[Callback] = field(default_factory=list)
    parts: dict[str, nn.Module | torch.optim.Optimizer] = field(default_factory=dict)  # further things to resume
    score: Callable[[dict], float | None] | None = None  # of a validation; the best EMA weights are kept, else the last
