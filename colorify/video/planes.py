"""Y'CbCr planes of a film frame: luma to L*, and the chroma planes that show predicted colours over untouched luma."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import cv2
import numpy as np

from colorify.constant_luma import at, differences, of_luma, slices, table, weights_of
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


def lightness(plane: np.ndarray, coding: Coding) -> np.ndarray:
    """Luma samples ``(H, W)`` -> L* ``(H, W)`` float32 as a usual display shows it."""
    if plane.dtype == np.uint8:
        return cv2.LUT(plane, _lightness(coding))
    return light.luma_of(gray(plane, coding), coding.transfer)


@lru_cache(16)
def _lightness(coding: Coding) -> np.ndarray:
    """L* of all levels of 8 bits."""
    return light.luma_of(gray(_LEVELS, coding), coding.transfer)


_LEVELS = np.arange(256, dtype=np.uint8)[None]


_FAR = 4.0  # times a picture is larger than what is wanted of it


def smaller(luma: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Luma samples ``(H, W)`` at a smaller width and height, by means over areas."""
    height, width = luma.shape
    while not (height % 2 or width % 2) and min(width / size[0], height / size[1]) >= _FAR:
        height, width = height // 2, width // 2  # many times faster than any other size
        luma = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(luma, size, interpolation=cv2.INTER_AREA)


def sited(luma: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Luma samples ``(H, W)`` at the places of chroma samples of this shape.

    Where two columns share a sample, it lies on the first of them (MPEG's "left"); else in the middle.
    """
    height, width = shape
    if luma.shape[1] == width:
        return cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
    if luma.shape == (2 * height, 2 * width) and width > 1:  # two halvings, one a column to the left
        found = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
        left = cv2.resize(luma[:, 1:-1], (width - 1, height), interpolation=cv2.INTER_AREA)
        found[:, 1:] = cv2.addWeighted(found[:, 1:], 0.5, left, 0.5, 0)
        return found
    pairs = cv2.sepFilter2D(luma, -1, np.array((0.5, 0.5)), np.ones(1), anchor=(1, 0))  # `cv2.blur` rounds upwards
    return cv2.resize(pairs, (width, height), interpolation=cv2.INTER_AREA)


def spread(ab: np.ndarray, shape: tuple[int, int], width: int) -> np.ndarray:
    """``ab (h, w, 2)`` of a picture of this ``width`` in px at the places of its chroma samples, see `sited`."""
    if width != shape[1]:
        left = 0.5 * ab.shape[1] / width
        reach = 2 + int(left)
        taps = _cubic(np.arange(-reach, reach + 1) + left)
        ab = cv2.sepFilter2D(ab, -1, taps, np.ones(1), borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(ab, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _cubic(x: np.ndarray, a: float = -0.5) -> np.ndarray:
    """The kernel of cubic convolution (Keys 1981)."""
    x = np.abs(x)
    near, far = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def chroma(luma: np.ndarray, places: np.ndarray, given: Coding, wanted: Coding) -> Sequence[np.ndarray]:
    """The samples ``(H, W)`` of Cb and of Cr that show colors over luma samples ``(H, W)`` of another coding.

    The colors are ``places`` of `constant_luma` ``(H, W, 2)``, which are overwritten. The luma of the shown color is
    that of the samples exactly, but for rounding; a and b are as asked for, or of the same hue and less where the gamut
    ends. Read from a table that `exact_chroma` fills.
    """
    lines = cv2.LUT(luma, _slices(given)) if luma.dtype == np.uint8 else slices(gray(luma, given))
    levels = at(places, lines, _levels(wanted))
    if wanted.depth == 8:
        return cv2.split(cv2.convertScaleAbs(levels))  # rounds, and ends at 255
    np.rint(levels, out=levels)
    np.clip(levels, 0, 2**wanted.depth - 1, out=levels)
    return cv2.split(levels.astype(np.uint16))


@lru_cache(16)
def _slices(coding: Coding) -> np.ndarray:
    """The slices of all levels of 8 bits."""
    return slices(gray(_LEVELS, coding))


@lru_cache(4)
def _levels(coding: Coding) -> np.ndarray:
    """A table of samples."""
    middle, span = coding.chroma_range
    return _table(coding.matrix, coding.transfer, coding.primaries) * np.float32(span) + np.float32(middle)


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
