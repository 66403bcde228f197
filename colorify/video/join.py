"""Finished parts put end to end, beside copies of all that is not the moving picture of the source."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from colorify.files import atomic
from colorify.pictures.provenance import with_sentence
from colorify.video import gif, matroska, media
from colorify.video.beside import Way
from colorify.video.facts import Target
from colorify.video.formats import VideoError
from colorify.video.media import Damage

if TYPE_CHECKING:
    from av.container.core import Chapter  # a type, and no class at run time

Stretch = tuple[float, float | None]
"""Seconds from the beginning of a film: where to begin, and where to stop."""
SHAPED = ("libx264", "libx265")
"""Encoders that say in their own stream, and exactly, how wide a pixel is; Matroska rounds to whole pixels."""
_BEYOND = 5  # seconds
_TOLERANCE = Fraction(1, 500)  # seconds: Matroska counts in thousandths


class Times:
    """When frames are shown, in seconds: the first and the last to the tick, and all as numbers of 8 bytes."""

    def __init__(self, times: Iterable[Fraction] = ()):
        self.first = self.last = Fraction(0)
        self.all = array("d")
        for time in times:
            self.add(time)

    def add(self, time: Fraction) -> None:
        self.first, self.last = self.first if self.all else time, time
        self.all.append(float(time))


@dataclass(frozen=True)
class Content:
    """What is to be written of a film."""

    target: Target  # the moving picture
    ways: Sequence[Way]  # the streams beside it
    most: int | None = None  # packets of these; None: all
    knobs: str | None = None  # what is said of the coloring; None: nothing


def join(
    source: Path,
    parts: list[Path],
    out: Path,
    content: Content,
    stretch: Stretch = (0.0, None),
    lost: Damage | None = None,
) -> float:
    """Write ``out`` beside, then rename it: the parts, and the streams, chapters and words of ``source``.

    Of all, what lies within a ``stretch`` of seconds from its beginning; where that starts becomes zero. What cannot be
    read is counted in ``lost``. Gives the seconds that all of it lasts. Raises `VideoError` if a frame of the parts is
    not in the result, or not at its time.
    """
    target, lost = content.target, Damage() if lost is None else lost
    with atomic(out, out.suffix) as part:
        heard, times = Fraction(0), Times()
        if out.suffix.lower() == ".gif":
            if content.ways:
                raise VideoError(f"{out}: a .gif holds nothing but the picture")
            times = Times(gif.write(source, parts, part, target.facts, target.facts.origin + Fraction(stretch[0])))
            if content.knobs is not None:
                gif.say(part, with_sentence("", content.knobs))
        else:
            with media.opened(source) as film, _written(part) as written:
                heard = _muxed((film, written), parts, content, (stretch, times), lost)
        if target.facts.aspect and out.suffix.lower() in (".mkv", ".webm") and target.codec not in SHAPED:
            matroska.set_aspect(part, target.size, target.facts.aspect)
        _verify(part, times, out)
    return float(max(heard, times.last + 1 / target.facts.rate))


def _muxed(
    pair: tuple[InputContainer, OutputContainer],
    parts: list[Path],
    content: Content,
    when: tuple[Stretch, Times],
    lost: Damage,
) -> Fraction:
    """Put all into the second film that is to be of the first; notes the times of the frames; how long sound lasts."""
    (film, written), (stretch, times), target, most = pair, when, content.target, content.most
    begin = target.facts.origin
    start, end = begin + Fraction(stretch[0]), None if stretch[1] is None else begin + Fraction(stretch[1])
    written.metadata.update(film.metadata)
    if content.knobs is not None:
        said = with_sentence(film.metadata.get("comment", ""), content.knobs)
        written.metadata["comment_colored" if written.format.name == "mxf" else "comment"] = said  # all that MXF has
    written.set_chapters(list(chapters(film, start, end)))
    video = _moving(written, parts[0], target)
    _like(video, media.moving(film))
    _describe(video, target, Path(written.name))
    carriers = {way.index: way.begin(film, written, video) for way in content.ways}
    for index, carrier in carriers.items():
        _like(carrier.stream, film.streams[index])
    pictures = _noted(_shifted(_packets(parts), start), times)
    waiting = next(pictures, None)
    for carrier in carriers.values():
        carrier.zero = times.first
    timed = [film.streams[index] for index in carriers if film.streams[index].type != "attachment"]
    others: Iterator[av.Packet] = islice(media.packets(film, timed, lost) if timed else (), most)
    last = end if end is not None or not film.duration else start + Fraction(film.duration, av.time_base)
    others = _between(_seen(others, start), start if stretch[0] else None, end)
    heard = Fraction(0)
    for packet in _shifted(_in_order(others, last, lost), start):
        heard = max(heard, (packet.pts + (packet.duration or 0)) * packet.time_base)
        while waiting and waiting.dts * waiting.time_base <= packet.dts * packet.time_base:
            waiting = _put(written, waiting, video, pictures)
        try:
            written.mux(carriers[packet.stream.index](packet))
        except av.FFmpegError as error:  # of the packet, not of the disk: the film is finished without it
            if most is not None or error.errno in media.FULL:
                raise
            lost.add(packet)
    while waiting:
        waiting = _put(written, waiting, video, pictures)
    for carrier in carriers.values():
        written.mux(carrier.rest(times.last + 1 / target.facts.rate))
    return heard


def _written(path: Path) -> OutputContainer:
    """A container whose index stands first, where there is a choice: players begin before all has come.

    ``strict``: it may say how pictures are projected, too.
    """
    options = {"movflags": "+faststart", "strict": "unofficial"} if path.suffix.lower() in (".mp4", ".mov") else {}
    return av.open(f"file:{path}", "w", options=options)


def _moving(written: OutputContainer, part: Path, target: Target) -> VideoStream:
    """The stream of the moving picture, that says all that the first part, and the target, do."""
    with media.opened(part) as first:
        given = like = first.streams.video[0]
        if target.facts.view and target.codec != "dnxhr" and written.format.name != "mxf":
            like = matroska.told(given, next(one for one in first.demux(given) if one.size), target.facts.view)
        video = written.add_stream_from_template(like, opaque=True)
        video.time_base, video.codec_context.extradata = given.time_base, given.codec_context.extradata
        if target.codec == "prores":  # which has a name for each of its profiles
            video.codec_context.codec_tag = given.codec_context.codec_tag
    return video


def _describe(video: VideoStream, target: Target, out: Path) -> None:
    """Say what the film is where the parts do not."""
    target.tag(video.codec_context)
    video.set_display_matrix(target.facts.matrix)
    if target.codec == "libx265" and out.suffix.lower() != ".mkv":
        video.codec_context.codec_tag = "hvc1"  # players of Apple know no other


def _verify(path: Path, times: Times, out: Path) -> None:
    """`VideoError` unless a film has a frame at each of these seconds, and no other."""
    with media.opened(path) as film:
        found = np.sort(np.fromiter((float(packet.pts * packet.time_base) for packet in _packets([path])), float))
        wanted = np.array(times.all)
        both = min(len(found), len(wanted))
        off = max(abs(found[:both] - wanted[:both] - (found[:1] - wanted[:1])), default=0.0)
        if len(found) != len(wanted) or off > max(_TOLERANCE, media.moving(film).time_base) + 1e-6:
            raise VideoError(f"{out}: {len(found)} of {len(wanted)} frames, {off:.3f} s off: the parts are kept")


def _noted(packets: Iterable[av.Packet], times: Times) -> Iterator[av.Packet]:
    """The packets, and their times written down."""
    for packet in packets:
        times.add(packet.pts * packet.time_base)
        yield packet


def chapters(film: InputContainer, start: Fraction, end: Fraction | None) -> Iterator[Chapter]:
    """Those of a film that a stretch of seconds has a part of, by its time."""
    for chapter in film.chapters():
        base = chapter["time_base"]
        first, last = chapter["start"] * base, chapter["end"] * base
        if last > start and (end is None or first < end):
            inside = max(first, start), last if end is None else min(last, end)
            begins, ends = (round((time - start) / base) for time in inside)
            yield {**chapter, "start": begins, "end": ends}


def _like(stream: Stream, given: Stream) -> None:
    stream.metadata.update(given.metadata)
    stream.disposition = given.disposition


def _packets(parts: list[Path]) -> Iterator[av.Packet]:
    for path in parts:
        with media.opened(path) as part:
            for packet in part.demux(part.streams.video[0]):
                if packet.size:
                    if packet.dts is None:  # of a few frames: FFmpeg cannot tell
                        packet.dts = packet.pts  # frames keep their order
                    yield packet


def _between(packets: Iterable[av.Packet], start: Fraction | None, end: Fraction | None) -> Iterator[av.Packet]:
    """The packets within a stretch of time; without a start all that come before its end."""
    for packet in packets:
        if packet.size and packet.stream.disposition & Disposition.attached_pic:
            packet.pts = packet.dts = round((start or 0) / packet.time_base)  # a cover has no time
            yield packet
        elif packet.dts is not None:
            packet.pts = packet.dts if packet.pts is None else packet.pts
            time = packet.pts * packet.time_base
            if (start is None or time >= start) and (end is None or time < end):
                yield packet


def _seen(packets: Iterable[av.Packet], start: Fraction) -> Iterator[av.Packet]:
    """The packets but subtitles that are over at the start; those that are seen there begin there."""
    for packet in packets:
        if packet.stream.type == "subtitle" and packet.pts is not None and packet.pts * packet.time_base < start:
            before = math.ceil(start / packet.time_base) - packet.pts
            if packet.duration and packet.duration <= before:
                continue
            packet.pts = packet.dts = packet.pts + before
            packet.duration = max(0, (packet.duration or 0) - before)
        yield packet


def _in_order(packets: Iterable[av.Packet], last: Fraction | None, lost: Damage) -> Iterator[av.Packet]:
    """The packets but those whose time goes back, or is far beyond the ``last``: no container takes such damage.

    Sound comes a packet late: one that the next shows to have jumped ahead is left out, not all that follow.
    """
    held: dict[int, av.Packet] = {}
    sent: dict[int, int] = {}
    for packet in packets:
        number, sound = packet.stream.index, packet.stream.type == "audio"
        least = packet.dts - (packet.stream.type != "subtitle")  # subtitles may begin together
        before = held.get(number)
        if sent.get(number, least) > least or (last is not None and packet.dts * packet.time_base > last + _BEYOND):
            lost.add(packet)
        elif not sound or (before is not None and before.dts <= least):
            sending = before if sound else packet
            sent[number], held[number] = sending.dts, packet  # now: who gets it may change its time
            yield sending
        else:
            if before is not None:
                lost.add(before)
            held[number] = packet
    yield from sorted((one for one in held.values() if one.stream.type == "audio"), key=lambda p: p.dts * p.time_base)


def _shifted(packets: Iterable[av.Packet], start: Fraction) -> Iterator[av.Packet]:
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
