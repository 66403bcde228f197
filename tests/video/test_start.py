"""Wherever a film begins, and wherever its coloring stopped: every frame once, at its time, with its sound."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from colorify.video import facts, film, media, stills
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError, samples
from video.test_formats import luma, read

RATE, COUNT, SIZE = 25, 120, (96, 64)
KINDS = {  # suffix of each family of containers, with encoders that reorder frames
    "mpg": ("mpeg2video", {"bf": "2", "g": "15"}),
    "ts": ("libx264", {"bf": "3", "g": "40", "preset": "veryfast"}),
    "m2ts": ("mpeg2video", {"bf": "2", "g": "15"}),
    "h264": ("libx264", {"bf": "3", "g": "40", "preset": "veryfast"}),
    "hevc": ("libx265", {"bf": "3", "g": "40", "preset": "veryfast", "x265-params": "log-level=none"}),
    "avi": ("mpeg4", {"bf": "2", "g": "20"}),
    "flv": ("libx264", {"bf": "3", "g": "40", "preset": "veryfast"}),
    "mp4": ("libx264", {"bf": "3", "g": "40", "preset": "veryfast"}),
    "mov": ("mpeg4", {"bf": "2", "g": "20"}),
    "mkv": ("libx264", {"bf": "3", "g": "250", "preset": "veryfast"}),
    "m2v": ("mpeg2video", {"bf": "2", "g": "15"}),
    "nut": ("mpeg4", {"bf": "2", "g": "20"}),
}


def make(path: Path, begins: float = 0.0, sound: bool = False, options: dict | None = None) -> Path:
    """A film whose frames all differ, and say their number: in blocks of its left column."""
    codec, knobs = KINDS[path.suffix[1:]]
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=RATE, options=knobs | {"b": "4M"} | (options or {}))
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = Fraction(1, RATE)
        audio = out.add_stream("mp2", rate=48000) if sound else None
        y, x = np.mgrid[: SIZE[1], : SIZE[0]]
        for number in range(COUNT):
            frame = av.VideoFrame(*SIZE, "yuv420p")
            for plane in frame.planes[1:]:
                samples(plane, 8)[:] = 128
            picture = 120 + 50 * np.sin((x + 2 * number) / 9) + 30 * np.sin((y + x) / 7)
            for bit in range(8):
                picture[8 * bit : 8 * bit + 8, :12] = 200 if number >> bit & 1 else 40
            samples(frame.planes[0], 8)[:] = picture.clip(16, 235)
            frame.pts, frame.time_base = number + round(begins * RATE), Fraction(1, RATE)
            out.mux(stream.encode(frame))
            if audio:
                tone = av.AudioFrame.from_ndarray(np.zeros((1, 3840), np.int16), "s16", "stereo")
                tone.sample_rate, tone.pts = 48000, round(begins * 48000) + 1920 * number
                tone.time_base = Fraction(1, 48000)
                out.mux(audio.encode(tone))
        out.mux(stream.encode(None))
        if audio:
            out.mux(audio.encode(None))
    return path


def number(frame: av.VideoFrame) -> int:
    """What a frame says it is."""
    left = luma(frame)[:, 2:10].astype(float).reshape(8, 8, -1).mean((1, 2))
    return int(((left > 120) << np.arange(8)).sum())


def stopped(source: Path, out: Path, colorizer, options: FilmOptions, at: int) -> None:
    def stop(now: film.FilmProgress) -> None:
        if now.frames == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        film.colorize(source, out, colorizer, options, stop)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [40, 110])
def test_a_stopped_film_goes_on_with_the_next_frame(colorizer, tmp_path, monkeypatch, kind, at):
    monkeypatch.setattr(film, "PART", 32)
    source, out, whole = make(tmp_path / f"in.{kind}"), tmp_path / "out.mkv", tmp_path / "whole.mkv"
    options = FilmOptions(quality="lossless", every=3)
    stopped(source, out, colorizer, options, at)
    done = film.colorize(source, out, colorizer, options)
    film.colorize(source, whole, colorizer, options)
    before, one, two = read(source), read(whole), read(out)
    assert [number(frame) for frame in two] == list(range(COUNT)) == [number(frame) for frame in before]
    assert done.frames == COUNT and [frame.pts for frame in one] == [frame.pts for frame in two]
    for a, b, c in zip(before, one, two, strict=True):
        assert np.array_equal(luma(a), luma(b))
        assert all(np.array_equal(samples(p, 8), samples(q, 8)) for p, q in zip(b.planes, c.planes, strict=True))


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", [0.02, 2.5])
def test_a_stretch_has_all_its_frames(colorizer, tmp_path, kind, start):
    """Those whose time, as the film itself counts it, lies within."""
    source, out = make(tmp_path / f"in.{kind}"), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer, FilmOptions(quality="lossless", every=8, start=start, end=3.4))
    with media.opened(source) as opened:
        base, begin = media.moving(opened).time_base, media.origin(opened)
        times = [frame.pts * base - begin for frame in media.frames(opened)]
    inside = [n for n, time in enumerate(times) if Fraction(start) <= time < Fraction("3.4")]
    found = read(out)
    assert [number(frame) for frame in found] == inside and 20 < len(inside) < 90
    off = [frame.pts * frame.time_base + Fraction(start) - times[n] for n, frame in zip(inside, found, strict=True)]
    assert max(map(abs, off)) <= 0.002


@pytest.mark.parametrize(
    ("kind", "begins"), [("ts", 0.0), ("ts", 36000.0), ("mpg", 7.0), ("mkv", 36000.0), ("mp4", 5.0)]
)
def test_time_begins_where_the_film_begins(colorizer, tmp_path, kind, begins):
    """Start, end, previews and keyframes count from there; the result begins at zero, in step with its sound."""
    source, out = make(tmp_path / f"in.{kind}", begins, sound=True), tmp_path / "out.mkv"
    found = facts.of(source)
    with media.opened(source) as opened:
        assert media.duration(opened) == pytest.approx(COUNT / RATE, abs=0.1)
    film.colorize(source, out, colorizer, FilmOptions(quality="lossless", every=8))
    before, after = read(source), read(out)
    off = [a.pts * a.time_base - found.origin - b.pts * b.time_base for a, b in zip(before, after, strict=True)]
    assert max(map(abs, off)) <= 0.001 and after[0].pts * after[0].time_base < 0.1
    assert abs(_sound(source) - found.origin - _sound(out)) <= 0.002
    film.colorize(source, tmp_path / "cut.mkv", colorizer, FilmOptions(quality="lossless", every=8, start=1.0, end=2.0))
    first = next(n for n, frame in enumerate(before) if frame.pts * frame.time_base - found.origin >= 1)
    assert [number(frame) for frame in read(tmp_path / "cut.mkv")] == list(range(first, first + RATE))
    picture, time = stills.still(source, 2.0)
    assert 2.0 <= time < 2.05 and picture.size == SIZE
    keys = stills.export_keyframes(source, tmp_path / "keys", colorizer)
    assert float(keys[0].stem.rstrip("s")) < 0.1
    assert stills.preview(source, colorizer).width > 0


def _sound(path: Path) -> Fraction:
    with av.open(str(path)) as clip:
        packet = next(packet for packet in clip.demux(audio=0) if packet.size)
        return packet.pts * packet.time_base


def test_a_seek_that_ends_elsewhere_is_found_out(colorizer, tmp_path, monkeypatch):
    """It is tried, the frames are not those that wait, and the film is decoded from its beginning instead."""
    monkeypatch.setattr(film, "PART", 32)
    source, out = make(tmp_path / "in.mkv", options={"g": "10"}), tmp_path / "out.mkv"
    options = FilmOptions(quality="lossless", every=3)
    stopped(source, out, colorizer, options, 75)
    real, tried = media._sought, []

    def astray(*args):
        tried.append(args)
        found = real(*args)
        if found is not None:
            for frame in found:
                frame.pts -= 120  # three frames late, as a seek into MPEG's program streams may be
                yield frame

    monkeypatch.setattr(media, "_sought", lambda *args: None if args[4] == "never" else astray(*args))
    film.colorize(source, out, colorizer, options)
    assert tried and [number(frame) for frame in read(out)] == list(range(COUNT))


def test_a_film_that_reads_otherwise_is_not_mixed(colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(film, "PART", 32)
    source, out = make(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    stopped(source, out, colorizer, FilmOptions(), 75)
    real = media._planar
    monkeypatch.setattr(
        media, "_planar", lambda film, decoded: (f for n, f in enumerate(real(film, decoded)) if n != 70)
    )
    with pytest.raises(VideoError, match=r"gives other frames than before: remove .*\.parts"):
        film.colorize(source, out, colorizer, FilmOptions())
    assert not out.exists()


def test_a_join_that_loses_a_frame_keeps_the_parts(colorizer, tmp_path, monkeypatch):
    """The result is looked at before the parts go."""
    from colorify.video import join

    real = join._put
    lost = []

    def losing(written, packet, video, rest):
        if len(lost) == 0 and packet.pts * packet.time_base > 1:
            lost.append(packet)
            return next(rest, None)
        return real(written, packet, video, rest)

    monkeypatch.setattr(join, "_put", losing)
    source, out = make(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    with pytest.raises(VideoError, match=r"119 of 120 frames.*the parts are kept"):
        film.colorize(source, out, colorizer, FilmOptions(every=8))
    assert not out.exists() and list(tmp_path.glob(".out.mkv.parts/*.nut"))
    monkeypatch.undo()
    assert film.colorize(source, out, colorizer, FilmOptions(every=8)).frames == COUNT == len(read(out))
