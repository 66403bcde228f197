"""Pictures that are no colour photograph: of one hue, negatives, pages of text, line drawings.

Thresholds were set on 4,500 colour photographs from public collections, where each alarm is false for under 0.5 %.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from colorify.color import gray_to_luma, rgb_to_lab

_SIDE = 512  # long side, pixels, at which strokes are looked for
_BANDS, _CELL = 16, 4  # bands of L* that a toning is followed in; pixels of 64 whose mean is one value
_CLEAN = 1.4  # ab units: what noise and JPEG leave of a toning that is taken out
_FAINT, _UNEXPLAINED = 4.0, 0.03  # the same where the toning is strong, and its share of the variance of ab


def kind(picture: Image.Image, among: tuple[str, ...] | None = None) -> str:
    """The first kind of `KINDS`, or of those ``among`` them, that an RGB or gray picture is of; empty for none."""
    rgb = picture.convert("RGB")
    return next((name for name in among or KINDS if KINDS[name](rgb)), "")


def is_one_hue(picture: Image.Image) -> bool:
    """Whether a and b follow from L* alone: sepia, cyanotype, any toning or duotone.

    In each of 16 bands of L* a line is fitted and taken away. What is left of a toned print is noise, which means over
    4 x 4 pixels of a thumbnail take out; what is left of a scene in colour is its colours.
    """
    lab = rgb_to_lab(np.asarray(picture.resize((64, 64), Image.Resampling.BOX), np.float32) / 255).reshape(-1, 3)
    ab, left = lab[:, 1:], np.empty_like(lab[:, 1:])
    for band in np.array_split(np.argsort(lab[:, 0], kind="stable"), _BANDS):
        luma = lab[band, 0] - lab[band, 0].mean()
        slope = luma @ ab[band] / max(luma @ luma, 1e-6)
        left[band] = ab[band] - ab[band].mean(0) - luma[:, None] * slope
    whole, rest = (_coarse(plane) for plane in (ab, left))
    spread, variance = float(np.sqrt((rest**2).mean(0).sum())), float(whole.var(0).sum())
    return spread < _CLEAN or (spread < _FAINT and spread**2 < _UNEXPLAINED * variance)


def _coarse(plane: np.ndarray) -> np.ndarray:
    """Means of cells, of a plane ``(64 * 64, 2)``."""
    cells = 64 // _CELL
    return plane.reshape(cells, _CELL, cells, _CELL, 2).mean((1, 3)).reshape(-1, 2)


def is_negative(picture: Image.Image) -> bool:
    """Whether this is a colour negative: its orange mask lies over all, black too, and leaves no white.

    Negatives in black and white are not told from photographs: by tones alone even a learned classifier found a seventh
    of them when it took 0.3 % of the photographs for one.
    """
    rgb = np.asarray(picture.resize((64, 64), Image.Resampling.BOX), np.float32) / 255
    darkest, (red, green, blue) = np.percentile(rgb[..., 0], 1), np.percentile(rgb, 99, axis=(0, 1))
    masked = (rgb[..., 0] > rgb[..., 1] + 0.03) & (rgb[..., 1] > rgb[..., 2] + 0.03)
    brightest = red > 0.6 and 0.45 < green / red < 0.8 and blue / red < 0.6
    return bool(brightest and darkest > 0.12 and masked.mean() > 0.6)


def is_page(picture: Image.Image) -> bool:
    """Whether this is a page of text: even paper, and on it more than 150 small marks that hold nearly all the ink."""
    marks = _marks(picture)
    return marks is not None and len(marks) > 150 and _small_share(marks) > 0.9


def is_drawing(picture: Image.Image) -> bool:
    """Whether this is a line drawing: even paper with thin strokes, not all of them small."""
    marks = _marks(picture)
    return marks is not None and not (len(marks) > 150 and _small_share(marks) > 0.9)


def _marks(picture: Image.Image) -> np.ndarray | None:
    """Width, height and area of the dark marks on even, light paper, as shares of its long side; None: no paper.

    A closing as wide as a twenty-fourth of the picture removes strokes, and nothing else of a photograph.
    """
    gray = picture.convert("L")
    gray.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    luma = gray_to_luma(np.asarray(gray, np.float32) / 255).astype(np.float32)
    side = max(luma.shape)
    width = max(3, side // 24 | 1)
    closed = cv2.morphologyEx(luma, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    paper = cv2.blur(closed, (width, width))
    depth = paper - luma
    contrast = float(np.percentile(depth, 99.5))
    ink, bare = depth > max(12.0, contrast / 2), depth < max(6.0, 0.15 * contrast)
    even = paper.std() < 5 and np.median(paper) > 55
    if not (even and contrast > 22 and 0.01 < ink.mean() < 0.3 and bare.mean() > 0.55):
        return None
    found = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)[2][1:]
    return found[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA]] / (side, side, side**2)


def _small_share(marks: np.ndarray) -> float:
    """Which share of the ink is in marks as small as letters or words."""
    small = (marks[:, 0] < 1 / 8) & (marks[:, 1] < 1 / 20)
    return float(marks[small, 2].sum() / marks[:, 2].sum())


KINDS: dict[str, Callable[[Image.Image], bool]] = {
    "one hue": is_one_hue,
    "negative": is_negative,
    "text page": is_page,
    "line drawing": is_drawing,
}
"""What a picture may be instead of a colour photograph, and how that is seen."""

LOOKS = {"negative": "a color negative", "text page": "a page of text", "line drawing": "a line drawing"}
"""What is worth a warning before it is colored, in words."""
