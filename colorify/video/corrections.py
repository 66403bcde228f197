"""What corrected frames make of the colors of a film: it is read ahead, for a shot is colored from both sides."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from av.video.frame import VideoFrame

from colorify.video import carry
from colorify.video.carry import Carrier, Corrected, Grid
from colorify.video.formats import VideoError
from colorify.video.keyframes import Key, Keyframes
from colorify.video.paint import Painter
from colorify.video.steady import is_cut

Ahead = Iterator[tuple[VideoFrame, float, int, Painter]]
"""Frames, their seconds, the number of the shot that a table gives them, -1 if there is none, and who paints them."""


Kind = TypeVar("Kind")


class Spool:
    """Arrays of one shape in a file without a name: a shot may be longer than memory."""

    def __init__(self, folder: Path | None, shape: tuple[int, ...]):
        self.file, self.shape, self.count = tempfile.TemporaryFile(dir=folder), shape, 0  # noqa: SIM115
        self.bytes = 2 * int(np.prod(shape))

    def close(self) -> None:
        """It is gone."""
        self.file.close()

    def __setitem__(self, number: int, values: np.ndarray) -> None:
        self.file.seek(number * self.bytes)
        self.file.write(np.ascontiguousarray(values, np.float16).tobytes())
        self.count = max(self.count, number + 1)

    def __getitem__(self, number: int) -> np.ndarray:
        self.file.seek(number * self.bytes)
        return np.frombuffer(self.file.read(self.bytes), np.float16).reshape(self.shape).astype(np.float32)


@dataclass
class _Shot:
    """A shot that has been read: of each moment the L*, and, once carried, the corrected ab and how sure they are."""

    lumas: Spool  # (h, w)
    painter: Painter
    table: int  # number in the table
    first: int  # number of its first frame
    moments: dict[int, int] = field(default_factory=dict)  # by time stamp: the number of the first one
    keys: dict[int, Key] = field(default_factory=dict)  # by number
    carried: Spool | None = None  # (h, w, 3)
    kinds: list[tuple[int, Grid]] = field(default_factory=list)  # of the keys, in their order

    def add(self, pts: int, lumas: Sequence[np.ndarray], key: Key | None) -> None:
        """Another frame: its time stamp, moments, and how it is to be, if a person said so."""
        begin = self.moments[pts] = self.lumas.count
        for number, luma in enumerate(lumas, begin):
            self.lumas[number] = luma
        if key is not None:
            self.keys[begin] = key

    def close(self) -> None:
        """Nothing of it is asked for any more."""
        self.lumas.close()
        if self.carried is not None:
            self.carried.close()


class Corrections:
    """Frames come in their order, with the colors that the network gave them, and leave as they are to be."""

    def __init__(self, ahead: Ahead, keys: Keyframes, folder: Path | None, first: int = 0):
        """The same frames a second time; a folder for what waits; ``first`` is the number of the first frame."""
        self.keys, self.folder, self.count = keys, folder, first
        self.shots = self._read(ahead)
        self.shot: _Shot | None = None

    def __call__(self, frame: VideoFrame, moments: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """The ab ``(h, w, 2)`` of each moment of a frame, corrected."""
        while self.shot is None or frame.pts not in self.shot.moments:
            self.shot = next(self.shots, None)
            if self.shot is None:
                raise VideoError("the film gives other frames when it is read a second time: convert it first")
        if self.shot.carried is None:
            return tuple(moments)
        begin = self.shot.moments[frame.pts]
        return tuple(self._corrected(self.shot, number, ab) for number, ab in enumerate(moments, begin))

    def is_key(self, frame: VideoFrame) -> bool:
        """Whether a person colored this frame, that has just left."""
        return self.shot.moments[frame.pts] in self.shot.keys

    def close(self) -> None:
        """No more frames come."""
        self.shots.close()

    @property
    def place(self) -> tuple[int, int]:
        """Time stamp and number of a frame from which on reading again gives the same colors for all that come."""
        return next(iter(self.shot.moments)), self.shot.first

    @staticmethod
    def _corrected(shot: _Shot, number: int, mean: np.ndarray) -> np.ndarray:
        carried = shot.carried[number]
        kinds = [(share, kind) for share, kind in _shares(shot.kinds, number) if share]
        return carry.corrected(mean, shot.lumas[number], carried[..., :2], carried[..., 2], kinds)

    def _read(self, ahead: Ahead) -> Generator[_Shot]:
        """The shots, each with its colors carried if it has a key."""
        shot = None
        try:
            for frame, time, table, painter in ahead:
                lumas = painter.moments(frame)
                if shot is None:
                    self.keys.begin(self.count, time)
                if shot is None or self._is_new(shot, lumas[0], table):
                    if shot is not None:
                        yield self._carried(shot)
                        shot.close()
                    shot = _Shot(Spool(self.folder, lumas[0].shape), painter, table, self.count)
                shot.add(frame.pts, lumas, self.keys.take(self.count, time))
                self.count += 1
            if shot is not None:
                yield self._carried(shot)
        finally:
            if shot is not None:
                shot.close()

    @staticmethod
    def _is_new(shot: _Shot, luma: np.ndarray, table: int) -> bool:
        return table != shot.table if table >= 0 else is_cut(luma, shot.lumas[shot.lumas.count - 1])

    def _carried(self, shot: _Shot) -> _Shot:
        """The shot with the colors of its keys carried on, then back."""
        if not shot.keys:
            return shot
        keys, painter = {}, shot.painter
        for number, asked in shot.keys.items():
            luma = shot.lumas[number]
            mean = painter.knobs.applied(painter.predict(luma))
            keys[number] = key = Corrected(luma, asked.ab(luma, mean, self.keys.size, painter.turns))
            shot.kinds.append((number, carry.grade(key, mean)))
        shot.carried = Spool(self.folder, (*shot.lumas.shape, 3))
        for number in range(shot.lumas.count):
            shot.carried[number] = np.zeros(shot.carried.shape)
        for numbers in (range(shot.lumas.count), range(shot.lumas.count - 1, -1, -1)):
            self._carry(shot, keys, numbers)
        return shot

    @staticmethod
    def _carry(shot: _Shot, keys: dict[int, Corrected], numbers: range) -> None:
        """Colors from each key to the next, forwards or backwards; several share what lies between by nearness."""
        carrier, at = None, 0
        for number in numbers:
            if number in keys:
                carrier, at = Carrier(keys[number]), number
                shot.carried[number] = np.dstack((keys[number].ab, np.ones(shot.lumas.shape)))
            elif carrier is not None:
                ab, sure = carrier.carry(shot.lumas[number])
                share = next(share for share, key in _shares([(key, key) for key in sorted(keys)], number) if key == at)
                shot.carried[number] = _shared(shot.carried[number], ab, sure, share)


def _shares(keys: Sequence[tuple[int, Kind]], number: int) -> Iterator[tuple[float, Kind]]:
    """What each of the numbered keys, in their order, has to say of a moment, 0..1: the nearest before and after."""
    places = [place for place, _ in keys]
    shares = (np.interp(number, places, row) for row in np.eye(len(places)))
    return ((float(share), kind) for share, (_, kind) in zip(shares, keys, strict=True))


def _shared(before: np.ndarray, ab: np.ndarray, sure: np.ndarray, share: float) -> np.ndarray:
    """Colors and sureness ``(h, w, 3)`` of another key, and of this one with its share, as one."""
    if share == 1:
        return np.dstack((ab, sure))
    other, weight = before[..., 2] * (1 - share), sure * share
    mean = (before[..., :2] * other[..., None] + ab * weight[..., None]) / np.maximum(other + weight, 1e-6)[..., None]
    return np.dstack((mean, np.maximum(before[..., 2], sure)))
