"""Finished parts put end to end, beside copies of all that is not the moving picture of the source."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from colorify.pictures import hidden
from colorify.video import media
from colorify.video.media import VideoError


def join(source: Path, parts: list[Path], out: Path, start: float = 0.0, end: float | None = None) -> None:
    """Write ``out`` beside, then rename it: the parts, and the sound, subtitles, chapters and words of ``source``.

    Of these, what lies between ``start`` and ``end``, in seconds; ``start`` becomes zero.
    """
    part = hidden(out, f".{os.getpid()}.part{out.suffix}")
    try:
        with media.opened(source) as film, av.open(str(part), "w") as written:
            written.metadata.update(film.metadata)
            written.set_chapters(list(_chapters(film, start, end)))
            with media.opened(parts[0]) as first:
                video = _copied(written, first.streams.video[0])
            _like(video, media.moving(film))
            video.set_display_matrix(_matrix(source))
            copies = {}
            for stream in film.streams:
                if stream is not media.moving(film) and stream.type in ("audio", "subtitle", "video"):
                    copies[stream.index] = _copied(written, stream)
                    _like(copies[stream.index], stream)
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
        os.replace(part, out)
    finally:
        with suppress(OSError):
            part.unlink()


def _chapters(film: InputContainer, start: float, end: float | None) -> Iterator[dict]:
    for chapter in film.chapters():
        base = chapter["time_base"]
        first, last = chapter["start"] * base, chapter["end"] * base
        if last > start and (end is None or first < end):
            inside = max(first, start), last if end is None else min(last, end)
            begins, ends = (round((time - start) / base) for time in inside)
            yield chapter | {"start": begins, "end": ends}


def _matrix(source: Path) -> list[int] | None:
    with media.opened(source) as film:
        return media.display_matrix(next(media.frames(film)))


def _copied(written: OutputContainer, stream: Stream) -> Stream:
    try:
        return written.add_stream_from_template(stream, opaque=True)
    except (ValueError, av.FFmpegError) as error:
        kind = f"stream {stream.index} ({stream.type}, {stream.codec.name})"
        raise VideoError(f"{kind} cannot be held by this container ({error}): name a .mkv") from None


def _like(stream: Stream, given: Stream) -> None:
    stream.metadata.update(given.metadata)
    stream.disposition = given.disposition


def _packets(parts: list[Path]) -> Iterator[av.Packet]:
    for path in parts:
        with media.opened(path) as part:
            yield from (packet for packet in part.demux(part.streams.video[0]) if packet.size)


def _between(packets: Iterable[av.Packet], start: float, end: float | None) -> Iterator[av.Packet]:
    """The packets within a stretch of time; without a start all that come before its end."""
    for packet in packets:
        if packet.size and packet.stream.disposition & Disposition.attached_pic:
            packet.pts = packet.dts = round(start / packet.time_base)  # a cover has no time
            yield packet
        elif packet.dts is not None:
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
    written: OutputContainer, packet: av.Packet, video: VideoStream, rest: Iterator[av.Packet]
) -> av.Packet | None:
    packet.stream = video
    written.mux(packet)
    return next(rest, None)
