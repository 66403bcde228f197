"""Films as FFmpeg reads them: the stream that moves, its frames wherever they begin, and what does not decode."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from colorify.video import sidedata
from colorify.video.formats import VideoError, planar

_TIMED = {
    "matroska,webm",
    "mov,mp4,m4a,3gp,3g2,mj2",
    "mpegts",
}  # where a time stamp is the same wherever reading begins
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES}
"""Errors of a disk, not of a film."""
_BACK = (1, 4, 16, 64)  # seconds to step back, until a frame before the wanted one is found
Seek = Literal["never", "trusted", "always"]
"""Whether to seek: where the same frames come as without; or where near is enough."""
_UNPROBED = {"probesize": "2048"}  # bytes; NUT says all in its head
_TRIES = 20  # reads in a row that fail: then the rest is lost


@dataclass
class Damage:
    """What could not be read or decoded, or not whole; the same twice counts once."""

    places: set[int] = field(default_factory=set)  # bytes from the beginning of the file; below zero time stamps

    def __len__(self) -> int:
        return len(self.places)

    def add(self, packet: av.Packet | None) -> None:
        """This packet, or the whole rest."""
        place = -1 if packet is None else packet.pos if packet.pos is not None else packet.dts
        self.places.add(-2 if place is None else int(place))

    def add_frame(self, frame: VideoFrame) -> None:
        """This frame, of which the decoder made what it could."""
        self.places.add(-3 - frame.pts)


def opened(path: Path, **options: str) -> InputContainer:
    """A film to read, of a file and nothing else; `VideoError` if it is none. ``options`` are FFmpeg's."""
    try:
        # a playlist may name what it likes: only files; titles are in any encoding
        return av.open(f"file:{path}", metadata_errors="replace", options={**options, "protocol_whitelist": "file"})
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: cannot be read as a film: {error.strerror or error}") from None


def name(film: InputContainer) -> str:
    """The path of a film."""
    return film.name.removeprefix("file:")


def moving(film: InputContainer) -> VideoStream:
    """The first video stream that is no cover picture."""
    for stream in film.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None or not stream.codec_context.width:
                raise VideoError(f"{name(film)}: its video codec is not known here: convert it with FFmpeg first")
            return stream
    kinds = ", ".join(stream.type for stream in film.streams) or "nothing"
    raise VideoError(f"{name(film)}: no video stream, only {kinds}")


def origin(film: InputContainer) -> Fraction:
    """Seconds at which the film begins, by its own time: captures begin anywhere."""
    return Fraction(max(0, film.start_time or 0), av.time_base)


def duration(film: InputContainer) -> float | None:
    """Seconds of `moving`, as the file says; nothing: it does not."""
    stream = moving(film)
    return whole_duration(film) if stream.duration is None else float(stream.duration * stream.time_base)


def whole_duration(film: InputContainer) -> float | None:
    """Seconds of all that is in a film, as the file says; nothing: it does not."""
    if film.duration is None:
        return None
    before = origin(film) if film.format.name.startswith("matroska") else 0  # which counts from zero
    return float(Fraction(film.duration, av.time_base) - before)


def count(path: Path, own: bool = False) -> int:
    """The packets of moving picture in a file; of an ``own`` one, written here, no frame is decoded to know it."""
    with opened(path, **(_UNPROBED if own else {})) as film:
        return sum(packet.size > 0 for packet in film.demux(moving(film)))


def base(stream: VideoStream) -> Fraction:
    """Seconds of a time stamp."""
    return stream.time_base


def rate(stream: VideoStream) -> Fraction:
    """Frames a second, about."""
    return stream.average_rate or stream.guessed_rate or Fraction(25)


def frames(
    film: InputContainer,
    start: int | None = None,
    end: int | None = None,
    damage: Damage | None = None,
    seek: Seek = "trusted",
) -> Iterator[VideoFrame]:
    """The frames of `moving`, of planar Y'CbCr or gray, from the time stamp ``start`` on, before ``end``.

    The same ones wherever reading begins: where a seek cannot be trusted, all that comes before is decoded too. What
    does not decode is left out, and counted in ``damage``; a frame without a time stamp, or with one that goes back,
    comes a moment after the last.
    """
    for frame in reached(film, start, Damage() if damage is None else damage, seek):
        if end is not None and frame.pts >= end:
            return
        if start is None or frame.pts >= start:
            yield frame


def reached(film: InputContainer, start: int | None, damage: Damage, seek: Seek = "trusted") -> Iterator[VideoFrame]:
    """As `frames`, with some more before ``start``, if there are any."""
    stream = moving(film)
    if start is None:
        yield from _planar(film, _stamped(stream, _decoded(film, stream, damage)))
    elif (found := _sought(film, stream, start, damage, seek)) is not None:
        yield from _planar(film, found)
    else:
        with opened(Path(name(film))) as again:
            yield from reached(again, None, damage)


def _sought(
    film: InputContainer, stream: VideoStream, start: int, damage: Damage, seek: Seek
) -> Iterator[VideoFrame] | None:
    """The frames from a key frame on that comes before ``start``; nothing: there is none to be found by seeking."""
    if seek == "never" or (seek == "trusted" and film.format.name not in _TIMED):
        return None
    first, step, delay = origin(film) / stream.time_base, _step(stream), stream.codec_context.reorder_depth
    for back in _BACK:
        aim = round(start - back / stream.time_base)
        if aim <= first:
            return None
        with suppress(av.FFmpegError):
            film.seek(aim, stream=stream)
            stream.codec_context.reorder_depth = max(delay, stream.codec_context.reorder_depth)
            decoded = _stamped(stream, _from_key(_decoded(film, stream, damage)))
            found = next(decoded, None)
            if found is not None and found.pts + step < start:
                return chain((found,), decoded)
    return None


def _from_key(decoded: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """What comes with, or after, the first key frame that says its time."""
    for frame in decoded:
        if frame.key_frame and frame.pts is not None:
            yield frame
            key = frame.pts
            yield from (later for later in decoded if later.pts is None or later.pts > key)


def _planar(film: InputContainer, decoded: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    for frame in decoded:
        try:
            yield planar(frame)
        except VideoError as error:
            raise VideoError(f"{name(film)}: {error}") from None


def _step(stream: VideoStream) -> int:
    return max(1, round(1 / (stream.average_rate or 25) / stream.time_base))


def _stamped(stream: VideoStream, decoded: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """The frames, each with a time stamp that is later than the last one's."""
    last, step = None, _step(stream)
    for frame in decoded:
        if frame.pts is None or (last is not None and frame.pts <= last):
            frame.pts = 0 if last is None else last + step
        last = frame.pts
        yield frame


def packets(film: InputContainer, streams: list[Stream], damage: Damage) -> Iterator[av.Packet]:
    """The packets of some streams, and an empty one of each at the end; what cannot be read is left out and counted.

    Raises `VideoError` where memory runs out: a header may ask for any amount.
    """
    failed, reading = 0, film.demux(*streams)
    while failed < _TRIES:
        try:
            packet = next(reading)
        except StopIteration:
            return
        except (av.FFmpegError, OSError) as error:
            if isinstance(error, MemoryError):
                raise VideoError(f"{name(film)}: cannot be decoded: {error.strerror or error}") from None
            damage.add(None)
            failed, reading = failed + 1, film.demux(*streams)
        else:
            failed = 0
            if packet.is_corrupt:
                damage.add(packet)
            yield packet


def _decoded(film: InputContainer, stream: VideoStream, damage: Damage) -> Iterator[VideoFrame]:
    for packet in packets(film, [stream], damage):
        try:
            found = packet.decode()
        except av.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise VideoError(f"{name(film)}: cannot be decoded: {error.strerror or error}") from None
            damage.add(packet)
        else:
            yield from found


def turns(frame: VideoFrame) -> int:
    """How many quarter turns, counter-clockwise, bring a frame upright."""
    return round(frame.rotation / 90) % 4


def display_matrix(frame: VideoFrame) -> list[int] | None:
    """How players are to turn and mirror the film, nine numbers; nothing: as it lies."""
    found = sidedata.found_in(frame, SideDataType.DISPLAYMATRIX)
    return None if found is None else np.frombuffer(found, np.int32).tolist()
