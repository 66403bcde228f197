"""Sample formats of films: planes of Y'CbCr out of any frame, and which encoder can hold which of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import av
import numpy as np
from av.codec import Codec
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane

from colorify.constant_luma import MATRICES
from colorify.video import light
from colorify.video.planes import Coding

DEPTHS = (8, 9, 10, 12, 14, 16)
"""Bits of a sample."""
CODECS = {
    "libx264": {
        "high": {"preset": "veryfast", "crf": "13", "tune": "grain"},
        "small": {"preset": "medium", "crf": "23"},
        "lossless": {"preset": "veryfast", "qp": "0"},
    },
    "libx265": {
        "high": {"preset": "fast", "crf": "14", "tune": "grain", "x265-params": "log-level=none"},
        "small": {"preset": "medium", "crf": "26", "x265-params": "log-level=none"},
        "lossless": {"preset": "fast", "x265-params": "lossless=1:log-level=none"},
    },
    "libsvtav1": {"high": {"preset": "8", "crf": "16"}, "small": {"preset": "6", "crf": "35"}},
    "ffv1": {"lossless": {"level": "3"}},
    "prores": {"high": {"profile": "hq", "vendor": "apl0"}, "small": {"profile": "lt", "vendor": "apl0"}},
    "dnxhr": {"high": {"profile": "dnxhr_hqx"}},
    "mpeg2video": {
        "high": {"qmin": "2", "qmax": "2"},
        "small": {"qmin": "6", "qmax": "6"},
    },
    "libvpx-vp9": {
        "high": {"crf": "10", "b": "0", "deadline": "realtime", "cpu-used": "8"},
        "small": {"crf": "32", "b": "0", "cpu-used": "5"},
        "lossless": {"lossless": "1", "deadline": "realtime", "cpu-used": "8"},
    },
    "gif": {"high": {"level": "3"}},
}
"""Encoders of FFmpeg, or what `ENCODERS` calls by another name, and what each `QUALITIES` means to them."""
ENCODERS = {"prores": "prores_ks", "dnxhr": "dnxhd", "gif": "ffv1"}
"""FFmpeg's names of encoders that have another one here; a GIF is made of all its frames, kept without loss."""
AWAY = ("prores", "dnxhr")
"""Codecs that NUT holds, and PyAV does not know that."""
CHROMA = ("420", "422", "444")
"""How fine the chroma of a film can be asked for."""
_FINE = {"prores": "422", "dnxhr": "422", "gif": "444"}  # what codecs for editing have where nothing else is asked for
_LEAST = {"dnxhr": (256, 120)}  # width and height, px
_BITS = {"prores": (10,), "dnxhr": (10,), "mpeg2video": (8,)}  # 8 bits become 10: each level has one of its own
QUALITIES = ("high", "small", "lossless")
"""``lossless`` keeps every sample, chroma as it was predicted included."""
INTERLACED = ("libx264", "ffv1", "prores", "mpeg2video")
"""Encoders that keep the fields of a frame and their order; HEVC, AV1, VP9 and DNxHR have no such frames."""
_MATRIX_OF = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}  # ISO/IEC 23091-4, as FFmpeg counts
MATRIX_NUMBERS = {"bt709": 1, "bt601": 6, "bt2020": 9}
_WORSE = ("gif",)  # nobody is sent there
RANGES = {False: 1, True: 2}
"""FFmpeg's numbers of limited and full range."""
_PLANAR = {f"yuv{kind}p{bits}" for kind in ("420", "422", "444", "440", "411", "410") for bits in ("", *DEPTHS)}
_PLANAR = {name + "le" if name[-1] != "p" else name for name in _PLANAR}
_PLANAR |= {f"yuvj{kind}p" for kind in ("420", "422", "444", "440", "411")}
_PLANAR |= {"gray", *(f"gray{bits}le" for bits in DEPTHS[1:])}
_REFUSED = ("bayer", "xyz")  # raw sensors and digital cinema packages: not films to watch yet


class VideoError(ValueError):
    """What is wrong with a film, and what to do."""


def samples(plane: VideoPlane, depth: int) -> np.ndarray:
    """The samples ``(H, W)`` of a plane, as a view: writing into it writes the frame."""
    rows = np.frombuffer(memoryview(plane), np.dtype(np.uint8 if depth == 8 else "<u2")).reshape(plane.height, -1)
    return (rows if plane.line_size > 0 else rows[::-1])[:, : plane.width]


def matrix_of(frame: VideoFrame) -> tuple[str, int]:
    """One of `MATRICES` and FFmpeg's number of it; what a frame does not say follows from its height, as in players."""
    number = int(frame.colorspace)
    name = _MATRIX_OF.get(number, "bt709" if frame.height >= 720 else "bt601")
    return name, number if number in _MATRIX_OF else MATRIX_NUMBERS[name]


def coding_of(frame: VideoFrame) -> Coding:
    """How the samples of a planar frame are to be read; gray that does not say its range has the full one."""
    name, full = frame.format.name, frame.color_range == RANGES[True]
    full |= name.startswith("yuvj") or (name.startswith("gray") and frame.color_range != RANGES[False])
    matrix, primaries = matrix_of(frame)[0], int(frame.color_primaries)
    wide = "bt2020" if matrix == "bt2020" and primaries in (0, 2) else "bt709"  # what does not say its own
    return Coding(
        matrix,
        bool(full),
        frame.format.components[0].bits,
        light.TRANSFERS.get(int(frame.color_trc), "sdr"),
        light.PRIMARIES.get(primaries, wide),
    )


def planar(frame: VideoFrame) -> VideoFrame:
    """The frame as planes of Y'CbCr or gray of the same depth, each sample as it was, without transparency.

    RGB becomes Y'CbCr of full range, of its matrix or the usual one: the luma of gray is the sample itself. Raises
    `VideoError` for samples that cannot be read so.
    """
    kind = frame.format
    if kind.name in _PLANAR:
        return frame
    if kind.has_palette or kind.is_rgb:
        return _from_rgb(frame, depth_of(kind))
    return frame.reformat(format=unpacked(kind))


def depth_of(kind: VideoFormat) -> int:
    """Bits of the samples, 8 at least; `VideoError` for those that are no whole numbers."""
    depth = max(8, *(component.bits for component in kind.components))
    if depth not in DEPTHS or kind.name.startswith(_REFUSED) or "f16" in kind.name:
        raise VideoError(f"samples of the kind {kind.name} cannot be colored: convert the film, to gbrp16 for example")
    return depth


def subsampling(kind: VideoFormat) -> str:
    """Such as 420; of gray, the one that it is colored in."""
    if kind.has_palette or kind.is_rgb:
        return "444"
    if sum(not component.is_alpha for component in kind.components) == 1:
        return "420"
    across, down = 64 // kind.chroma_width(64), 64 // kind.chroma_height(64)
    return {(2, 2): "420", (2, 1): "422", (1, 1): "444", (1, 2): "440", (4, 1): "411", (4, 4): "410"}[across, down]


def has_alpha(kind: VideoFormat) -> bool:
    """Whether frames are transparent."""
    return any(component.is_alpha for component in kind.components)


def unpacked(kind: VideoFormat) -> str:
    """The planar format of the same samples: what swscale does between the two is to copy (tested for each)."""
    bits = "" if (depth := depth_of(kind)) == 8 else f"{depth}le"
    gray = sum(not component.is_alpha for component in kind.components) == 1
    return f"gray{bits}" if gray else f"yuv{subsampling(kind)}p{bits}"


def _from_rgb(frame: VideoFrame, depth: int) -> VideoFrame:
    bits, half, top = "" if depth == 8 else f"{depth}le", 2 ** (depth - 1), 2**depth - 1
    name = frame.format.name
    if frame.format.has_palette:
        frame = frame.reformat(format="rgb24")
    direct = name.startswith("gbra") and not name.endswith("be")  # swscale rounds where it only leaves out alpha
    planes = frame.planes if direct else frame.reformat(format=f"gbrp{bits}").planes
    green, blue, red = (samples(plane, depth).astype(np.float32) for plane in planes[:3])
    matrix, number = matrix_of(frame)
    of_red, of_blue = MATRICES[matrix]
    luma = green + of_red * (red - green) + of_blue * (blue - green)
    found = frame.reformat(format=f"yuv444p{bits}")  # all else that a frame carries
    chroma = ((blue - luma) / (2 - 2 * of_blue), (red - luma) / (2 - 2 * of_red))
    for plane, values in zip(found.planes, (luma, *(values + half for values in chroma)), strict=True):
        samples(plane, depth)[:] = np.rint(values).clip(0, top)
    found.color_range, found.colorspace = RANGES[True], number
    return found


def encoder(codec: str) -> str:
    """FFmpeg's name of the encoder."""
    return ENCODERS.get(codec, codec)


def check_codec(codec: str, quality: str) -> None:
    """`VideoError` unless the encoder can be had, and in that quality."""
    if quality not in QUALITIES:
        raise VideoError(f"quality {quality!r}: choose one of {', '.join(QUALITIES)}")
    if codec not in CODECS or encoder(codec) not in av.codecs_available:
        raise VideoError(f"codec {codec!r}: choose one of {', '.join(CODECS)}")
    if quality not in CODECS[codec]:
        raise VideoError(f"codec {codec}: quality {quality!r} cannot be had, only {', '.join(CODECS[codec])}")


@dataclass(frozen=True)
class Need:
    """What an encoder is to hold."""

    coding: Coding  # of the film
    size: tuple[int, int]  # width and height, px
    interlaced: bool = False
    fine: str | None = None  # chroma at least this fine, if the encoder has it, such as 420
    asked: str | None = None  # one of `CHROMA`, and no other

    def kinds(self, codec: str) -> list[str]:
        """Subsamplings, the best first: each chroma sample has its whole share of luma in one field."""
        width, height = self.size
        whole = {"420": not width % 2 and not height % (4 if self.interlaced else 2), "422": not width % 2, "444": True}
        usual = [self.fine, _FINE.get(codec), "420", "422" if self.interlaced else "444", "444"]
        return [kind for kind in ([self.asked] if self.asked else usual) if kind and whole.get(kind)]

    def said(self) -> str:
        """In words."""
        kind = "interlaced frames" if self.interlaced else "frames"
        chroma = f" in {':'.join(self.asked)}" if self.asked else ""
        reach = " of full range" if self.coding.full else ""
        return f"{kind} of {self.size[0]} x {self.size[1]} and {self.coding.depth} bits{reach}{chroma}"


def coding_in(codec: str, given: Coding) -> Coding | None:
    """How an encoder codes the samples of a film so that each level keeps one of its own; nothing: it cannot.

    MPEG-2 has 8 bits of limited range; codecs for editing have 10, which hold all levels of 8 bits, too.
    """
    if codec not in _BITS:
        return given
    least = given.depth + given.full
    depth = next((bits for bits in _BITS[codec] if bits >= least), None)
    return None if depth is None else replace(given, full=False, depth=depth)


def held(codec: str, need: Need) -> str | None:
    """The pixel format in which an encoder holds such frames without loss of a level; nothing: it cannot."""
    coding = coding_in(codec, need.coding)
    small = any(side < least for side, least in zip(need.size, _LEAST.get(codec, (1, 1)), strict=True))
    if coding is None or small or (need.interlaced and codec not in INTERLACED):
        return None
    bits = "" if coding.depth == 8 else f"{coding.depth}le"
    able = {kind.name for kind in Codec(encoder(codec), "w").video_formats or ()}
    return next((name for name in (f"yuv{kind}p{bits}" for kind in need.kinds(codec)) if name in able), None)


def pixel_format(codec: str, need: Need) -> str:
    """As `held`; `VideoError`, that names the encoders that can, if this one cannot."""
    if name := held(codec, need):
        return name
    known = [other for other in CODECS if other not in _WORSE and encoder(other) in av.codecs_available]
    others = [other for other in known if held(other, need)]
    endings = {"ffv1": " --quality lossless, into a .mkv", "prores": ", into a .mov", "dnxhr": ", into a .mov"}
    endings |= {"mpeg2video": ", into a .mxf"}
    cures = [f"--codec {other}{endings.get(other, '')}" for other in others]
    instead = ["--deinterlace"] if need.interlaced and codec not in INTERLACED else []
    raise VideoError(
        f"codec {codec} cannot hold {need.said()}, as the film has them: "
        f"use {' or '.join(cures + instead) or 'another film, or another --chroma'}"
    )
