"""What a run sees: training batches by step, validation batches, and the statistics of the pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
from torch import Tensor

from colorify.codec import Bits, smooth_prior
from colorify.data.batches import Batch, train_batch, valid_batch
from colorify.data.cache import Pictures
from colorify.training import processes
from colorify.training.checkpointer import Checkpointer
from colorify.training.config import PRIOR_BITS, TrainConfig


class TrainLoader:
    """The batches from the checkpointer's step to the end of the epoch."""

    def __init__(self, pictures: Pictures, config: TrainConfig, checkpointer: Checkpointer, device: str):
        self.pictures, self.config, self.checkpointer = pictures.to(device), config, checkpointer
        self.seconds = 0.0  # in which the host made batches

    def names(self, index: Tensor) -> list[str]:
        return [self.pictures.entries[i].path for i in index.tolist()]

    def _range(self) -> range:
        every, step = self.config.valid_every, self.checkpointer.step
        return range(step, min((step // every + 1) * every, self.config.steps))

    def __len__(self) -> int:
        return len(self._range())

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        config = self.config
        for step in self._range():
            begun = time.perf_counter()
            share = processes.rank(), processes.count()
            size = config.size(step)
            batch = train_batch(self.pictures, step, config.batch, size, config.augment, config.seed, share)
            self.seconds += time.perf_counter() - begun
            yield tuple(batch)


class ValidLoader:
    """Every validation picture, centred and clean; dealt among the processes."""

    def __init__(self, pictures: Pictures, batch: int, size: int, device: str):
        self.pictures, self.size = pictures.to(device), size
        self.chunks = torch.arange(processes.rank(), len(pictures), processes.count(), device=device).split(batch)

    def __len__(self) -> int:
        return len(self.chunks)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return map(tuple, map(self.batch, self.chunks))

    def batch(self, index: Tensor) -> Batch:
        return valid_batch(self.pictures, index, self.size)


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
