"""What the samples of a TIFF page mean: a row for each photometric interpretation."""

from __future__ import annotations

import numpy as np

from colorify.color import clip_chroma, lab_to_rgb
from colorify.pictures import profiles
from colorify.pictures.picture import PictureError, check_floats
from colorify.pictures.tags import ICC
from colorify.pictures.tiff_page import Kind, Page


def interpreted(samples: np.ndarray, page: Page) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Gray or RGB, alpha, and what was left out."""
    kind, extras = page.kind, page.extras
    if page.floats:
        samples = samples.astype(np.float32) if samples.dtype == np.float16 else samples
        check_floats(samples[..., : kind.channels])
    colors = _scaled(samples[..., : kind.channels], page.bits) if kind.scaled else samples[..., : kind.channels]
    alphas = [number for number, meaning in enumerate(extras) if meaning in (1, 2)][:1]
    left = len(extras) - len(alphas)
    warnings = (f"{left} extra channel{'s' * (left > 1)} that the file does not explain left out",) if left else ()
    if not alphas:
        return np.ascontiguousarray(kind.shown(colors, page)), None, warnings
    alpha = _scaled(samples[..., kind.channels + alphas[0]], page.bits)
    if page.floats:
        check_floats(alpha)
    if extras[alphas[0]] == 1:
        if not kind.scaled:
            raise PictureError("premultiplied indices of a palette are not supported: convert to RGB")
        colors = _straight(colors, alpha)
    array = kind.shown(colors, page)
    if alpha.dtype != array.dtype:  # a palette is of 8 bits
        raise PictureError("alpha and colours of different depths are not supported")
    return np.ascontiguousarray(array), np.ascontiguousarray(alpha), warnings


def _scaled(samples: np.ndarray, bits: int) -> np.ndarray:
    """Samples of 1 to 7 bits in 0..255, of 9 to 15 in 0..65535."""
    if bits in (8, 16) or samples.dtype.kind == "f":
        return samples
    top = 255 if bits < 8 else 65535
    most = (1 << bits) - 1
    return ((samples.astype(np.uint32) * top + most // 2) // most).astype(samples.dtype)


def _straight(array: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Samples ``(H, W, channels)`` that were multiplied with alpha, divided by it."""
    top = 1.0 if array.dtype.kind == "f" else np.iinfo(array.dtype).max
    out, step = np.empty_like(array), max(1, (1 << 20) // array.shape[1])
    for rows in range(0, len(array), step):
        some = slice(rows, rows + step)
        share = alpha[some].astype(np.float64) / top
        share = np.broadcast_to(share[..., None], array[some].shape)
        straight = np.divide(array[some], share, out=np.zeros(array[some].shape), where=share > 0).clip(0, top)
        out[some] = straight if top == 1.0 else straight + 0.5
    return out


def _gray(array: np.ndarray, page: Page) -> np.ndarray:
    return array[..., 0]


def _inverted(array: np.ndarray, page: Page) -> np.ndarray:
    return (1 if array.dtype.kind == "f" else np.iinfo(array.dtype).max) - array[..., 0]


def _rgb(array: np.ndarray, page: Page) -> np.ndarray:
    return array


def _palette(array: np.ndarray, page: Page) -> np.ndarray:
    """By ColorMap, three times as many 16-bit values as there are indices; some writers put 8-bit ones."""
    colors = np.asarray(page.tags.get(320, ()))
    if page.floats or colors.size < 3 << page.bits:
        raise PictureError("damaged: a palette with too few colours")
    colors = colors.reshape(3, -1)[:, : 1 << page.bits].T
    return (colors // 257 if colors.max() > 255 else colors).astype(np.uint8)[array[..., 0]]


def _cmyk(array: np.ndarray, page: Page) -> np.ndarray:
    """By the embedded profile where there is one that LittleCMS can follow, else by Pillow's plain rule."""
    if page.tags.get(332, 1) != 1:
        raise PictureError("inks other than CMYK are not supported: convert to RGB")
    table = profiles.cmyk_table(page.tags[ICC]) if isinstance(page.tags.get(ICC), bytes) else None
    top = 1.0 if array.dtype.kind == "f" else float(np.iinfo(array.dtype).max)
    out, step = np.empty((*array.shape[:2], 3), array.dtype), max(1, (1 << 18) // array.shape[1])
    for rows in range(0, len(array), step):
        part = array[rows : rows + step] / top
        light = (1 - part[..., :3]) * (1 - part[..., 3:]) if table is None else profiles.interpolated(table, part)
        out[rows : rows + step] = light if top == 1.0 else light * top + 0.5
    return out


def _lab(array: np.ndarray, page: Page) -> np.ndarray:
    """CIELab, a and b signed: the sRGB colour with the same L*."""
    if page.floats or page.bits not in (8, 16):
        raise PictureError(f"CIELab of {page.bits} bits is not supported: convert to gray or RGB")
    top, unit = np.iinfo(array.dtype).max, 1 if page.bits == 8 else 256
    out, step = np.empty((*array.shape[:2], 3), array.dtype), max(1, (1 << 18) // array.shape[1])
    signed = array[..., 1:].view(f"i{array.itemsize}") if array.flags.c_contiguous else None
    signed = array[..., 1:].astype(array.dtype).view(f"i{array.itemsize}") if signed is None else signed
    for rows in range(0, len(array), step):
        some = slice(rows, rows + step)
        lab = np.dstack((array[some, :, 0] * (100.0 / top), signed[some] / unit))
        out[some] = lab_to_rgb(clip_chroma(lab)) * top + 0.5
    return out


KINDS: dict[int, Kind] = {
    0: Kind(1, _inverted),
    1: Kind(1, _gray),
    2: Kind(3, _rgb),
    3: Kind(1, _palette, scaled=False),
    5: Kind(4, _cmyk, converts=True),
    6: Kind(3, _rgb),
    8: Kind(3, _lab, converts=True),
}
"""Photometric interpretation -> how it is shown: MinIsWhite, gray, RGB, palette, CMYK, YCbCr (by libtiff), Lab."""
