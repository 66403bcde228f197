"""Single frames of a film, as pictures: to look at first, to work on, to correct and give back as keyframes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from colorify import figures, pictures
from colorify.inference import Colorizer, Mix
from colorify.video import facts, keyframes, media, shots
from colorify.video.formats import VideoError
from colorify.video.job import FilmOptions, stretch
from colorify.video.moving import Masks
from colorify.video.paint import Painter, picture
from colorify.video.steady import Steady


def preview(
    source: Path, colorizer: Colorizer | Mix, options: FilmOptions | None = None, moments: int = 6
) -> Image.Image:
    """A contact sheet: gray and colour at so many moments, each coloured for itself; upright."""
    options, found = options or FilmOptions(), facts.of(Path(source))
    painter = Painter(colorizer, replace(options, side_by_side=False), found.turns, found.top_first)
    masks = Masks(options.knobs.mask, found.rate)
    shown: dict[str, list[Image.Image]] = {"gray": [], "color": []}
    with media.opened(Path(source)) as film:
        length = media.duration(film) or 0
        begin, end = options.start, options.end or length
        for number in range(moments):
            time = found.origin + Fraction(begin + (end - begin) * (number + 0.5) / moments)
            frame = next(media.frames(film, round(time / found.base), seek="always"), None)
            if frame is not None:
                mask = masks.at(max(0.0, float((frame.pts or 0) * found.base - found.origin)))
                for name, one in zip(shown, painter.gray_and_color(frame, mask), strict=True):
                    one.thumbnail((480, 480))
                    shown[name].append(one)
    if not shown["gray"]:
        raise VideoError(f"{source}: no frame in it could be decoded")
    return figures.grid({**shown})


def still(source: Path, time: float) -> tuple[Image.Image, float]:
    """The frame at ``time``, in seconds, as an upright picture, and its own time; `VideoError` when there is none."""
    with media.opened(Path(source)) as film:
        base, begin = media.moving(film).time_base, media.origin(film)
        start = round((Fraction(time) + begin) / base) if time else None
        for frame in media.frames(film, start, seek="always"):
            upright = picture(frame).rotate(90 * media.turns(frame), expand=True)
            return upright, max(0.0, float(frame.pts * base - begin))
    raise VideoError(f"{source}: no frame at {time:g} seconds or later could be decoded")


def export_keyframes(
    source: Path, folder: Path, colorizer: Colorizer | Mix, options: FilmOptions | None = None
) -> list[Path]:
    """Colour frames as pictures to correct and give back as keyframes: where something new comes into sight.

    With a table of shots that is there: the keyframes that it names.
    """
    folder, options = Path(folder), options or FilmOptions()
    found = facts.of(Path(source), options.start)
    painter = Painter(colorizer, replace(options, side_by_side=False), found.turns, found.top_first)
    folder.mkdir(parents=True, exist_ok=True)
    masks = Masks(options.knobs.mask, found.rate)
    written = []
    chosen = _chosen(options, found)
    with media.opened(Path(source)) as film:
        for frame in media.frames(film, *stretch(options, found)):
            if chosen(frame, painter):
                time = max(0.0, float(frame.pts * found.base - found.origin))
                path = folder / keyframes.name(time)
                if path.exists() and not options.overwrite:
                    raise VideoError(f"{path}: exists already (--overwrite replaces it)")
                color, knobs = pictures.from_pil(painter.gray_and_color(frame, masks.at(time))[1]), options.knobs
                color = pictures.signed(color, colorizer.signature, knobs.told()) if knobs.provenance else color
                pictures.write(color, path, overwrite=True)
                written.append(path)
    return written


def _chosen(options: FilmOptions, found: facts.Facts) -> Callable[[VideoFrame, Painter], bool]:
    """Whether a frame is one to correct; it is asked of each in their order."""
    if options.shots and options.shots.exists():
        times = (shot.keyframe for shot in shots.read(options.shots) if shot.keyframe is not None)
        due = deque(time for time in times if time >= options.start)

        def named(frame: VideoFrame, painter: Painter) -> bool:
            late = float(frame.pts * found.base - found.origin + 1 / found.rate / 2)
            return bool(due) and due[0] <= late and due.popleft() is not None

        return named
    looked: list[np.ndarray] = []

    def look(luma: np.ndarray) -> np.ndarray:
        looked.append(luma)
        return np.zeros((*luma.shape, 2), np.float32)

    steady = Steady(look, every=1 << 60)

    def new(frame: VideoFrame, painter: Painter) -> bool:
        luma = painter.small(frame)
        looked.clear()
        list(steady.add(luma))
        return any(seen is luma for seen in looked)

    return new
