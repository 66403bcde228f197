"""What the network sees of a picture: a small, upright L* plane, at full contrast, and a smaller mirrored copy."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from colorify import pictures
from colorify.laying import luma_reader
from colorify.pictures import Picture

_SMALLER = 0.8  # sides of the second copy that the network sees, as a share of those of the first
_DIM = 70  # L* that something reaches in most photos: those that stay under it have less chroma
_LONGEST = 8  # the network's picture is at most this many times longer than wide


def small_luma(source: Picture, size: int) -> np.ndarray:
    """What the network sees: upright L* ``(h, w)``, short side ``size``, aspect kept, h and w even."""
    pixels, space = pictures.turn(source.pixels, source.orientation), pictures.space_of(source.metadata)
    if space:
        pixels = space.seen(pixels)
    elif pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        pixels = (pixels * 255 + 0.5).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    small = image.resize(small_size(image.size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return luma_reader(np.dtype(np.uint8))(np.asarray(small))


def autocontrast(luma: np.ndarray) -> np.ndarray:
    """L* ``(B, H, W)`` as if no picture had faded: percentiles 1 and 99 of each are at 5 and 95, or farther apart.

    Contrast rises by half at most, and pictures that have enough of it stay as they are.
    """
    low, high = np.percentile(luma, (1, 99), axis=(1, 2), keepdims=True)
    darkest, lightest = np.minimum(low, 5), np.maximum(high, 95)
    gain = np.minimum(1.5, (lightest - darkest) / np.maximum(high - low, 1e-3))
    middle, reach = (low + high) / 2, gain * (high - low) / 2
    moved = middle.clip(darkest + reach, lightest - reach)  # as near to where it was as may be
    return (gain * (luma - middle) + moved).clip(0, 100).astype(np.float32)


def dimmed(luma: np.ndarray) -> np.ndarray:
    """What share of its chroma by day each L* ``(B, H, W)`` has, ``(B,)`` in 0..1: below 1 where all is dark.

    `autocontrast` hides from the network that it is. Half the light leaves 0.79 of L*, a* and b*.
    """
    lightest = np.percentile(luma, 99, axis=(1, 2))
    return np.minimum(1, lightest / _DIM).astype(np.float32)


def smaller(luma: np.ndarray) -> np.ndarray:
    """L* ``(B, H, W)`` -> the copy ``(B, h, w)`` that the network sees besides: smaller, mirrored, h and w even."""
    height, width = (max(2, round(length * _SMALLER / 2) * 2) for length in luma.shape[1:])
    return resized(luma[..., ::-1], (height, width), cv2.INTER_AREA)


def resized(planes: np.ndarray, size: tuple[int, int], interpolation: int) -> np.ndarray:
    """Planes ``(..., H, W)`` at another size ``(h, w)``."""
    each = np.ascontiguousarray(planes.reshape(-1, *planes.shape[-2:]))
    resized = [cv2.resize(one, size[::-1], interpolation=interpolation) for one in each]
    return np.stack(resized).reshape(*planes.shape[:-2], *size)


def small_size(full: tuple[int, int], size: int) -> tuple[int, int]:
    """Width and height, even, with the short side ``size`` and the aspect of ``full``; eight to one at most."""
    scale = min(size / min(full), size * _LONGEST / max(full))
    width, height = (max(2, round(length * scale / 2) * 2) for length in full)
    return width, height


def upright_size(source: Picture) -> tuple[int, int]:
    """Width and height as it is looked at."""
    return source.size if source.orientation < 5 else source.size[::-1]
