"""The streams beside the moving picture, on their way into a container: copied, or made of a kind that it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.stream import Stream

from colorify.video import media

TEXT = {".mp4": "mov_text", ".mov": "mov_text", ".mkv": "subrip", ".webm": "webvtt"}
"""What subtitles of text become in a container that does not hold their own kind."""
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_LOSSLESS = ("pcm_", "flac", "alac", "wavpack", "tta", "truehd", "mlp")  # sound of which PCM keeps every sample
_USUAL = 48_000  # samples a second, of Opus and of broadcasts
_OPUS = 96_000  # bits a second of a channel: no listener tells them from the source
_LATE = Fraction(1, 100)  # seconds between packets that are no rounding
_NEVER = ("tmcd", "bin_data")  # the container writes itself what is in them: timecode and chapters


@dataclass(frozen=True)
class Way:
    """How a stream of the source goes along."""

    index: int  # in the source
    codec: str | None = None  # what it is converted to; None: its packets are copied
    rate: int | None = None  # samples a second that it is converted to, if they differ
    even: bool = False  # the container has no times: sound begins with the picture, without a gap, and ends with it
    said: str = ""  # what becomes of it, in words, if that is to be said

    def begin(self, film: InputContainer, written: OutputContainer, like: Stream) -> Carrier:
        """The stream to write, and what makes its packets; ``like`` is any stream that the container holds."""
        source = film.streams[self.index]
        if self.codec is None:
            return Carrier(_copied(written, source, like))
        if source.type == "subtitle":
            return _Text(written, source, self.codec)
        return (_Even if self.even else _Sound)(written, source, self)


def streams(film: InputContainer) -> list[Stream]:
    """All but the moving picture and what is written as a word."""
    others = [stream for stream in film.streams if stream.index != media.moving(film).index]
    return [stream for stream in others if stream.type != "data" or not _is_word(stream)]


def _is_word(stream: Stream) -> bool:
    return stream.name in _NEVER or "timecode" in stream.metadata


def choices(stream: Stream, suffix: str) -> Iterator[Way]:
    """The ways of a stream into a container, the best first."""
    name = getattr(stream, "name", None) or ""
    if suffix == ".mxf":
        if stream.type == "audio":
            yield _broadcast(stream, name)
        return
    yield Way(stream.index)
    if stream.type == "subtitle" and suffix in TEXT:
        yield Way(stream.index, TEXT[suffix], said=TEXT[suffix])
    elif stream.type == "audio" and suffix == ".webm":
        yield Way(stream.index, "libopus", _USUAL, said="opus, with some loss")
    elif stream.type == "audio" and name.startswith(_LOSSLESS):
        context: Any = stream.codec_context
        kind = context.format  # of what it decodes to
        pcm = f"pcm_{'f' if kind.name[:3] in ('flt', 'dbl') else 's'}{max(16, kind.bits)}le"
        yield Way(stream.index, pcm, said=pcm)


def _broadcast(stream: Stream, name: str) -> Way:
    """Sound as MXF has it: PCM of 16 or 24 bits, 48,000 samples a second."""
    context: Any = stream.codec_context
    codec = f"pcm_s{16 if context.format.name in ('s16', 's16p', 'u8', 'u8p') else 24}le"
    words = [codec] * (name != codec) + [f"{_USUAL:,} samples a second"] * (context.sample_rate != _USUAL)
    return Way(stream.index, codec, _USUAL, True, ", ".join(words))


def named(stream: Stream) -> str:
    """A stream in words."""
    words = [stream.type, getattr(stream, "name", None) or "unknown"]
    words += [stream.language] if stream.language not in (None, "und") else []
    return f"stream {stream.index} ({', '.join(words)})"


class Carrier:
    """A stream to write, and its packets."""

    def __init__(self, stream: Stream):
        self.stream = stream
        self.zero = Fraction(0)  # seconds at which the picture begins

    def __call__(self, packet: av.Packet) -> list[av.Packet]:
        """What is to be written of a packet of the source."""
        packet.stream = self.stream
        return [packet]

    def rest(self, until: Fraction) -> list[av.Packet]:
        """What is left to write of it; the picture ends at ``until`` seconds."""
        return []


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
    """Samples of sound of another codec: as plain PCM none of them changes."""

    def __init__(self, written: OutputContainer, source: Any, way: Way):
        heard = source.codec_context
        rate = way.rate or heard.sample_rate
        self.made = cast(Any, written.add_stream(str(way.codec), rate=rate))
        super().__init__(self.made)
        context, self.source = self.made.codec_context, source
        context.layout = _LAYOUTS.get(heard.layout.nb_channels, heard.layout.name)
        self.stream.time_base = context.time_base = Fraction(1, rate)
        if way.codec == "libopus":
            context.bit_rate = _OPUS * context.layout.nb_channels
        self.resampler = av.AudioResampler(context.format, context.layout, rate)

    def __call__(self, packet: av.Packet) -> list[av.Packet]:
        return [made for frame in self._decoded(packet) for made in self._encoded(frame)]

    def rest(self, until: Fraction) -> list[av.Packet]:
        return [*self._encoded(None), *self.made.encode(None)]

    def _decoded(self, packet: av.Packet) -> Iterator[Any]:
        yield from self.source.decode(packet)

    def _encoded(self, frame: Any) -> list[av.Packet]:
        return [made for one in self.resampler.resample(frame) for made in self.made.encode(one)]


class _Even(_Sound):
    """Sound for a container without times: where nothing is heard, silence; it begins and ends with the picture."""

    def __init__(self, written: OutputContainer, source: Any, way: Way):
        super().__init__(written, source, way)
        heard = source.codec_context
        self.rate, self.count = heard.sample_rate, 0  # samples so far
        self.format, self.layout = heard.format, _LAYOUTS.get(heard.layout.nb_channels, heard.layout.name)

    def _decoded(self, packet: av.Packet) -> Iterator[Any]:
        for frame in super()._decoded(packet):
            self.format, self.layout = frame.format, frame.layout  # a decoder may give another than it said
            time = None if frame.pts is None else frame.pts * frame.time_base - self.zero
            ahead = 0 if time is None else round(time * self.rate) - self.count
            if self.count and abs(ahead) <= _LATE * self.rate:
                ahead = 0
            if ahead > 0:
                yield self._silence(ahead)
            if -ahead < frame.samples:
                yield self._placed(self._without(frame, -ahead) if ahead < 0 else frame)

    def rest(self, until: Fraction) -> list[av.Packet]:
        short = round((until - self.zero) * self.rate) - self.count
        return [*(self._encoded(self._silence(short)) if short > 0 else []), *super().rest(until)]

    def _placed(self, frame: Any) -> Any:
        frame.pts, frame.time_base = self.count, Fraction(1, self.rate)
        self.count += frame.samples
        return frame

    def _silence(self, count: int) -> Any:
        """So many samples in which nothing is heard."""
        made = av.AudioFrame(self.format.name, self.layout, count)
        for plane in made.planes:
            plane.update((b"\x80" if self.format.name.startswith("u8") else b"\0") * plane.buffer_size)
        made.sample_rate = self.rate
        return self._placed(made)

    def _without(self, frame: Any, count: int) -> Any:
        """A sound but for its first samples."""
        left = count * (1 if frame.format.is_planar else frame.layout.nb_channels)
        made = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(frame.to_ndarray()[:, left:]), frame.format.name, self.layout
        )
        made.sample_rate = self.rate
        return made
