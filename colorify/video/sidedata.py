"""What frames carry beside their samples: captions, and the display that highlights were made for."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from av.sidedata.sidedata import SideDataContainer, Type
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

EXTRAS = {
    "closed captions": ("libx264", "libx265"),
    "active format descriptions": (),
    "HDR10+ data": (),
    "Dolby Vision data": (),
}
"""What frames may carry, and the codecs that keep it."""
_TYPES = {
    "closed captions": Type.A53_CC,
    "active format descriptions": Type.AFD,
    "HDR10+ data": Type.DYNAMIC_HDR_PLUS,
    "Dolby Vision data": Type.DOVI_METADATA,
}
_LIGHTS = (Type.MASTERING_DISPLAY_METADATA, Type.CONTENT_LIGHT_LEVEL)
STEREO = {
    **{(1, 0): 1, (1, 1): 11, (2, 0): 3, (2, 1): 2, (4, 0): 5, (4, 1): 4},  # side by side, top and bottom, checkerboard
    **{(6, 0): 7, (6, 1): 6, (7, 0): 9, (7, 1): 8},  # lines, columns
}
"""Matroska's numbers of stereo pictures, by FFmpeg's number of the kind, and whether the right eye comes first."""
_PROJECTIONS = {0: 1}  # Matroska's number of FFmpeg's: equirectangular, the whole of it
_NEAREST = 0x10  # swscale's number: no sample is computed


@dataclass(frozen=True)
class Mastering:
    """SMPTE ST 2086 and CTA-861.3: a display, and the light of the brightest pixel and frame."""

    points: tuple[float, ...] = ()  # x and y of red, green, blue and white; none: not said
    lights: tuple[float, ...] = ()  # darkest and brightest, candela per square meter; none: not said
    content: tuple[int, int] | None = None  # candela per square meter: of a pixel, and of a frame on average


def found_in(frame: VideoFrame, kind: Type) -> Any:
    """What a frame carries of a kind, readable as bytes, or nothing.

    Not by ``frame.side_data``: a frame keeps that, and that the frame, so that hundreds wait for the garbage collector.
    """
    container: Any = SideDataContainer  # PyAV's types know neither its argument nor its keys
    return container(frame).get(kind)


def mastering(frame: VideoFrame) -> Mastering | None:
    """Of a frame, if it says any."""
    display, content = (found_in(frame, kind) for kind in _LIGHTS)
    if display is None and content is None:
        return None
    points: tuple[float, ...] = ()
    lights: tuple[float, ...] = ()
    if display is not None:
        numbers = struct.unpack_from("22i", bytes(display))
        values = [top / bottom if bottom else 0.0 for top, bottom in zip(numbers[0:20:2], numbers[1:20:2], strict=True)]
        points, lights = tuple(values[:8]) if numbers[20] else (), tuple(values[8:]) if numbers[21] else ()
    return Mastering(points, lights, None if content is None else struct.unpack_from("2I", bytes(content)))


@dataclass(frozen=True)
class View:
    """How players are to show the pictures, as a container says it."""

    stereo: tuple[int, int] | None = None  # FFmpeg's kind of stereo pictures, and whether the right eye comes first
    projection: tuple[float, ...] | None = None  # Matroska's kind of projection; yaw, pitch and roll in degrees
    mastering: Mastering | None = None
    unsaid: tuple[str, ...] = ()  # what of it has no name here

    def __bool__(self) -> bool:
        return any((self.stereo, self.projection, self.mastering))


def view(frame: VideoFrame) -> View:
    """Of a frame, as its container says it."""
    pair, ball = found_in(frame, Type.STEREO3D), found_in(frame, Type.SPHERICAL)
    unsaid: list[str] = []
    stereo, projection = None, None
    if pair is not None and struct.unpack_from("i", bytes(pair))[0]:
        kind, inverted = struct.unpack_from("2i", bytes(pair))
        stereo = (kind, inverted & 1) if (kind, inverted & 1) in STEREO else None
        unsaid += [] if stereo else ["kind of stereo"]
    if ball is not None:
        kind, *angles = struct.unpack_from("4i", bytes(ball))
        projection = (_PROJECTIONS[kind], *(angle / 65536 for angle in angles)) if kind in _PROJECTIONS else None
        unsaid += [] if projection else ["projection"]
    return View(stereo, projection, mastering(frame), tuple(unsaid))


def extras(frames: Sequence[VideoFrame]) -> tuple[str, ...]:
    """Which of `EXTRAS` some frames carry."""
    return tuple(name for name, kind in _TYPES.items() if any(found_in(frame, kind) for frame in frames))


def carried(like: VideoFrame, context: VideoCodecContext) -> VideoFrame | None:
    """A frame of ``context``, its samples undefined, with the captions of ``like``; nothing if it has none."""
    if found_in(like, Type.A53_CC) is None:
        return None
    small = like.reformat(16, 16, "gray", interpolation=_NEAREST)  # two steps: one that does nothing gives ``like``
    return small.reformat(context.width, context.height, context.pix_fmt, interpolation=_NEAREST)


def _said(found: Mastering, scales: tuple[float, float], form: str) -> str:
    """As x264, x265 and SVT-AV1 read it: green, blue, red, white, brightest and darkest."""
    x = [format(value * scales[0], form) for value in found.points]
    low, high = (format(value * scales[1], form) for value in found.lights)
    return f"G({x[2]},{x[3]})B({x[4]},{x[5]})R({x[0]},{x[1]})WP({x[6]},{x[7]})L({high},{low})"


def _params(display: str, content: str, whole: bool) -> Callable[[Mastering], list[str]]:
    scales, form = ((50_000, 10_000), ".0f") if whole else ((1, 1), ".6g")

    def params(found: Mastering) -> list[str]:
        said = [f"{display}={_said(found, scales, form)}"] if found.points and found.lights else []
        return said + ([f"{content}={found.content[0]},{found.content[1]}"] if found.content else [])

    return params


MASTERING = {
    "libx264": _params("mastering-display", "cll", True),
    "libx265": _params("master-display", "max-cll", True),
    "libsvtav1": _params("mastering-display", "content-light", False),
}
"""Codecs that keep `Mastering`, and the parameters that tell their encoders."""
