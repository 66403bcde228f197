"""Several processes that train one network together, started by torchrun; a single one is the plain case.

Each takes its share of every batch; gradients are averaged by torch's DistributedDataParallel (Li et al. 2020), over
NCCL on GPUs and gloo on processors. What one process alone should do, writing above all, is up to the `first`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

_PATIENCE = timedelta(hours=1)  # while one decodes the pictures, the others wait


def rank() -> int:
    """The number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def count() -> int:
    """How many train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def first() -> bool:
    """Whether this process is the one that writes."""
    return rank() == 0


@contextmanager
def joined(device: str) -> Iterator[str]:
    """Train together with the others that torchrun started, if any; gives the device of this process."""
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield device
        return
    if device.startswith("cuda"):
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=_PATIENCE)
    try:
        yield device
    finally:
        distributed.destroy_process_group()


@contextmanager
def in_turn() -> Iterator[None]:
    """The first goes first: the others find what it has made."""
    if count() > 1 and not first():
        distributed.barrier()
    yield
    if count() > 1 and first():
        distributed.barrier()


def together(network: nn.Module) -> nn.Module:
    """A network whose gradients are the mean over all processes."""
    return DistributedDataParallel(network, broadcast_buffers=False) if count() > 1 else network


def summed(values: Sequence[float], device: torch.device | str = "cpu") -> list[float]:
    """The sums of numbers over all processes."""
    return _reduced(values, distributed.ReduceOp.SUM, device)


def most(values: Sequence[float], device: torch.device | str = "cpu") -> list[float]:
    """The largest of numbers over all processes: what one wants, all do."""
    return _reduced(values, distributed.ReduceOp.MAX, device)


def _reduced(values: Sequence[float], how: distributed.ReduceOp.RedOpType, device: torch.device | str) -> list[float]:
    if count() == 1:
        return list(values)
    both = torch.tensor(values, dtype=torch.float64, device=device)
    distributed.all_reduce(both, how)
    return both.tolist()


@torch.no_grad()
def same_statistics(network: nn.Module) -> None:
    """Give all processes the mean of their running statistics; not needed where batch norm is synchronised."""
    statistics = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
    flat = torch.cat([buffer.flatten() for buffer in statistics])
    distributed.all_reduce(flat)
    for buffer, mean in zip(statistics, (flat / count()).split([b.numel() for b in statistics]), strict=True):
        buffer.copy_(mean.view_as(buffer))
