"""The stream says what the film is: rate, codec, colors, shape of a pixel, timecode; and the damage is told."""

import shutil
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from colorify.cli import app
from colorify.models import checkpoint as checkpoints
from colorify.video import facts, film, job, join
from colorify.video.film import Options
from colorify.video.formats import VideoError, samples
from video.test_depth import read
from video.test_film import make, packets
from video.test_start import COUNT, number
from video.test_start import make as counted

CASES = [
    (codec, suffix)
    for codec in ("libx264", "libx265", "libsvtav1", "ffv1")
    for suffix in (".mkv", ".mp4", ".mov")
    if suffix in job.FITTING.get(codec, (".mkv", ".mp4", ".mov"))
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
    aspect = None if (codec, suffix) == ("libsvtav1", ".mkv") else Fraction(16, 11)
    source, out = tagged(tmp_path / "in.mov", aspect), tmp_path / f"out{suffix}"
    quality = "lossless" if codec == "ffv1" else "small"
    film.colorize(source, out, colorizer, Options(codec=codec, quality=quality, every=8))
    with av.open(str(out)) as clip:
        stream = clip.streams.video[0]
        context = stream.codec_context
        assert float(stream.average_rate) == pytest.approx(24000 / 1001, rel=1e-3)
        assert float(stream.base_rate) == pytest.approx(24000 / 1001, rel=1e-3)
        colors = (context.color_range, context.colorspace, context.color_primaries, context.color_trc)
        assert tuple(map(int, colors)) == (1, 5, 5, 6)
        assert {key.lower(): word for key, word in stream.metadata.items()}["timecode"] == "01:02:03:04"
        next(clip.decode(video=0))
        if codec != "ffv1":
            assert (stream.sample_aspect_ratio or context.sample_aspect_ratio) == aspect or aspect is None
        assert context.codec_tag == {"libx264": "avc1", "libx265": "hvc1", "libsvtav1": "av01"}.get(codec) or (
            suffix == ".mkv"
        )
    if suffix != ".mkv":
        assert boxes(out).index("moov") < boxes(out).index("mdat")  # players begin before all has come


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="FFmpeg's own programs alone see it: PyAV does not tell")
def test_frames_of_ffv1_carry_the_shape_of_a_pixel(colorizer, tmp_path):
    out = tmp_path / "out.mkv"
    film.colorize(tagged(tmp_path / "in.mov"), out, colorizer, Options(codec="ffv1", quality="lossless", every=8))
    asked = ["-v", "error", "-show_entries", "frame=sample_aspect_ratio", "-of", "csv=p=0", str(out)]
    result = subprocess.run(["ffprobe", *asked], capture_output=True, text=True, check=True)
    assert {line.strip(",") for line in result.stdout.split()} == {"16:11"}


def boxes(path: Path) -> list[str]:
    """The outermost boxes of a file of the MP4 family."""
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        size, name = struct.unpack_from(">I4s", content, at)
        found.append(name.decode())
        at += size or len(content)
    return found


@pytest.mark.parametrize(
    ("codec", "name", "words"),
    [
        ("libsvtav1", "out.mkv", r"keeps no pixel aspect, 16/11, in a \.mkv: name a \.mp4"),
        ("libsvtav1", "out.mov", r"libsvtav1 needs a \.mkv or \.mp4"),
    ],
)
def test_what_a_container_cannot_say_is_refused_first(colorizer, tmp_path, codec, name, words):
    with pytest.raises(VideoError, match=words):
        film.colorize(tagged(tmp_path / "in.mov"), tmp_path / name, colorizer, Options(codec=codec))
    assert [path.name for path in tmp_path.iterdir()] == ["in.mov"]


def test_fonts_go_along_or_are_named(colorizer, tmp_path):
    plain, source = make(tmp_path / "plain.mkv", sound=False, frames=4), tmp_path / "in.mkv"
    with av.open(str(plain)) as clip, av.open(str(source), "w") as out:
        video = out.add_stream_from_template(clip.streams.video[0], opaque=True)
        out.add_attachment("font.ttf", "application/x-truetype-font", b"letters")
        for packet in clip.demux(video=0):
            if packet.size:
                packet.stream = video
                out.mux(packet)
    assert film.check(source, tmp_path / "out.mkv", Options()) == []
    film.colorize(source, tmp_path / "out.mkv", colorizer)
    with av.open(str(tmp_path / "out.mkv")) as clip:
        (font,) = clip.streams.attachments
        assert font.data == b"letters" and font.name == "font.ttf"
    (note,) = film.check(source, tmp_path / "out.mp4", Options())
    assert note.endswith("stream 1 (attachment, font.ttf) is left out")


def spoiled(path: Path, where: tuple[float, float], places: int) -> None:
    """Bytes overwritten in places of a stretch of a file."""
    content, noise = bytearray(path.read_bytes()), np.random.default_rng(1)
    for at in noise.integers(int(where[0] * len(content)), int(where[1] * len(content)), places):
        content[at : at + 60] = noise.bytes(60)
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["mkv", "mp4", "ts", "mpg", "avi"])
def test_a_damaged_film_is_colored_as_far_as_it_goes(checkpoint, tmp_path, kind):
    """What does not decode is left out, counted and told; the rest is there, at its time; exit 1."""
    source, model = counted(tmp_path / f"in.{kind}", sound=kind != "mp4"), tmp_path / "model.safetensors"
    spoiled(source, (0.45, 0.65), 40)
    checkpoints.save(checkpoint, model)
    out = tmp_path / "out.mkv"
    result = CliRunner().invoke(app, ["video", str(source), "-o", str(out), "--model", str(model), "--every", "8"])
    assert result.exit_code == 1 and out.exists(), result.stderr
    assert any(f"in.{kind}: {fault}" in result.stderr for fault in ("damaged: ", "cut off: "))
    found = read(out)
    assert COUNT // 3 < len(found) <= COUNT and not list(tmp_path.glob(".*"))
    times = {number(frame): frame.pts * frame.time_base for frame in found[:40]}
    assert sorted(times) == list(range(40))
    assert all(abs(time - times[0] - Fraction(shown, 25)) <= 0.002 for shown, time in times.items())


def test_damage_is_counted_once_however_often_a_run_stops(colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(film, "PART", 32)
    source = counted(tmp_path / "in.avi")
    spoiled(source, (0.4, 0.8), 12)

    def stop(now: film.Progress) -> None:
        if now.frames == 75:
            raise KeyboardInterrupt

    whole = film.colorize(source, tmp_path / "whole.mkv", colorizer, Options())
    with pytest.raises(KeyboardInterrupt):
        film.colorize(source, tmp_path / "out.mkv", colorizer, Options(), stop)
    assert whole.damaged and film.colorize(source, tmp_path / "out.mkv", colorizer, Options()) == whole


def test_a_film_that_is_cut_off_says_so(checkpoint, tmp_path):
    source, model = make(tmp_path / "in.mkv", frames=120, sound=False), tmp_path / "model.safetensors"
    checkpoints.save(checkpoint, model)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    result = CliRunner().invoke(app, ["video", str(source), "-o", str(tmp_path / "out.mkv"), "--model", str(model)])
    assert result.exit_code == 1 and "cut off: it says to be" in result.stderr
    assert 50 < len(read(tmp_path / "out.mkv")) < 70


def test_frames_that_are_missing_are_told(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv", frames=80, gaps=(20, 21, 22, 50), sound=False)
    done = film.colorize(source, tmp_path / "out.mkv", colorizer, Options(every=8))
    assert done.missing == 4 and done.faults() == ["4 frames are missing in it, by the times of the others"]


def test_rates_that_vary_are_no_fault(colorizer, tmp_path):
    done = film.colorize(make(tmp_path / "in.mkv", every=2, sound=False), tmp_path / "out.mkv", colorizer)
    assert not done.faults() and not done.damaged


def test_sound_that_jumps_ahead_loses_only_that(colorizer, tmp_path):
    """A packet whose time is an hour off, and one that goes back, are left out; all others stay, byte by byte."""
    plain, out = counted(tmp_path / "plain.mkv", sound=True), tmp_path / "out.mkv"
    real, sent = join._between, []

    def jumping(packets, *bounds):
        for place, packet in enumerate(real(packets, *bounds)):
            if place == 20:
                packet.pts = packet.dts = packet.dts + 1500
            sent.append(bytes(packet))
            yield packet

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "_between", jumping)
        done = film.colorize(plain, out, colorizer, Options(every=8))
    assert done.damaged == 1 and packets(out) == sent[:20] + sent[21:]
    assert facts.of(out).rate == facts.of(plain).rate
