"""Films for other programs: colored frames as arrays with their times, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from colorify.inference import Colorizer, Mix
from colorify.video import formats, media, moving, shots
from colorify.video.job import FilmOptions, target_of
from colorify.video.run import Run

_HOLDS_ALL = FilmOptions(codec="ffv1", quality="lossless")


@dataclass(frozen=True)
class Frame:
    """A colored frame."""

    time: Fraction  # seconds from where the film begins
    picture: VideoFrame  # PyAV's: planar Y'CbCr, the luma of the source, tagged as the film is

    @property
    def planes(self) -> tuple[np.ndarray, ...]:
        """Y', Cb and Cr ``(H, W)``, uint8 or uint16, as they would be written without loss."""
        depth = formats.coding_of(self.picture).depth
        return tuple(formats.samples(plane, depth).copy() for plane in self.picture.planes)

    @property
    def rgb(self) -> np.ndarray:
        """R'G'B' ``(H, W, 3)``: uint8, or of a film of more bits uint16 over the whole range."""
        deep = formats.coding_of(self.picture).depth > 8
        return self.picture.to_ndarray(format="rgb48le" if deep else "rgb24")


def frames(path: str | Path, colorizer: Colorizer | Mix, options: FilmOptions | None = None) -> Iterator[Frame]:
    """The coloured frames of a film, as `colorify.video.film.colorize` writes them losslessly, and nothing on disk.

    ``codec`` of the options says what samples they are of. Raises `VideoError` as that does.

        from colorify import Colorizer, video

        for frame in video.frames("film.mkv", Colorizer.load()):
            print(float(frame.time), frame.rgb.shape)
    """
    source, options = Path(path), options or _HOLDS_ALL
    shots.ensure(source, options)
    target = target_of(source, options)
    moving.check(options.knobs.mask, source, target.facts)
    context = VideoCodecContext.create("rawvideo", "w")
    context.width, context.height = target.size
    context.pix_fmt = target.format
    with media.opened(source) as film:
        run = Run(film, target, colorizer, options)
        with closing(run.colored()) as colored:
            for one, moments in colored:
                picture = run.laid(one, moments, context)
                at = picture.pts or 0
                yield Frame(at * target.facts.base - target.facts.origin, picture)
