"""The streams beside the moving picture, on their way into a container: copied, or made of a kind that it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.stream import Stream

from colorify.video import media

TEXT = {".mp4": "mov_text", ".mov": "mov_text", ".mkv": "subrip"}
"""What subtitles of text become in a container that does not hold their own kind."""
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_LOSSLESS = ("pcm_", "flac", "alac", "wavpack", "tta", "truehd", "mlp")  # sound of which PCM keeps every sample
_NEVER = ("tmcd", "bin_data")  # the container writes itself what is in them: timecode and chapters


@dataclass(frozen=True)
class Way:
    """How a stream of the source goes along."""

    index: int  # in the source
    codec: str | None = None  # what it is converted to; None: its packets are copied

    def begin(self, film: InputContainer, written: OutputContainer, like: Stream) -> Carrier:
        """The stream to write, and what makes its packets; ``like`` is any stream that the container holds."""
        source = film.streams[self.index]
        if self.codec is None:
            return Carrier(_copied(written, source, like))
        return (_Text if source.type == "subtitle" else _Sound)(written, source, self.codec)


def streams(film: InputContainer) -> list[Stream]:
    """All but the moving picture and what is written as a word."""
    others = [stream for stream in film.streams if stream.index != media.moving(film).index]
    return [stream for stream in others if stream.type != "data" or stream.name not in _NEVER]


def choices(stream: Stream, suffix: str) -> Iterator[Way]:
    """The ways of a stream into a container, the best first."""
    yield Way(stream.index)
    name = getattr(stream, "name", None) or ""
    if stream.type == "subtitle":
        yield Way(stream.index, TEXT[suffix])
    elif stream.type == "audio" and name.startswith(_LOSSLESS):
        context: Any = stream.codec_context
        kind = context.format  # of what it decodes to
        yield Way(stream.index, f"pcm_{'f' if kind.name[:3] in ('flt', 'dbl') else 's'}{max(16, kind.bits)}le")


def named(stream: Stream) -> str:
    """A stream in words."""
    words = [stream.type, getattr(stream, "name", None) or "unknown"]
    words += [stream.language] if stream.language not in (None, "und") else []
    return f"stream {stream.index} ({', '.join(words)})"


class Carrier:
    """A stream to write, and its packets."""

    def __init__(self, stream: Stream):
        self.stream = stream

    def __call__(self, packet: av.Packet) -> list[av.Packet]:
        """What is to be written of a packet of the source."""
        packet.stream = self.stream
        return [packet]


def _copied(written: OutputContainer, source: Stream, like: Stream) -> Stream:
    """A stream for packets as they are; PyAV asks whether a container likes them, the container whether it can."""
    try:
        stream = written.add_stream_from_template(source, opaque=True)
    except ValueError:
        stream = written.add_stream_from_template(like, opaque=True)
        BitStreamFilterContext("null", source, stream)
        stream.time_base, stream.codec_context.codec_tag = source.time_base, "\0\0\0\0"
        return stream
    given: Any = source.codec_context
    if source.type == "audio" and "channels" in given.layout.name:  # which MP4 and MKV want to know
        made: Any = stream.codec_context
        made.layout = _LAYOUTS.get(given.layout.nb_channels, given.layout.name)
    return stream


class _Text(Carrier):
    """Subtitles of text, as another kind of it."""

    def __init__(self, written: OutputContainer, source: Stream, codec: str):
        super().__init__(written.add_stream(codec))
        self.source = cast(Any, source.codec_context)
        self.source.open(strict=False)
        self.stream.time_base = source.time_base
        self.made = cast(Any, self.stream.codec_context)
        self.made.subtitle_header = self.source.subtitle_header

    def __call__(self, packet: av.Packet) -> list[av.Packet]:
        found = self.source.decode2(packet)
        if found is None or not any(rect.type in (b"ass", b"text") for rect in found):
            return []
        made = self.made.encode_subtitle(found)
        made.time_base, made.pts, made.dts, made.duration = packet.time_base, packet.pts, packet.dts, packet.duration
        made.stream = self.stream
        return [made] if made.size else []


class _Sound(Carrier):
    """Samples of sound as plain PCM: none of them changes."""

    def __init__(self, written: OutputContainer, source: Any, codec: str):
        heard = source.codec_context
        self.made = cast(Any, written.add_stream(codec, rate=heard.sample_rate))
        super().__init__(self.made)
        context, self.source = self.made.codec_context, source
        context.layout = _LAYOUTS.get(heard.layout.nb_channels, heard.layout.name)
        self.stream.time_base = context.time_base = Fraction(1, heard.sample_rate)
        self.resampler = av.AudioResampler(context.format, context.layout, heard.sample_rate)

    def __call__(self, packet: av.Packet) -> list[av.Packet]:
        packed = [made for frame in self.source.decode(packet) for made in self.resampler.resample(frame)]
        return [made for frame in packed for made in self.made.encode(frame)]
