"""Films come out as they went in, but for their colours. Clips are made here: noise over moving shapes, with sound."""

import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from colorify.cli import app
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from colorify.pictures.provenance import SOURCE_TYPE
from colorify.video import film
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError, coding_of, samples
from colorify.video.planes import Coding
from conftest import long, photo

RATE = Fraction(30000, 1001)


def make(
    path: Path,
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (96, 64),
    frames: int = 30,
    codec: str = "ffv1",
    full: bool = False,
    sound: bool = True,
    every: int = 1,
    turned: int = 0,
    colored: slice | None = None,
    gaps: tuple[int, ...] = (),
) -> Path:
    """A lossless gray clip.

    With ``every`` 2, every other frame lasts twice as long; ``turned`` degrees bring it upright; the frames
    ``colored`` are in colour; those of ``gaps`` are missing.
    """
    generator = np.random.default_rng(0)
    y, x = np.mgrid[: size[1] + frames, : size[0] + frames]
    base = 0.5 + 0.2 * np.sin(x / 5) + 0.2 * np.sin((x + 2 * y) / 11)
    path.parent.mkdir(exist_ok=True, parents=True)
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=RATE)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.codec_context.time_base = 1 / RATE
        if full:
            video.codec_context.color_range = 2
        if turned:
            video.set_display_rotation(turned)
        audio = (
            out.add_stream("pcm_s16le" if path.suffix == ".mkv" else "aac", rate=16000, layout="mono")
            if sound
            else None
        )
        for number in set(range(frames)).difference(gaps):
            frame = av.VideoFrame(*size, pix_fmt)
            depth = frame.format.components[0].bits
            for plane in frame.planes:
                samples(plane, depth)[:] = 2 ** (depth - 1)
            picture = base[number : number + size[1], number : number + size[0]]
            grain = generator.normal(0, 0.02, picture.shape)
            samples(frame.planes[0], depth)[:] = ((picture + grain).clip(0, 1) * (2**depth - 1)).astype(int)
            if colored and number in range(frames)[colored]:
                for plane, shift in zip(frame.planes[1:], (3, 7), strict=True):
                    values = samples(plane, depth)
                    values[:] = 128 + 40 * np.sin(
                        np.arange(values.shape[1]) / shift + np.arange(values.shape[0])[:, None]
                    )
            frame.pts, frame.time_base = number * every + (number % every), 1 / RATE
            frame.color_range = 2 if full else 1
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio:
            wave = (np.sin(np.arange(16000)[None] / 20) * 20000).astype(np.int16)
            sound_frame = av.AudioFrame.from_ndarray(wave, "s16", "mono")
            sound_frame.sample_rate = 16000
            for resampled in av.AudioResampler(audio.codec_context.format, "mono", 16000).resample(sound_frame):
                out.mux(audio.encode(resampled))
            out.mux(audio.encode(None))
    return path


def read(path: Path) -> list[tuple[Fraction, np.ndarray, Coding, list[np.ndarray]]]:
    """Time, luma, coding and chroma of every frame."""
    with av.open(str(path)) as clip:
        found = []
        for frame in clip.decode(video=0):
            planes = [samples(plane, frame.format.components[0].bits).copy() for plane in frame.planes]
            found.append((frame.pts * frame.time_base, planes[0], coding_of(frame), planes[1:]))
        return found


def packets(path: Path, kind: str = "audio") -> list[bytes]:
    with av.open(str(path)) as clip:
        streams = [stream for stream in clip.streams if stream.type == kind]
        return [bytes(packet) for packet in clip.demux(*streams) if packet.size] if streams else []


@pytest.mark.parametrize(
    "clip",
    [
        {},
        {"pix_fmt": "yuv420p10le"},
        {"full": True},
        {"pix_fmt": "yuv422p"},
        {"size": (97, 65), "pix_fmt": "yuv444p"},
        {"pix_fmt": "gray"},
        {"pix_fmt": "gray10le"},
        {"every": 2},
        {"frames": 1, "sound": False},
    ],
    ids=str,
)
def test_luma_time_and_sound_stay_as_they_are(colorizer, tmp_path, clip):
    source, out = make(tmp_path / "in.mkv", **clip), tmp_path / "out.mkv"
    done = film.colorize(source, out, colorizer, FilmOptions(quality="lossless"))
    before, after = read(source), read(out)
    assert done.frames == done.looked == len(before) == len(after)
    for (time, luma, coding, _), (time_after, luma_after, coding_after, chroma) in zip(before, after, strict=True):
        assert abs(time_after - time - (after[0][0] - before[0][0])) <= Fraction(1, 1000)  # the grid of Matroska
        assert np.array_equal(luma_after, luma) and coding_after == coding
        assert all(plane.std() > 0 for plane in chroma)
    assert packets(out) == packets(source)
    assert list(tmp_path.glob(".*")) == []


def test_in_the_same_container_times_are_equal(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mp4", codec="libx264"), tmp_path / "out.mp4"
    film.colorize(source, out, colorizer)
    assert [frame[0] for frame in read(out)] == [frame[0] for frame in read(source)]
    assert packets(out) == packets(source)


def test_the_usual_quality_keeps_luma_within_43_decibels(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv", size=(320, 180)), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer)
    off = np.stack([b[1].astype(float) - a[1] for a, b in zip(read(source), read(out), strict=True)])
    assert 10 * np.log10(255**2 / (off**2).mean()) > 43


def test_every_fourth_frame_and_side_by_side(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    options = FilmOptions(quality="lossless", every=4, side_by_side=True)
    told = []
    done = film.colorize(source, out, colorizer, options, told.append)
    assert [now.frames for now in told] == list(range(1, 31)) and done.looked < 30
    for (_, luma, _, _), (_, both, _, chroma) in zip(read(source), read(out), strict=True):
        assert np.array_equal(both[:, :96], luma) and np.array_equal(both[:, 96:], luma)
        assert all((plane[:, :48] == 128).all() and plane[:, 48:].std() > 0 for plane in chroma)


def test_a_stretch_of_a_film(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv", frames=60), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer, FilmOptions(quality="lossless", start=0.5, end=0.8))
    inside = [frame for frame in read(source) if 0.5 <= frame[0] < 0.8]
    found = read(out)
    assert len(found) == len(inside) == 9
    for (time, luma, _, _), (time_after, luma_after, _, _) in zip(inside, found, strict=True):
        assert abs(time_after + Fraction(1, 2) - time) <= Fraction(2, 1000) and np.array_equal(luma, luma_after)
    with pytest.raises(VideoError, match="the end after the start"):
        film.colorize(source, out, colorizer, FilmOptions(start=2, end=1, overwrite=True))


def test_missing_frames_leave_their_gap(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv", gaps=(3, 4, 10)), tmp_path / "out.mkv"
    assert film.colorize(source, out, colorizer).frames == 27
    times = [[frame[0] for frame in read(path)] for path in (source, out)]
    assert times[0] == times[1] and max(np.diff(times[1])) > 0.09


@pytest.mark.parametrize(
    ("codec", "quality", "kind"),
    [("libx265", "high", "hevc"), ("libsvtav1", "small", "av1"), ("ffv1", "lossless", "ffv1")],
)
def test_other_codecs(colorizer, tmp_path, monkeypatch, codec, quality, kind):
    monkeypatch.setattr(film, "PART", 16)  # two parts, put end to end
    source, out = make(tmp_path / "in.mkv", sound=False), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer, FilmOptions(codec=codec, quality=quality))
    before, after = read(source), read(out)
    assert [frame[0] for frame in before] == [frame[0] for frame in after]
    with av.open(str(out)) as clip:
        assert clip.streams.video[0].codec.canonical_name == kind
    off = max(np.abs(a[1].astype(float) - b[1]).mean() for a, b in zip(before, after, strict=True))
    assert off == 0 if quality == "lossless" else off < 6


def test_a_picture_that_changes_its_size(colorizer, tmp_path):
    """A stream of two halves of different size, as broadcasts have them."""
    one, two = (make(tmp_path / f"{w}.ts", codec="mpeg2video", size=(w, 64), sound=False) for w in (96, 128))
    source, out = tmp_path / "in.ts", tmp_path / "out.mkv"
    source.write_bytes(one.read_bytes() + two.read_bytes())
    with pytest.raises(VideoError, match=r"changes its size from 96 x 64 to 128 x 64.*--end"):
        film.colorize(source, out, colorizer)
    assert film.colorize(source, out, colorizer, FilmOptions(end=0.5)).frames > 5


FULL = """
import resource
from colorify.inference import Colorizer
from colorify.video import film
film.PART = 32
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    film.colorize({source!r}, {out!r}, Colorizer.load({model!r}, "cpu"), film.FilmOptions(quality="lossless"))
except film.VideoError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [400_000, *long(30_000)])
def test_a_full_disk_loses_nothing(checkpoint, tmp_path, monkeypatch, limit):
    """Full within a part, and while the parts are put together; with room again the film is made."""
    source, model, out = make(tmp_path / "in.mkv", frames=70), tmp_path / "model.safetensors", tmp_path / "out.mkv"
    checkpoints.save(checkpoint, model)
    code = FULL.format(limit=limit, source=str(source), out=str(out), model=str(model))
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "cannot be written" in result.stdout and "goes on" in result.stdout, result.stderr
    assert not out.exists()
    monkeypatch.setattr(film, "PART", 32)
    done = film.colorize(source, out, Colorizer.load(model, "cpu"), FilmOptions(quality="lossless"))
    assert done.frames == len(read(out)) == 70 and not list(tmp_path.glob(".*"))


KILLED = """
import os, signal, sys
from colorify.inference import Colorizer
from colorify.video import film, media, stills
film.PART = 32
def progress(now):
    if now.frames == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
options = film.FilmOptions(quality="lossless", every=3)
film.colorize({source!r}, {out!r}, Colorizer.load({model!r}, "cpu"), options, progress)
"""


@pytest.mark.parametrize("at", [50, *long(5, 32, 67)])
@pytest.mark.parametrize("frames", [80, *long(67)])
def test_a_killed_run_goes_on_and_ends_the_same(checkpoint, tmp_path, monkeypatch, at, frames):
    """Killed in the first part, at the end of one, in the second, and when the last frames leave the filter."""
    source, model = make(tmp_path / "in.mkv", frames=frames), tmp_path / "model.safetensors"
    checkpoints.save(checkpoint, model)
    out, whole = tmp_path / "out.mkv", tmp_path / "whole.mkv"
    code = KILLED.format(at=at, source=str(source), out=str(out), model=str(model))
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert not out.exists()
    monkeypatch.setattr(film, "PART", 32)
    options, told = FilmOptions(quality="lossless", every=3), []
    done = film.colorize(source, out, Colorizer.load(model, "cpu"), options, told.append)
    again = 65 if (frames, at) == (80, 67) else 33 if at > 32 else 1  # of 67 frames the last 19 leave together
    assert told[0].frames == again  # nothing that was finished is done again
    assert done == film.colorize(source, whole, Colorizer.load(model, "cpu"), options)
    before, after = read(whole), read(out)
    assert len(before) == len(after) == frames
    for (time, luma, _, chroma), (time_after, luma_after, _, chroma_after) in zip(before, after, strict=True):
        assert time == time_after and np.array_equal(luma, luma_after)
        assert all(map(np.array_equal, chroma, chroma_after))
    assert packets(out) == packets(source) and not list(tmp_path.glob(".*"))


def test_the_command(checkpoint, tmp_path):
    source, model = make(tmp_path / "in.mkv"), tmp_path / "model.safetensors"
    checkpoints.save(checkpoint, model)
    command = ["video", str(source), "-o", str(tmp_path / "out.mkv"), "--model", str(model)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.stderr
    assert "30 frames; the network looked at 30" in result.stdout
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1 and "exists already" in result.stderr


def test_references_hold_for_the_film_and_its_state(colorizer, tmp_path):
    from PIL import Image

    clip, knobs = make(tmp_path / "a.mkv", frames=6), Knobs(references=[photo(1)])
    film.colorize(clip, tmp_path / "plain.mkv", colorizer)
    film.colorize(clip, tmp_path / "told.mkv", colorizer, FilmOptions(knobs=knobs))
    film.colorize(clip, tmp_path / "palette.mkv", colorizer, FilmOptions(knobs=Knobs(palette="teal,orange")))
    assert len({(tmp_path / f"{name}.mkv").read_bytes() for name in ("plain", "told", "palette")}) == 3
    states = set()
    for seed in (1, 2):
        told = FilmOptions(knobs=Knobs(references=[(photo(seed), Image.new("L", (96, 64), 255))]))
        _, parts = film.color_parts(clip, tmp_path / f"parts{seed}", colorizer, told)
        states.add(parts.job)
    assert len(states) == 2  # another reference begins anew


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".webm", ".mxf", ".gif"])
def test_a_film_says_that_it_was_colored_unless_told_not_to(colorizer, tmp_path, suffix):
    def comment(**knobs: object) -> str | None:
        options = FilmOptions(knobs=Knobs(**knobs), overwrite=True)
        film.colorize(clip, tmp_path / f"out{suffix}", colorizer, options)
        with av.open(tmp_path / f"out{suffix}") as opened:
            return next((said for key, said in opened.metadata.items() if key.lower().startswith("comment")), None)

    clip = make(tmp_path / "in.mkv", frames=4)
    assert SOURCE_TYPE in comment(saturation=0.5) and "(saturation=0.5)" in comment(saturation=0.5)
    assert comment(provenance=False) is None
    with pytest.raises(ValueError, match="a badge is for single pictures"):
        comment(badge=True)
