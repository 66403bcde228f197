"""A gray film in, a coloured film out: the luma plane as it was, sound and subtitles copied packet by packet."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from colorify.color import gray_to_luma
from colorify.inference import Colorizer
from colorify.video import media, planes
from colorify.video.media import QUALITIES, VideoError
from colorify.video.parts import Parts
from colorify.video.planes import Coding
from colorify.video.steady import BLOCK, Steady

PART = 20 * BLOCK  # frames: what a kill may lose


@dataclass(frozen=True)
class Options:
    """How a film is coloured and written."""

    size: int | None = None  # short side that the network sees, px; None: the model's own
    saturation: float = 1.0
    blur: float = 0.0  # sigma of a blur of the chroma alone, px of the film
    steady: float = 1.0  # 0: each frame for itself; 1: as steady as can be
    every: int = 1  # the network looks at every so-many-th frame
    quality: str = "high"  # one of `QUALITIES`
    side_by_side: bool = False  # gray and colour in a row
    start: float = 0.0  # seconds: where to begin
    end: float | None = None  # seconds: where to stop
    overwrite: bool = False


@dataclass(frozen=True)
class Progress:
    """Where a run stands."""

    frames: int  # coloured
    total: int  # as the file says; 0: it does not
    looked: int  # frames that the network saw


Report = Callable[[Progress], None]


def colorize(
    source: Path, out: Path, colorizer: Colorizer, options: Options | None = None, report: Report = lambda now: None
) -> Progress:
    """Colour the film ``source`` into ``out``, whose suffix names the container; written beside, then renamed.

    Finished parts wait in a hidden folder beside ``out``: after a stop or a kill the same call goes on, and ends with
    the same film. Raises `VideoError` when there is no film to read or it cannot be written.
    """
    source, out, options = Path(source), Path(out), options or Options()
    _check(source, out, options)
    try:
        with media.opened(source) as film:
            stat, _ = source.stat(), media.moving(film)
            job = asdict(replace(options, overwrite=False)) | {
                "bytes": stat.st_size,
                "time": stat.st_mtime_ns,
                "model": _fingerprint(colorizer),
            }
            run = _Run(film, Parts(out.with_name(f".{out.name[:100]}.parts"), job), colorizer, options, report)
            done = run.color()
        if not done.frames:
            run.parts.remove()
            raise VideoError(f"{source}: no frame in it could be decoded")
        assemble(source, run.parts.paths(), out, options.start, options.end)
        run.parts.remove()
        return done
    except av.FFmpegError as error:
        raise VideoError(f"{source}: {error.strerror or error}") from None
    except OSError as error:
        raise VideoError(f"{out}: cannot be written: {error.strerror or error}; the same command goes on") from None


def _check(source: Path, out: Path, options: Options) -> None:
    if options.quality not in QUALITIES:
        raise VideoError(f"quality {options.quality!r}: choose one of {', '.join(QUALITIES)}")
    if options.start < 0 or (options.end is not None and options.end <= options.start):
        raise VideoError(f"start {options.start}, end {options.end}: expected seconds, the end after the start")
    if out.suffix.lower() not in (".mkv", ".mp4", ".mov"):
        raise VideoError(f"{out}: unknown container {out.suffix!r}: name a .mkv, .mp4 or .mov")
    if out.exists() and (not options.overwrite or (source.exists() and out.samefile(source))):
        raise VideoError(f"{out}: exists already (--overwrite replaces it; never the input)")


def assemble(source: Path, parts: list[Path], out: Path, start: float = 0.0, end: float | None = None) -> None:
    """Put the parts end to end, beside copies of all that is not the moving picture of ``source``; then rename.

    Of the copies, what lies between ``start`` and ``end``, in seconds; ``start`` becomes zero.
    """
    hidden = out.with_name(f".{out.stem[:100]}.{os.getpid()}.part{out.suffix}")
    try:
        with media.opened(source) as film, av.open(str(hidden), "w") as written:
            written.metadata.update(film.metadata)
            with media.opened(parts[0]) as first:
                video = written.add_stream_from_template(first.streams.video[0])
            copies = {}
            for stream in film.streams:
                if stream is not media.moving(film) and stream.type in ("audio", "subtitle", "video"):
                    copies[stream.index] = _copied(written, stream)
            pictures = _shifted(_packets(parts), start)
            waiting = next(pictures, None)
            others = film.demux(*(film.streams[index] for index in copies)) if copies else ()
            for packet in _shifted(_between(others, start, end), start):
                while waiting and waiting.dts * waiting.time_base <= packet.dts * packet.time_base:
                    waiting = _put(written, waiting, video, pictures)
                packet.stream = copies[packet.stream.index]
                written.mux(packet)
            while waiting:
                waiting = _put(written, waiting, video, pictures)
        os.replace(hidden, out)
    finally:
        with suppress(OSError):
            hidden.unlink()


def _copied(written: av.container.OutputContainer, stream: av.stream.Stream) -> av.stream.Stream:
    try:
        return written.add_stream_from_template(stream)
    except (ValueError, av.FFmpegError) as error:
        kind = f"stream {stream.index} ({stream.type}, {stream.codec.name})"
        raise VideoError(f"{kind} cannot be held by this container ({error}): name a .mkv") from None


def _packets(parts: list[Path]) -> Iterator[av.Packet]:
    for path in parts:
        with media.opened(path) as part:
            yield from (packet for packet in part.demux(part.streams.video[0]) if packet.size)


def _between(packets: Iterable[av.Packet], start: float, end: float | None) -> Iterator[av.Packet]:
    """The packets within a stretch of time; without a start all that come before its end."""
    for packet in packets:
        if packet.dts is not None:
            time = packet.pts * packet.time_base
            if (not start or time >= start) and (end is None or time < end):
                yield packet


def _shifted(packets: Iterable[av.Packet], start: float) -> Iterator[av.Packet]:
    for packet in packets:
        if start:
            shift = round(start / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        yield packet


def _put(
    written: av.container.OutputContainer, packet: av.Packet, video: VideoStream, rest: Iterator[av.Packet]
) -> av.Packet | None:
    packet.stream = video
    written.mux(packet)
    return next(rest, None)


class _Run:
    """One film on its way: frames wait here until their colours are steady."""

    def __init__(self, film: InputContainer, parts: Parts, colorizer: Colorizer, options: Options, report: Report):
        self.film, self.parts, self.colorizer, self.options, self.report = film, parts, colorizer, options, report
        self.video = media.moving(film)
        self.steady = Steady(self._predict, options.steady, options.every)
        self.waiting: deque[tuple[VideoFrame, Coding]] = deque()
        self.written = self.looked = 0

    def color(self) -> Progress:
        """Decode, colour and encode what is not in the parts yet."""
        decoded = self._restored()
        colored = self._colored(decoded)
        for first in colored:
            self._encode(first, colored)
        return self._progress()

    def _restored(self) -> Iterator[VideoFrame]:
        """The frames that the filter has not seen; those that it has, but that no part holds, wait again."""
        state = self.parts.state
        options, base = self.options, self.video.time_base
        end = None if options.end is None else round(options.end / base)
        if state is None:
            return media.frames(self.film, round(options.start / base) if options.start else None, end)
        self.steady.restore(state)
        self.written, self.looked = int(state["written"]), int(state["looked"])
        decoded = media.frames(self.film, int(state["next"]), end) if len(self.steady.frames) else iter(())
        self.waiting.extend((frame, media.coding_of(frame)) for frame in islice(decoded, len(self.steady.frames)))
        return decoded

    def _colored(self, decoded: Iterator[VideoFrame]) -> Iterator[np.ndarray]:
        """The chroma of the frames in `waiting`, one after the other."""
        for frame in decoded:
            yield from self._take(frame)
        yield from self.steady.flush()

    def _take(self, frame: VideoFrame) -> Iterator[np.ndarray]:
        """Hand the luma to the filter, keep the frame until its colours come."""
        coding, given = media.coding_of(frame), self.video.codec_context
        if (frame.width, frame.height) != (given.width, given.height):
            raise VideoError(f"the picture changes its size to {frame.width} x {frame.height}: cut the film there")
        self.waiting.append((frame, coding))
        luma = media.samples(frame.planes[0], coding.depth)
        scale = (self.options.size or self.colorizer.size) / min(luma.shape)
        size = tuple(max(2, round(length * scale / 2) * 2) for length in luma.shape[::-1])
        small = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
        return self.steady.add(gray_to_luma(planes.gray(small, coding))[0].numpy())

    def _predict(self, luma: np.ndarray) -> np.ndarray:
        self.looked += 1
        ab = self.colorizer.chroma(torch.from_numpy(luma)[None, None])[0]
        return cv2.resize(ab.movedim(0, -1).numpy(), luma.shape[::-1], interpolation=cv2.INTER_CUBIC)

    def _encode(self, first: np.ndarray, colored: Iterator[np.ndarray]) -> None:
        """Write the next part, and the state after it."""
        with av.open(str(self.parts.next), "w") as out:
            stream = media.encoder(out, self.video, self.options.quality, 1 + self.options.side_by_side)
            for ab in chain((first,), colored):
                out.mux(stream.encode(self._laid(ab, stream)))
                self.written += 1
                self.report(self._progress())
                whole = len(self.waiting) == len(self.steady.frames)  # not within the frames that left together
                if self.written % PART == 0 and whole:
                    break
            out.mux(stream.encode(None))
        following = self.waiting[0][0].pts if self.waiting else 0
        self.parts.done(self.steady.state() | {"written": self.written, "looked": self.looked, "next": following})

    def _laid(self, ab: np.ndarray, stream: VideoStream) -> VideoFrame:
        """Lay colours over the luma of the oldest frame."""
        frame, coding = self.waiting.popleft()
        luma, height, width = media.samples(frame.planes[0], coding.depth), frame.height, frame.width
        colored = media.blank(stream.codec_context, frame, coding)
        out = [media.samples(plane, coding.depth) for plane in colored.planes]
        shape = (out[1].shape[0], out[1].shape[1] // (1 + self.options.side_by_side))
        if self.options.blur:
            ab = cv2.GaussianBlur(ab, (0, 0), self.options.blur * min(ab.shape[:2]) / min(height, width))
        wide = cv2.resize(ab * self.options.saturation, shape[::-1], interpolation=cv2.INTER_CUBIC)
        seen = planes.gray(cv2.resize(luma, shape[::-1], interpolation=cv2.INTER_AREA), coding)
        chroma = planes.chroma(seen, torch.from_numpy(wide).movedim(-1, 0), coding)
        out[0][:, :width] = out[0][:, -width:] = luma
        for plane, values in zip(out[1:], chroma, strict=True):
            plane[:] = 2 ** (coding.depth - 1)
            plane[:, -values.shape[1] :] = values
        return colored

    def _progress(self) -> Progress:
        return Progress(self.written, self.video.frames, self.looked)


def _fingerprint(colorizer: Colorizer) -> str:
    """What tells a model from another."""
    digest = hashlib.sha256(repr((colorizer.method, colorizer.size)).encode())
    for tensor in colorizer.network.state_dict().values():
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
