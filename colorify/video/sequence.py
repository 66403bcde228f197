"""Films as numbered pictures, and as y4m in a pipe: gathered into a file to read, or written frame by frame."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import av
from av.container import InputContainer, OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from colorify.files import atomic
from colorify.video import media
from colorify.video.formats import VideoError

if TYPE_CHECKING:
    from colorify.video.library import Frame

CODECS = {".png": ("png", ("rgb24", "rgb48be")), ".tif": ("tiff", ("rgb24", "rgb48le"))}
"""FFmpeg's encoder of a kind of picture, and the pixels of 8 bits and of more."""
CODECS |= {".tiff": CODECS[".tif"], ".dpx": ("dpx", ("rgb24", "rgb48be"))}
PIPE = Path("-")
"""Standard input or output."""
_NUMBER = re.compile(r"%(0\d+)?d")


def is_numbered(path: Path) -> bool:
    """Whether a name is that of a sequence, such as ``f%06d.png``."""
    return bool(_NUMBER.search(path.name))


def gather(source: Path, into: Path, rate: Fraction) -> None:
    """Put the pictures of a sequence, or of a folder, into one film of so many a second, each byte as it is.

    ``into`` is a ``.mov``. Raises `VideoError` where there are none, one is missing among them, or kinds are mixed.
    """
    found = numbered(source)
    first, last = min(found), max(found)
    if missing := sorted(set(range(first, last + 1)) - found.keys()):
        raise VideoError(f"{source}: {len(missing)} pictures are missing between {first} and {last}: {missing[0]}")
    with atomic(into, into.suffix) as part, av.open(f"file:{part}", "w") as out:
        stream, size = None, None
        for number in range(first, last + 1):
            with _picture(found[number]) as picture:
                given = picture.streams.video[0]
                stream = stream or _like(out, given, rate)
                kind = (given.codec_context.name, given.codec_context.width, given.codec_context.height)
                size = size or kind
                if kind != size:
                    raise VideoError(f"{found[number]}: {' '.join(map(str, kind))}, the first is {size}: convert it")
                for packet in (packet for packet in picture.demux(given) if packet.size):
                    packet.stream, packet.time_base = stream, 1 / rate
                    packet.pts = packet.dts = number - first
                    packet.duration = 1
                    out.mux(packet)


def is_gathered(source: Path, into: Path) -> bool:
    """Whether `gather` has been here, and no picture is newer or more."""
    if not into.exists():
        return False
    found = numbered(source).values()
    newest = max(path.stat().st_mtime_ns for path in found)
    return newest <= into.stat().st_mtime_ns and media.count(into) == len(found)


def _like(out: OutputContainer, given: VideoStream, rate: Fraction) -> VideoStream:
    stream = out.add_stream_from_template(given, opaque=True)
    stream.time_base = 1 / rate
    return stream


def _picture(path: Path) -> InputContainer:
    try:
        return av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: cannot be read as a picture: {error.strerror or error}") from None


def numbered(source: Path) -> dict[int, Path]:
    """The pictures of a sequence by their numbers; of a folder by the last number in their names."""
    if source.is_dir():
        paths = [path for path in sorted(source.glob("[!.]*")) if path.suffix.lower() in CODECS]
        named = [(path, re.search(r"(\d+)$", path.stem)) for path in paths]
    else:
        before, _, after = _NUMBER.split(source.name, maxsplit=1)
        name = re.compile(f"{re.escape(before)}(\\d+){re.escape(after)}")
        named = [(path, name.fullmatch(path.name)) for path in sorted(source.parent.glob("*"))]
    found = [(int(match[1]), path) for path, match in named if match]
    if not found:
        raise VideoError(f"{source}: no such file: no pictures numbered so, as 000001.png is")
    if len({number for number, _ in found}) < len(found):
        raise VideoError(f"{source}: two pictures have the same number: name one sequence, such as f%06d.png")
    return dict(found)


def write(
    frames: Iterator[Frame],
    out: Path,
    overwrite: bool = False,
    mark: Callable[[bytes], bytes] | None = None,
) -> Iterator[Path]:
    """Write frames as pictures ``out``, such as ``f%06d.png``, from number 1 on, each whole; gives their paths.

    PNG, TIFF or DPX; 16 bits where the film has more than eight; ``mark`` adds to their bytes. Raises `VideoError` for
    another kind, or one that is there already.
    """
    if out.suffix.lower() not in CODECS:
        raise VideoError(f"{out}: pictures are written as {', '.join(CODECS)}")
    out.parent.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, 1):
        path = out.with_name(out.name % number)
        if path.exists() and not overwrite:
            raise VideoError(f"{path}: exists already (--overwrite replaces it)")
        with atomic(path, path.suffix) as part:
            content = _encoded(frame, out.suffix.lower())
            part.write_bytes(mark(content) if mark else content)
        yield path


def _encoded(frame: Frame, suffix: str) -> bytes:
    name, (plain, deep) = CODECS[suffix]
    rgb = frame.rgb
    kind = plain if rgb.dtype.itemsize == 1 else deep
    context: Any = VideoCodecContext.create(name, "w")  # as PyAV's types do not say, of pictures
    context.height, context.width = rgb.shape[:2]
    context.pix_fmt, context.time_base = kind, Fraction(1, 25)
    picture = av.VideoFrame.from_ndarray(rgb, "rgb24" if kind == plain else "rgb48le")
    picture = picture.reformat(format=kind)
    picture.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(picture), *context.encode(None)])


def receive(pipe: BinaryIO, into: Path) -> None:
    """Keep what comes through a pipe as a file: a film is read more than once."""
    with atomic(into, into.suffix) as part, open(part, "wb") as file:
        shutil.copyfileobj(pipe, file, 1 << 20)


def send(frames: Iterator[Frame], pipe: BinaryIO, rate: Fraction) -> int:
    """Write frames as y4m into a pipe; gives how many. Times are those of the rate: y4m has no others."""
    out, stream, count = av.open(pipe, "w", format="yuv4mpegpipe", options={"strict": "-1"}), None, 0
    with out:
        for count, frame in enumerate(frames, 1):
            picture = frame.picture
            if stream is None:
                stream = out.add_stream("wrapped_avframe", rate=rate)
                stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, picture.format.name
                context = stream.codec_context
                context.time_base, context.color_range = 1 / rate, picture.color_range
            picture.pts, picture.time_base = count - 1, 1 / rate
            out.mux(stream.encode(picture))
        if stream is not None:
            out.mux(stream.encode(None))
    return count
