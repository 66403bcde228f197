"""Films come out as they went in, but for their colours. Clips are made here: noise over moving shapes, with sound."""

import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image
from typer.testing import CliRunner

from colorify.cli import app
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from colorify.video import film, media, stills
from colorify.video.film import Options
from colorify.video.formats import VideoError, coding_of, samples
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
                yield SimpleNamespace(
                    is_corrupt=False, decode=lambda packet=packet: [self.stamped(f) for f in real(packet)]
                )

        def stamped(self, frame):
            frame.pts = next(given)
            return frame

    with av.open(str(source)) as clip:
        times = [frame.pts for frame in media.frames(Broken(clip))]
    assert times == sorted(set(times)) and len(times) == 6 and times[0] == 0 and times[-1] == 200


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
    film.colorize(source, out, colorizer, Options(codec=codec, quality=quality))
    before, after = read(source), read(out)
    assert [frame[0] for frame in before] == [frame[0] for frame in after]
    with av.open(str(out)) as clip:
        assert clip.streams.video[0].codec.canonical_name == kind
    off = max(np.abs(a[1].astype(float) - b[1]).mean() for a, b in zip(before, after, strict=True))
    assert off == 0 if quality == "lossless" else off < 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"codec": "h266"}, "choose one of libx264"),
        ({"codec": "libsvtav1", "quality": "lossless"}, "only high, small"),
        ({"codec": "ffv1", "quality": "lossless"}, r"needs a \.mkv"),
    ],
)
def test_knobs_that_cannot_be(colorizer, tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        film.colorize(make(tmp_path / "in.mkv", frames=2), tmp_path / "out.mp4", colorizer, Options(**options))
    assert {path.name for path in tmp_path.iterdir()} == {"in.mkv"}


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_film_is_seen_upright_and_stays_turned(colorizer, tmp_path, monkeypatch, degrees):
    seen = []
    chroma = colorizer.chroma
    monkeypatch.setattr(colorizer, "chroma", lambda x, knobs: seen.append(x[0]) or chroma(x, knobs))
    source, out = make(tmp_path / "in.mp4", codec="libx264", frames=4, turned=degrees), tmp_path / "out.mp4"
    film.colorize(source, out, colorizer, Options(quality="lossless"))
    with av.open(str(source)) as clip, av.open(str(out)) as written:
        before, after = next(clip.decode(video=0)), next(written.decode(video=0))
    assert before.rotation == after.rotation != 0
    upright = np.asarray(before.to_image().rotate(before.rotation, expand=True).convert("L"), float)
    small = cv2.resize(upright, seen[0].shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.corrcoef(small.ravel(), seen[0].ravel())[0, 1] > 0.95


def test_chapters_titles_and_tags_stay(colorizer, tmp_path):
    plain, source, out = make(tmp_path / "plain.mkv"), tmp_path / "in.mkv", tmp_path / "out.mkv"
    with av.open(str(plain)) as clip, av.open(str(source), "w") as tagged:
        video, audio = (tagged.add_stream_from_template(stream) for stream in clip.streams)
        video.codec_context.color_primaries, video.codec_context.color_trc = 1, 1
        audio.metadata["language"], audio.metadata["title"] = "deu", "Kommentar"
        tagged.metadata["title"] = "A film"
        base = Fraction(1, 1000)
        tagged.set_chapters(
            [
                {"id": n, "start": 500 * n, "end": 500 * n + 500, "time_base": base, "metadata": {"title": f"Part {n}"}}
                for n in range(2)
            ]
        )
        for packet in clip.demux():
            if packet.dts is not None:
                packet.stream = (video, audio)[packet.stream.index]
                tagged.mux(packet)
    film.colorize(source, out, colorizer)
    with av.open(str(source)) as before, av.open(str(out)) as after:
        assert [c["metadata"]["title"] for c in after.chapters()] == ["Part 0", "Part 1"]
        assert [c["start"] for c in after.chapters()] == [c["start"] for c in before.chapters()]
        assert after.metadata["title"] == "A film"
        assert after.streams.audio[0].metadata["title"] == "Kommentar"
        assert after.streams.audio[0].language == "deu"
        one, two = (clip.streams.video[0].codec_context for clip in (before, after))
        assert (one.color_primaries, one.color_trc) == (two.color_primaries, two.color_trc)
    late = tmp_path / "late.mkv"
    film.colorize(source, late, colorizer, Options(start=0.6))
    with av.open(str(late)) as after:
        assert [(c["metadata"]["title"], c["start"]) for c in after.chapters()] == [("Part 1", 0)]


@pytest.mark.parametrize("name", ["20.png", "0.667s.png"])
def test_a_keyframe_colours_the_frames_around_it(checkpoint, tmp_path, name):
    source, folder, model = make(tmp_path / "in.mkv"), tmp_path / "keys", tmp_path / "model.safetensors"
    checkpoints.save(checkpoint, model)
    folder.mkdir()
    with av.open(str(source)) as clip:
        gray = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)][20]
    Image.fromarray((gray * (1.0, 0.7, 0.4)).astype(np.uint8)).save(folder / name)
    out, plain = tmp_path / "out.mkv", tmp_path / "plain.mkv"
    colorizer = Colorizer.load(model, "cpu")
    film.colorize(source, out, colorizer, Options(keyframes=folder, quality="lossless"))
    film.colorize(source, plain, colorizer, Options(quality="lossless"))
    blue = [[frame[3][0].mean() - 128 for frame in read(path)] for path in (out, plain)]
    assert blue[0][20] < -8 and all(value < -4 for value in blue[0][12:28]) and blue[1][20] > -4


@pytest.mark.parametrize(
    ("name", "size", "options", "words"),
    [
        ("sky.png", (96, 64), {}, "by number"),
        ("9000.png", (96, 64), {}, "the film ends before"),
        ("5.png", (64, 64), {}, "not the shape"),
        ("5.png", (96, 64), {"start": 0.1}, "by time"),
        (None, None, {}, "no keyframes"),
    ],
)
def test_keyframes_that_cannot_be(colorizer, tmp_path, name, size, options, words):
    (tmp_path / "keys").mkdir()
    if name:
        Image.new("RGB", size).save(tmp_path / "keys" / name)
    with pytest.raises(ValueError, match=words):
        film.colorize(
            make(tmp_path / "in.mkv"), tmp_path / "out.mkv", colorizer, Options(keyframes=tmp_path / "keys", **options)
        )


def test_exported_keyframes_are_found_again(colorizer, tmp_path):
    source, folder = make(tmp_path / "in.mkv"), tmp_path / "keys"
    (first, *_) = written = stills.export_keyframes(source, folder, colorizer)
    assert first.name == "000000.000s.png" and sorted(folder.iterdir()) == written
    with Image.open(first) as picture:
        assert picture.size == (96, 64)
    with pytest.raises(VideoError, match="exists already"):
        stills.export_keyframes(source, folder, colorizer)
    done = film.colorize(source, tmp_path / "out.mkv", colorizer, Options(keyframes=folder, every=1000))
    assert done.looked < 30


def test_the_preview_shows_six_moments_gray_and_in_colour(colorizer, tmp_path):
    sheet = stills.preview(make(tmp_path / "in.mkv"), colorizer)
    assert sheet.width > 2 * 96 and sheet.height > 6 * 64
    pixels = np.asarray(sheet).astype(int)
    assert np.ptp(pixels[30:90, 8:96], axis=-1).max() <= 2 < np.ptp(pixels[30:90, 110:190], axis=-1).max()


def test_what_is_in_colour_already_stays(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv", colored=slice(10, 20)), tmp_path / "out.mkv"
    done = film.colorize(source, out, colorizer, Options(keep_color=True, quality="lossless"))
    for number, (before, after) in enumerate(zip(read(source), read(out), strict=True)):
        assert np.array_equal(before[1], after[1])
        assert all(map(np.array_equal, before[3], after[3])) == (10 <= number < 20)
    assert done.looked == 20


def test_a_picture_that_changes_its_size(colorizer, tmp_path):
    """A stream of two halves of different size, as broadcasts have them."""
    one, two = (make(tmp_path / f"{w}.ts", codec="mpeg2video", size=(w, 64), sound=False) for w in (96, 128))
    source, out = tmp_path / "in.ts", tmp_path / "out.mkv"
    source.write_bytes(one.read_bytes() + two.read_bytes())
    with pytest.raises(VideoError, match=r"changes its size from 96 x 64 to 128 x 64.*--end"):
        film.colorize(source, out, colorizer)
    assert film.colorize(source, out, colorizer, Options(end=0.5)).frames > 5


def test_a_cover_picture_is_no_film_and_is_kept(colorizer, tmp_path):
    source, out, song = make(tmp_path / "plain.mkv"), tmp_path / "out.mp4", tmp_path / "song.mp4"
    for path, kinds in ((tmp_path / "in.mp4", ("audio", "video")), (song, ("audio",))):
        with av.open(str(path), "w") as written, av.open(str(make(tmp_path / "x.mp4", codec="libx264"))) as clip:
            cover = written.add_stream("png")
            cover.width, cover.height, cover.pix_fmt = 16, 16, "rgb24"
            cover.disposition = Disposition.attached_pic
            copies = {s.index: written.add_stream_from_template(s) for s in clip.streams if s.type in kinds}
            written.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))))
            for packet in clip.demux():
                if packet.dts is not None and packet.stream.index in copies:
                    packet.stream = copies[packet.stream.index]
                    written.mux(packet)
    assert film.colorize(tmp_path / "in.mp4", out, colorizer).frames == 30
    with av.open(str(out)) as clip:
        assert sorted(stream.codec.name for stream in clip.streams) == ["aac", "h264", "png"]
        assert [bool(s.disposition & Disposition.attached_pic) for s in clip.streams.video] == [False, True]
    with pytest.raises(VideoError, match="no video stream"):
        film.colorize(song, tmp_path / "song-out.mp4", colorizer)
    assert source.exists()


def test_a_codec_that_is_not_known(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv")
    source.write_bytes(source.read_bytes().replace(b"V_FFV1", b"V_QQQQ"))
    with pytest.raises(VideoError, match="codec is not known"):
        film.colorize(source, tmp_path / "out.mkv", colorizer)


FULL = """
import resource
from colorify.inference import Colorizer
from colorify.video import film
film.PART = 32
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    film.colorize({source!r}, {out!r}, Colorizer.load({model!r}, "cpu"), film.Options(quality="lossless"))
except film.VideoError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [30_000, 400_000])
def test_a_full_disk_loses_nothing(checkpoint, tmp_path, monkeypatch, limit):
    """Full within a part, and while the parts are put together; with room again the film is made."""
    source, model, out = make(tmp_path / "in.mkv", frames=70), tmp_path / "model.safetensors", tmp_path / "out.mkv"
    checkpoints.save(checkpoint, model)
    code = FULL.format(limit=limit, source=str(source), out=str(out), model=str(model))
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "cannot be written" in result.stdout and "goes on" in result.stdout, result.stderr
    assert not out.exists()
    monkeypatch.setattr(film, "PART", 32)
    done = film.colorize(source, out, Colorizer.load(model, "cpu"), Options(quality="lossless"))
    assert done.frames == len(read(out)) == 70 and not list(tmp_path.glob(".*"))


def test_saturation_zero_is_gray(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer, Options(knobs=Knobs(saturation=0.0), quality="lossless"))
    assert all((plane == 128).all() for frame in read(out) for plane in frame[3])


KILLED = """
import os, signal, sys
from colorify.inference import Colorizer
from colorify.video import film, media, stills
film.PART = 32
def report(now):
    if now.frames == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
film.colorize({source!r}, {out!r}, Colorizer.load({model!r}, "cpu"), film.Options(quality="lossless", every=3), report)
"""


@pytest.mark.parametrize("at", [5, 32, 50, 67])
@pytest.mark.parametrize("frames", [80, 67])
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
    again = 65 if (frames, at) == (80, 67) else 33 if at > 32 else 1  # of 67 frames the last 19 leave together
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
    film.colorize(source, out, colorizer, Options(knobs=Knobs(saturation=0.0), quality="lossless"), told.append)
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
