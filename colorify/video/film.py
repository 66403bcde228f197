"""A gray film in, a coloured film out: the luma plane as it was, sound and subtitles copied packet by packet."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from av.container import InputContainer, OutputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from colorify.color import gray_to_luma
from colorify.inference import Colorizer
from colorify.video import planes
from colorify.video.planes import Coding
from colorify.video.steady import Steady

QUALITIES = {
    "high": {"preset": "veryfast", "crf": "13", "tune": "grain"},
    "small": {"preset": "medium", "crf": "23"},
    "lossless": {"preset": "veryfast", "qp": "0"},
}
"""Options of libx264; ``lossless`` keeps every sample, chroma as it was predicted included."""
_MATRICES = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}  # of ISO/IEC 23091-4, as FFmpeg counts them
_NUMBERS = {"bt709": 1, "bt601": 6, "bt2020": 9}
_RANGES = {False: 1, True: 2}
_PLANAR = {f"yuv{kind}p{deep}" for kind in ("420", "422", "444", "440", "411", "410") for deep in ("", "10le")}
_PLANAR |= {"yuvj420p", "yuvj422p", "yuvj444p", "gray", "gray10le"}


class VideoError(ValueError):
    """What is wrong with a film, and what to do."""


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
    overwrite: bool = False


@dataclass(frozen=True)
class Progress:
    """Where a run stands."""

    frames: int  # written
    total: int  # as the file says; 0: it does not
    looked: int  # frames that the network saw


Report = Callable[[Progress], None]


def colorize(
    source: Path,
    out: Path,
    colorizer: Colorizer,
    options: Options | None = None,
    report: Report = lambda progress: None,
) -> Progress:
    """Colour the film ``source`` into ``out``, whose suffix names the container; written beside, then renamed.

    Raises `VideoError` when there is no film to read or it cannot be written.
    """
    source, out, options = Path(source), Path(out), options or Options()
    if options.quality not in QUALITIES:
        raise VideoError(f"quality {options.quality!r}: choose one of {', '.join(QUALITIES)}")
    if out.exists() and (not options.overwrite or out.samefile(source)):
        raise VideoError(f"{out}: exists already (--overwrite replaces it; never the input)")
    part = out.with_name(f".{out.stem[:100]}.{os.getpid()}.part{out.suffix}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _opened(source) as film:
            try:
                written = av.open(str(part), "w")
            except (av.FFmpegError, ValueError) as error:
                raise VideoError(f"{out}: cannot be written: {error}: name a .mp4, .mkv or .mov") from None
            with written:
                done = _Run(film, written, colorizer, options, report).run()
        if not done.frames:
            raise VideoError(f"{source}: no frame in it could be decoded")
        os.replace(part, out)
        return done
    except av.FFmpegError as error:
        raise VideoError(f"{source}: {error.strerror or error}") from None
    except OSError as error:
        raise VideoError(f"{out}: cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            part.unlink()


def _opened(path: Path) -> InputContainer:
    try:
        return av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: cannot be read as a film: {error.strerror or error}") from None


def _moving(film: InputContainer) -> VideoStream:
    """The first video stream that is no cover picture."""
    for stream in film.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    kinds = ", ".join(stream.type for stream in film.streams) or "nothing"
    raise VideoError(f"{film.name}: no video stream, only {kinds}")


def coding_of(frame: VideoFrame | VideoCodecContext) -> Coding:
    """How the samples of a frame are to be read; what it does not say follows from its height, as in players."""
    full = frame.color_range == _RANGES[True] or frame.format.name.startswith("yuvj")
    guess = "bt709" if frame.height >= 720 else "bt601"
    return Coding(_MATRICES.get(int(frame.colorspace), guess), full, frame.format.components[0].bits)


def _samples(plane: av.video.plane.VideoPlane, depth: int) -> np.ndarray:
    """The samples ``(H, W)`` of a plane, as a view: writing into it writes the frame."""
    rows = np.frombuffer(plane, np.uint8 if depth == 8 else "<u2")
    return rows.reshape(plane.height, -1)[:, : plane.width]


class _Run:
    """One film on its way: frames wait here until their colours are steady."""

    def __init__(
        self, film: InputContainer, out: OutputContainer, colorizer: Colorizer, options: Options, report: Report
    ):
        self.film, self.out, self.colorizer, self.options, self.report = film, out, colorizer, options, report
        self.video = _moving(film)
        self.steady = Steady(self._predict, options.steady, options.every)
        self.waiting: deque[tuple[VideoFrame, Coding]] = deque()
        self.encoder: VideoStream | None = None
        self.written = self.looked = 0

    def run(self) -> Progress:
        """Decode, colour, encode; copy everything else."""
        self._open_encoder()
        copies = {}
        for stream in self.film.streams:
            if stream.type in ("audio", "subtitle") or (stream.type == "video" and stream is not self.video):
                try:
                    copies[stream.index] = self.out.add_stream_from_template(stream)
                except (ValueError, av.FFmpegError) as error:
                    kind = f"stream {stream.index} ({stream.type}, {stream.codec.name})"
                    raise VideoError(f"{kind} cannot be held by this container ({error}): name a .mkv") from None
        self.out.metadata.update(self.film.metadata)
        for packet in self.film.demux(self.video, *(self.film.streams[index] for index in copies)):
            if packet.stream is self.video:
                for frame in self._decoded(packet):
                    self._take(frame)
            elif packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                self.out.mux(packet)
        for ab in self.steady.flush():
            self._write(ab)
        self.out.mux(self.encoder.encode(None))
        return self._progress()

    def _open_encoder(self) -> None:
        """An encoder of the same size, depth, timing and tags; 4:2:0, or 4:4:4 where the size is odd."""
        source = self.video.codec_context
        width = source.width * (2 if self.options.side_by_side else 1)
        deep = source.format.components[0].bits > 8
        odd = width % 2 or source.height % 2
        rate = self.video.average_rate or self.video.guessed_rate or Fraction(25)
        self.encoder = self.out.add_stream("libx264", rate=rate, options=QUALITIES[self.options.quality])
        context = self.encoder.codec_context
        context.width, context.height = width, source.height
        context.pix_fmt = ("yuv444p" if odd else "yuv420p") + ("10le" if deep else "")
        coding = coding_of(source)
        context.color_range, context.colorspace = _RANGES[coding.full], _NUMBERS[coding.matrix]
        context.time_base = self.video.time_base
        self.encoder.time_base = self.video.time_base
        if source.sample_aspect_ratio:
            context.sample_aspect_ratio = source.sample_aspect_ratio

    def _decoded(self, packet: av.Packet) -> Iterator[VideoFrame]:
        """The frames of a packet; a damaged one gives none."""
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            return

    def _take(self, frame: VideoFrame) -> None:
        """Hand the luma to the filter, keep the frame until its colours come."""
        if frame.format.name not in _PLANAR:
            frame = frame.reformat(format="yuv444p")
        coding = coding_of(frame)
        if (frame.width, frame.height) != (self.video.codec_context.width, self.video.codec_context.height):
            raise VideoError(f"the picture changes its size to {frame.width} x {frame.height}: cut the film there")
        self.waiting.append((frame, coding))
        luma = _samples(frame.planes[0], coding.depth)
        scale = (self.options.size or self.colorizer.size) / min(luma.shape)
        size = tuple(max(2, round(length * scale / 2) * 2) for length in luma.shape[::-1])
        small = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
        for ab in self.steady.add(gray_to_luma(planes.gray(small, coding))[0].numpy()):
            self._write(ab)

    def _predict(self, luma: np.ndarray) -> np.ndarray:
        self.looked += 1
        ab = self.colorizer.chroma(torch.from_numpy(luma)[None, None])[0]
        return cv2.resize(ab.movedim(0, -1).numpy(), luma.shape[::-1], interpolation=cv2.INTER_CUBIC)

    def _write(self, ab: np.ndarray) -> None:
        """Lay the colours of the oldest frame over its luma, and encode it."""
        frame, coding = self.waiting.popleft()
        context = self.encoder.codec_context
        colored = VideoFrame(context.width, context.height, context.pix_fmt)
        colored.pts, colored.time_base = frame.pts, frame.time_base
        colored.color_range = _RANGES[coding.full]
        colored.colorspace = _NUMBERS[coding.matrix]
        luma, height, width = _samples(frame.planes[0], coding.depth), frame.height, frame.width
        out = [_samples(plane, coding.depth) for plane in colored.planes]
        shape = (out[1].shape[0], -(-width * out[1].shape[1] // context.width))
        if self.options.blur:
            ab = cv2.GaussianBlur(ab, (0, 0), self.options.blur * min(ab.shape[:2]) / min(height, width))
        wide = cv2.resize(ab * self.options.saturation, shape[::-1], interpolation=cv2.INTER_CUBIC)
        seen = planes.gray(cv2.resize(luma, shape[::-1], interpolation=cv2.INTER_AREA), coding)
        chroma = planes.chroma(seen, torch.from_numpy(wide).movedim(-1, 0), coding)
        out[0][:, :width] = out[0][:, -width:] = luma
        for plane, values in zip(out[1:], chroma, strict=True):
            plane[:] = 2 ** (coding.depth - 1)
            plane[:, -values.shape[1] :] = values
        self.out.mux(self.encoder.encode(colored))
        self.written += 1
        self.report(self._progress())

    def _progress(self) -> Progress:
        return Progress(self.written, self.video.frames, self.looked)
