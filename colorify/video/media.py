"""Films as FFmpeg reads and writes them: the stream that moves, planes as arrays, an encoder that fits the source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream

from colorify.video.planes import Coding

CODECS = {
    "libx264": {
        "high": {"preset": "veryfast", "crf": "13", "tune": "grain"},
        "small": {"preset": "medium", "crf": "23"},
        "lossless": {"preset": "veryfast", "qp": "0"},
    },
    "libx265": {
        "high": {"preset": "fast", "crf": "14", "tune": "grain", "x265-params": "log-level=error"},
        "small": {"preset": "medium", "crf": "26", "x265-params": "log-level=error"},
        "lossless": {"preset": "fast", "x265-params": "lossless=1:log-level=error"},
    },
    "libsvtav1": {"high": {"preset": "8", "crf": "16"}, "small": {"preset": "6", "crf": "35"}},
    "ffv1": {"lossless": {"level": "3"}},
}
"""Encoders of FFmpeg, and what each `QUALITIES` means to them."""
QUALITIES = ("high", "small", "lossless")
"""``lossless`` keeps every sample, chroma as it was predicted included."""
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
        return av.open(str(path), metadata_errors="replace")  # titles are in any encoding
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: cannot be read as a film: {error.strerror or error}") from None


def moving(film: InputContainer) -> VideoStream:
    """The first video stream that is no cover picture."""
    for stream in film.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None or not stream.codec_context.width:
                raise VideoError(f"{film.name}: its video codec is not known here: convert it with FFmpeg first")
            return stream
    kinds = ", ".join(stream.type for stream in film.streams) or "nothing"
    raise VideoError(f"{film.name}: no video stream, only {kinds}")


def duration(film: InputContainer) -> float | None:
    """Seconds, as the file says; nothing: it does not."""
    stream = moving(film)
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return None if film.duration is None else film.duration / av.time_base


def count(path: Path) -> int:
    """The packets of moving picture in a file."""
    with opened(path) as film:
        return sum(packet.size > 0 for packet in film.demux(moving(film)))


def frames(film: InputContainer, start: int | None = None, end: int | None = None) -> Iterator[VideoFrame]:
    """The frames of `moving`, of planar Y'CbCr or gray, from the time stamp ``start`` on, before ``end``.

    Damaged frames are left out; one without a time stamp, or with one that goes back, comes a moment after the last.
    """
    stream, last = moving(film), None
    step = max(1, round(1 / (stream.average_rate or 25) / stream.time_base))
    if start is not None:
        film.seek(start, stream=stream)
    for found in _decoded(film, stream):
        for frame in found:
            if frame.pts is None or (last is not None and frame.pts <= last):
                frame.pts = 0 if last is None else last + step
            last = frame.pts
            if end is not None and last >= end:
                return
            if start is None or last >= start:
                yield frame if frame.format.name in _PLANAR else frame.reformat(format="yuv444p")


def _decoded(film: InputContainer, stream: VideoStream) -> Iterator[list[VideoFrame]]:
    """The frames of each packet; `VideoError` where it cannot go on."""
    try:
        for packet in film.demux(stream):
            with suppress(av.error.InvalidDataError):
                yield packet.decode()
    except av.FFmpegError as error:  # also of memory: a header may ask for any amount
        raise VideoError(f"{film.name}: cannot be decoded: {error.strerror or error}") from None


def coding_of(frame: VideoFrame | VideoCodecContext) -> Coding:
    """How the samples of a frame are to be read; what it does not say follows from its height, as in players."""
    full = frame.color_range == _RANGES[True] or frame.format.name.startswith("yuvj")
    guess = "bt709" if frame.height >= 720 else "bt601"
    return Coding(_MATRICES.get(int(frame.colorspace), guess), full, frame.format.components[0].bits)


def samples(plane: VideoPlane, depth: int) -> np.ndarray:
    """The samples ``(H, W)`` of a plane, as a view: writing into it writes the frame."""
    rows = np.frombuffer(plane, np.uint8 if depth == 8 else "<u2")
    return rows.reshape(plane.height, -1)[:, : plane.width]


def turns(frame: VideoFrame) -> int:
    """How many quarter turns, counter-clockwise, bring a frame upright."""
    return round(frame.rotation / 90) % 4


def display_matrix(frame: VideoFrame) -> list[int] | None:
    """How players are to turn and mirror the film, nine numbers; nothing: as it lies."""
    found = frame.side_data.get(SideDataType.DISPLAYMATRIX)
    return None if found is None else np.frombuffer(found, np.int32).tolist()


def check_codec(codec: str, quality: str) -> None:
    """`VideoError` unless the encoder can be had, and in that quality."""
    if quality not in QUALITIES:
        raise VideoError(f"quality {quality!r}: choose one of {', '.join(QUALITIES)}")
    if codec not in CODECS or codec not in av.codecs_available:
        raise VideoError(f"codec {codec!r}: choose one of {', '.join(CODECS)}")
    if quality not in CODECS[codec]:
        raise VideoError(f"codec {codec}: quality {quality!r} cannot be had, only {', '.join(CODECS[codec])}")


def encoder(
    out: OutputContainer, source: VideoStream, like: VideoFrame, codec: str, quality: str, wide: int = 1
) -> VideoStream:
    """An encoder of the size (``wide`` times the width), depth, timing and tags of the frame ``like`` of ``source``.

    4:2:0, or 4:4:4 where a side is odd. It keeps the order of the frames, so that parts can be put end to end.
    """
    os.environ.setdefault("SVT_LOG", "1")  # errors alone; libsvtav1 has no other knob for that
    coding, width, given = coding_of(like), like.width * wide, source.codec_context
    rate = source.average_rate or source.guessed_rate or Fraction(25)
    options = CODECS[codec][quality] | ({} if codec == "ffv1" else {"bf": "0"})
    stream = out.add_stream(codec, rate=rate, options=options)
    stream.time_base = source.time_base
    context = stream.codec_context
    context.width, context.height, context.time_base = width, like.height, source.time_base
    context.pix_fmt = ("yuv444p" if like.width % 2 or like.height % 2 else "yuv420p") + (
        "10le" if coding.depth > 8 else ""
    )
    if context.pix_fmt not in (kind.name for kind in context.codec.video_formats):
        raise VideoError(f"codec {codec} cannot hold {width} x {like.height} as {context.pix_fmt}: use libx264")
    context.color_range, context.colorspace = _RANGES[coding.full], _NUMBERS[coding.matrix]
    context.color_primaries, context.color_trc = given.color_primaries, given.color_trc
    if given.sample_aspect_ratio:
        context.sample_aspect_ratio = given.sample_aspect_ratio
    return stream


def blank(context: VideoCodecContext, like: VideoFrame, coding: Coding) -> VideoFrame:
    """A frame to fill, at the time of ``like`` and with its tags."""
    frame = VideoFrame(context.width, context.height, context.pix_fmt)
    frame.pts, frame.time_base = like.pts, like.time_base
    frame.color_range, frame.colorspace = _RANGES[coding.full], _NUMBERS[coding.matrix]
    frame.color_primaries, frame.color_trc = like.color_primaries, like.color_trc
    return frame
