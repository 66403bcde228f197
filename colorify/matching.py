"""Colours of reference pictures, brought to where a gray picture looks like them.

What the encoder sees of a picture at 1/8 of its size, and finer and coarser, describes each of its cells; cells of two
pictures that are alike are matched (He et al. 2018, without their networks). A match is sure where it is mutual and
better than any elsewhere in the reference, and where all around are so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image
from scipy import sparse
from scipy.sparse.linalg import cg

from colorify.color import rgb_to_lab, to_rgb
from colorify.hints import graph
from colorify.masks import Mask
from colorify.models.running import Encode
from colorify.network_input import autocontrast, resized, small_luma, small_size
from colorify.pictures import Picture
from colorify.references import Reference

CELL = 8  # px of the picture that the network sees
_WEIGHTS = (0.5, 1.0, 1.0)  # of 1/4, 1/8 and 1/16 of the size: places hold together, and differ
_BEST = 4  # cells of the reference whose colours are averaged
_ALIKE = 0.03  # similarity by which the best of them counts e times as much
_ELSEWHERE = 2  # cells: a second best this near is the same place
_AROUND = 7  # cells: side of the square whose matches make one sure
_SURE = (-10.4, 15.8, 29.5)  # of a logistic: constant, similarity and margin; fitted on photos that no report has
_SIDE = 128  # px: short side at which colours are spread, at most
_HOLD = 16.0  # how much neighbors of like luminance hold together
_KEPT = 0.02  # of the prior is left where a match is quite sure


class Described(NamedTuple):
    """The cells of a picture: descriptors ``(h * w, n)`` of length one, and how many there are."""

    cells: np.ndarray
    shape: tuple[int, int]


class Known(NamedTuple):
    """A reference as it is matched: its cells, those of its mirrored self in their places, and their colours.

    Colours ``(h * w, 2)`` are ab over L* + 16, which more or less light does not change.
    """

    cells: np.ndarray
    shape: tuple[int, int]
    colors: np.ndarray


class Match(NamedTuple):
    """Colours ``(h, w, 2)``, as those of `Known`, that references have for places of a picture; how sure, 0..1."""

    colors: np.ndarray
    sureness: np.ndarray
    heard: np.ndarray | None = None  # 0..1, where any change may be: the regions of the references


class Matcher:
    """Finds what references say of pictures, with one encoder; what it knows of references it keeps."""

    def __init__(self, make: Callable[[], Encode], size: int):
        """``make`` gives the encoder when it is first needed; ``size`` is the short side that it sees, px."""
        self._make, self.size, self._lock = make, size, threading.Lock()
        self._known: dict[str, Known] = {}

    @cached_property
    def encode(self) -> Encode:
        """The encoder."""
        return self._make()

    def match(self, luma: np.ndarray, references: Sequence[Reference]) -> Match:
        """What the references say of a picture, upright L* ``(h, w)``; the surest has most to say."""
        with self._lock:  # one thread makes the encoder, and looks at each reference
            known = [self.known(reference) for reference in references]
        luma, here = self.seen(luma)
        matches = [matched(here, there) for there in known]
        heard = [_heard(reference.region, here.shape) for reference in references]
        within = [match._replace(sureness=match.sureness * h) for match, h in zip(matches, heard, strict=True)]
        found = halved(joined(within), luma.shape)
        regions = [_heard(reference.region, found.sureness.shape) for reference in references]
        return found._replace(heard=np.max(regions, axis=0))

    def known(self, reference: Reference) -> Known:
        """A reference, looked at once."""
        if reference.digest not in self._known:
            luma = small_luma(reference.picture, self.size)
            self._known[reference.digest] = self.learn(luma, cell_colors(reference.picture, luma.shape))
        return self._known[reference.digest]

    def learn(self, luma: np.ndarray, colors: np.ndarray) -> Known:
        """A picture of this L* ``(h, w)``, and of these colors of its cells, as it is matched."""
        plain, mirrored = described(self.encode, np.stack((luma, luma[:, ::-1])))
        turned = mirrored.cells.reshape(*mirrored.shape, -1)[:, ::-1].reshape(plain.cells.shape)
        return Known(np.concatenate((plain.cells, turned)), plain.shape, colors)

    def seen(self, luma: np.ndarray) -> tuple[np.ndarray, Described]:
        """L* ``(h, w)`` at the size that the encoder sees, and its cells."""
        luma = sized(luma, small_size(luma.shape, self.size))
        return luma, described(self.encode, luma[None])[0]


def described(encode: Encode, luma: np.ndarray) -> list[Described]:
    """The cells of pictures of one shape, L* ``(B, H, W)``."""
    levels = encode(autocontrast(luma)[:, None])
    shape = levels[1].shape[-2:]
    return [Described(_descriptors([level[n] for level in levels], shape), shape) for n in range(len(luma))]


def _descriptors(levels: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """What sets each cell apart from the mean of its picture."""
    parts = []
    for level, weight in zip(levels, _WEIGHTS, strict=True):
        flat = resized(level, shape, cv2.INTER_LINEAR).reshape(len(level), -1).T
        parts.append(_unit(flat - flat.mean(0)) * np.float32(weight**0.5))
    return _unit(np.concatenate(parts, 1))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def cell_colors(picture: Picture, shape: tuple[int, int]) -> np.ndarray:
    """Colours of the cells of an RGB picture that the network sees in this shape, as `Known` has them."""
    small = Image.fromarray(picture.pixels).resize(shape[::-1], Image.Resampling.BOX)
    return plain_colors(cell_means(rgb_to_lab(to_rgb(small))))


def cell_means(planes: np.ndarray) -> np.ndarray:
    """Means of the cells ``(cells, n)`` of planes ``(h, w, n)``."""
    shape, count = planes.shape[:2], planes.shape[2]
    height, width = (-(-length // CELL) for length in shape)
    whole = np.pad(planes, ((0, height * CELL - shape[0]), (0, width * CELL - shape[1]), (0, 0)), mode="edge")
    return whole.reshape(height, CELL, width, CELL, count).mean((1, 3)).reshape(-1, count)


def plain_colors(lab: np.ndarray) -> np.ndarray:
    """Lab ``(cells, 3)`` as colors that more or less light does not change, see `Known`."""
    return lab[:, 1:] / (lab[:, :1] + 16)


def matched(here: Described, there: Known) -> Match:
    """What one reference says of a picture."""
    alike = here.cells @ there.cells.T  # (cells, those of the reference and of its mirrored self)
    best = alike.argmax(1)
    similarity = np.take_along_axis(alike, best[:, None], 1)[:, 0]
    mutual = _near(alike.argmax(0)[best], np.arange(len(best)), here.shape[1])
    margin = (similarity - _second(alike, best, there.shape)).clip(0, 0.3) * mutual
    around = [_around(values, here.shape) for values in (similarity, margin)]
    constant, of_similarity, of_margin = _SURE
    sureness = 1 / (1 + np.exp(-constant - of_similarity * around[0] - of_margin * around[1]))
    return Match(_averaged(alike, there.colors).reshape(*here.shape, -1), sureness)


def _near(cells: np.ndarray, others: np.ndarray, width: int) -> np.ndarray:
    """Whether cells are the same or neighbours, by their numbers."""
    return np.maximum(abs(cells // width - others // width), abs(cells % width - others % width)) <= 1


def _second(alike: np.ndarray, best: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The similarity of the best cell that is elsewhere in the reference."""
    height, width = shape
    either = np.maximum(alike[:, : height * width], alike[:, height * width :]).reshape(-1, height, width)
    padded = np.pad(either, ((0, 0), *[(_ELSEWHERE, _ELSEWHERE)] * 2), constant_values=-1)
    y, x = np.divmod(best % (height * width), width)
    square = np.arange(2 * _ELSEWHERE + 1)
    rows, columns = (place[:, None] + square for place in (y, x))
    padded[np.arange(len(best))[:, None, None], rows[:, :, None], columns[:, None, :]] = -1
    return padded.reshape(len(best), -1).max(1)


def _around(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Means over the square around each cell."""
    plane = np.ascontiguousarray(values.reshape(shape), np.float32)
    return cv2.blur(plane, (_AROUND, _AROUND), borderType=cv2.BORDER_REFLECT)


def _averaged(alike: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """The mean colour of the cells that are most alike, ``(cells, 2)``."""
    count = min(_BEST, alike.shape[1])
    best = np.argpartition(-alike, count - 1, 1)[:, :count]
    similar = np.take_along_axis(alike, best, 1)
    shares = np.exp((similar - similar.max(1, keepdims=True)) / _ALIKE)
    shares /= shares.sum(1, keepdims=True)
    return (shares[..., None] * colors[best % len(colors)]).sum(1)


def _heard(region: Mask | None, shape: tuple[int, int]) -> np.ndarray:
    """Where a reference is heard, 0..1, of a picture with so many places."""
    return np.ones(shape, np.float32) if region is None else region.sized(shape)


def joined(matches: Sequence[Match]) -> Match:
    """What several references say, as one."""
    sureness = np.stack([match.sureness for match in matches])
    shares = sureness**2 / np.maximum((sureness**2).sum(0), 1e-12)
    colors = sum(share[..., None] * match.colors for share, match in zip(shares, matches, strict=True))
    return Match(colors, sureness.max(0))


def halved(match: Match, shape: tuple[int, int]) -> Match:
    """A match of cells, at half the size of the picture of this shape."""
    return Match(*(_halved(cells, shape) for cells in match[:2]))


def _halved(cells: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Values of cells at half the size of the picture of this shape, whose last cells may reach beyond it."""
    height, width = (length * CELL // 2 for length in cells.shape[:2])
    whole = cv2.resize(cells.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return whole[: shape[0] // 2, : shape[1] // 2]


def change(match: Match, luma: np.ndarray, ab: np.ndarray, strength: float) -> np.ndarray:
    """What to add to the ab ``(h, w, 2)`` of a picture with the L* ``(H, W)``, so that it follows a match.

    Each pixel is drawn to the reference as far as the match is sure, and to its neighbours of like luminance.
    """
    scale = min(1.0, _SIDE / min(ab.shape[:2]))
    shape = tuple(max(1, round(length * scale)) for length in ab.shape[:2])
    luma, own = sized(luma, shape), sized(ab, shape)
    sure = strength * sized(match.sureness, shape)[..., None] * (1 - _KEPT)
    asked = sized(match.colors, shape) * (luma[..., None] + 16) - own
    pull = (sure / (1 - sure)).reshape(-1, 1).astype(np.float64)
    system = (_HOLD * graph(luma, own) + sparse.diags(pull[:, 0] + 1)).tocsr()
    roughly = sparse.diags(1 / system.diagonal())
    wanted, begun = (pull * asked.reshape(-1, 2)).T, (sure * asked).reshape(-1, 2).T
    found = [cg(system, wanted[n], begun[n], rtol=1e-3, maxiter=200, M=roughly)[0] for n in range(2)]
    added = sized(np.stack(found, -1).reshape(*shape, 2).astype(np.float32), ab.shape[:2])
    return added if match.heard is None else added * sized(match.heard, ab.shape[:2])[..., None]


def sized(planes: np.ndarray, shape: tuple[int, int], interpolation: int = cv2.INTER_AREA) -> np.ndarray:
    """Planes ``(h, w[, n])`` in this shape."""
    if planes.shape[:2] == tuple(shape):
        return planes
    if shape[0] > planes.shape[0]:
        interpolation = cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(planes), shape[::-1], interpolation=interpolation)
