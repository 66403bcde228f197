"""A region painted by hand: a mask, white where the picture is coloured, and the strokes of a round brush on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

MOST = 1 << 20  # pixels of what is painted on: its edges are soft, and a stroke takes milliseconds
WHITE, BLACK, ERASE = "white", "black", "erase"
"""What a stroke does: colour it, leave it as it was, or take the paint away."""
_MODES = (WHITE, BLACK, ERASE)


@dataclass(frozen=True)
class Stroke:
    """A line painted by a round brush; `ValueError` for what is none."""

    places: Sequence[tuple[float, float]]  # x and y in shares of width and height
    radius: float  # in shares of the longer side, above 0, at most 1
    soft: float  # share of the radius over which it fades, 0..1
    mode: str = WHITE

    def __post_init__(self) -> None:
        if self.mode not in _MODES:
            raise ValueError(f"region brush {self.mode!r}: choose one of {', '.join(_MODES)}")
        if not self.places or not 0 < self.radius <= 1 or not 0 <= self.soft <= 1:
            raise ValueError(f"region brush: expected places, a radius up to 1 and a softness of 0 to 1, not {self}")


def blank(size: tuple[int, int], mode: str) -> np.ndarray:
    """What lies under a first stroke of this mode on a picture of ``size``: ``(h, w)`` uint8, its opposite."""
    scale = min(1.0, (MOST / (size[0] * size[1])) ** 0.5)
    width, height = (max(1, round(length * scale)) for length in size)
    return np.full((height, width), 0 if mode == WHITE else 255, np.uint8)


def painted(values: np.ndarray, stroke: Stroke, ground: np.ndarray) -> np.ndarray:
    """The mask ``(h, w)`` uint8 after a stroke; ``ground`` is what was there before any paint."""
    height, width = values.shape
    radius = max(0.5, stroke.radius * max(width, height))
    places = np.asarray(stroke.places, np.float64).clip(0, 1) * (width, height)
    first = np.maximum(np.floor(places.min(0) - radius - 2), 0).astype(int)
    last = np.minimum(np.ceil(places.max(0) + radius + 2), (width, height)).astype(int)
    part = np.s_[first[1] : last[1], first[0] : last[0]]
    cover = _cover(places - first, (last - first)[::-1], radius, stroke.soft)
    under, made = values[part].astype(np.float32), values.copy()
    if stroke.mode == WHITE:
        under = np.maximum(under, 255 * cover)
    elif stroke.mode == BLACK:
        under = np.minimum(under, 255 * (1 - cover))
    else:
        under += (ground[part] - under) * cover
    made[part] = (under + 0.5).astype(np.uint8)
    return made


def _cover(places: np.ndarray, shape: Sequence[int], radius: float, soft: float) -> np.ndarray:
    """How much of each pixel ``(h, w)`` the brush covers on its way along places in pixels, 0..1."""
    away = np.ones(tuple(shape), np.uint8)
    line = places.astype(np.int32).clip(0, np.array(shape[::-1]) - 1)
    away[line[:, 1], line[:, 0]] = 0  # a place alone is no line
    cv2.polylines(away, [line.reshape(-1, 1, 2)], isClosed=False, color=0)
    distance = cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    fading = max(1.0, soft * radius)  # px; an edge that is not soft is one pixel wide
    share = ((radius - distance) / fading).clip(0, 1)
    return share * share * (3 - 2 * share)


def fitted(values: np.ndarray) -> np.ndarray:
    """A mask ``(h, w)`` uint8, made smaller if it is larger than what is painted on."""
    scale = min(1.0, (MOST / values.size) ** 0.5)
    return values if scale == 1 else cv2.resize(values, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def png(values: np.ndarray) -> bytes:
    """A mask ``(h, w)`` uint8 as a file, `fitted`."""
    return cv2.imencode(".png", fitted(values), [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
