"""What runs a network, whatever runs it."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]
"""L* ``(B, 1, H, W)`` float32 in 0..100, any size -> what the head predicts, ``(B, outputs, ceil(H/2), ceil(W/2))``."""


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
