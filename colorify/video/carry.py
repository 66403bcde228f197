"""The colors of a corrected frame, carried to the other frames of its shot.

Each pixel of a frame has its place in the corrected one: led on along the motion of the luma, then held to the
corrected frame itself, so that nothing drifts or fades. Where the motion is lost, places of neighbors and of patches
that look alike are tried (after PatchMatch, Barnes 2009). Where there is no place at all, the change that the
correction made to colors of this kind counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from colorify.video.flow import as_bytes, confidence, find_flow, warp

_FIRM = 0.6  # confidence of a step of the motion that is as good as any: noise must not wear colors out
_KEPT = 0.8  # of what is shown, from a frame to the next, where the motion is sure
_WIDE, _WORSE = 6.0, (3.0, 8.0)  # px from where the motion leads; L* that is less alike there: may be right, is wrong
_REGION, _MOST = 15, (0.3, 0.6)  # px of a region of which so much is led wrong: nothing of it, all of it
_BEYOND = 8.0  # px
_FAR = 8.0  # px
_TRUST = (0.02, 0.2)  # product of the confidences since a place was last seen to be right: nothing, all
_ALIKE = (2.0, 4.0)  # mean difference of L* around a place: all, nothing
_BETTER = 0.5  # L* by which another place must look more alike
_NEAR = (1, 3, 8)  # px: neighbors whose places are tried
_PATCH = 5  # px of what is compared
_COARSE, _SEEN = 2, 7  # how much smaller the pictures are in which patches are looked for; px of those
_ASKED = 500  # patches that are looked for, at most
_LOST = 0.01  # share of the pixels without a place from which on patches are looked for
_WAYS = 8  # motions that most patches agree on
_CELL, _FEW_WAYS = 4.0, 3  # px of motions that are one; motions that are made better
_ROUNDS, _LIKENESS = 3, 8.0  # times that one is; L*
_FLAT = 1.5  # L*: a patch of less contrast looks like any other
_ROUGH, _AROUND = (6.0, 2.0), 7  # px that the places around may differ: nothing, all; px of what is around


@dataclass(frozen=True)
class Corrected:
    """A frame that a person colored: L* ``(h, w)`` and ab ``(h, w, 2)``."""

    luma: np.ndarray
    ab: np.ndarray


class Carrier:
    """Takes the frames of a shot, in order or backwards, from the corrected one on, and finds their places in it."""

    def __init__(self, key: Corrected):
        self.key, self.last = key, key.luma
        height, width = key.luma.shape
        self.grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
        self.shift = np.zeros_like(self.grid)  # px: from a pixel to its place in the corrected frame
        self.sure = np.ones_like(key.luma)
        self.shown = np.dstack((key.ab, self.sure))  # places found anew do not flicker
        self._patches = _patches(key.luma)
        self._searched = False  # patches were looked for in the last frame

    def carry(self, luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The next frame's L* ``(h, w)`` -> its ab ``(h, w, 2)``, and how sure they are ``(h, w)``, 0..1."""
        here, there = as_bytes(luma), as_bytes(self.last)
        back, on = find_flow(here, there), find_flow(there, here)
        firm = _ramp(confidence(back, on, luma, self.last), 0, _FIRM)
        led, sure = warp(self.shift, back) + back, warp(self.sure, back) * firm
        self.shift, self.sure, self.last = *self._held(luma, led.copy(), sure), luma
        found = np.dstack((warp(self.key.ab, self.shift), _ramp(self.sure, *_TRUST)))
        before = warp(self.shown, back)
        kept = _KEPT * firm * (1 - self._astray(luma, led))
        self.shown = before + (found - before) * (1 - kept)[..., None]
        return self.shown[..., :2], self.shown[..., 2]

    def _held(self, luma: np.ndarray, shift: np.ndarray, sure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The places, made better by looking at the corrected frame, and how sure they are."""
        off, led = self._off(luma, shift), shift.copy()
        for other in self._candidates(luma, shift, sure, off):
            there = self._off(luma, other)
            better = (there + _BETTER < off) & ((off > _ALIKE[0]) | (sure < _TRUST[1]))
            shift[better], off[better] = other[better], there[better]
        for other in self._common(luma, shift, off > _ALIKE[0]) if self._searched else ():
            there = self._off(luma, other)
            better = (there + _BETTER < off) & (off > _ALIKE[0])
            shift[better], off[better] = other[better], there[better]
        led_there = sure * (np.hypot(*np.moveaxis(shift - led, -1, 0)) < _NEAR[1])
        sure, anchored = sure.copy(), _ramp(off, _ALIKE[1], _ALIKE[0]) * _ramp(_roughness(shift), *_ROUGH)
        stray = (led_there < _TRUST[1]) & self._taken(shift, off - 100 * led_there)
        sure[stray] = anchored[stray] = 0
        return shift, (np.maximum(anchored, sure) * self._inside(shift)).astype(np.float32)

    def _common(self, luma: np.ndarray, shift: np.ndarray, rough: np.ndarray) -> Iterator[np.ndarray]:
        """The motions that most of the ``rough`` places have, each to a part of a pixel (Lucas, Kanade 1981)."""
        cells = np.rint(shift[rough] / _CELL).astype(int)
        ways, votes = np.unique(cells, axis=0, return_counts=True)
        many = np.argsort(-votes, kind="stable")[:_FEW_WAYS]
        smooth = cv2.GaussianBlur(luma, (0, 0), 1)
        for way in ways[many[votes[many] > _LOST / 4 * luma.size]]:
            part = np.abs(shift - way * _CELL).max(-1) <= _CELL
            motion = np.median(shift[part], 0).astype(np.float32)
            for _ in range(_ROUNDS):
                motion = motion + self._left(smooth, motion, part)
            yield np.broadcast_to(motion, shift.shape)

    def _left(self, smooth: np.ndarray, motion: np.ndarray, part: np.ndarray) -> np.ndarray:
        """What a motion lacks, px, by the slopes of the corrected frame where a part of another one came from."""
        bent = cv2.GaussianBlur(warp(self.key.luma, np.broadcast_to(motion, (*smooth.shape, 2))), (0, 0), 1)
        off = (smooth - bent)[part]
        slopes = np.stack([cv2.Sobel(bent, cv2.CV_32F, *axis, scale=1 / 8)[part] for axis in ((1, 0), (0, 1))], -1)
        like = np.exp(-((off / _LIKENESS) ** 2))[:, None]
        found, *_ = np.linalg.lstsq((slopes * like).T @ slopes + np.eye(2), (slopes * like).T @ off, rcond=None)
        return found.clip(-1, 1).astype(np.float32)

    def _astray(self, luma: np.ndarray, led: np.ndarray) -> np.ndarray:
        """Whether a place that is right is far from where the motion ``led``, which is wrong ``(h, w)``, 0..1.

        Not where only single pixels are: texture looks like itself in many places.
        """
        far = np.hypot(*np.moveaxis(self.shift - led, -1, 0)) > _WIDE
        if far.mean() < _LOST:
            return np.zeros_like(luma)
        wrong = _ramp(self._off(luma, led) - self._off(luma, self.shift), *_WORSE) * far * _ramp(self.sure, *_TRUST)
        return _ramp(cv2.blur(wrong.astype(np.float32), (_REGION, _REGION)), *_MOST)

    def _candidates(
        self, luma: np.ndarray, shift: np.ndarray, sure: np.ndarray, off: np.ndarray
    ) -> Iterator[np.ndarray]:
        """Other places: a little beside, those of neighbors, those of patches that look alike."""
        lost = (off > sum(_ALIKE) / 2) & (sure < 0.5)
        self._searched = lost.mean() > _LOST
        if self._searched:
            yield from self._found_again(luma, lost)
        yield shift + self._residual(luma, shift)
        for near in _NEAR:
            for axis in (0, 1):
                for step in (-near, near):
                    yield np.roll(shift, step, axis)

    def _residual(self, luma: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """What is left of the motion from a frame to the corrected one, bent to it by ``shift``."""
        bent = warp(self.key.luma, shift)
        beside = find_flow(as_bytes(luma), as_bytes(bent))
        return warp(shift, beside) + beside - shift

    def _off(self, luma: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """How much a frame differs from the corrected one, at these places, L*."""
        return cv2.blur(np.abs(warp(self.key.luma, shift) - luma), (_PATCH, _PATCH))

    def _inside(self, shift: np.ndarray) -> np.ndarray:
        """1 within the corrected frame; what is a little beyond its rim may go on from it."""
        height, width = self.key.luma.shape
        beyond = np.maximum(np.abs(self.grid + shift - (width / 2, height / 2)) - (width / 2, height / 2), 0).max(-1)
        return np.exp(-beyond / _BEYOND)

    def _taken(self, shift: np.ndarray, off: np.ndarray) -> np.ndarray:
        """Whether a place is that of another pixel, far away, that is less off: nothing is in two places at once."""
        height, width = off.shape
        x, y = np.rint(np.moveaxis(self.grid + shift, -1, 0)).astype(int)
        cells = (y.clip(0, height - 1) * width + x.clip(0, width - 1)).ravel()
        worst_first = np.argsort(-off.ravel(), kind="stable")
        owner = np.zeros(height * width, int)
        owner[cells[worst_first]] = worst_first  # the last one stays
        other = owner[cells].reshape(height, width)
        return np.hypot(other % width - self.grid[..., 0], other // width - self.grid[..., 1]) > _FAR

    def _found_again(self, luma: np.ndarray, lost: np.ndarray) -> Iterator[np.ndarray]:
        """Places, for the ``lost`` pixels, of the patches that look most alike: those that many agree on."""
        patches, contrast = _patches(luma)
        known, _ = self._patches
        height, width = contrast.shape
        rows = np.flatnonzero((cv2.resize(lost.astype(np.uint8), (width, height)) > 0) & (contrast > _FLAT))
        if not len(rows):
            return
        rows = rows[:: -(-len(rows) // _ASKED)]
        best = (patches[rows] @ known.T).argmax(1)
        found = np.stack((best % width - rows % width, best // width - rows // width), -1)
        scale = np.array((luma.shape[1] / width, luma.shape[0] / height), np.float32)
        ways, votes = np.unique(found.astype(np.float32), axis=0, return_counts=True)
        for way in ways[np.argsort(-votes, kind="stable")[:_WAYS]]:
            yield np.broadcast_to(way * scale, self.grid.shape)


def _ramp(values: np.ndarray, nothing: float, everything: float) -> np.ndarray:
    return ((values - nothing) / (everything - nothing)).clip(0, 1)


def _roughness(shift: np.ndarray) -> np.ndarray:
    """How much the places of neighbors differ from places beside each other, px: chance finds are all over."""
    mean = cv2.blur(shift, (_AROUND, _AROUND))
    spread = cv2.blur(shift**2, (_AROUND, _AROUND)) - mean**2
    return np.sqrt(np.maximum(spread.sum(-1), 0))


def _patches(luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors ``(h * w, n)`` of what is around each pixel of the smaller picture, and its contrast ``(h, w)``."""
    height, width = (-(-length // _COARSE) for length in luma.shape)
    small = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    edge = _SEEN // 2
    around = cv2.copyMakeBorder(small, edge, edge, edge, edge, cv2.BORDER_REFLECT)
    windows = np.lib.stride_tricks.sliding_window_view(around, (_SEEN, _SEEN)).reshape(height * width, -1)
    even = windows - windows.mean(1, keepdims=True)
    contrast = np.sqrt((even**2).mean(1))
    vectors = np.concatenate((even, (windows.mean(1, keepdims=True) - 50) / 2), 1)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6), contrast.reshape(height, width)


class Grid:
    """Values spread over features: what is asked for is the mean of the values whose features are near."""

    def __init__(self, features: np.ndarray, values: np.ndarray, weights: np.ndarray, cells: Sequence[float]):
        """Features ``(..., n)``, values ``(..., m)`` and weights ``(...)``; ``cells``: the size of one, per feature."""
        self.cells = np.array(cells, np.float32)
        places = features.reshape(-1, len(cells)) / self.cells
        self.low = np.floor(places.min(0)) - 1
        places = np.rint(places - self.low).astype(int)
        shape = places.max(0) + 2
        flat = np.ravel_multi_index(places.T, shape)
        weights = weights.ravel()
        layers = [weights, *(values.reshape(len(weights), -1).T * weights)]
        summed = (np.bincount(flat, layer, np.prod(shape)).reshape(shape) for layer in layers)
        self.layers = [ndimage.gaussian_filter(layer, 0.8).astype(np.float32) for layer in summed]

    def __call__(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features ``(..., n)`` -> the values summed ``(..., m)``, and their weights ``(...)``, zero far away."""
        places = (features / self.cells - self.low).reshape(-1, len(self.cells)).T
        read = [ndimage.map_coordinates(layer, places, order=1).reshape(features.shape[:-1]) for layer in self.layers]
        return np.stack(read[1:], -1), read[0]


_PLACE, _KIND = (16.0, 16.0, 6.0), (8.0, 8.0, 8.0)
"""Cells of y, x and L*; of L*, a and b."""
_TONE, _FEW = 20.0, 20.0  # how many pixels around count as much as all of a kind; how many are few of that


def grade(key: Corrected, mean: np.ndarray) -> Grid:
    """What a correction changes, by the L*, a and b that the network's ``mean (h, w, 2)`` gives to a pixel of it."""
    return Grid(np.dstack((key.luma, mean)), key.ab - mean, np.ones_like(key.luma), _KIND)


def corrected(
    mean: np.ndarray, luma: np.ndarray, ab: np.ndarray, sure: np.ndarray, kinds: Sequence[tuple[float, Grid]]
) -> np.ndarray:
    """The network's ``mean (h, w, 2)`` of a frame of this L* with carried ``ab`` where they are ``sure (h, w)``.

    Elsewhere it is changed as pixels around it of like luma are, or as those of its kind were in the corrected frames:
    ``kinds``, each with its share.
    """
    if sure.min() == 1:
        return ab
    rows, columns = np.indices(luma.shape, np.float32)
    places = np.dstack((rows, columns, luma))
    around, count = Grid(places, ab - mean, sure, _PLACE)(places)
    known = min(1.0, 2 * float(sure.mean()))  # in another place altogether, kinds may mean nothing
    for share, kind in kinds:
        alike, weight = kind(np.dstack((luma, mean)))
        around += alike * (share * _TONE * known / (weight + _FEW))[..., None]
    change = around / (count + _TONE)[..., None]
    firm = sure[..., None]
    return (mean + firm * (ab - mean) + (1 - firm) * change).astype(np.float32)
