"""The first moments of a film, written before it is colored: what its container takes, and what it does not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from av.container import InputContainer
from av.stream import Stream
from av.video.frame import VideoFrame

from colorify.video import beside, facts, media
from colorify.video.beside import Way
from colorify.video.facts import Target
from colorify.video.formats import VideoError, samples
from colorify.video.join import Content, chapters, join

_PACKETS = 200  # of all streams together
_MEASURED = (".webm", ".mxf", ".gif")
_WORDS = ("title", "artist", "album", "date", "comment", "copyright", "description", "genre", "timecode")
_VIEWS = {"stereo": "kind of stereo", "projection": "projection", "mastering": "mastering display"}
_TAGS = ("matrix", "primaries", "transfer")


@dataclass(frozen=True)
class Trial:
    """What came out."""

    ways: tuple[Way, ...] = ()
    notes: tuple[str, ...] = ()  # what is converted
    losses: tuple[str, ...] = ()  # what cannot go


def of(source: Path, suffix: str, target: Target) -> Trial:
    """Try to write the beginning of ``source`` into a container of this suffix.

    `VideoError` if the moving picture itself cannot be encoded or written.
    """
    with TemporaryDirectory(prefix="colorify-") as folder, media.opened(source) as film:
        try:
            _encode(part := Path(folder) / "part.nut", target)
            _write(source, part, suffix, target, [])
        except (av.FFmpegError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise VideoError(f"{source}: cannot be written by {target.codec} into a {suffix}: {why}") from None
        losses = _unsaid(film, part.with_name(f"out{suffix}"), target)
        found = {stream.index: [*beside.choices(stream, suffix)] for stream in beside.streams(film)}
        first = [tried[0] for tried in found.values() if tried and not tried[0].codec]
        if len(first) == len(found) and (not first or _works(source, part, suffix, target, first)):
            return Trial(tuple(first), (), (*losses, *_unnamed(source, part, suffix, target, first)))
        ways: list[Way] = []
        notes: list[str] = []
        for stream in beside.streams(film):
            way = next((way for way in found[stream.index] if _works(source, part, suffix, target, [*ways, way])), None)
            if way is None:
                losses.append(f"{beside.named(stream)} is left out: a {suffix} cannot hold it")
            else:
                ways.append(way)
                notes += [f"{beside.named(stream)} becomes {way.said}"] if way.said else []
        losses += _unnamed(source, part, suffix, target, ways)
    return Trial(tuple(ways), tuple(notes), tuple(losses))


def _unsaid(film: InputContainer, path: Path, target: Target) -> list[str]:
    """What a film says of itself, and the beginning of what is made of it, in a new kind of container, does not."""
    if (suffix := path.suffix) not in _MEASURED:
        return []
    given, made = target.facts, facts.of(path)
    with media.opened(path) as written:
        lost = [word for word in _WORDS if word in film.metadata and word not in written.metadata]
        lost += ["chapters"] * (len(list(chapters(film, given.origin, None))) > len(written.chapters()))
    if suffix != ".gif":  # whose pictures are turned, and shown as on a usual display
        views = [(name, getattr(given.view, name), getattr(made.view, name)) for name in _VIEWS]
        lost += [_VIEWS[name] for name, one, other in views if one and not other and target.codec != "dnxhr"]
        lost += ["rotation"] * (given.turns != made.turns)
        off = abs(float(given.aspect or 1) - float(made.aspect or 1)) * made.size[0]
        lost += ["pixel aspect"] if off > 1 else []
        lost += [name for name, one, other in zip(_TAGS, given.tags[1:], made.tags[1:], strict=True) if one != other]
    return [f"its {name} {'are' if name.endswith('s') else 'is'} left out: a {suffix} cannot say it" for name in lost]


def _unnamed(source: Path, part: Path, suffix: str, target: Target, ways: list[Way]) -> list[str]:
    """Languages of streams that a new kind of container does not say."""
    if suffix not in _MEASURED or not ways:
        return []
    _write(source, part, suffix, target, ways)
    with media.opened(source) as film, media.opened(part.with_name(f"out{suffix}")) as written:
        given = {film.streams[way.index].language for way in ways} - {None, "und"}
        lost = given - {stream.language for stream in written.streams}
    return [f"the language of its streams is left out: a {suffix} cannot say it"] if lost else []


def _encode(part: Path, target: Target) -> None:
    """One black frame."""
    with av.open(str(part), "w") as out:
        stream = target.encoder(out)
        context = stream.codec_context
        frame = VideoFrame(context.width, context.height, target.format)
        for plane in frame.planes:
            samples(plane, target.coding.depth)[:] = 2 ** (target.coding.depth - 1)
        frame.pts, frame.time_base = round(target.facts.origin / target.facts.base), target.facts.base
        out.mux(stream.encode(target.timed(frame)))
        out.mux(stream.encode(None))


def _write(source: Path, part: Path, suffix: str, target: Target, ways: list[Way]) -> None:
    join(source, [part], part.with_name(f"out{suffix}"), Content(target, ways, _PACKETS))


def _works(source: Path, part: Path, suffix: str, target: Target, ways: list[Way]) -> bool:
    try:
        _write(source, part, suffix, target, ways)
    except (av.FFmpegError, ValueError, NotImplementedError):
        return False
    with media.opened(part.with_name(f"out{suffix}")) as written, media.opened(source) as film:
        heard = [way for way in ways if film.streams[way.index].type == "audio"]
        if len(written.streams) <= len(ways) or len(heard) != len(written.streams.audio):
            return False
        pairs = zip(heard, written.streams.audio, strict=True)
        return all(_is_heard(written, made) or not _is_heard(film, film.streams[way.index]) for way, made in pairs)


def _is_heard(film: InputContainer, stream: Stream) -> bool:
    """Whether a sound can be decoded by what its container says of it."""
    film.seek(0)
    try:
        found = next((frame for packet in islice(film.demux(stream), _PACKETS) for frame in packet.decode()), None)
    except (av.FFmpegError, ValueError, RuntimeError):  # or its codec is not known here
        return False
    return found is not None
