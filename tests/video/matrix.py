"""Films of many kinds, made by FFmpeg, colored, and compared with their sources by FFmpeg: what is equal, and what not.

``PYTHONPATH=tests python -m video.matrix -o reports/films.md`` writes the table; a difference that was not named before
the first frame ends in status 1.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import av
import numpy as np
import torch
from PIL import Image

from colorify.codec import Channels
from colorify.constant_luma import MATRICES
from colorify.inference import Colorizer
from colorify.models.checkpoint import Checkpoint
from colorify.models.unet import UNet
from colorify.video import film, formats, job, paint, sidedata
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError
from conftest import TINY

FRAMES = 12
SOURCES = {
    ".mkv": ("libx264", "libx265", "mpeg2video", "mpeg4", "ffv1", "libvpx-vp9", "prores_ks", "mjpeg", "huffyuv"),
    ".mp4": ("libx264", "libx265", "mpeg4"),
    ".mov": ("libx264", "prores_ks", "mjpeg", "dnxhd", "rawvideo"),
    ".avi": ("mpeg4", "mjpeg", "huffyuv", "dvvideo", "ffv1", "rawvideo"),
    ".ts": ("libx264", "mpeg2video", "libx265"),
    ".m2ts": ("libx264",),
    ".mpg": ("mpeg1video", "mpeg2video"),
    ".vob": ("mpeg2video",),
    ".webm": ("libvpx", "libvpx-vp9"),
    ".flv": ("flv", "libx264"),
    ".wmv": ("wmv2",),
    ".mxf": ("mpeg2video",),
    ".ogv": ("libtheora",),
    ".nut": ("ffv1",),
}
"""Containers and what is in them."""
SOUNDS = {
    ".mkv": ("aac", "flac", "pcm_alaw", "wmav2", "libopus", "pcm_u8"),
    ".mp4": ("aac", "ac3", "alac"),
    ".mov": ("pcm_s16be", "pcm_mulaw", "aac", "pcm_s24le"),
    ".avi": ("pcm_s16le", "libmp3lame", "pcm_alaw", "adpcm_ms", "wmav2"),
    ".ts": ("mp2", "ac3", "aac"),
    ".m2ts": ("ac3",),
    ".mpg": ("mp2",),
    ".vob": ("pcm_s16be",),
    ".webm": ("libvorbis", "libopus"),
    ".flv": ("libmp3lame", "aac"),
    ".wmv": ("wmav2",),
    ".mxf": ("pcm_s16le",),
    ".ogv": ("libvorbis", "flac"),
    ".nut": ("pcm_s16le",),
}
TEXTS = {".mkv": ("srt", "ass", "webvtt"), ".mp4": ("mov_text",), ".mov": ("mov_text",), ".webm": ("webvtt",)}
DEPTHS = {
    "libx264": ("yuv420p", "yuv422p10le", "yuv444p"),
    "libx265": ("yuv420p10le", "yuv422p12le"),
    "ffv1": ("gray", "yuv420p16le", "gbrp", "gray16le"),
    "prores_ks": ("yuv422p10le", "yuv444p10le"),
    "libvpx-vp9": ("yuv420p", "yuv420p10le"),
    "mjpeg": ("yuvj420p", "yuvj422p"),
    "huffyuv": ("yuv422p", "rgb24"),
    "rawvideo": ("uyvy422",),
    "dnxhd": ("yuv422p10le",),
}
FIELDS = ("libx264", "mpeg2video", "ffv1", "dvvideo")
STARTS = (".ts", ".m2ts", ".mpg", ".mkv", ".mp4", ".mov")
_DEEP = (("libx264", ".mkv"), ("libx265", ".mp4"), ("ffv1", ".mkv"), ("prores", ".mov"))
GRAINS = ("gray", "gray10le", "gray12le", "gray16le", "yuv420p", "yuv420p10le", "yuv422p10le", "yuv444p12le")
GRAINS += ("yuv420p9le", "yuv422p16le", "yuv444p14le", "gbrp", "gbrp10le", "gbrp12le", "gbrp16le", "yuv411p")


@dataclass(frozen=True)
class Case:
    """A film to make, and what to make of it."""

    suffix: str
    codec: str
    into: str  # suffix
    encoder: str = "libx264"
    pix_fmt: str = "yuv420p"
    top_first: bool | None = None
    full: bool | None = None
    aspect: str = "1/1"
    start: float = 0
    sides: str = ""  # none, sound, or all
    sound: str = ""
    text: str = ""
    light: str = ""  # bt709, pq or hlg

    @property
    def words(self) -> list[str]:
        """Columns of the table."""
        fields = {None: "", True: "top first", False: "bottom first"}[self.top_first]
        reach = {None: "", True: "full", False: "limited"}[self.full]
        beside = " ".join(filter(None, (self.sound, self.text, "chapters" * (self.sides == "all"))))
        shape = "" if self.aspect == "1/1" else self.aspect.replace("/", ":")
        made = f"{self.codec} {self.pix_fmt}"
        return [f"{self.suffix} {made}", fields, reach, self.light, shape, f"{self.start:g}", beside, self.target]

    @property
    def target(self) -> str:
        """What it becomes."""
        return f"{self.into} {self.encoder}"

    @property
    def quality(self) -> str:
        """Lossless where there is such a thing."""
        return "lossless" if self.encoder in ("libx264", "libx265", "ffv1", "libvpx-vp9") else "high"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return {"dvvideo": (720, 576), "dnxhd": (256, 128)}.get(
            self.codec, (256, 128) if self.encoder == "dnxhr" else (96, 64)
        )


def cases() -> list[Case]:
    """Every container and codec into every container, the other axes in turn; then every depth by every encoder."""
    return [*_containers(), *_depths(), *_lights(), *_others()]


def _containers() -> Iterator[Case]:
    pick = Random(0).choice
    for suffix, codecs in SOURCES.items():
        for codec, into in product(codecs, (".mkv", ".mp4", ".mov")):
            pix_fmt = pick(DEPTHS.get(codec, ("yuv420p",)))
            order = pick((None, True, False)) if codec in FIELDS else None
            order = False if codec == "dvvideo" else order
            side = pick(("", "sound", "all", "all"))
            yield Case(
                suffix,
                codec,
                into,
                _encoder(into, pix_fmt, order, pick),
                pix_fmt,
                order,
                pick((None, True, False)) if codec in ("libx264", "libx265", "ffv1") and pix_fmt[0] == "y" else None,
                pick(("1/1", "16/11", "4/3")) if suffix not in (".flv", ".wmv", ".nut", ".ogv") else "1/1",
                pick((0, 1.4, 36000)) if suffix in STARTS else 0,
                side,
                pick(SOUNDS[suffix]) if side else "",
                pick(TEXTS[suffix]) if side == "all" and suffix in TEXTS else "",
            )


def _encoder(into: str, pix_fmt: str, order: bool | None, pick: Callable) -> str:
    """One that holds this, and in a container that holds it."""
    deep = any(word in pix_fmt for word in ("12", "14", "16"))
    usual = {".mkv": ("ffv1", "libx264", "prores"), ".mp4": ("libx264", "libx265"), ".mov": ("libx264", "prores")}
    if deep:
        return "ffv1" if into == ".mkv" else "libx265"
    return pick([name for name in usual[into] if order is None or name != "libx265"])


def _depths() -> Iterator[Case]:
    for pix_fmt in GRAINS:
        for encoder, into in _DEEP:
            yield Case(".mkv", "ffv1", into, encoder, pix_fmt, full=None if pix_fmt[0] == "g" else False)
    for encoder, into in (("libsvtav1", ".mkv"), ("libsvtav1", ".mp4"), ("dnxhr", ".mov")):
        for pix_fmt in ("gray", "yuv420p10le"):
            yield Case(".mkv", "ffv1", into, encoder, pix_fmt, aspect="16/11")


def _lights() -> Iterator[Case]:
    for light in ("pq", "hlg"):
        for encoder, into in (
            ("libx264", ".mkv"),
            ("libx265", ".mp4"),
            ("libsvtav1", ".mkv"),
            ("ffv1", ".mkv"),
            ("prores", ".mov"),
        ):
            yield Case(".mkv", "libx265", into, encoder, "yuv420p10le", light=light)


def _others() -> Iterator[Case]:
    """Into containers that do not hold H.264: films of all kinds, with sound that they hold and that they do not."""
    even = (
        (".mp4", "libx264", "yuv420p", "aac", "mov_text"),
        (".mkv", "libx265", "yuv420p10le", "flac", "srt"),
        (".mkv", "ffv1", "gray", "libopus", ""),
        (".mov", "prores_ks", "yuv422p10le", "pcm_s24le", ""),
        (".avi", "mjpeg", "yuvj420p", "libmp3lame", ""),
        (".ts", "mpeg2video", "yuv420p", "mp2", ""),
        (".webm", "libvpx-vp9", "yuv420p", "libopus", "webvtt"),
        (".mxf", "mpeg2video", "yuv420p", "pcm_s16le", ""),
        (".mxf", "dnxhd", "yuv422p10le", "pcm_s24le", ""),
        (".gif", "gif", "gray", "", ""),
    )
    into = ((".webm", "libvpx-vp9"), (".webm", "libsvtav1"), (".mxf", "prores"), (".mxf", "mpeg2video"))
    into += ((".mxf", "dnxhr"), (".gif", "gif"))
    for (suffix, codec, pix_fmt, sound, text), (out, encoder) in product(even, into):
        yield Case(suffix, codec, out, encoder, pix_fmt, sides="all", sound=sound, text=text)
    for codec, order in product(("libx264", "mpeg2video"), (True, False)):
        for out, encoder in ((".mxf", "mpeg2video"), (".mxf", "prores"), (".webm", "libvpx-vp9"), (".gif", "gif")):
            yield Case(".mkv", codec, out, encoder, top_first=order)
    for full, aspect, start in ((True, "1/1", 0), (False, "16/11", 1.4), (None, "4/3", 36000)):
        for out, encoder in into:
            yield Case(
                ".mov", "libx264", out, encoder, full=full, aspect=aspect, start=start, sides="sound", sound="aac"
            )
    for light in ("pq", "hlg"):
        for out, encoder in ((".webm", "libsvtav1"), (".mxf", "prores"), (".gif", "gif")):
            yield Case(".mkv", "libx265", out, encoder, "yuv420p10le", light=light)


_SAID = """1
00:00:00,100 --> 00:00:00,200
Hello <i>you</i>

2
00:00:00,250 --> 00:00:00,400
Two
lines
"""
_COLORS = {
    "pq": ("bt2020nc", "bt2020", "smpte2084"),
    "hlg": ("bt2020nc", "bt2020", "arib-std-b67"),
}
_DISPLAY = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"


def make(case: Case, folder: Path) -> Path:
    """The film, by FFmpeg; `subprocess.CalledProcessError` where it cannot."""
    path = folder / f"in{case.suffix}"
    rate, seconds = 25, FRAMES / 25
    inputs = [
        "-f",
        "lavfi",
        "-i",
        f"testsrc2=s={case.size[0]}x{case.size[1]}:r={rate * (1 + (case.top_first is not None))}",
    ]
    maps, codecs = ["-map", "0:v"], []
    if case.sound:
        kind = (
            "48000" if case.suffix in (".mxf", ".vob", ".ts", ".m2ts", ".mpg") or case.sound == "libopus" else "44100"
        )
        rate_of = "8000" if case.sound in ("pcm_alaw", "pcm_mulaw") else kind
        inputs += ["-f", "lavfi", "-i", f"sine=r={rate_of}"]
        maps, codecs = [*maps, "-map", "1:a"], ["-c:a", case.sound, "-metadata:s:a:0", "language=fra"]
    if case.text and (case.start < 9 or case.text != "mov_text"):  # FFmpeg lets them begin at zero
        (folder / "in.srt").write_text(
            "1\n00:00:00,100 --> 00:00:00,200\nHello <i>you</i>\n\n2\n00:00:00,250 --> 00:00:00,400\nTwo\nlines\n"
        )
        inputs += ["-i", str(folder / "in.srt")]
        maps, codecs = [*maps, "-map", f"{1 + bool(case.sound)}:s"], [*codecs, "-c:s", case.text]
    if case.sides == "all" and case.suffix in (".mkv", ".mp4", ".mov"):
        at = round(case.start * 1000)
        (folder / "in.ffmeta").write_text(
            f";FFMETADATA1\ntitle=Reel 1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART={at}\nEND={at + 200}\ntitle=One\n"
            f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={at + 200}\nEND={at + 480}\ntitle=Two\n"
        )
        inputs += ["-i", str(folder / "in.ffmeta")]
        maps += ["-map_metadata", str(inputs.count("-i") - 1)]
    if case.sides == "all" and case.suffix == ".mkv":
        (folder / "font.ttf").write_bytes(b"letters")
        codecs += ["-attach", str(folder / "font.ttf"), "-metadata:s:t", "mimetype=application/x-truetype-font"]
    run = ["ffmpeg", "-nostdin", "-y", "-v", "error", *inputs, *maps, "-t", str(seconds), *_pictures(case), *codecs]
    run += ["-output_ts_offset", str(case.start)] if case.start else []
    subprocess.run([*run, str(path)], check=True, capture_output=True, text=True, timeout=120)
    return path


def _pictures(case: Case) -> list[str]:
    filters = ["hue=s=0"]
    if case.top_first is not None:
        filters.append(f"tinterlace=interleave_{'top' if case.top_first else 'bottom'}")
    said = {None: "", True: ":out_range=full", False: ":out_range=limited"}[case.full]
    filters += [f"scale=flags=neighbor{said}", f"format={case.pix_fmt}", f"setsar={case.aspect}"]
    found = ["-vf", ",".join(filters), "-c:v", case.codec]
    found += {None: [], True: ["-color_range", "pc"], False: ["-color_range", "tv"]}[case.full]
    if case.top_first is not None:
        found += ["-flags", "+ildct+ilme", "-top", str(int(case.top_first))]
        found += ["-x264opts", f"{'t' if case.top_first else 'b'}ff=1"] if case.codec == "libx264" else []
    matrix, primaries, transfer = _COLORS.get(case.light, ("bt709", "bt709", "bt709"))
    if case.light or case.codec in ("libx264", "libx265"):
        found += ["-colorspace", matrix, "-color_primaries", primaries, "-color_trc", transfer]
    more = {
        "libx264": ["-bf", "2", "-g", "6"],
        "libx265": ["-x265-params", "log-level=none" + (f":hdr10=1:{_DISPLAY}" if case.light == "pq" else "")],
        "mpeg2video": ["-bf", "2", "-g", "6", "-b:v", "6M"],
        "ffv1": ["-level", "3", "-strict", "experimental"],
        "dnxhd": ["-profile:v", "dnxhr_hqx"],
        "libvpx": ["-threads", "1"],  # its threads have been seen waiting for each other for ever
        "libvpx-vp9": ["-threads", "1", "-cpu-used", "8", "-deadline", "realtime"],
        "mpeg1video": ["-b:v", "6M"],
        "mjpeg": ["-strict", "unofficial"],
    }
    return found + more.get(case.codec, [])


def _probe(path: Path, *asked: str) -> dict:
    run = ["ffprobe", "-v", "error", "-of", "json", *asked, str(path)]
    return json.loads(subprocess.run(run, check=True, capture_output=True, text=True, timeout=120).stdout)


def _hashes(path: Path, *asked: str) -> list[str]:
    """One for each packet or frame."""
    run = ["ffmpeg", "-v", "error", "-i", str(path), *asked, "-fps_mode", "passthrough", "-f", "framehash", "-"]
    lines = subprocess.run(run, check=True, capture_output=True, text=True, timeout=120).stdout.splitlines()
    return [line.split(",")[5].strip() for line in lines if not line.startswith("#")]


@dataclass
class Row:
    """What came of a case."""

    case: Case
    said: list[str] = field(default_factory=list)
    cells: dict[str, str] = field(default_factory=dict)

    @property
    def faults(self) -> list[str]:
        """Differences that nothing named."""
        return [f"{name}: {cell}" for name, cell in self.cells.items() if cell.startswith("DIFFERENT")]


def tried(case: Case, folder: Path, colorizer: Colorizer) -> Row:
    """Make, color and compare."""
    row = Row(case)
    try:
        source = make(case, folder)
    except subprocess.CalledProcessError as error:
        row.cells["made"] = f"DIFFERENT not made: {error.stderr.strip().splitlines()[-1]}"
        return row
    out = folder / f"out{case.into}"
    options = FilmOptions(codec=case.encoder, quality=case.quality, every=8)
    try:
        row.said = [line.removeprefix(f"{source}: ") for line in job.check(source, out, options)]
    except VideoError as error:
        row.said = ["refused: " + str(error).replace(str(folder), "").lstrip("/")]
        return row
    done = film.colorize(source, out, colorizer, options)
    row.said += done.faults()
    row.cells["luma"] = _luma(case, source, out)
    before, after = (_probe(path, "-show_streams", "-show_format", "-show_chapters") for path in (source, out))
    row.cells["times"] = _times(source, out)
    row.cells["streams"] = _streams(source, out, (before, after), row.said)
    row.cells["tags"] = _tags(case, (source, out), (before, after), row.said)
    return row


def _video(found: dict) -> dict:
    return next(stream for stream in found["streams"] if stream["codec_type"] == "video")


def _luma(case: Case, source: Path, out: Path) -> str:
    plane = "g" if case.codec == "gif" or case.pix_fmt.startswith(("gbr", "rgb")) else "y"
    if case.quality == "lossless":
        before = _hashes(source, "-map", "0:v:0", "-vf", f"extractplanes={plane}")
        after = _hashes(out, "-map", "0:v:0", "-vf", "extractplanes=y")
        return "equal" if before == after and before else f"DIFFERENT {len(before)} and {len(after)} frames"
    if case.into == ".gif":
        return _gif_luma(case, source, out)
    same = "[0:v]format=gray16,settb=1/25,setpts=N[a];[1:v]format=gray16,settb=1/25,setpts=N[b];[a][b]psnr"
    run = ["ffmpeg", "-v", "info", "-i", str(source), "-i", str(out), "-lavfi", same, "-f", "null", "-"]
    found = re.search(
        r"PSNR y:(\S+)", subprocess.run(run, check=True, capture_output=True, text=True, timeout=120).stderr
    )
    return f"{float(found[1]):.0f} dB" if found and float(found[1]) > 38 else f"DIFFERENT {found and found[1]} dB"


def _gif_luma(case: Case, source: Path, out: Path) -> str:
    """Of what is shown: by the matrix of the source."""
    with av.open(str(source)) as one, av.open(str(out)) as two:
        pairs = [
            (a, b.to_ndarray(format="rgb24")) for a, b in zip(one.decode(video=0), two.decode(video=0), strict=True)
        ]
    red, blue = MATRICES[formats.matrix_of(pairs[0][0])[0]]
    errors = []
    for frame, rgb in pairs:
        gray = paint.picture(formats.planar(frame)).resize((rgb.shape[1], rgb.shape[0]), Image.Resampling.BICUBIC)
        luma = rgb @ (red, 1 - red - blue, blue)
        errors.append(((np.asarray(gray)[..., 1] - luma) ** 2).mean())
    found = 10 * np.log10(255**2 / np.mean(errors))
    return f"{found:.0f} dB" if found > 30 else f"DIFFERENT {found:.0f} dB"


def _times(source: Path, out: Path) -> str:
    lists = []
    for path in (source, out):
        asked = ("-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time,media_type")
        found = [one.get("best_effort_timestamp_time") for one in _probe(path, *asked)["frames"] if "media_type" in one]
        lists.append([None if time is None else float(time) for time in found])  # MPEG-PS says not all
    base = next(n for n, pair in enumerate(zip(*lists, strict=False)) if None not in pair)
    before, after = ([None if time is None else time - times[base] for time in times] for times in lists)
    pairs = zip(before, after, strict=False)
    off = max((abs(a - b) for a, b in pairs if a is not None and b is not None), default=1)
    if len(before) != len(after) or off > 0.0021:
        return f"DIFFERENT {len(before)} and {len(after)} frames, {off:.4f} s off"
    return "equal"


def _streams(source: Path, out: Path, probed: tuple[dict, dict], said: list[str]) -> str:
    """Whether each stream beside the picture is in the result, packet by packet, or by what it decodes to."""
    before, after = ([s for s in found["streams"] if s is not _video(found)] for found in probed)
    offsets = [_offset(path) for path in (source, out)]
    words, left = [], list(after)
    for stream in before:
        if any(f"stream {stream['index']} " in line and "left out" in line for line in said):
            words.append("named")
            continue
        kind = stream["codec_type"]
        if kind == "data":
            continue
        other = next((one for one in left if one["codec_type"] == kind), None)
        if other is None:
            return f"DIFFERENT stream {stream['index']} ({kind}) is gone"
        left.remove(other)
        converted = any(f"stream {stream['index']} (audio" in line and "becomes" in line for line in said)
        words.append(_same(source, out, stream, other, said, converted))
    heard = any(one["codec_type"] == "audio" for one in after) and "near" not in words
    if abs(offsets[0] - offsets[1]) > 0.003 and heard:
        words.append(f"DIFFERENT sound {offsets[0]:.4f} s after the picture, then {offsets[1]:.4f}")
    bad = [word for word in words if word.startswith("DIFFERENT")]
    return bad[0] if bad else ", ".join(dict.fromkeys(words))


def _offset(path: Path) -> float:
    """Seconds from the first picture to the first packet of sound."""
    found = {}
    for kind in "va":
        asked = ("-select_streams", f"{kind}:0", "-show_entries", "packet=pts_time")
        times = [float(one["pts_time"]) for one in _probe(path, *asked)["packets"] if "pts_time" in one]
        found[kind] = min(times, default=None)
    return 0.0 if None in found.values() else found["a"] - found["v"]


def _same(source: Path, out: Path, stream: dict, other: dict, said: list[str], converted: bool) -> str:
    maps = [(path, ["-map", f"0:{one['index']}"]) for path, one in ((source, stream), (out, other))]
    if stream["codec_type"] == "attachment":
        return "equal" if stream["tags"]["filename"] == other["tags"]["filename"] else "DIFFERENT attachment"
    language = [one.get("tags", {}).get("language", "und") for one in (stream, other)]
    if language[0] != "und" and language[0] != language[1] and not _told(said, "language", "the"):
        return f"DIFFERENT language {language}"
    if stream["codec_type"] == "subtitle":
        texts = [_text(path, one) for path, one in ((source, stream), (out, other))]
        near = all(abs(a - b) < 0.003 for a, b in zip(texts[0][1], texts[1][1], strict=False))
        return "equal" if near and texts[0][0] == texts[1][0] and len(texts[1][1]) == 4 else f"DIFFERENT text {texts}"
    packets = [_hashes(path, *where, "-c", "copy") for path, where in maps]
    if packets[0] == packets[1] and packets[0]:
        return "equal"
    if converted:
        return _near((source, stream["index"]), (out, other["index"]))
    samples = ["".join(_hashes(path, *where, "-af", "asetnsamples=1:p=0")) for path, where in maps]
    return (
        "equal"
        if samples[0] == samples[1]
        else f"DIFFERENT {stream['codec_name']}: {len(packets[0])} and {len(packets[1])} packets"
    )


def _near(*heard: tuple[Path, int]) -> str:
    """Whether two sounds are alike, and at the same time from the first picture on, to half a millisecond."""
    one, two = (_heard(*path_and_stream) for path_and_stream in heard)
    count = min(len(one), len(two)) - 4000
    inner = one[2000 : 2000 + count]
    best = max(float(np.corrcoef(inner, two[2000 + shift :][:count])[0, 1]) for shift in range(-24, 25))
    return "near" if best > 0.99 else f"DIFFERENT sound, {best:.2f} alike"


def _heard(path: Path, index: int) -> np.ndarray:
    """Samples of a sound, 48,000 a second, from the first picture on."""
    with av.open(str(path)) as clip:
        begin = next(frame for frame in clip.decode(video=0) if frame.pts is not None)
    with av.open(str(path)) as clip:
        found = list(clip.decode(clip.streams[index]))
        resampler = av.AudioResampler("fltp", "mono", 48000)
        samples = np.concatenate([made.to_ndarray()[0] for one in (*found, None) for made in resampler.resample(one)])
        late = float(found[0].pts * found[0].time_base - begin.pts * begin.time_base)
    return np.concatenate((np.zeros(max(0, round(late * 48000))), samples))[max(0, round(-late * 48000)) :]


def _text(path: Path, stream: dict) -> tuple[str, list[float]]:
    """Words of subtitles, and seconds from the first frame to their begin and end."""
    run = ["ffmpeg", "-v", "error", "-i", str(path), "-map", f"0:{stream['index']}", "-f", "srt", "-"]
    lines = subprocess.run(run, check=True, capture_output=True, text=True, timeout=120).stdout.splitlines()
    words = "/".join(re.sub(r"<[^>]*>|\{[^}]*\}", "", line) for line in lines if line and "-->" not in line)
    begin = float(_video(_probe(path, "-show_streams")).get("start_time", 0))
    asked = ("-select_streams", str(stream["index"]), "-show_entries", "packet=pts_time,duration_time,size")
    shown = [one for one in _probe(path, *asked)["packets"] if int(one["size"]) > 2]  # two bytes: nothing is shown
    times = [(float(one["pts_time"]), float(one["duration_time"])) for one in shown]
    return words, [round(time - begin + length, 3) for time, whole in times for length in (0, whole)]


def _light(path: Path) -> list[float]:
    """What the first frame says of the display that it was mastered for; by PyAV: Debian's FFmpeg reads it in H.265."""
    with av.open(str(path)) as clip:
        found = sidedata.mastering(next(clip.decode(video=0)))
    return [] if found is None else [*found.points, *found.lights, *found.content]


def _tags(case: Case, paths: tuple[Path, Path], probed: tuple[dict, dict], said: list[str]) -> str:
    """What the source says, and the result does not."""
    before, after = probed
    a, b = _video(before), _video(after)
    wrong = []
    for name in ("color_range", "color_space", "color_primaries", "color_transfer") if case.into != ".gif" else ():
        given, found = a.get(name, "unknown"), b.get(name, "unknown")
        if case.encoder in ("prores", "dnxhr") and name == "color_range":
            continue
        if _told(said, name.removeprefix("color_").replace("space", "matrix")):
            continue
        if given not in ("unknown", "gbr", "reserved") and given != found:
            wrong.append(f"{name} {given}, then {found}")
    shapes = [Fraction(s.get("sample_aspect_ratio", "1:1").replace(":", "/").replace("0/1", "1/1")) for s in (a, b)]
    if abs(shapes[0] - shapes[1]) * a["width"] > 1 and case.into != ".gif" and not _told(said, "pixel aspect"):
        wrong.append(f"aspect {shapes[0]}, then {shapes[1]}")
    rates = [(s["avg_frame_rate"], s["r_frame_rate"]) for s in (a, b)]  # the first lacks the last frame, or its length
    if rates[0][0] != rates[1][0] and rates[0][1] != rates[1][1]:
        wrong.append(f"rate {rates[0]}, then {rates[1]}")
    orders = [s.get("field_order", "progressive") for s in (a, b)]
    if case.top_first is not None and {"tt": 1, "tb": 1, "bb": 0, "bt": 0}.get(orders[1]) != case.top_first:
        wrong.append(f"fields {orders[0]}, then {orders[1]}")
    titles = [found["format"].get("tags", {}).get("title") for found in (before, after)]
    if titles[0] != titles[1] and not _told(said, "title"):
        wrong.append(f"title {titles[0]}, then {titles[1]}")
    if len(before["chapters"]) != len(after["chapters"]) and not _told(said, "chapters"):
        wrong.append(f"{len(before['chapters'])} chapters, then {len(after['chapters'])}")
    depths = [
        int(re.search(r"(\d+)(le|be)$", s["pix_fmt"])[1]) if s["pix_fmt"][-2:] in ("le", "be") else 8 for s in (a, b)
    ]
    if depths[1] < depths[0] and case.into != ".gif":
        wrong.append(f"{a['pix_fmt']}, then {b['pix_fmt']}")
    if case.light == "pq" and case.into != ".gif" and not _told(said, "mastering display"):
        shown = [_light(path) for path in paths]
        if len(shown[1]) != 12 or any(abs(a - b) > 0.0002 + a / 1000 for a, b in zip(*shown, strict=True)):
            wrong.append(f"light {shown[0]}, then {shown[1]}")
    return f"DIFFERENT {'; '.join(wrong)}" if wrong else "equal"


def _told(said: list[str], name: str, its: str = "its") -> bool:
    """Whether it was said that something is left out."""
    return any(line.startswith(f"{its} {name}") and "left out" in line for line in said)


def tiny() -> Colorizer:
    """An untrained network with lively colors: what is compared does not depend on them."""
    torch.manual_seed(0)
    network = UNet(TINY, 2)
    torch.nn.init.normal_(network.head.weight, std=0.3)
    training = {"size": 64, "mean_ab": [1.0, 5.0], "prior": [1 / 256] * 256}
    return Colorizer(Checkpoint(TINY, Channels(), "regression", network.state_dict(), training), "cpu")


RESULTS = ("luma", "times", "streams", "tags")
HEAD = ("source", "fields", "range", "light", "pixel", "start, s", "beside", "into")


def table(rows: list[Row]) -> str:
    """As Markdown."""
    refused = sum(bool(row.said and row.said[0].startswith("refused")) for row in rows)
    bad = sum(bool(row.faults) for row in rows)
    lines = [
        "# Films by kind",
        "",
        f"{len(rows)} films made by FFmpeg, colored by an untrained network, compared by FFmpeg with their sources:",
        f"{len(rows) - refused} written, {refused} refused in one line before the first frame, {bad} with a difference",
        "that nothing named. `make films` writes this table. `named`: said before the first frame, in the last column.",
        "",
        "| " + " | ".join((*HEAD, *RESULTS, "said before")) + " |",
        "|" + "---|" * (len(HEAD) + len(RESULTS) + 1),
    ]
    for row in rows:
        cells = [row.cells.get(name, "") or "-" for name in RESULTS]
        lines.append("| " + " | ".join([*(word or "-" for word in row.case.words), *cells, "; ".join(row.said)]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=Path("reports/films.md"))
    parser.add_argument("--only", default="", help="cases whose words hold this")
    given = parser.parse_args()
    if not shutil.which("ffmpeg"):
        raise SystemExit("ffmpeg is not installed: apt install ffmpeg")
    colorizer, rows = tiny(), []
    for case in cases():
        if given.only in " ".join(case.words):
            with TemporaryDirectory() as folder:
                rows.append(tried(case, Path(folder), colorizer))
            for fault in rows[-1].faults:
                print(*case.words, fault, file=sys.stderr)
    if not given.only:
        given.out.write_text(table(rows), encoding="utf-8")
    print(f"{len(rows)} films, {sum(bool(row.faults) for row in rows)} with a difference that nothing named")
    raise SystemExit(any(row.faults for row in rows))


if __name__ == "__main__":
    main()
