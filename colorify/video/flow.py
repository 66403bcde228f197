"""Motion from one frame to another: DIS optical flow (Kroeger 2016), what lies at its end, and how sure it is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np

_PHOTOMETRIC = 10.0  # L*


def as_bytes(luma: np.ndarray) -> np.ndarray:
    """L* ``(h, w)`` as flow is to see it: bytes, without the finest grain."""
    return cv2.GaussianBlur((luma * 2.55).clip(0, 255).astype(np.uint8), (0, 0), 1)


def find_flow(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Where each pixel ``here (h, w)`` is ``there``, both of `as_bytes`: ``(h, w, 2)`` px, by DIS."""
    # by a new object, for OpenCV's remember: a resumed film must be equal
    return flow_by(cv2.DISOPTICAL_FLOW_PRESET_FAST, here, there)


def flow_by(preset: int, here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """`find_flow` with one of OpenCV's presets."""
    finder: Any = cv2.DISOpticalFlow.create(preset)  # its types want a flow to begin with
    return finder.calc(here, there, None)


def warp(field: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """``field (h, w[, n])`` at where ``flow (h, w, 2)``, in pixels, leads from each pixel; bilinear."""
    return _read(field, _grid(*flow.shape[:2]) + flow)


def _read(field: np.ndarray, places: np.ndarray) -> np.ndarray:
    places = places.astype(np.float32, copy=False)
    return cv2.remap(field, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]


@lru_cache(8)
def _grid(height: int, width: int) -> np.ndarray:
    """The place ``(h, w, 2)`` of each pixel, x and y."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.dstack((x, y))


def confidence(flow: np.ndarray, back: np.ndarray, here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """How sure it is, 0..1, that ``flow`` leads from ``here`` to the same thing ``there``: forth and back, by L*.

    Of float32 ``(h, w, 2)`` and ``(h, w)``.
    """
    height, width = here.shape
    places = _grid(height, width) + flow
    returned_x, returned_y, seen, _ = cv2.split(_read(cv2.merge((back, there, there)), places))  # four are read soonest
    x, y = cv2.split(flow)
    error = (x + returned_x) ** 2 + (y + returned_y) ** 2
    motion = x**2 + y**2 + returned_x**2 + returned_y**2
    off = cv2.GaussianBlur(seen - here, (0, 0), 2) / _PHOTOMETRIC
    sure = np.exp(-(np.maximum(error - 0.01 * motion - 1.5, 0) / 2 + off**2))
    inside = cv2.inRange(places, (-0.5, -0.5), (width - 0.5, height - 0.5))
    return cv2.copyTo(sure, inside)
