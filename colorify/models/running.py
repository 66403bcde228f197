"""What runs a network, whatever runs it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]
"""L* ``(B, 1, H, W)`` float32 in 0..100, any size -> what the head predicts, ``(B, outputs, ceil(H/2), ceil(W/2))``."""


Encode = Callable[[np.ndarray], list[np.ndarray]]
"""L* as `Predict` takes it -> what the encoder sees of it at 1/4, 1/8 and 1/16 of the size, ``(B, channels, h, w)``."""

BFLOAT16 = "cpu-bf16"
"""The device that is the CPU, computing in bfloat16: half the time where it multiplies that, colors hardly move."""

LEVELS = (4, 8, 16)  # strides of what `Encode` gives


def cropped(levels: Sequence[np.ndarray], size: tuple[int, int]) -> list[np.ndarray]:
    """Levels of a padded picture without what lies outside its ``size``, height and width."""
    height, width = size
    return [level[..., : -(-height // s), : -(-width // s)] for level, s in zip(levels, LEVELS, strict=True)]


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
