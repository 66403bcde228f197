"""A gray film in, a coloured film out: the luma plane as it was, sound and subtitles copied packet by packet."""

from __future__ import annotations

import errno
import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from colorify import figures
from colorify.alone import alone
from colorify.bulk import CONTAINERS
from colorify.inference import Colorizer
from colorify.pictures import hidden
from colorify.video import keyframes, media
from colorify.video.join import join
from colorify.video.keyframes import Keyframes
from colorify.video.media import VideoError
from colorify.video.paint import Look, Painter, is_colored
from colorify.video.parts import Parts
from colorify.video.steady import BLOCK, Steady

PART = 40 * BLOCK  # frames: what a kill may lose
_AHEAD = 8  # frames decoded before they are asked for, and encoded after the network is through with them
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES}


@dataclass(frozen=True)
class Options(Look):
    """How a film is coloured and written."""

    steady: float = 1.0  # 0: each frame for itself; 1: as steady as can be
    every: int = 1  # the network looks at every so-many-th frame
    keyframes: Path | None = None  # a folder of frames that a person coloured, see `Keyframes`
    keep_color: bool = False  # leave stretches alone that are in colour already
    codec: str = "libx264"  # one of `media.CODECS`
    quality: str = "high"  # one of `media.QUALITIES`
    start: float = 0.0  # seconds: where to begin
    end: float | None = None  # seconds: where to stop
    overwrite: bool = False


@dataclass(frozen=True)
class Progress:
    """Where a run stands."""

    frames: int  # coloured
    total: int  # about, by length and rate; 0: the file does not say them
    looked: int  # frames that the network saw


Report = Callable[[Progress], None]


def colorize(
    source: Path, out: Path, colorizer: Colorizer, options: Options | None = None, report: Report = lambda now: None
) -> Progress:
    """Colour the film ``source`` into ``out``, whose suffix names the container; written beside, then renamed.

    Finished parts wait in a hidden folder beside ``out``: after a stop or a kill the same call goes on, and ends with
    the same film. Raises `VideoError` when there is no film to read or it cannot be written, `BusyError` when another
    run is at it.
    """
    source, out, options = Path(source), Path(out), options or Options()
    check(source, out, options)
    with named(source, out), alone(folder := hidden(out, ".parts")):
        done, parts = color_parts(source, folder, colorizer, options, report)
        if not done.frames:
            parts.remove()
            raise VideoError(f"{source}: no frame in it could be decoded")
        join(source, parts.paths(), out, options.start, options.end)
        parts.remove()
        return done


def color_parts(
    source: Path,
    folder: Path,
    colorizer: Colorizer,
    options: Options,
    report: Report = lambda now: None,
    margin: float = 0.0,
) -> tuple[Progress, Parts]:
    """The coloured moving picture from ``start`` to ``end`` as parts in a folder; what is there already stays.

    The seconds of ``margin`` before and after are looked at, so that colours go on from there, and not written.
    """
    with media.opened(source) as film:
        run = _Run(film, colorizer, options, report, margin)
        stat = source.stat()
        job = asdict(replace(options, overwrite=False, keyframes=None)) | {
            "bytes": stat.st_size,
            "time": stat.st_mtime_ns,
            "model": colorizer.digest,
            "keyframes": run.keyframes.digest if run.keyframes else None,
        }
        parts = Parts(folder, job)
        return run.color(parts), parts


@contextmanager
def named(source: Path, out: Path) -> Iterator[None]:
    """What goes wrong with a film, as a `VideoError` that says with which file."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        if isinstance(error, av.FFmpegError) and error.errno not in _FULL:
            raise VideoError(f"{source}: {error.strerror or error}") from None
        raise VideoError(f"{out}: cannot be written: {error.strerror or error}; the same command goes on") from None


def preview(source: Path, colorizer: Colorizer, options: Options | None = None, moments: int = 6) -> Image.Image:
    """A contact sheet: gray and colour at so many moments, each coloured for itself; upright."""
    options = options or Options()
    with media.opened(Path(source)) as film:
        stream = media.moving(film)
        length = media.duration(film) or 0
        begin, end = options.start, options.end or length
        shown: dict[str, list[Image.Image]] = {"gray": [], "color": []}
        for number in range(moments):
            time = begin + (end - begin) * (number + 0.5) / moments
            frame = next(media.frames(film, round(time / stream.time_base)), None)
            if frame is not None:
                painter = Painter(colorizer, replace(options, side_by_side=False), media.turns(frame))
                pair = painter.gray_and_color(frame)
                for name, picture in zip(shown, pair, strict=True):
                    picture.thumbnail((480, 480))
                    shown[name].append(picture)
    if not shown["gray"]:
        raise VideoError(f"{source}: no frame in it could be decoded")
    return figures.grid(shown)


def still(source: Path, time: float) -> tuple[Image.Image, float]:
    """The frame at ``time``, in seconds, as an upright picture, and its own time; `VideoError` when there is none."""
    with media.opened(Path(source)) as film:
        base = media.moving(film).time_base
        for frame in media.frames(film, round(time / base) if time else None):
            return frame.to_image().rotate(90 * media.turns(frame), expand=True), float(frame.pts * base)
    raise VideoError(f"{source}: no frame at {time:g} seconds or later could be decoded")


def export_keyframes(source: Path, folder: Path, colorizer: Colorizer, options: Options | None = None) -> list[Path]:
    """Colour the frames at which something new comes into sight, as pictures to correct and give back as keyframes."""
    folder, options = Path(folder), options or Options()
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with media.opened(Path(source)) as film:
        base = media.moving(film).time_base
        looked: list[np.ndarray] = []
        steady = Steady(lambda luma: looked.append(luma) or np.zeros((*luma.shape, 2), np.float32), every=1 << 60)
        for frame in media.frames(film, *_stretch(options, base)):
            painter = Painter(colorizer, replace(options, side_by_side=False), media.turns(frame))
            luma = painter.small(frame)
            looked.clear()
            list(steady.add(luma))
            if any(seen is luma for seen in looked):
                path = folder / keyframes.name(float(frame.pts * base))
                if path.exists() and not options.overwrite:
                    raise VideoError(f"{path}: exists already (--overwrite replaces it)")
                painter.gray_and_color(frame)[1].save(path)
                written.append(path)
    return written


def _stretch(options: Options, base: Fraction) -> tuple[int | None, int | None]:
    """The first time stamp to colour, and the first one not to."""
    return (
        round(options.start / base) if options.start else None,
        None if options.end is None else round(options.end / base),
    )


def check(source: Path, out: Path, options: Options) -> None:
    """`VideoError` for options that do not go together, or a result that may not be written."""
    media.check_codec(options.codec, options.quality)
    if options.start < 0 or (options.end is not None and options.end <= options.start):
        raise VideoError(f"start {options.start}, end {options.end}: expected seconds, the end after the start")
    if out.suffix.lower() not in CONTAINERS:
        raise VideoError(f"{out}: unknown container {out.suffix!r}: name a .mkv, .mp4 or .mov")
    if out.suffix.lower() != ".mkv" and options.codec == "ffv1":
        raise VideoError(f"{out}: ffv1 needs a .mkv")
    if out.exists() and (not options.overwrite or (source.exists() and out.samefile(source))):
        raise VideoError(f"{out}: exists already (--overwrite replaces it; never the input)")


class _Run:
    """One film on its way: frames wait here until their colours are steady."""

    def __init__(
        self, film: InputContainer, colorizer: Colorizer, options: Options, report: Report, margin: float = 0.0
    ):
        self.film, self.colorizer, self.options, self.report = film, colorizer, options, report
        self.video = media.moving(film)
        self.painter = Painter(colorizer, options)
        self.steady = Steady(self._predict, options.steady, options.every)
        self.keyframes = self._keyframes()
        base = self.video.time_base
        self.wanted = _stretch(options, base)
        self.seen = _stretch(
            replace(options, start=max(0.0, options.start - margin), end=options.end and options.end + margin), base
        )
        length, end = media.duration(film) or 0.0, options.end or math.inf
        self.total = max(0, round((min(length, end) - options.start) * (self.video.average_rate or 0)))
        self.waiting: deque[tuple[VideoFrame, bool]] = deque()  # and whether it keeps its own colours
        self.taken = self.written = self.looked = 0
        self.colored = False
        self.size: tuple[int, int] | None = None

    def _keyframes(self) -> Keyframes | None:
        if self.options.keyframes is None:
            return None
        found = Keyframes(self.options.keyframes, 1 / float(self.video.average_rate or 25), media.duration(self.film))
        if self.options.start and found.numbers:
            raise VideoError(f"{found.numbers[0][1]}: with a start, name keyframes by time, such as 12.480s.png")
        return found

    def color(self, parts: Parts) -> Progress:
        """Decode, colour and encode what is not in the parts yet."""
        with ThreadPoolExecutor(1, "decode") as decoding, ThreadPoolExecutor(1, "encode") as encoding:
            colored = self._within(self._colored(_ahead(self._restored(parts.state), decoding)))
            for first in colored:
                self._encode(parts, chain((first,), colored), encoding)
        return self._progress()

    def _restored(self, state: dict[str, np.ndarray] | None) -> Iterator[VideoFrame]:
        """The frames that the filter has not seen; those that it has, but that no part holds, wait again."""
        start, end = self.seen
        if state is None:
            return media.frames(self.film, start, end)
        self.steady.restore(state)
        self.written, self.looked, self.colored = int(state["written"]), int(state["looked"]), bool(state["colored"])
        self.size = tuple(state["size"])
        self.taken = self.written
        decoded = media.frames(self.film, int(state["next"]), end) if len(self.steady.frames) else iter(())
        for frame in islice(decoded, len(self.steady.frames)):
            self._wait(frame)
        return decoded

    def _colored(self, decoded: Iterator[VideoFrame]) -> Iterator[np.ndarray]:
        """The ab of the frames in `waiting`, one after the other."""
        for frame in decoded:
            reference = self._wait(frame)
            luma = self.painter.small(frame)
            if isinstance(reference, Path):
                reference = keyframes.ab(reference, luma.shape, self.painter.turns)
            yield from self.steady.add(luma, reference)
        yield from self.steady.flush()

    def _within(self, colored: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Those of the frames to write; those of the margin leave `waiting`."""
        start, end = self.wanted
        for ab in colored:
            time = self.waiting[0][0].pts
            if (start is None or time >= start) and (end is None or time < end):
                yield ab
            else:
                self.waiting.popleft()

    def _wait(self, frame: VideoFrame) -> Path | np.ndarray | None:
        """Keep a frame until its colours come; gives those that are known: a keyframe's, or its own."""
        time = frame.pts * self.video.time_base
        self.size = self.size or (frame.width, frame.height)
        if (frame.width, frame.height) != self.size:
            raise VideoError(
                f"at {float(time):.3f} seconds the picture changes its size from {self.size[0]} x {self.size[1]} to "
                f"{frame.width} x {frame.height}: colour what comes before with --end, what follows with --start"
            )
        self.painter.turns = media.turns(frame)
        key = self.keyframes.take(self.taken, float(time)) if self.keyframes else None
        self.colored = self.options.keep_color and is_colored(frame, self.colored)
        self.taken += 1
        self.waiting.append((frame, self.colored))
        return self.painter.own(frame) if self.colored and key is None else key

    def _predict(self, luma: np.ndarray) -> np.ndarray:
        self.looked += 1
        return self.painter.predict(luma)

    def _encode(self, parts: Parts, colored: Iterator[np.ndarray], encoding: ThreadPoolExecutor) -> None:
        """Write the next part, and the state after it."""
        first = self.waiting[0][0]
        begun, coming = self.written, deque[Future[None]]()
        with av.open(str(parts.next), "w") as out:
            options = self.options
            stream = media.encoder(out, self.video, first, options.codec, options.quality, 1 + options.side_by_side)
            try:
                for ab in colored:
                    coming.append(encoding.submit(self._put, *self.waiting.popleft(), ab, stream))
                    if len(coming) > _AHEAD:
                        coming.popleft().result()
                    self.written += 1
                    self.report(self._progress())
                    whole = len(self.waiting) == len(self.steady.frames)  # not within the frames that left together
                    if self.written % PART == 0 and whole:
                        break
            finally:
                wait(coming)
            for future in coming:
                future.result()
            out.mux(stream.encode(None))
        if media.count(parts.next) != self.written - begun:
            raise OSError(errno.EIO, "a part of the film did not reach the disk whole", str(parts.next))
        parts.done(
            self.steady.state()
            | {
                "written": self.written,
                "looked": self.looked,
                "colored": self.waiting[0][1] if self.waiting else False,
                "size": self.size,
                "next": self.waiting[0][0].pts if self.waiting else 0,
            }
        )

    def _put(self, frame: VideoFrame, kept: bool, ab: np.ndarray, stream: VideoStream) -> None:
        context = stream.codec_context
        laid = self.painter.keep(frame, context) if kept else self.painter.lay(frame, ab, context)
        stream.container.mux(stream.encode(laid))

    def _progress(self) -> Progress:
        return Progress(self.written, self.total, self.looked)


def _ahead(frames: Iterator[VideoFrame], pool: ThreadPoolExecutor) -> Iterator[VideoFrame]:
    """The same frames, decoded in the background."""
    waiting = deque(pool.submit(next, frames, None) for _ in range(_AHEAD))
    while (frame := waiting.popleft().result()) is not None:
        waiting.append(pool.submit(next, frames, None))
        yield frame
