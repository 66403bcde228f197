"""What a film remembers: frames of earlier shots whose colors later ones take where they look like them.

A frame is remembered as references are known: by what the encoder sees of its cells, and by their colors; beside these
how sure they were. Those that a person colored are heard first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import cv2
import numpy as np

from colorify import matching
from colorify.matching import Described, Known, Match, Matcher
from colorify.network_input import small_size
from colorify.references import Reference
from colorify.video.steady import Frame

_EVERY, _FIRST = 48, 4  # frames of a shot from one that is remembered to the next; the first of them
_WAVERS = 12.0  # ab units that an answer is off its mean by: it was not sure of it
_SPARSE = 4  # of so many cells one is enough to compare frames
_UNSURE = 0.5  # of a match: as good as none; unrelated shots reach it next to nowhere


class Remembered(NamedTuple):
    """A frame: its cells with their colors and how sure these were, ``(cells, 3)``; whether they are no model's."""

    known: Known
    given: bool = False


class Memory:
    """The most different frames of the shots so far; those of this shot wait until it is over."""

    def __init__(self, matcher: Matcher, count: int, turns: int = 0):
        """At most ``count`` frames, of a film that so many quarter turns bring upright."""
        self.matcher, self.count, self.turns = matcher, count, turns
        self.references: tuple[Reference, ...] = ()  # of the user's: they are heard before
        self.earlier: list[Remembered] = []
        self.fresh: list[Remembered] = []
        self.left = 0  # frames of this shot

    def begin(self) -> None:
        """A shot begins: what was seen in the last one counts."""
        self.earlier = bounded([*self.earlier, *self.fresh], self.count)
        self.fresh, self.left = [], 0

    def due(self, key: bool) -> bool:
        """Whether the next frame that leaves is to be remembered; it is called for each."""
        self.left += 1
        return key or self.left % _EVERY == _FIRST

    def add(self, frame: Frame, ab: np.ndarray, given: bool = False) -> None:
        """Remember a frame with the ab ``(h, w, 2)`` that it left with, as it lies."""
        wavers = 0.0 if given or frame.weight != 1 else np.hypot(*np.moveaxis(frame.ab - ab, -1, 0))
        sure = np.broadcast_to(np.exp(-((wavers / _WAVERS) ** 2)), frame.luma.shape)
        planes = self._upright(np.dstack((frame.luma, ab, sure)).astype(np.float32))
        planes = matching.sized(planes, small_size(planes.shape[:2], self.matcher.size))
        means = matching.cell_means(planes)
        colors = np.concatenate((matching.plain_colors(means[:, :3]), means[:, 3:]), 1)
        self.fresh = bounded([*self.fresh, Remembered(self.matcher.learn(planes[..., 0], colors), given)], self.count)

    def change(self, luma: np.ndarray, ab: np.ndarray) -> np.ndarray | None:
        """What to add to the ab ``(h, w, 2)`` of a frame with the L* ``(h, w)``, as it lies; nothing is sure: None."""
        if not self.earlier:
            return None
        shape = luma.shape
        luma, ab = self._upright(luma), self._upright(ab)
        seen, here = self.matcher.seen(luma)
        match = self._match(here)
        if not match.sureness.any():
            return None
        match = matching.halved(match, seen.shape)
        if self.references:
            match = match._replace(sureness=match.sureness * (1 - self.matcher.match(luma, self.references).sureness))
        own = matching.sized(ab, match.sureness.shape)
        added = np.rot90(matching.change(match, seen, own, 1.0), -self.turns)
        return cv2.resize(np.ascontiguousarray(added), shape[::-1], interpolation=cv2.INTER_LINEAR)

    def _match(self, here: Described) -> Match:
        """What is remembered of the cells of a frame."""
        left, found = np.ones(here.shape, np.float32), list[Match]()
        for given in (True, False):
            matches = [_heard(matching.matched(here, one.known)) for one in self.earlier if one.given == given]
            if matches:
                match = matching.joined(matches)
                found.append(match._replace(sureness=match.sureness * left))
                left = left - found[-1].sureness
        return matching.joined(found)

    def _upright(self, planes: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.rot90(planes, self.turns))

    def state(self) -> dict[str, np.ndarray]:
        """All of it, as arrays."""
        found = {"memory": np.array((len(self.earlier), len(self.fresh), self.left))}
        for number, one in enumerate((*self.earlier, *self.fresh)):
            found |= {f"memory.{number}.{name}": np.asarray(value) for name, value in one.known._asdict().items()}
            found[f"memory.{number}.given"] = np.array(one.given)
        return found

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from `state`."""
        before, now, self.left = state["memory"].tolist()
        frames = [_restored(state, f"memory.{number}") for number in range(before + now)]
        self.earlier, self.fresh = frames[:before], frames[before:]


def _restored(state: Mapping[str, np.ndarray], name: str) -> Remembered:
    cells, shape, colors, given = (state[f"{name}.{part}"] for part in (*Known._fields, "given"))
    return Remembered(Known(cells, tuple(shape.tolist()), colors), bool(given))


def _heard(match: Match) -> Match:
    """A match whose colors came with how sure they were: that counts; what is left is for sure."""
    sureness = match.sureness * match.colors[..., 2]
    return Match(match.colors[..., :2], ((sureness - _UNSURE) / (1 - _UNSURE)).clip(0))


def bounded(frames: Sequence[Remembered], count: int) -> list[Remembered]:
    """The most different ones: of the two most alike the later goes, but of one that a person colored the other."""
    frames = list(frames)
    alike = (
        {pair: _alike(*(frames[n] for n in pair)) for pair in combinations(range(len(frames)), 2)}
        if len(frames) > count
        else {}
    )
    kept = list(range(len(frames)))
    while len(kept) > count:
        pair = max(combinations(kept, 2), key=alike.__getitem__)
        kept.remove(min(pair, key=lambda number: (frames[number].given, -number)))
    return [frames[n] for n in kept]


def _alike(one: Remembered, other: Remembered) -> float:
    """How much the cells of a frame look like their best of another or of its mirrored self, on average."""
    plain = one.known.cells[: len(one.known.colors) : _SPARSE]
    return float((plain @ other.known.cells.T).max(1).mean())
