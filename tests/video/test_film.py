"""Films come out as they went in, but for their colours. Clips are made here: noise over moving shapes, with sound."""

import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from colorify.cli import app
from colorify.inference import Colorizer
from colorify.models import checkpoint as checkpoints
from colorify.video import film, media
from colorify.video.film import Options
from colorify.video.media import VideoError, coding_of, samples
from colorify.video.planes import Coding

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
) -> Path:
    """A lossless gray clip; with ``every`` 2, every other frame lasts twice as long."""
    generator = np.random.default_rng(0)
    y, x = np.mgrid[: size[1] + frames, : size[0] + frames]
    base = 0.5 + 0.2 * np.sin(x / 5) + 0.2 * np.sin((x + 2 * y) / 11)
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=RATE)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.codec_context.time_base = 1 / RATE
        if full:
            video.codec_context.color_range = 2
        audio = (
            out.add_stream("pcm_s16le" if path.suffix == ".mkv" else "aac", rate=16000, layout="mono")
            if sound
            else None
        )
        for number in range(frames):
            frame = av.VideoFrame(*size, pix_fmt)
            depth = frame.format.components[0].bits
            for plane in frame.planes:
                samples(plane, depth)[:] = 2 ** (depth - 1)
            picture = base[number : number + size[1], number : number + size[0]]
            grain = generator.normal(0, 0.02, picture.shape)
            samples(frame.planes[0], depth)[:] = ((picture + grain).clip(0, 1) * (2**depth - 1)).astype(int)
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
    done = film.colorize(source, out, colorizer, Options(quality="lossless"))
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
    options = Options(quality="lossless", every=4, side_by_side=True)
    told = []
    done = film.colorize(source, out, colorizer, options, told.append)
    assert [now.frames for now in told] == list(range(1, 31)) and done.looked < 30
    for (_, luma, _, _), (_, both, _, chroma) in zip(read(source), read(out), strict=True):
        assert np.array_equal(both[:, :96], luma) and np.array_equal(both[:, 96:], luma)
        assert all((plane[:, :48] == 128).all() and plane[:, 48:].std() > 0 for plane in chroma)


def test_a_stretch_of_a_film(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv", frames=60), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer, Options(quality="lossless", start=0.5, end=0.8))
    inside = [frame for frame in read(source) if 0.5 <= frame[0] < 0.8]
    found = read(out)
    assert len(found) == len(inside) == 9
    for (time, luma, _, _), (time_after, luma_after, _, _) in zip(inside, found, strict=True):
        assert abs(time_after + Fraction(1, 2) - time) <= Fraction(2, 1000) and np.array_equal(luma, luma_after)
    with pytest.raises(VideoError, match="the end after the start"):
        film.colorize(source, out, colorizer, Options(start=2, end=1, overwrite=True))


def test_time_stamps_that_lack_or_go_back(tmp_path):
    source, given = make(tmp_path / "in.mkv", frames=6, sound=False), iter([None, 33, 33, 20, None, 200])
    real = av.Packet.decode

    class Broken:
        """A film whose packets decode to frames with other time stamps."""

        def __init__(self, clip):
            self.streams, self.clip = clip.streams, clip

        def demux(self, stream):
            for packet in self.clip.demux(stream):
                yield SimpleNamespace(decode=lambda packet=packet: [self.stamped(f) for f in real(packet)])

        def stamped(self, frame):
            frame.pts = next(given)
            return frame

    with av.open(str(source)) as clip:
        times = [frame.pts for frame in media.frames(Broken(clip))]
    assert times == sorted(set(times)) and len(times) == 6 and times[0] == 0 and times[-1] == 200


def test_saturation_zero_is_gray(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer, Options(quality="lossless", saturation=0.0))
    assert all((plane == 128).all() for frame in read(out) for plane in frame[3])


KILLED = """
import os, signal, sys
from colorify.inference import Colorizer
from colorify.video import film, media
film.PART = 32
def report(now):
    if now.frames == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
film.colorize({source!r}, {out!r}, Colorizer.load({model!r}, "cpu"), film.Options(quality="lossless", every=3), report)
"""


@pytest.mark.parametrize("at", [5, 32, 50, 67])
@pytest.mark.parametrize("frames", [70, 67])
def test_a_killed_run_goes_on_and_ends_the_same(checkpoint, tmp_path, monkeypatch, at, frames):
    """Killed in the first part, at the end of one, in the second, and when the last frames leave the filter."""
    source, model = make(tmp_path / "in.mkv", frames=frames), tmp_path / "model.safetensors"
    checkpoints.save(checkpoint, model)
    out, whole = tmp_path / "out.mkv", tmp_path / "whole.mkv"
    code = KILLED.format(at=at, source=str(source), out=str(out), model=str(model))
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert not out.exists()
    monkeypatch.setattr(film, "PART", 32)
    options, told = Options(quality="lossless", every=3), []
    done = film.colorize(source, out, Colorizer.load(model, "cpu"), options, told.append)
    again = 65 if (frames, at) == (70, 67) else 33 if at > 32 else 1  # of 67 frames the last 19 leave together
    assert told[0].frames == again  # nothing that was finished is done again
    assert done == film.colorize(source, whole, Colorizer.load(model, "cpu"), options)
    before, after = read(whole), read(out)
    assert len(before) == len(after) == frames
    for (time, luma, _, chroma), (time_after, luma_after, _, chroma_after) in zip(before, after, strict=True):
        assert time == time_after and np.array_equal(luma, luma_after)
        assert all(map(np.array_equal, chroma, chroma_after))
    assert packets(out) == packets(source) and not list(tmp_path.glob(".*"))


def test_parts_of_another_job_are_not_taken(colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(film, "PART", 32)
    source, out = make(tmp_path / "in.mkv", frames=60), tmp_path / "out.mkv"

    def stop(now: film.Progress) -> None:
        if now.frames == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        film.colorize(source, out, colorizer, Options(quality="lossless"), stop)
    told = []
    film.colorize(source, out, colorizer, Options(quality="lossless", saturation=0.0), told.append)
    assert told[0].frames == 1 and all((plane == 128).all() for frame in read(out) for plane in frame[3])


def test_the_command(checkpoint, tmp_path):
    source, model = make(tmp_path / "in.mkv"), tmp_path / "model.safetensors"
    checkpoints.save(checkpoint, model)
    command = ["video", str(source), "-o", str(tmp_path / "out.mkv"), "--model", str(model)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.stderr
    assert "30 frames; the network looked at 30" in result.stdout
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1 and "exists already" in result.stderr


def text(path: Path) -> None:
    path.write_text("no film")


def truncated(path: Path) -> None:
    whole = make(path.with_name("whole.mp4"), codec="libx264").read_bytes()
    path.write_bytes(whole[: len(whole) // 3])


def only_sound(path: Path) -> None:
    with av.open(str(path), "w", format="matroska") as out:
        audio = out.add_stream("pcm_s16le", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), "s16", "mono")
        frame.sample_rate = 16000
        out.mux(audio.encode(frame))
        out.mux(audio.encode(None))


@pytest.mark.parametrize(
    ("broken", "words"),
    [(text, "cannot be read as a film"), (truncated, "cannot be read as a film"), (only_sound, "no video stream")],
)
def test_what_is_no_film(colorizer, tmp_path, broken, words):
    broken(tmp_path / "in.bin")
    with pytest.raises(VideoError, match=words):
        film.colorize(tmp_path / "in.bin", tmp_path / "out.mkv", colorizer)
    assert not (tmp_path / "out.mkv").exists() and not list(tmp_path.glob(".*"))


def test_nothing_is_overwritten_and_never_the_input(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv")
    before = source.read_bytes()
    with pytest.raises(VideoError, match="never the input"):
        film.colorize(source, source, colorizer, Options(overwrite=True))
    with pytest.raises(VideoError, match=r"name a \.mkv"):
        film.colorize(source, tmp_path / "out.xyz", colorizer)
    with pytest.raises(VideoError, match="choose one of high"):
        film.colorize(source, tmp_path / "out.mkv", colorizer, Options(quality="best"))
    with pytest.raises(VideoError, match=r"in\.mp4"):
        film.colorize(tmp_path / "in.mp4", tmp_path / "out.mkv", colorizer)
    assert source.read_bytes() == before


def test_a_stream_that_the_container_cannot_hold(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv")
    with av.open(str(tmp_path / "sub.mkv"), "w") as out, av.open(str(source)) as clip:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in clip.streams}
        subtitles = out.add_stream("ssa")
        subtitles.codec_context.subtitle_header = b"[Script Info]\n"
        for packet in clip.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    with pytest.raises(VideoError, match=r"\.mkv"):
        film.colorize(tmp_path / "sub.mkv", tmp_path / "out.mp4", colorizer)
