"""The mask of each frame of a film: one picture for all, another film, or numbered pictures of the same length."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from colorify import masks
from colorify.containers import is_film
from colorify.masks import Mask, Moving
from colorify.video import media, planes, sequence
from colorify.video.facts import Facts
from colorify.video.formats import VideoError, coding_of, samples


def check(mask: Mask | None, source: Path, found: Facts) -> None:
    """`ValueError` for a mask of another shape or length than a film of these facts: all of its packets are counted."""
    if mask is None:
        return
    if not isinstance(mask, Moving):
        mask.check(found.upright)
        return
    first, lasts = _looked(mask, found.rate)
    first.check(found.upright)
    film = float(media.count(source) / found.rate)
    halves = () if found.top_first is None else (film / 2,)  # each field may be a packet
    if all(abs(lasts - each) > 1.5 / found.rate for each in (film, *halves)):
        raise VideoError(f"{mask.name}: {lasts:.3f} seconds of masks, the film has {film:.3f}: make them as long")


def _looked(mask: Moving, rate: Fraction) -> tuple[Mask, float]:
    """The first of many, and how many seconds they last."""
    if not is_film(mask.path):
        paths = _numbered(mask.path)
        return _read(paths[0]), float(len(paths) / rate)
    with media.opened(mask.path) as film:
        own = media.rate(media.moving(film))
    return next(_frames(mask, 0.0))[1], float(media.count(mask.path) / own)


class Masks:
    """What `at` gives for each frame; times in seconds from where the film begins, in their order."""

    def __init__(self, mask: Mask | None, rate: Fraction):
        self.mask, self.rate = mask, rate
        self.coming: Iterator[tuple[float, Mask]] | None = None
        self.now = mask
        self.next: tuple[float, Mask | None] = (0.0, mask)
        self.paths = _numbered(mask.path) if isinstance(mask, Moving) and not is_film(mask.path) else []
        self.number = -1

    def at(self, time: float) -> Mask | None:
        """The mask of the frame at this time."""
        if self.mask is None or not isinstance(self.mask, Moving):
            return self.mask
        return self._of_pictures(time) if self.paths else self._of_film(self.mask, time)

    def _of_pictures(self, time: float) -> Mask:
        number = min(max(0, round(time * self.rate)), len(self.paths) - 1)
        if number != self.number or self.now is None:
            self.now, self.number = _read(self.paths[number]), number
        return self.now

    def _of_film(self, mask: Moving, time: float) -> Mask | None:
        """Frames are passed over until the next one is later; the first one holds from before it."""
        if self.coming is None:
            self.coming = _frames(mask, max(0.0, time - 1))
            self.next = next(self.coming)
            self.now = self.next[1]
        while self.next[0] <= time + 0.5 / float(self.rate):
            self.now = self.next[1]
            self.next = next(self.coming, (math.inf, self.now))
        return self.now


def _frames(mask: Moving, start: float) -> Iterator[tuple[float, Mask]]:
    """The frames of a film from about a second on, upright, with their times."""
    with media.opened(mask.path) as film:
        begin, base = media.origin(film), media.base(media.moving(film))
        at = round((Fraction(start) + begin) / base) if start else None
        for frame in media.frames(film, at):
            gray = planes.gray(samples(frame.planes[0], coding_of(frame).depth), coding_of(frame))
            upright = np.rot90(np.rint(gray * 255).astype(np.uint8), media.turns(frame))
            yield float((frame.pts or 0) * base - begin), Mask(np.ascontiguousarray(upright), mask.name)


def _numbered(path: Path) -> list[Path]:
    found = sequence.numbered(path)
    if missing := set(range(min(found), max(found))) - found.keys():
        raise VideoError(f"{path}: {len(missing)} pictures are missing, the first of them {min(missing)}")
    return [found[number] for number in sorted(found)]


def _read(path: Path) -> Mask:
    found = masks.taken(path)
    if found is None or isinstance(found, Moving):
        raise VideoError(f"{path}: not a picture")
    return found
