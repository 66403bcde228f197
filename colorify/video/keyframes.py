"""Frames that a person coloured: pictures in a folder, named by the number or time of the frame, and hints on some."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from colorify import pictures
from colorify.color import rgb_to_lab
from colorify.video.media import VideoError

if TYPE_CHECKING:
    from colorify.hints import Hint
    from colorify.video.facts import Facts

_NAME = re.compile(r"(?P<number>\d+)|(?P<seconds>\d+(\.\d+)?)s")


def name(time: float) -> str:
    """The name of the picture of the frame at ``time``, in seconds."""
    return f"{time:010.3f}s.png"


@dataclass(frozen=True)
class Key:
    """How a frame is to be: as a picture, or as the network has it; and as hints say."""

    path: Path | None = None
    hints: tuple[Hint, ...] = ()

    def ab(self, luma: np.ndarray, mean: np.ndarray, size: tuple[int, int], turns: int) -> np.ndarray:
        """The colors ``(h, w, 2)`` of a frame of this L* as it lies, to which the network gives ``mean``.

        ``size``: width and height of the upright film, px; see `ab` for ``turns``.
        """
        found = mean if self.path is None else ab(self.path, luma.shape, turns)
        if not self.hints:
            return found
        from colorify.answer import hinted
        from colorify.hints import Spreading  # which few films need, and SciPy with it

        upright, colors = (np.ascontiguousarray(np.rot90(planes, turns), np.float32) for planes in (luma, found))
        plain = [hint._replace(frame=None, time=None) for hint in self.hints]
        asked = hinted(colors, Spreading(upright, colors), plain, size)
        return np.ascontiguousarray(np.rot90(asked, -turns))

    def __str__(self) -> str:
        return str(self.path or "a hint")


class Keyframes:
    """Pictures of a folder and hints, in the order of the film: ``000120.png`` is frame 120, ``12.480s.png`` a time."""

    def __init__(
        self,
        folder: Path | None,
        seconds: float,
        duration: float | None = None,
        hints: Sequence[Hint] = (),
        size: tuple[int, int] = (0, 0),
    ):
        """``seconds`` that a frame lasts; raises `VideoError` for a name that says neither, or lies behind the end.

        ``hints``: those that are `checked`, of an upright film of this ``size``.
        """
        self.size = size
        self.numbers: deque[tuple[float, Key]] = deque()
        self.times: deque[tuple[float, Key]] = deque()
        self.half = seconds / 2
        for path in sorted(Path(folder).glob("[!.]*")) if folder else ():
            found = _NAME.fullmatch(path.stem)
            if not found:
                raise VideoError(f"{path}: name a keyframe by number, 000120.png, or by time, 12.480s.png")
            number, time = found["number"], found["seconds"]
            if duration is not None and (float(time) if time else int(number) * seconds) > duration + seconds:
                raise VideoError(f"{path}: the film ends before, after {duration:.3f} seconds")
            if number:
                self.numbers.append((int(number), Key(path)))
            else:
                self.times.append((float(time), Key(path)))
        if folder and not self.numbers and not self.times:
            raise VideoError(f"{folder}: no keyframes in it")
        for hint in hints:
            where, at = (self.times, hint.time) if hint.frame is None else (self.numbers, hint.frame)
            where.append((float(at or 0), Key(hints=(hint,))))
        self.numbers, self.times = (deque(sorted(some, key=_place)) for some in (self.numbers, self.times))

    def take(self, number: int, time: float) -> Key | None:
        """How this frame is to be, if that is said. Frames must come in their order."""
        found = [*_due(self.times, time + self.half, self.half), *_due(self.numbers, number)]
        paths = [key.path for key in found if key.path]
        hints = tuple(hint for key in found for hint in key.hints)
        return Key(paths[-1] if paths else None, hints) if found else None

    def begin(self, number: int, time: float) -> None:
        """The first frame to come is this one: what lies before is of no use."""
        _due(self.numbers, number - 1)
        _due(self.times, time - self.half)

    def before(self, time: float) -> float | None:
        """The latest time of a picture that is at ``time`` or before; of those that are named by time."""
        return max((at - self.half for at, _ in self.times if at - self.half <= time), default=None)

    @property
    def digest(self) -> str:
        """What tells these pictures from others."""
        digest = hashlib.sha256()
        for at, key in (*self.numbers, *self.times):
            if key.path:
                digest.update(key.path.name.encode() + hashlib.sha256(key.path.read_bytes()).digest())
            for hint in key.hints:
                digest.update(repr((at, hint._replace(region=None), hint.region and hint.region.digest)).encode())
        return digest.hexdigest()


def checked(hints: Sequence[Hint], found: Facts, duration: float | None) -> list[Hint]:
    """Hints of a film of these facts and seconds; `colorify.hints.HintError` names one that is none of it."""
    if not hints:
        return []
    from colorify.hints import check_film

    return check_film(hints, found.upright, 1 / float(found.rate), duration)


def _place(one: tuple[float, Key]) -> tuple[float, str]:
    return one[0], str(one[1])


def _due(waiting: deque[tuple[float, Key]], now: float, reach: float = 0.0) -> list[Key]:
    """What is due by now: the last one, and those that are no farther before it than ``reach``."""
    found: list[tuple[float, Key]] = []
    while waiting and waiting[0][0] <= now:
        found.append(waiting.popleft())
    return [key for at, key in found if at >= found[-1][0] - reach]


def ab(path: Path, shape: tuple[int, int], turns: int = 0) -> np.ndarray:
    """The colours ``(h, w, 2)`` of an upright picture, as a film lies that ``turns`` quarter turns bring upright."""
    image = pictures.to_pil(pictures.upright(pictures.read(path))).convert("RGB").rotate(-90 * turns, expand=True)
    height, width = shape
    if abs(image.width / image.height * height / width - 1) > 0.05:
        raise VideoError(f"{path}: {image.width} x {image.height} is not the shape of the film")
    small = np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float32) / 255
    return np.ascontiguousarray(rgb_to_lab(small)[..., 1:])
