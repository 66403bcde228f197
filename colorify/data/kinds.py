"""Pictures that are no colour photograph: of one hue, negatives, pages of text, line drawings.

Thresholds were set on 4,500 colour photographs from public collections, where each alarm is false for under 0.5 %.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from colorify.color import gray_to_luma, rgb_to_lab, to_rgb

_SIDE = 512  # long side, pixels, at which strokes are looked for
_BANDS, _CELL = 16, 4  # bands of L* that a toning is followed in; pixels of 64 whose mean is one value
_CLEAN = 1.4  # ab units: what noise and JPEG leave of a toning that is taken out
_FAINT, _UNEXPLAINED = 4.0, 0.03  # the same where the toning is strong, and its share of the variance of ab
_TONE = 1.5  # ab units from the tone of its L* that noise and JPEG bring a pixel to
_TONED_SHARE = 0.6  # of a picture that was tinted in places
_TINTED_SIDE = 384  # long side, pixels, at which the places are found
_LUMA = gray_to_luma(np.arange(256) / 255).astype(np.float32)  # of 8-bit gray


def one_hue(picture: Image.Image) -> str:
    """Whether a and b follow from L* alone in an RGB picture: sepia, cyanotype, any toning or duotone.

    In each of 16 bands of L* a line is fitted and taken away. What is left of a toned print is noise, which means over
    4 x 4 pixels of a thumbnail take out; what is left of a scene in colour is its colours.
    """
    lab = rgb_to_lab(to_rgb(picture.resize((64, 64), Image.Resampling.BOX))).reshape(-1, 3)
    ab, left = lab[:, 1:], np.empty_like(lab[:, 1:])
    for band in np.array_split(np.argsort(lab[:, 0], kind="stable"), _BANDS):
        luma = lab[band, 0] - lab[band, 0].mean()
        slope = luma @ ab[band] / max(luma @ luma, 1e-6)
        left[band] = ab[band] - ab[band].mean(0) - luma[:, None] * slope
    whole, rest = (_coarse(plane) for plane in (ab, left))
    spread, variance = float(np.sqrt((rest**2).mean(0).sum())), float(whole.var(0).sum())
    toned = spread < _CLEAN or (spread < _FAINT and spread**2 < _UNEXPLAINED * variance)
    return "one hue: toned, such as sepia" if toned else ""


def tint(picture: Image.Image) -> np.ndarray | None:
    """Where an RGB picture, else gray or toned, was tinted by hand: 0..1 ``(h, w)`` float32; None for any other.

    A pixel is tinted that differs from the tone of its L*, the median of its band. Of 500 color photographs four were
    taken for tinted ones; of 200 gray and sepia ones with tinted spots seven were not.
    """
    small = picture.copy()
    small.thumbnail((_TINTED_SIDE, _TINTED_SIDE), Image.Resampling.BOX)
    off = _off_tone(small)
    coarse = picture.resize((96, 96), Image.Resampling.BOX)
    if (_off_tone(coarse) < _TONE).mean() < _TONED_SHARE:
        return None
    return cv2.GaussianBlur(((off - 2 * _TONE) / (4 * _TONE)).clip(0, 1).astype(np.float32), (0, 0), 1.0)


def _off_tone(picture: Image.Image) -> np.ndarray:
    """How far the ab of each pixel ``(h, w)`` is from the median of those of about its L*."""
    lab = rgb_to_lab(np.asarray(picture, np.float32) / 255).reshape(-1, 3)
    off = np.empty(len(lab), np.float32)
    for band in np.array_split(np.argsort(lab[:, 0], kind="stable"), min(12, len(lab))):
        ab = lab[band, 1:]
        off[band] = np.linalg.norm(ab - np.median(ab, 0), axis=1)
    return off.reshape(picture.height, picture.width)


def _coarse(plane: np.ndarray) -> np.ndarray:
    """Means of cells, of a plane ``(64 * 64, 2)``."""
    cells = 64 // _CELL
    return plane.reshape(cells, _CELL, cells, _CELL, 2).mean((1, 3)).reshape(-1, 2)


def negative(picture: Image.Image) -> str:
    """Whether an RGB picture is a colour negative: its orange mask lies over all, black too, and leaves no white.

    Negatives in black and white are not told from photographs: by tones alone even a learned classifier found a seventh
    of them when it took 0.3 % of the photographs for one.
    """
    rgb = to_rgb(picture.resize((64, 64), Image.Resampling.BOX))
    darkest, (red, green, blue) = np.percentile(rgb[..., 0], 1), np.percentile(rgb, 99, axis=(0, 1))
    exposed = 0.12 < darkest < red - 0.1
    masked = (rgb[..., 0] > rgb[..., 1] + 0.03) & (rgb[..., 1] > rgb[..., 2] + 0.03)
    brightest = red > 0.6 and 0.45 < green / red < 0.8 and blue / red < 0.6
    return "negative" if exposed and brightest and masked.mean() > 0.6 else ""


def drawn(picture: Image.Image) -> str:
    """Whether this is ink on even, light paper: text when small marks hold nearly all of it, else a drawing."""
    marks = _marks(picture)
    if marks is None:
        return ""
    small = (marks[:, 0] < 1 / 8) & (marks[:, 1] < 1 / 20)  # letters and words
    share = marks[small, 2].sum() / marks[:, 2].sum()
    return "text page" if len(marks) > 150 and share > 0.9 else "line drawing"


def _marks(picture: Image.Image) -> np.ndarray | None:
    """Width, height and area of the dark marks on even, light paper, as shares of its long side; None: no paper, or too
    small.

    A closing as wide as a twenty-fourth of the picture removes strokes, and nothing else of a photograph.
    """
    gray = picture.convert("L")
    gray.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    luma = _LUMA[np.asarray(gray)]
    side = max(luma.shape)
    if side < 128:
        return None  # strokes are gone
    width = max(3, side // 24 | 1)
    paper = cv2.blur(cv2.morphologyEx(luma, cv2.MORPH_CLOSE, np.ones((width, width), np.uint8)), (width, width))
    if paper.std() > 5 or np.median(paper) < 55:
        return None
    depth = paper - luma
    contrast = float(np.percentile(depth, 99.5))
    ink, bare = depth > max(12.0, contrast / 2), depth < max(6.0, 0.15 * contrast)
    if not (contrast > 22 and 0.01 < ink.mean() < 0.3 and bare.mean() > 0.55):
        return None
    found = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)[2][1:]
    return found[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA]] / (side, side, side**2)


LOOKS = (negative, drawn)


def look(picture: Image.Image) -> str:
    """What an RGB or gray picture looks like instead of a photograph, by the first of `LOOKS`; empty for none."""
    rgb = picture.convert("RGB")
    return next(filter(None, (named(rgb) for named in LOOKS)), "")
