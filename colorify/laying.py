"""Chroma laid over the untouched luminance of a picture: any size and depth, strip by strip, in any colour space."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, lru_cache, partial

import cv2
import numpy as np

from colorify import constant_luma, pictures
from colorify.color import delinearize, gray_to_luma, light_to_luma, linearize, rgb_to_lab, rgb_to_luma, shrink_chroma
from colorify.models.running import cores
from colorify.pictures import Picture
from colorify.space import Space

_STRIP = 1 << 17  # pixels that one thread works on at a time: small enough for its caches
_PRODUCT = 1 << 15  # entries of a matrix product by BLAS: its own threads, which larger ones wake, go on spinning
_ABOVE_ZERO, _BELOW_ONE = (1e-7,) * 3, (1 - 1e-6,) * 3  # linear light, or coded


def in_file_order(planes: np.ndarray, source: Picture) -> np.ndarray:
    """Upright planes ``(h, w[, n])`` as the file of ``source`` lies."""
    return np.ascontiguousarray(pictures.turn_back(planes, source.orientation))


def adjust(ab: np.ndarray, source: Picture, blur: float) -> np.ndarray:
    """Predicted ab ``(h, w, 2)`` in the order of the file, blurred."""
    ab = in_file_order(ab, source)
    sigma = min(blur * len(ab) / source.size[1], 2.0 * max(ab.shape))  # beyond that all is one colour
    return cv2.GaussianBlur(ab, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) if sigma > 0 else ab


def apply_chroma(
    source: Picture,
    ab: np.ndarray,
    progress: Callable[[float], None] = lambda share: None,
    threads: bool = True,
    mask: np.ndarray | None = None,
) -> Picture:
    """Lay ab ``(h, w, 2)``, upsampled bicubic, over the luminance of ``source``, strip by strip in bounded memory.

    ``progress`` hears which share of it is done; ``threads``: on all cores; ``mask`` ``(H, W)`` float32 as the file
    lies: how much of it each pixel gets, 0..1, beside the color of its own; at 0 it stays as it was, to the bit.
    """
    width, height = source.size
    if width > max(_STRIP, height):  # one row would be too much at once: work on the picture lying on its side
        lying = replace(source, pixels=source.pixels.swapaxes(0, 1))
        turned = apply_chroma(lying, ab.swapaxes(0, 1), progress, threads, None if mask is None else mask.T)
        return pictures.colored(source, turned.pixels.swapaxes(0, 1))
    out = np.empty((height, width, 3), source.pixels.dtype)
    wide = cv2.resize(np.ascontiguousarray(ab, np.float32), (width, len(ab)), interpolation=cv2.INTER_CUBIC)
    taps, weights = _bicubic(len(ab), height)
    space = pictures.space_of(source.metadata)
    luma_of, coded = luma_reader(out.dtype, space), _writer(out.dtype, space)
    few = max(1, min(_PRODUCT // (2 * width), 3 * height // len(ab)))

    def paint(strip: slice) -> int:
        between = [_between(wide, taps[rows], weights[rows]) for rows in _slices(strip.start, strip.stop, few)]
        given, chroma = source.pixels[strip], np.concatenate(between)
        if mask is not None:
            chroma = _shared(chroma, given, mask[strip], space)
        out[strip] = coded(cv2.merge((luma_of(given), chroma)))
        if mask is not None:
            untouched = mask[strip] == 0
            out[strip][untouched] = given[untouched] if given.ndim == 3 else given[untouched][:, None]
        return strip.stop

    strips = _slices(0, height, max(1, _STRIP // width))
    for done in _workers().map(paint, strips) if threads and len(strips) > 1 else map(paint, strips):
        progress(done / height)
    return pictures.colored(source, out)


def chroma_planes(source: Picture, ab: np.ndarray, threads: bool = True, mask: np.ndarray | None = None) -> np.ndarray:
    """Cb and Cr ``(2, h, w)`` uint8 that show ab ``(h, w, 2)`` over the luma of a gray picture of 8 bits, as in JFIF.

    A sample stands for two by two pixels; else as `apply_chroma`.
    """
    right, below = (side % 2 for side in source.size)
    whole = cv2.copyMakeBorder(source.pixels, 0, below, 0, right, cv2.BORDER_REPLICATE)
    height, width = (side // 2 for side in whole.shape)
    out = np.empty((2, height, width), np.uint8)
    share = None if mask is None else cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    wide = cv2.resize(np.ascontiguousarray(ab, np.float32), (width, len(ab)), interpolation=cv2.INTER_CUBIC)
    taps, weights = _bicubic(len(ab), height)
    known = _known_chroma(pictures.space_of(source.metadata))
    few = max(1, min(_PRODUCT // (2 * width), 3 * height // len(ab)))

    def paint(strip: slice) -> None:
        between = [_between(wide, taps[rows], weights[rows]) for rows in _slices(strip.start, strip.stop, few)]
        seen = whole[2 * strip.start : 2 * strip.stop]
        gray = cv2.resize(seen, (width, len(seen) // 2), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        chroma = np.concatenate(between)
        if share is not None:
            chroma *= share[strip][..., None]
        levels = constant_luma.looked_up(gray, chroma, known) * 255 + 128
        out[:, strip] = np.moveaxis(np.rint(levels).clip(0, 255), -1, 0)

    strips = _slices(0, height, max(1, _STRIP // width))
    list(_workers().map(paint, strips) if threads and len(strips) > 1 else map(paint, strips))
    return out


@lru_cache(maxsize=4)
def _known_chroma(space: Space | None) -> np.ndarray:
    """A table of `constant_luma`, of the luma of JFIF, for a space; None is sRGB."""
    weights, light = constant_luma.weights_of("bt601"), constant_luma.SRGB
    if space is not None:
        double = np.dtype(np.float64)
        light = space.luma, lambda luma, ab: space.coded(np.concatenate((luma[..., None], ab), -1), double)

    def exact(gray: np.ndarray, ab: np.ndarray) -> np.ndarray:
        return constant_luma.differences(constant_luma.of_luma(gray, ab, weights, light), weights)

    return constant_luma.table(exact)


def _shared(ab: np.ndarray, pixels: np.ndarray, mask: np.ndarray, space: Space | None) -> np.ndarray:
    """The ab ``(H, W, 2)`` beside those that pixels have of their own; ``mask`` is the share of the first."""
    if pixels.ndim == 2:
        return ab * mask[..., None]
    top = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    lab = space.lab(pixels) if space else rgb_to_lab((pixels / top).astype(np.float32))
    own = lab[..., 1:].astype(np.float32)
    return own * (1 - mask[..., None]) + ab * mask[..., None]


def _slices(start: int, stop: int, step: int) -> list[slice]:
    return [slice(first, min(first + step, stop)) for first in range(start, stop, step)]


@cache
def _workers() -> ThreadPoolExecutor:
    """A thread for each core: OpenCV and numpy let others work meanwhile."""
    return ThreadPoolExecutor(cores(), "colorify")


def _bicubic(length: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """How ``length`` rows become ``target`` as OpenCV resizes them (Keys 1981, a = -0.75).

    Returns the four rows that each new one is made of, and their weights, both ``(target, 4)``.
    """
    position = (np.arange(target) + 0.5) * (length / target) - 0.5
    base, neighbours = np.floor(position)[:, None], np.arange(-1, 3)
    x = np.abs(position[:, None] - base - neighbours)
    near, far = ((1.25 * x - 2.25) * x) * x + 1, ((-0.75 * x + 3.75) * x - 6) * x + 3
    taps = (base.astype(int) + neighbours).clip(0, length - 1)
    return taps, np.where(x <= 1, near, far).astype(np.float32)


def _between(wide: np.ndarray, taps: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A few new rows ``(rows, W, 2)`` from ``wide (h, W, 2)``, by `_bicubic`."""
    first, last = taps[0, 0], taps[-1, -1]
    mix = np.zeros((len(taps), last - first + 1), np.float32)
    np.add.at(mix, (np.arange(len(taps))[:, None], taps - first), weights)  # at the borders rows count twice
    return (mix @ wide[first : last + 1].reshape(len(mix.T), -1)).reshape(len(taps), -1, 2)


def luma_reader(dtype: np.dtype, space: Space | None = None) -> Callable[[np.ndarray], np.ndarray]:
    """A function from stored pixels ``(H, W[, 3])`` to L* ``(H, W)`` float32; integers are looked up."""
    return space.luma if space else _srgb_reader(dtype)


@cache
def _srgb_reader(dtype: np.dtype) -> Callable[[np.ndarray], np.ndarray]:
    if dtype not in (np.uint8, np.uint16):

        def compute(strip: np.ndarray) -> np.ndarray:
            strip = strip.astype(np.float32)
            return gray_to_luma(strip) if strip.ndim == 2 else rgb_to_luma(strip)[..., 0]

        return compute
    top = np.iinfo(dtype).max
    luma, light = (function(np.arange(top + 1) / top).astype(np.float32) for function in (gray_to_luma, linearize))

    def read(strip: np.ndarray) -> np.ndarray:
        if strip.ndim == 2:
            return luma.take(strip)
        red, green, blue = strip[..., 0], strip[..., 1], strip[..., 2]
        if np.array_equal(red, green) and np.array_equal(green, blue):
            return luma.take(green)
        if dtype == np.uint8:  # OpenCV is four times as fast, and 0.004 off
            return cv2.cvtColor(light.take(strip), cv2.COLOR_LRGB2LAB)[..., 0]
        return light_to_luma(light.take(strip))[..., 0]

    return read


def _writer(dtype: np.dtype, space: Space | None = None) -> Callable[[np.ndarray], np.ndarray]:
    """A function from Lab ``(H, W, 3)`` float32 to pixels; colours outside the gamut keep L* and hue."""
    return partial(space.coded, dtype=dtype) if space else _srgb_writer(dtype)


@cache
def _srgb_writer(dtype: np.dtype) -> Callable[[np.ndarray], np.ndarray]:
    """That of sRGB.

    OpenCV's constants are those of `colorify.color` to four digits, its sRGB curve a spline, 0.006 L* off at most:
    good for 8 bit alone.
    """
    if dtype == np.uint8:
        return lambda lab: cv2.convertScaleAbs(_shown(lab, cv2.COLOR_LAB2RGB), alpha=255)
    top = 65535 if dtype == np.uint16 else None
    if top is None:
        return lambda lab: delinearize(_shown(lab, cv2.COLOR_LAB2LRGB)).astype(dtype)
    return lambda lab: (delinearize(_shown(lab, cv2.COLOR_LAB2LRGB)) * top + 0.5).astype(dtype)


def _shown(lab: np.ndarray, code: int) -> np.ndarray:
    """Lab ``(H, W, 3)`` as RGB, by OpenCV, which clamps to 0..1: what touches an end is made less colourful."""
    rgb = cv2.cvtColor(lab, code)
    outside = np.flatnonzero(cv2.inRange(rgb, _ABOVE_ZERO, _BELOW_ONE) == 0)
    if len(outside):
        inside = shrink_chroma(lab.reshape(-1, 3)[outside], _outside_gamut)
        rgb.reshape(-1, 3)[outside] = cv2.cvtColor(inside[None], code)[0]
    return rgb


def _outside_gamut(lab: np.ndarray) -> np.ndarray:
    """Which of Lab ``(N, 3)`` OpenCV would clamp."""
    return cv2.inRange(cv2.cvtColor(lab[None], cv2.COLOR_LAB2LRGB), _ABOVE_ZERO, _BELOW_ONE)[0] == 0
