"""What a film is, and the stream that its colored copy becomes: both known before the first frame is colored."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from colorify.video import fields, media
from colorify.video.formats import (
    CODECS,
    RANGES,
    VideoError,
    coding_of,
    has_alpha,
    matrix_of,
    pixel_format,
    subsampling,
)
from colorify.video.planes import Coding

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
    matrix: list[int] | None  # how players are to turn it
    turns: int  # quarter turns, counter-clockwise, that bring it upright

    @property
    def kind(self) -> VideoFormat:
        """The samples in the file."""
        return VideoFormat(self.format, *self.size)

    def notes(self, deinterlace: bool) -> list[str]:
        """What is to be said of it before it is colored."""
        order = "top" if self.top_first else "bottom"
        said = []
        if self.top_first is not None and not deinterlace:
            said.append(f"interlaced, {order} field first: kept so (--deinterlace makes it progressive)")
        if has_alpha(self.kind):
            said.append("its transparency is left out")
        return said


def of(source: Path, start: float = 0.0) -> Facts:
    """The facts of a film from about ``start`` seconds on; `VideoError` if no frame of it can be decoded."""
    with media.opened(source) as film:
        stream, begin = media.moving(film), media.origin(film)
        at = round((Fraction(start) + begin) / stream.time_base) if start else None
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
            base=stream.time_base,
            aspect=stream.sample_aspect_ratio or context.sample_aspect_ratio or None,
            origin=begin,
            matrix=media.display_matrix(first),
            turns=media.turns(first),
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

    @property
    def top_first(self) -> bool | None:
        """Which field comes first; None: progressive."""
        return None if self.deinterlace else self.facts.top_first

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.facts.size[0] * self.wide, self.facts.size[1]

    @property
    def format(self) -> str:
        """The pixel format; `VideoError` if the codec has none that loses nothing."""
        wish = subsampling(self.facts.kind) if self.keep else "420"
        return pixel_format(self.codec, self.facts.coding.depth, self.size, self.top_first is not None, wish)

    def encoder(self, out: OutputContainer) -> VideoStream:
        """An encoder that keeps the order of the frames, so that parts can be put end to end."""
        os.environ.setdefault("SVT_LOG", "0")  # errors come as exceptions; libsvtav1 has no other knob for that
        options = CODECS[self.codec][self.quality] | ({} if self.codec == "ffv1" else {"bf": "0"})
        if self.top_first is not None:
            options = options | {"flags": "+ildct+ilme"}
            if self.codec == "libx264":
                options["x264-params"] = "tff=1" if self.top_first else "bff=1"
        stream = out.add_stream(self.codec, rate=self.facts.rate, options=options)
        stream.time_base = self.facts.base
        context = stream.codec_context
        context.width, context.height = self.size
        context.time_base, context.pix_fmt = self.facts.base, self.format
        self.tag(context)
        return stream

    def tag(self, context: VideoCodecContext) -> None:
        """Say in a stream what the film is: not every codec and container carries it from the encoder on."""
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = self.facts.tags
        context.framerate = self.facts.rate
        context.field_order = 1 if self.top_first is None else fields.ORDERS[self.top_first]
        if self.facts.aspect:
            context.sample_aspect_ratio = self.facts.aspect


def blank(context: VideoCodecContext, like: VideoFrame) -> VideoFrame:
    """A frame to fill, at the time of ``like`` and with its tags."""
    frame = VideoFrame(context.width, context.height, context.pix_fmt)
    frame.pts, frame.time_base = like.pts, like.time_base
    frame.color_range, frame.colorspace = RANGES[coding_of(like).full], matrix_of(like)[1]
    frame.color_primaries, frame.color_trc = like.color_primaries, like.color_trc
    return frame
