"""Animated GIFs: all frames of a film in the 256 colors that suit it best, by FFmpeg's palettegen and paletteuse."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame
from PIL import Image

from colorify.video import media
from colorify.video.facts import Facts
from colorify.video.formats import VideoError
from colorify.video.paint import picture

FASTEST = 50
"""Frames a second at most: what is shown for less than two hundredths of a second, players show for ten."""
_TICK = Fraction(1, 100)  # seconds: what a GIF counts in
_DITHER = "dither=bayer:bayer_scale=3"  # whose pattern stands still, as error diffusion's does not
_HEAD, _BLOCK = 13, 255  # bytes: before a palette; of a comment, at once
_ENDLESS, _ONCE = 0, -1  # FFmpeg's words


def check(source: Path, found: Facts) -> None:
    """`VideoError` for a film that is too fast."""
    if found.rate > FASTEST:
        rate = f"{float(found.rate):g}"
        raise VideoError(f"{source}: {rate} frames a second, and a .gif has {FASTEST} at most: name a .webm instead")


def loops(source: Path) -> int:
    """How often a GIF is to be shown again, zero: for ever, -1: not at all; all other films for ever."""
    try:
        with Image.open(source, formats=["GIF"]) as image:
            return int(image.info.get("loop", _ONCE))
    except OSError:
        return _ENDLESS


def write(source: Path, parts: list[Path], out: Path, found: Facts, start: Fraction) -> list[Fraction]:
    """Write the frames of the parts, from ``start`` seconds on, upright and of square pixels; gives their times."""
    first = next(_pictures(parts, found, start))[1]
    graph = _graph(first, _palette(first, parts, found, start))
    sink, frames = graph[2], graph[1]
    times: list[Fraction] = []
    with av.open(f"file:{out}", "w", format="gif", options={"loop": str(loops(source))}) as written:
        stream = cast(Any, written.add_stream("gif", rate=found.rate))
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "pal8"
        stream.codec_context.time_base = _TICK
        for time, frame in _pictures(parts, found, start):
            times.append(time)
            frames.push(frame)
            for made in _pulled(sink):
                written.mux(stream.encode(made))
        frames.push(None)
        for made in _pulled(sink):
            written.mux(stream.encode(made))
        written.mux(stream.encode(None))
    return times


def say(path: Path, words: str) -> None:
    """Write a comment into a finished GIF, behind its head: readers take one at the end for a picture."""
    content = words.encode()
    blocks = (content[at : at + _BLOCK] for at in range(0, len(content), _BLOCK))
    comment = b"!\xfe" + b"".join(bytes((len(block),)) + block for block in blocks) + b"\0"
    longer = path.with_name(f"{path.name}.said")
    with open(path, "rb") as given, open(longer, "wb") as made:
        head = given.read(_HEAD)
        table = 3 << (head[10] & 7) + 1 if head[10] & 0x80 else 0  # bytes of the palette
        made.write(head + given.read(table) + comment)
        shutil.copyfileobj(given, made)
    longer.replace(path)


def _pictures(parts: list[Path], found: Facts, start: Fraction) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Each frame as RGB, at its time to the hundredth, and its true time."""
    last = -1
    for path in parts:
        with media.opened(path) as part:
            for frame in media.frames(part):
                time = (frame.pts or 0) * media.base(media.moving(part)) - start
                frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc = found.tags
                image = picture(frame)
                wide = round(image.width * (found.aspect or 1)), image.height
                shown = image.resize(wide, Image.Resampling.BICUBIC) if wide != image.size else image
                made = VideoFrame.from_image(shown.rotate(90 * found.turns, expand=True))
                last = made.pts = max(round(time / _TICK), last + 1)
                made.time_base = _TICK
                yield time, made


def _palette(like: VideoFrame, parts: list[Path], found: Facts, start: Fraction) -> VideoFrame:
    """The colors that suit all frames: one palette, so that what stands still does not change its color."""
    graph = Graph()
    graph.threads = 1
    source, sink = _source(graph, like), graph.add("buffersink")
    graph.link_nodes(source, graph.add("palettegen", "stats_mode=full"), sink).configure()
    for _, frame in _pictures(parts, found, start):
        source.push(frame)
    source.push(None)
    return cast(VideoFrame, sink.pull())


def _graph(like: VideoFrame, palette: VideoFrame) -> tuple[Graph, FilterContext, FilterContext]:
    """What lays a palette over frames: all of it, where they come in, and where they come out."""
    graph = Graph()
    graph.threads = 1
    frames, colors = _source(graph, like), _source(graph, palette)
    use, sink = graph.add("paletteuse", _DITHER), graph.add("buffersink")
    frames.link_to(use, 0, 0)
    colors.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    palette.pts, palette.time_base = 0, _TICK
    colors.push(palette)
    colors.push(None)
    return graph, frames, sink


def _source(graph: Graph, like: VideoFrame) -> FilterContext:
    return graph.add_buffer(width=like.width, height=like.height, format=like.format, time_base=_TICK)


def _pulled(sink: FilterContext) -> Iterator[VideoFrame]:
    with suppress(av.BlockingIOError, av.EOFError):
        while True:
            yield cast(VideoFrame, sink.pull())
