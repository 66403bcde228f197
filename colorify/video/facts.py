"""What a film is, and the stream that its colored copy becomes: both known before the first frame is colored."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import cast

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from colorify.video import even, fields, formats, media, sidedata
from colorify.video.formats import (
    AWAY,
    CODECS,
    RANGES,
    Need,
    VideoError,
    coding_in,
    coding_of,
    has_alpha,
    matrix_of,
    pixel_format,
    subsampling,
)
from colorify.video.planes import Coding
from colorify.video.sidedata import View

_ORDER = {True: "tff=1", False: "bff=1"}  # to x264
_ALWAYS = {
    "libx264": {"bf": "0", "x264-params": "cpu-independent=1"},  # with AVX-512 it reads what nobody wrote
    "libx265": {"bf": "0", "a53cc": "1"},
    "libsvtav1": {"bf": "0"},
    "mpeg2video": {"bf": "0", "flags": "+low_delay"},
    "libvpx-vp9": {"threads": "1"},  # its threads were seen to wait for ever
}
_FINE = {"prores": "4444", "dnxhr": "dnxhr_444"}  # profiles of 4:4:4
_PARAMS = {"libx264": "x264-params", "libx265": "x265-params", "libsvtav1": "svtav1-params"}
COUNTED = ("mpeg2video",)
"""Codecs whose frames come at one of a few rates, and have no other times."""
_PROBED = 12  # frames that tell whether there are fields


@dataclass(frozen=True)
class Facts:
    """Of a film, by its first frames."""

    size: tuple[int, int]  # width and height, px
    coding: Coding
    format: str  # FFmpeg's name of the samples in the file
    tags: tuple[int, int, int, int]  # FFmpeg's numbers of range, matrix, primaries and transfer
    top_first: bool | None  # which field comes first; None: progressive
    flagged: bool  # its frames say so themselves
    rate: Fraction  # frames a second, about
    base: Fraction  # seconds of a time stamp
    aspect: Fraction | None  # of a pixel, width to height
    origin: Fraction  # seconds at which it begins
    first: Fraction  # seconds of a frame, from which others are counted
    matrix: list[int] | None  # how players are to turn it
    turns: int  # quarter turns, counter-clockwise, that bring it upright
    view: View = field(default_factory=View)  # how players are to show it
    extras: tuple[str, ...] = ()  # what else its frames carry, see `sidedata.EXTRAS`

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as it is looked at."""
        return self.size if self.turns % 2 == 0 else self.size[::-1]

    @property
    def kind(self) -> VideoFormat:
        """The samples in the file."""
        return VideoFormat(self.format, *self.size)


def of(source: Path, start: float = 0.0) -> Facts:
    """The facts of a film from about ``start`` seconds on; `VideoError` if no frame of it can be decoded."""
    with media.opened(source) as film:
        stream, begin = media.moving(film), media.origin(film)
        at = round((Fraction(start) + begin) / media.base(stream)) if start else None
        found = list(islice(media.frames(film, at, seek="always"), _PROBED))
        if not found:
            raise VideoError(f"{source}: no frame in it could be decoded")
        first, context = found[0], stream.codec_context
        coding = coding_of(first)
        return Facts(
            size=(first.width, first.height),
            coding=coding,
            format=context.pix_fmt or first.format.name,
            tags=(
                RANGES[coding.full],
                matrix_of(first)[1],
                _said(first.color_primaries, context.color_primaries),
                _said(first.color_trc, context.color_trc),
            ),
            top_first=fields.top_first(int(context.field_order), found),
            flagged=any(frame.interlaced_frame for frame in found),
            rate=media.rate(stream),
            base=media.base(stream),
            aspect=stream.sample_aspect_ratio or context.sample_aspect_ratio or None,
            origin=begin,
            first=(first.pts or 0) * media.base(stream),
            matrix=media.display_matrix(first),
            turns=media.turns(first),
            view=sidedata.view(first),
            extras=sidedata.extras(found),
        )


def _said(*numbers: int) -> int:
    """The first that says something; FFmpeg's 2 is unspecified."""
    return next((int(number) for number in numbers if int(number) not in (0, 2)), 2)


@dataclass(frozen=True)
class Target:
    """The moving picture to write."""

    facts: Facts
    codec: str  # one of `CODECS`
    quality: str  # one of `QUALITIES`
    wide: int = 1  # times the width
    deinterlace: bool = False
    keep: bool = False  # some frames keep their own colors: chroma is as fine as theirs
    chroma: str | None = None  # one of `CHROMA`; None: what is usual with the codec

    @property
    def top_first(self) -> bool | None:
        """Which field comes first; None: progressive."""
        return None if self.deinterlace else self.facts.top_first

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.facts.size[0] * self.wide, self.facts.size[1]

    @property
    def need(self) -> Need:
        """What the encoder is to hold."""
        fine = subsampling(self.facts.kind) if self.keep else None
        return Need(self.facts.coding, self.size, self.top_first is not None, fine, self.chroma)

    @property
    def format(self) -> str:
        """The pixel format; `VideoError` if the codec has none that loses nothing."""
        return pixel_format(self.codec, self.need)

    @property
    def coding(self) -> Coding:
        """Of the samples to write."""
        return coding_in(self.codec, self.facts.coding) or self.facts.coding

    @property
    def notes(self) -> list[str]:
        """What is to be said of the film before it is colored."""
        order = "top" if self.facts.top_first else "bottom"
        if self.top_first is None:
            return []
        return [f"interlaced, {order} field first: kept so (--deinterlace makes it progressive)"]

    @property
    def losses(self) -> list[str]:
        """What of the pictures the codec cannot keep."""
        told = ["its transparency is left out"] if has_alpha(self.facts.kind) else []
        told += [f"its {what} is left out: it cannot be said" for what in self.facts.view.unsaid]
        told += ["its luma and colors do not stay exact: a .gif has 256 colors"] if self.codec == "gif" else []
        if self.facts.view and self.codec == "dnxhr":
            told.append("its kind of stereo, projection and mastering display are left out: dnxhr cannot say them")
        lost = [name for name in self.facts.extras if self.codec not in sidedata.EXTRAS[name]]
        return told + [f"its {name} are left out: {self.codec} cannot hold them" for name in lost]

    @property
    def options(self) -> dict[str, str]:
        """Those of the encoder."""
        options = CODECS[self.codec][self.quality] | _ALWAYS.get(self.codec, {})
        if self.format.startswith("yuv444") and self.codec in _FINE:
            options = options | {"profile": _FINE[self.codec]}
        if self.top_first is not None:
            options = options | {"flags": options.get("flags", "") + "+ildct+ilme"}
        params = (
            ["tff=1" if self.top_first else "bff=1"] if self.codec == "libx264" and self.top_first is not None else []
        )
        if self.facts.view.mastering and self.codec in sidedata.MASTERING:
            params += sidedata.MASTERING[self.codec](self.facts.view.mastering)
        if params:
            name = _PARAMS[self.codec]
            options = options | {name: ":".join(filter(None, (options.get(name), *params)))}
        return options

    @property
    def rate(self) -> Fraction:
        """Frames a second."""
        return (even.rate(self.facts.rate) if self.codec in COUNTED else None) or self.facts.rate

    @property
    def base(self) -> Fraction:
        """Seconds of a time stamp."""
        return 1 / self.rate if self.codec in COUNTED else self.facts.base

    def timed(self, frame: VideoFrame) -> VideoFrame:
        """The same frame; for an encoder that counts frames, at the time of the nearest whole one."""
        if self.codec in COUNTED:
            first, time = self.facts.first, (frame.pts or 0) * Fraction(frame.time_base or 1)
            frame.pts = round(first * self.rate) + round((time - first) * self.rate)
            frame.time_base = self.base
        return frame

    def encoder(self, out: OutputContainer) -> VideoStream:
        """An encoder whose packets go into ``out``, in the order of the frames, so that parts can be put end to end."""
        os.environ.setdefault("SVT_LOG", "0")  # errors come as exceptions; libsvtav1 has no other knob for that
        home = av.open(io.BytesIO(), "w", format="mov") if self.codec in AWAY else out
        codec = formats.encoder(self.codec)
        stream = cast(VideoStream, home.add_stream(codec, rate=self.rate, options=self.options))
        stream.time_base = self.base
        context = stream.codec_context
        context.width, context.height = self.size
        context.time_base, context.pix_fmt = self.base, self.format
        self.tag(context)
        if home is not out:  # NUT holds these codecs, and PyAV does not know that
            if self.codec == "dnxhr":
                context.codec_tag = "AVdh"
            home.start_encoding()
            held = out.add_mux_stream("rawvideo")
            BitStreamFilterContext("null", stream, held)
            held.time_base = self.base
        return stream

    def tag(self, context: VideoCodecContext) -> None:
        """Say in a stream what the film is: not every codec and container carries it from the encoder on."""
        _, *colors = self.facts.tags
        context.color_range = RANGES[self.coding.full]
        context.colorspace, context.color_primaries, context.color_trc = colors
        context.framerate = self.rate
        context.field_order = 1 if self.top_first is None else fields.ORDERS[self.top_first]
        if self.facts.aspect:
            context.sample_aspect_ratio = self.facts.aspect


def blank(context: VideoCodecContext, like: VideoFrame, coding: Coding | None = None) -> VideoFrame:
    """A frame to fill, of this or its own coding, at the time of ``like`` and with its tags and captions."""
    coding = coding or coding_of(like)
    frame = sidedata.carried(like, context) or VideoFrame(context.width, context.height, str(context.pix_fmt))
    frame.pts, frame.time_base = like.pts, like.time_base
    frame.color_range, frame.colorspace = RANGES[coding.full], matrix_of(like)[1]
    frame.color_primaries, frame.color_trc = like.color_primaries, like.color_trc
    return frame
