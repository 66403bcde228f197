"""Frames that a person coloured: pictures in a folder, named by the number or the time of the frame."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from pathlib import Path

import numpy as np
from PIL import Image

from colorify import pictures
from colorify.color import rgb_to_lab
from colorify.video.media import VideoError

_NAME = re.compile(r"(?P<number>\d+)|(?P<seconds>\d+(\.\d+)?)s")


def name(time: float) -> str:
    """The name of the picture of the frame at ``time``, in seconds."""
    return f"{time:010.3f}s.png"


class Keyframes:
    """The pictures of a folder, in the order of the film: ``000120.png`` is frame 120, ``12.480s.png`` a time."""

    def __init__(self, folder: Path, seconds: float, duration: float | None = None):
        """``seconds`` that a frame lasts; raises `VideoError` for a name that says neither, or lies behind the end."""
        self.numbers: deque[tuple[float, Path]] = deque()
        self.times: deque[tuple[float, Path]] = deque()
        self.half = seconds / 2
        for path in sorted(Path(folder).glob("[!.]*")):
            found = _NAME.fullmatch(path.stem)
            if not found:
                raise VideoError(f"{path}: name a keyframe by number, 000120.png, or by time, 12.480s.png")
            number, time = found["number"], found["seconds"]
            if duration is not None and (float(time) if time else int(number) * seconds) > duration + seconds:
                raise VideoError(f"{path}: the film ends before, after {duration:.3f} seconds")
            if number:
                self.numbers.append((int(number), path))
            else:
                self.times.append((float(time), path))
        if not self.numbers and not self.times:
            raise VideoError(f"{folder}: no keyframes in it")
        self.numbers, self.times = deque(sorted(self.numbers)), deque(sorted(self.times))

    def take(self, number: int, time: float) -> Path | None:
        """The picture of this frame, if there is one. Frames must come in their order."""
        found = _due(self.numbers, number), _due(self.times, time + self.half)
        return found[0] or found[1]

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
        for _, path in (*self.numbers, *self.times):
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def _due(waiting: deque[tuple[float, Path]], now: float) -> Path | None:
    path = None
    while waiting and waiting[0][0] <= now:
        path = waiting.popleft()[1]
    return path


def ab(path: Path, shape: tuple[int, int], turns: int = 0) -> np.ndarray:
    """The colours ``(h, w, 2)`` of an upright picture, as a film lies that ``turns`` quarter turns bring upright."""
    image = pictures.to_pil(pictures.upright(pictures.read(path))).convert("RGB").rotate(-90 * turns, expand=True)
    height, width = shape
    if abs(image.width / image.height * height / width - 1) > 0.05:
        raise VideoError(f"{path}: {image.width} x {image.height} is not the shape of the film")
    small = np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float32) / 255
    return np.ascontiguousarray(rgb_to_lab(small)[..., 1:])
