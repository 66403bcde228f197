"""The stream says what the film is: rate, codec, colors, shape of a pixel, timecode."""

import io
import shutil
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from colorify.video import film, job
from colorify.video.film import FilmOptions
from colorify.video.formats import samples

CASES = [
    (codec, suffix)
    for codec in ("libx264", "libx265", "libsvtav1", "ffv1", "prores", "libvpx-vp9")
    for suffix in (".mkv", ".mp4", ".mov", ".webm")
    if suffix in job.FITTING[codec]
]


def tagged(path: Path, aspect: Fraction | None = Fraction(16, 11), rate: Fraction = Fraction(24000, 1001)) -> Path:
    """Film of two thirds of a second that says all that can be said."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt, context.time_base = 96, 64, "yuv420p", 1 / rate
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 5, 5, 6
        context.sample_aspect_ratio = aspect or 0
        stream.metadata["timecode"] = "01:02:03:04"
        for shown in range(16):
            frame = av.VideoFrame(96, 64, "yuv420p")
            for plane in frame.planes:
                samples(plane, 8)[:] = 128 - 4 * shown
            frame.pts, frame.time_base = shown, 1 / rate
            frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc = 1, 5, 5, 6
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("codec", "suffix"), CASES)
def test_rate_colors_and_shape(colorizer, tmp_path, codec, suffix):
    aspect = Fraction(16, 11)
    source, out = tagged(tmp_path / "in.mov", aspect), tmp_path / f"out{suffix}"
    quality = "lossless" if codec == "ffv1" else "small"
    film.colorize(source, out, colorizer, FilmOptions(codec=codec, quality=quality, every=8))
    with av.open(str(out)) as clip:
        stream = clip.streams.video[0]
        context = stream.codec_context
        assert float(stream.average_rate) == pytest.approx(24000 / 1001, rel=1e-3)
        assert float(stream.base_rate) == pytest.approx(24000 / 1001, rel=1e-3)
        colors = (context.color_range, context.colorspace, context.color_primaries, context.color_trc)
        assert tuple(map(int, colors)) == (1, 5, 5, 6)
        assert {key.lower(): word for key, word in stream.metadata.items()}["timecode"] == "01:02:03:04"
        next(clip.decode(video=0))
        shape = stream.sample_aspect_ratio or context.sample_aspect_ratio
        assert abs(shape - aspect) * 96 <= (
            1 if suffix in (".mkv", ".webm") else 0
        )  # Matroska says how many pixels wide
        tags = {"libx264": "avc1", "libx265": "hvc1", "libsvtav1": "av01", "prores": "apcs", "libvpx-vp9": "vp09"}
        assert context.codec_tag == tags.get(codec) or (suffix in (".mkv", ".webm"))
    if suffix not in (".mkv", ".webm"):
        assert boxes(out).index("moov") < boxes(out).index("mdat")  # players begin before all has come


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="FFmpeg's own programs alone see it: PyAV does not tell")
def test_programs_of_ffmpeg_see_the_shape_of_a_pixel(colorizer, tmp_path):
    out = tmp_path / "out.mkv"
    film.colorize(tagged(tmp_path / "in.mov"), out, colorizer, FilmOptions(codec="ffv1", quality="lossless", every=8))
    asked = ["-v", "error", "-show_entries", "frame=sample_aspect_ratio", "-of", "csv=p=0", str(out)]
    result = subprocess.run(["ffprobe", *asked], capture_output=True, text=True, check=True)
    assert {line.strip(",") for line in result.stdout.split()} == {"35:24"}  # 140 of the container to 96


def boxes(path: Path) -> list[str]:
    """The outermost boxes of a file of the MP4 family."""
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        size, name = struct.unpack_from(">I4s", content, at)
        found.append(name.decode())
        at += size or len(content)
    return found


@pytest.mark.parametrize("quality", ["high", "small"])
def test_the_same_frames_give_the_same_packets(tmp_path, quality):
    """x264's look ahead read uninitialised memory with AVX-512: a few encodings of a hundred were others."""
    target = job.target_of(tagged(tmp_path / "tagged.mp4"), FilmOptions(codec="libx264", quality=quality))
    noise = np.random.default_rng(0).integers(0, 40, (16, 64, 96), np.uint8)
    noise[:, 16:48, 16:80] += np.arange(0, 160, 10, dtype=np.uint8)[:, None, None]
    seen = set()
    for _ in range(150):
        with av.open(io.BytesIO(), "w", format="nut") as out:
            stream, packets = target.encoder(out), []
            for shown, luma in enumerate(noise):
                frame = av.VideoFrame.from_ndarray(np.vstack([luma, luma[:32]]), "yuv420p")
                frame.pts, frame.time_base = shown, target.base
                packets += stream.encode(frame)
            seen.add(b"".join(bytes(packet) for packet in [*packets, *stream.encode(None)]))
    assert len(seen) == 1
