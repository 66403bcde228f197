"""Y'CbCr planes of a film frame: luma to L*, and the chroma planes that show predicted colours over untouched luma."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from colorify.constant_luma import differences, looked_up, of_luma, table, weights_of
from colorify.video import light


@dataclass(frozen=True)
class Coding:
    """How the samples of a film's planes are to be read."""

    matrix: str = "bt709"  # one of `constant_luma.MATRICES`
    full: bool = False  # full range: 0..255; limited: luma 16..235, chroma 16..240 (8 bit; shifted at higher depths)
    depth: int = 8  # bits
    transfer: str = "sdr"  # or one of `light.TRANSFERS`
    primaries: str = "bt709"  # or one of `light.PRIMARIES`

    @property
    def luma_range(self) -> tuple[float, float]:
        """The samples of black and white."""
        scale = 2 ** (self.depth - 8)
        return (0.0, 2.0**self.depth - 1) if self.full else (16.0 * scale, 235.0 * scale)

    @property
    def chroma_range(self) -> tuple[float, float]:
        """The sample of gray, and how many samples a chroma of one spans."""
        scale = 2 ** (self.depth - 8)
        return 128.0 * scale, (2.0**self.depth - 1 if self.full else 224.0 * scale)


def gray(plane: np.ndarray, coding: Coding) -> np.ndarray:
    """Luma samples ``(H, W)`` -> coded gray ``(H, W)`` float32 in 0..1, usually sRGB; the rest is clamped."""
    black, white = coding.luma_range
    levels = plane.astype(np.float32)
    levels -= black
    levels /= white - black
    return np.clip(levels, 0, 1, out=levels)


def recoded(values: np.ndarray, given: Coding, wanted: Coding, is_chroma: bool = False) -> np.ndarray:
    """The samples of a plane in another range and depth: the same where these are the same."""
    if (given.full, given.depth) == (wanted.full, wanted.depth):
        return values
    ends = [(c.chroma_range[0], sum(c.chroma_range)) if is_chroma else c.luma_range for c in (given, wanted)]
    (low, high), (bottom, top) = ends
    levels = (values.astype(np.float32) - low) * ((top - bottom) / (high - low)) + bottom
    return np.rint(levels).clip(0, 2**wanted.depth - 1).astype(np.uint8 if wanted.depth == 8 else np.uint16)


def sited(plane: np.ndarray, shape: tuple[int, int], full: tuple[int, int] | None = None) -> np.ndarray:
    """``plane (h, w[, n])``, of a picture of ``full`` (its own) height and width, at the places of chroma samples.

    Where two columns of luma share a sample, it lies on the first of them (MPEG's "left"); else in the middle.
    """
    full = full or plane.shape[:2]
    if full[1] == shape[1]:
        return cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_CUBIC if plane.ndim > 2 else cv2.INTER_AREA)
    if plane.shape[:2] == tuple(full):  # mean over the columns x - 1, x and x + 1
        return cv2.resize(cv2.blur(plane, (2, 1), anchor=(1, 0)), shape[::-1], interpolation=cv2.INTER_AREA)
    scale = np.array(plane.shape[1::-1]) / shape[::-1]
    left = 0.5 * plane.shape[1] / full[1]
    place = np.array([[scale[0], 0, scale[0] / 2 - 0.5 - left], [0, scale[1], scale[1] / 2 - 0.5]], np.float32)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(plane, place, shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)


def chroma(gray: np.ndarray, ab: np.ndarray, coding: Coding) -> np.ndarray:
    """The samples ``(2, H, W)`` of Cb and Cr that show ab ``(H, W, 2)`` over the neutral ``gray`` ``(H, W)``.

    The luma of the shown colour is that of ``gray`` exactly, but for rounding; a and b are as asked for, or of the
    same hue and less where the gamut ends. Read from a table that `exact_chroma` fills.
    """
    levels = looked_up(gray, ab, _table(coding.matrix, coding.transfer, coding.primaries))
    middle, span = coding.chroma_range
    levels *= np.array(span, np.float32)
    levels += np.array(middle, np.float32)
    np.rint(levels, out=levels)
    np.clip(levels, 0, 2**coding.depth - 1, out=levels)
    return levels.astype(np.uint8 if coding.depth == 8 else np.uint16).transpose(2, 0, 1)


@cache
def _table(matrix: str, transfer: str, primaries: str) -> np.ndarray:
    return table(lambda gray, ab: exact_chroma(gray, ab, matrix, transfer, primaries))


def exact_chroma(
    gray: np.ndarray, ab: np.ndarray, matrix: str, transfer: str = "sdr", primaries: str = "bt709"
) -> np.ndarray:
    """Cb and Cr ``(..., 2)``, about -0.5..0.5, of the colour with these ab ``(..., 2)`` whose luma is ``gray``."""
    weights = weights_of(matrix)
    if (transfer, primaries) == ("sdr", "bt709"):
        rgb = of_luma(gray, ab, weights)
    else:
        rgb = light.coded(gray, ab, weights, transfer, primaries).astype(np.float32)
    return differences(rgb, weights)
