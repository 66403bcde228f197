"""The part of the studio for films: a time line, shots, stills, and a stretch in colour."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from colorify import pictures
from colorify.inference import Mix
from colorify.knobs import Knobs
from colorify.pictures import Picture
from colorify.video import film, media, shots, stills
from colorify.video.formats import VideoError
from colorify.video.job import FilmOptions
from colorify.widgets.panel import Values

PREVIEW = 2.0  # seconds
_STILLS, _HIGH = 12, 54  # on the time line, and how high, px


class StoppedError(Exception):
    """The user stopped a run."""


class Reel:
    """One film."""

    def __init__(self, path: Path, name: str):
        """`VideoError` for what is none."""
        with media.opened(path) as opened:
            stream = media.moving(opened)
            self.length = float(media.duration(opened) or 0.0)
            self.step = 1 / float(media.rate(stream))
        self.path, self.name = path, name
        self.shots: list[float] = []

    def still(self, time: float) -> tuple[Picture, float]:
        """The frame at a time, in seconds, and its own time."""
        picture, found = stills.still(self.path, min(time, max(0.0, self.length - self.step)))
        return pictures.from_pil(picture), found

    def stills(self, alive: Callable[[], bool]) -> Iterator[dict]:
        """Small pictures along the time line, while ``alive``."""
        for number in range(_STILLS):
            if not alive():
                return
            time = self.length * (number + 0.5) / _STILLS
            try:
                picture, _ = stills.still(self.path, time)
            except VideoError:  # nothing more comes: the file says to be longer than it is
                return
            picture.thumbnail((4 * _HIGH, _HIGH))
            content = io.BytesIO()
            picture.convert("L").save(content, "JPEG", quality=80)
            yield {"time": time, "image": content.getvalue()}

    def find_shots(self, alive: Callable[[], bool]) -> Iterator[list[float]]:
        """Where shots begin, in seconds: longer and longer lists, while ``alive``."""
        begins = [0.0]
        for shot in shots.seek(self.path, FilmOptions(), alive):
            begins = [*begins, *([shot.start] if shot.start else [])]
            yield begins
        if alive():
            self.shots = begins

    def shot(self, time: float) -> float:
        """Where the shot of a time begins, in seconds, as far as shots are known."""
        return max((begin for begin in self.shots if begin <= time + self.step / 2), default=0.0)

    def color(self, mix: Mix, options: FilmOptions, out: Path, progress: Callable[[float], None]) -> None:
        """Colour a stretch into ``out``; ``progress`` hears which share is done, and may raise `StoppedError`."""
        film.colorize(self.path, out, mix, options, lambda now: progress(now.frames / max(now.frames, now.total, 1)))


def options_of(values: Values, knobs: Knobs, start: float, end: float) -> FilmOptions:
    """What the panel asks of a film, from a second to another."""
    return FilmOptions(
        knobs=knobs,
        side_by_side=values["sides"],
        steady=values["steady"],
        every=values["every"],
        memory=values["memory"],
        keep_color=values["keep_color"],
        deinterlace=values["deinterlace"],
        start=start,
        end=end,
    )


def jpeg(picture: Image.Image, quality: int = 88) -> bytes:
    """The bytes that a browser shows."""
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=quality)
    return content.getvalue()
