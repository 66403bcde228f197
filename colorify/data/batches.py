"""Batches cut from the cache on the training device: crops, flips, Lab, and gray as old pictures have it.

What a step sees depends on the seed and the step alone, so that a run resumed at any step goes on exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from colorify.color import GRAYS, rgb_to_lab, rgb_to_luma
from colorify.data import degradation, paper
from colorify.data.cache import Pictures


@dataclass(frozen=True)
class AugmentConfig:
    """How a picture is changed before it is learnt from."""

    zone: tuple[float, float] = (0.85, 1.0)  # side of the random square, as a share of the short side
    flip: float = 0.5  # probability of mirroring
    gray: float = 0.3  # probability that gray is made by BT.601 or BT.709 instead of CIE L*
    degradation: float = 0.2  # probability of each fault of old pictures
    paper: float = 0.0  # share of blank and printed pages, and of photos with a margin of paper


class Boxes(NamedTuple):
    """Square zones of pictures, in pixels; each field ``(B,)``."""

    left: Tensor
    top: Tensor
    side: Tensor
    mirrored: Tensor  # bool


class Batch(NamedTuple):
    """What the network sees and what it should predict."""

    luma: Tensor  # (B, 1, S, S) L* in 0..100
    ab: Tensor  # (B, 2, S/2, S/2) true colours at the size of the prediction
    index: Tensor  # type: ignore[assignment]  # hides tuple.index, which a batch never needs; (B,) int64: which pictures


def crop(pictures: Pictures, index: Tensor, boxes: Boxes, size: int) -> Tensor:
    """Cut ``boxes`` out of ``pictures[index]`` and resize, bilinear with antialiasing -> RGB ``(B, 3, size, size)``.

    Antialiasing: sampled ``n`` times finer when the pictures are larger than the output, then averaged.
    """
    n = max(1, round(pictures.longest / size))
    ramp = (torch.arange(size * n, device=pictures.device) + 0.5) / (size * n)
    x = torch.where(boxes.mirrored[:, None], 1 - ramp, ramp) * boxes.side[:, None] + boxes.left[:, None] - 0.5
    y = ramp * boxes.side[:, None] + boxes.top[:, None] - 0.5
    width, height = pictures.width[index][:, None], pictures.height[index][:, None]
    (x0, x1, fx), (y0, y1, fy) = _neighbours(x, width), _neighbours(y, height)

    def rows(y: Tensor, x: Tensor) -> Tensor:  # (B, n, n, 3) float
        return pictures.rows(index, (y * width)[:, :, None] + x[:, None, :]).float()

    fx, fy = fx[:, None, :, None], fy[:, :, None, None]
    upper = torch.lerp(rows(y0, x0), rows(y0, x1), fx)
    lower = torch.lerp(rows(y1, x0), rows(y1, x1), fx)
    rgb = torch.lerp(upper, lower, fy).permute(0, 3, 1, 2) / 255
    return F.avg_pool2d(rgb, n) if n > 1 else rgb.contiguous()


def _neighbours(position: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels on both sides of a position, and how far it is from the first to the second."""
    position = position.clamp(min=0).minimum((length - 1).to(position.dtype))
    first = position.floor().long()
    return first, (first + 1).minimum(length - 1), position - first


def random_boxes(pictures: Pictures, index: Tensor, config: AugmentConfig, generator: torch.Generator) -> Boxes:
    """Random sub-zones of ``pictures[index]``, some of them mirrored."""

    def random() -> Tensor:
        return torch.rand(len(index), generator=generator, device=generator.device)

    width, height = pictures.width[index], pictures.height[index]
    low, high = config.zone
    side = torch.minimum(width, height) * (low + (high - low) * random())
    return Boxes(random() * (width - side), random() * (height - side), side, random() < config.flip)


def center_boxes(pictures: Pictures, index: Tensor) -> Boxes:
    """The largest centred squares of ``pictures[index]``."""
    width, height = pictures.width[index], pictures.height[index]
    side = torch.minimum(width, height).float()
    return Boxes((width - side) / 2, (height - side) / 2, side, torch.zeros_like(width, dtype=torch.bool))


def valid_batch(pictures: Pictures, index: Tensor, size: int) -> Batch:
    """Centred, clean, gray from CIE L*."""
    lab = rgb_to_lab(crop(pictures, index, center_boxes(pictures, index), size))
    return Batch(lab[:, :1], F.avg_pool2d(lab[:, 1:], 2), index)


def train_batch(
    pictures: Pictures,
    step: int,
    batch: int,
    size: int,
    config: AugmentConfig,
    seed: int,
    share: tuple[int, int] = (0, 1),
) -> Batch:
    """The batch of a step: shuffled without replacement pass after pass, augmented; a function of seed and step.

    ``share`` (k, n) takes the k-th of n equal parts, from 0; pictures are dealt, the augmentation of each is its own.
    """
    part, parts = share
    device = pictures.device
    places = range(step * batch + part, (step + 1) * batch, parts)
    index = torch.tensor([_shuffled(len(pictures), place, seed) for place in places]).to(device)
    generator = torch.Generator(device).manual_seed(seed * 1_000_003 + step + part * 2**32)
    rgb = crop(pictures, index, random_boxes(pictures, index, config, generator), size)
    rgb = paper.lay(rgb, config.paper, torch.Generator().manual_seed(generator.initial_seed()))
    lab = rgb_to_lab(rgb)
    luma = degradation.degrade(_random_gray(rgb, lab[:, :1], config, generator), config.degradation, generator)
    return Batch(luma, F.avg_pool2d(lab[:, 1:], 2), index)


def _random_gray(rgb: Tensor, luma: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """L* as the true one or as that of a BT.601 or BT.709 gray, at random for each picture."""
    pick = torch.rand(len(rgb), 1, 1, 1, generator=generator, device=generator.device) / max(config.gray, 1e-9)
    for number, gray in enumerate(GRAYS[1:]):
        chosen = (pick >= number / 2) & (pick < (number + 1) / 2)
        luma = torch.where(chosen, rgb_to_luma(rgb, gray), luma)
    return luma


_order: dict[tuple[int, int, int], Tensor] = {}


def _shuffled(count: int, position: int, seed: int) -> int:
    """Item at ``position`` of an endless row of shuffles of ``range(count)``."""
    key = (count, position // count, seed)
    if key not in _order:
        _order.clear()
        generator = torch.Generator().manual_seed(seed * 1_000_003 + key[1])
        _order[key] = torch.randperm(count, generator=generator)
    return int(_order[key][position % count])
