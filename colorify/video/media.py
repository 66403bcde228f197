"""Films as FFmpeg reads and writes them: the stream that moves, planes as arrays, an encoder that fits the source."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream

from colorify.video.planes import Coding

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


def opened(path: Path) -> InputContainer:
    """A film to read; `VideoError` if it is none."""
    try:
        return av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: cannot be read as a film: {error.strerror or error}") from None


def moving(film: InputContainer) -> VideoStream:
    """The first video stream that is no cover picture."""
    for stream in film.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    kinds = ", ".join(stream.type for stream in film.streams) or "nothing"
    raise VideoError(f"{film.name}: no video stream, only {kinds}")


def frames(film: InputContainer, start: int | None = None, end: int | None = None) -> Iterator[VideoFrame]:
    """The frames of `moving`, of planar Y'CbCr or gray, from the time stamp ``start`` on, before ``end``.

    Damaged frames are left out; one without a time stamp, or with one that goes back, comes a moment after the last.
    """
    stream, last = moving(film), None
    step = max(1, round(1 / (stream.average_rate or 25) / stream.time_base))
    if start is not None:
        film.seek(start, stream=stream)
    for packet in film.demux(stream):
        try:
            found = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in found:
            if frame.pts is None or (last is not None and frame.pts <= last):
                frame.pts = 0 if last is None else last + step
            last = frame.pts
            if end is not None and last >= end:
                return
            if start is None or last >= start:
                yield frame if frame.format.name in _PLANAR else frame.reformat(format="yuv444p")


def coding_of(frame: VideoFrame | VideoCodecContext) -> Coding:
    """How the samples of a frame are to be read; what it does not say follows from its height, as in players."""
    full = frame.color_range == _RANGES[True] or frame.format.name.startswith("yuvj")
    guess = "bt709" if frame.height >= 720 else "bt601"
    return Coding(_MATRICES.get(int(frame.colorspace), guess), full, frame.format.components[0].bits)


def samples(plane: VideoPlane, depth: int) -> np.ndarray:
    """The samples ``(H, W)`` of a plane, as a view: writing into it writes the frame."""
    rows = np.frombuffer(plane, np.uint8 if depth == 8 else "<u2")
    return rows.reshape(plane.height, -1)[:, : plane.width]


def encoder(out: OutputContainer, source: VideoStream, quality: str, wide: int = 1) -> VideoStream:
    """An encoder of the size (``wide`` times the width), depth, timing and tags of ``source``.

    4:2:0, or 4:4:4 where a side is odd. It keeps the order of the frames, so that parts can be put end to end.
    """
    given = source.codec_context
    coding, width = coding_of(given), given.width * wide
    rate = source.average_rate or source.guessed_rate or Fraction(25)
    stream = out.add_stream("libx264", rate=rate, options=QUALITIES[quality] | {"bf": "0"})
    stream.time_base = source.time_base
    context = stream.codec_context
    context.width, context.height, context.time_base = width, given.height, source.time_base
    context.pix_fmt = ("yuv444p" if width % 2 or given.height % 2 else "yuv420p") + ("10le" if coding.depth > 8 else "")
    context.color_range, context.colorspace = _RANGES[coding.full], _NUMBERS[coding.matrix]
    if given.sample_aspect_ratio:
        context.sample_aspect_ratio = given.sample_aspect_ratio
    return stream


def blank(context: VideoCodecContext, like: VideoFrame, coding: Coding) -> VideoFrame:
    """A frame to fill, at the time of ``like`` and with its tags."""
    frame = VideoFrame(context.width, context.height, context.pix_fmt)
    frame.pts, frame.time_base = like.pts, like.time_base
    frame.color_range, frame.colorspace = _RANGES[coding.full], _NUMBERS[coding.matrix]
    return frame
