"""Before the first frame: what a container takes as it is, what is converted, what is left out, and said."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.subtitles.subtitle import SubtitleSet
from typer.testing import CliRunner

from colorify import inference
from colorify.cli import app
from colorify.video import film, formats, job, trial
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError, samples

HEADER = b"""[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Italic, Underline, Alignment
Style: Default,Arial,16,&Hffffff,0,0,0,2
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
WORDS = [(0, 200, b"Hello"), (250, 150, b"Two lines")]  # begin, length, ms


def with_beside(path: Path, sound: str | None = None, text: str | None = None, layout: str = "mono") -> Path:
    """Twelve gray frames with a sound, subtitles, or both."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio = out.add_stream(sound, rate=8000, layout=layout) if sound else None
        if sound == "wmav2":
            audio.codec_context.bit_rate = 32_000
        words = out.add_stream(text) if text else None
        if words:
            words.codec_context.subtitle_header = HEADER
        for number in range(12):
            frame = av.VideoFrame(96, 64, "yuv420p")
            for plane in frame.planes:
                samples(plane, 8)[:] = 128
            samples(frame.planes[0], 8)[:, : 8 * number] = 60
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio:
            heard = (np.sin(np.arange(3840) / 9) * 20000).astype(np.int16)
            many = np.tile(heard[:, None], audio.codec_context.layout.nb_channels).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(many, "s16", layout)
            frame.sample_rate, frame.pts = 8000, 0
            resampler = av.AudioResampler(audio.codec_context.format, layout, 8000)
            for ready in resampler.resample(frame):
                out.mux(audio.encode(ready))
            out.mux(audio.encode(None))
        for number, (begin, length, said) in enumerate(WORDS if words else ()):
            said = b"%d,0,Default,,0,0,0,,%s" % (number, said)
            packet = words.codec_context.encode_subtitle(SubtitleSet.create(said, 0, length, begin))
            packet.stream, packet.pts, packet.dts, packet.duration = words, begin, begin, length
            out.mux(packet)
    return path


def texts(path: Path) -> list[tuple[int, str]]:
    """Begin, ms, and words of the subtitles."""
    found = []
    with av.open(str(path)) as clip:
        stream = clip.streams.subtitles[0]
        for packet in clip.demux(stream):
            for rect in stream.decode(packet) if packet.size else ():
                if words := re.sub(r"\{[^}]*\}", "", rect.dialogue.decode()):
                    found.append((round(packet.pts * packet.time_base * 1000), words))
    return found


def heard(path: Path) -> np.ndarray:
    with av.open(str(path)) as clip:
        return np.concatenate([frame.to_ndarray().ravel() for frame in clip.decode(audio=0)])


@pytest.mark.parametrize("out", ["out.mkv", "out.mp4", "out.mov"])
@pytest.mark.parametrize("text", ["in.mkv subrip", "in.mkv ass", "in.mkv webvtt", "in.mp4 mov_text"])
def test_subtitles_of_text_go_into_every_container(colorizer, tmp_path, text, out):
    name, kind = text.split()
    source = with_beside(tmp_path / name, text=kind)
    assert [words for _, words in texts(source)] == ["Hello", "Two lines"]
    film.colorize(source, tmp_path / out, colorizer, FilmOptions(every=8))
    assert texts(tmp_path / out) == texts(source)


@pytest.mark.parametrize(
    ("sound", "name", "layout"),
    [
        ("pcm_alaw", "in.avi", "mono"),
        ("pcm_mulaw", "in.mov", "mono"),
        ("pcm_u8", "in.avi", "stereo"),
        ("pcm_s16le", "in.avi", "2.1"),
        ("flac", "in.mkv", "stereo"),
        ("pcm_s24le", "in.mkv", "mono"),
        ("alac", "in.mov", "mono"),
    ],
)
@pytest.mark.parametrize("out", ["out.mkv", "out.mp4", "out.mov"])
def test_sound_without_loss_goes_into_every_container(colorizer, tmp_path, sound, name, layout, out):
    source = with_beside(tmp_path / name, sound, layout=layout)
    assert not any("left out" in note for note in job.check(source, tmp_path / out, FilmOptions()))
    film.colorize(source, tmp_path / out, colorizer, FilmOptions(every=8))
    before, after = heard(source).astype(float), heard(tmp_path / out).astype(float)
    if before.max() < 256 and before.min() >= 0:  # of 8 bits, into 16
        before = (before - 128) * 256 if after.max() > 256 else before
    assert len(before) and np.array_equal(before, after)


@pytest.mark.parametrize("sound", ["wmav2", "adpcm_ms"])
def test_sound_that_matroska_alone_holds(colorizer, tmp_path, sound):
    """In a .mkv packet by packet; in a .mp4 it is left out, which is said, and refused if nothing may be lost."""
    source = with_beside(tmp_path / "in.avi", sound)
    assert job.check(source, tmp_path / "out.mkv", FilmOptions()) == []
    film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(every=8))
    assert np.array_equal(heard(source), heard(tmp_path / "out.mkv"))
    (note,) = job.check(source, tmp_path / "out.mp4", FilmOptions())
    assert note == f"{source}: stream 1 (audio, {sound}) is left out: a .mp4 cannot hold it"
    with pytest.raises(VideoError, match=rf"audio, {sound}.*without --strict"):
        job.check(source, tmp_path / "out.mp4", FilmOptions(strict=True))
    film.colorize(source, tmp_path / "out.mp4", colorizer, FilmOptions(every=8))
    with av.open(str(tmp_path / "out.mp4")) as clip:
        assert [stream.type for stream in clip.streams] == ["video"]


def test_a_subtitle_that_is_seen_at_the_start_begins_there(colorizer, tmp_path):
    source = with_beside(tmp_path / "in.mkv", text="subrip")
    film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(every=8, start=0.12))
    assert texts(tmp_path / "out.mkv") == [(0, "Hello"), (130, "Two lines")]
    film.colorize(source, tmp_path / "late.mkv", colorizer, FilmOptions(every=8, start=0.24))
    assert texts(tmp_path / "late.mkv") == [(10, "Two lines")]


def test_an_encoder_that_cannot_is_told_before_the_model_is_loaded(tmp_path, monkeypatch):
    """DNxHR has no pictures as small as these."""
    monkeypatch.setattr(inference.Colorizer, "load", lambda *_: pytest.fail("the model was loaded"))
    source = with_beside(tmp_path / "in.mkv")
    result = CliRunner().invoke(app, ["video", str(source), "-o", str(tmp_path / "out.mov"), "--codec", "dnxhr"])
    assert result.exit_code == 1 and "codec dnxhr cannot hold frames of 96 x 64" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv"]


def test_nothing_is_left_of_a_trial(tmp_path, monkeypatch):
    source, seen = with_beside(tmp_path / "in.mkv", "flac", "subrip"), []
    real = trial._encode
    monkeypatch.setattr(trial, "_encode", lambda part, target: seen.append(part.parent) or real(part, target))
    job.check(source, tmp_path / "out.mov", FilmOptions())
    assert seen and not seen[0].exists()


def test_an_encoder_that_fails_is_told_before_the_model_is_loaded(tmp_path, monkeypatch):
    source = with_beside(tmp_path / "in.mkv")
    monkeypatch.setitem(formats.CODECS["libx264"], "high", {"preset": "no such preset"})
    with pytest.raises(VideoError, match=r"in\.mkv: cannot be written by libx264 into a \.mkv: "):
        job.check(source, tmp_path / "out.mkv", FilmOptions())
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_sound_becomes_opus_in_webm_and_stays_on_the_picture(colorizer, tmp_path):
    source, out = with_beside(tmp_path / "in.mkv", "flac", "subrip"), tmp_path / "out.webm"
    told = [line.removeprefix(f"{source}: ") for line in job.check(source, out, FilmOptions())]
    assert told == ["stream 1 (audio, flac) becomes opus, with some loss", "stream 2 (subtitle, srt) becomes webvtt"]
    film.colorize(source, out, colorizer, FilmOptions(every=8, quality="lossless"))
    assert texts(out) == texts(source)
    with av.open(str(out)) as clip:
        assert [stream.codec.canonical_name for stream in clip.streams] == ["vp9", "opus", "webvtt"]
        first = next(clip.decode(audio=0))
        assert abs(float(first.pts * first.time_base)) < 0.001
    before, after = np.repeat(heard(source).astype(float), 6), heard(out).astype(float)
    inner = slice(4800, 17000)
    assert len(after) >= len(before) and np.corrcoef(before[inner], after[inner])[0, 1] > 0.95


def test_opus_is_copied(colorizer, tmp_path):
    first = film.colorize(
        with_beside(tmp_path / "in.mkv", "flac"), tmp_path / "a.webm", colorizer, FilmOptions(every=8)
    )
    assert first.frames == 12 and job.check(tmp_path / "a.webm", tmp_path / "b.webm", FilmOptions()) == []
    film.colorize(tmp_path / "a.webm", tmp_path / "b.webm", colorizer, FilmOptions(every=8))
    packets = []
    for name in ("a.webm", "b.webm"):
        with av.open(str(tmp_path / name)) as clip:
            packets.append([bytes(packet) for packet in clip.demux(audio=0) if packet.size])
    assert packets[0] == packets[1] and packets[0]


@pytest.mark.parametrize(
    ("name", "lost"),
    [("out.webm", []), ("out.mxf", ["title", "chapters", "rotation"]), ("out.gif", ["title", "chapters"])],
)
def test_words_that_a_container_cannot_say_are_named(tmp_path, name, lost):
    source = tmp_path / "in.mkv"
    plain = with_beside(tmp_path / "plain.mkv")
    with av.open(str(plain)) as given, av.open(str(source), "w") as out:
        stream = out.add_stream_from_template(given.streams.video[0])
        stream.set_display_rotation(90)
        out.metadata["title"] = "Reel 1"
        out.set_chapters(
            [{"id": 1, "start": 0, "end": 200, "time_base": Fraction(1, 1000), "metadata": {"title": "a"}}]
        )
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    told = [line for line in job.check(source, tmp_path / name, FilmOptions()) if "cannot say it" in line]
    assert [line.split("its ")[1].split(" ")[0] for line in told] == [*lost]


def test_a_language_that_mxf_cannot_say_is_named(tmp_path):
    source = tmp_path / "in.mkv"
    with av.open(str(with_beside(tmp_path / "plain.mkv", "flac"))) as given, av.open(str(source), "w") as out:
        made = {stream.index: out.add_stream_from_template(stream) for stream in given.streams}
        made[1].metadata["language"] = "fra"
        for packet in given.demux():
            if packet.size:
                packet.stream = made[packet.stream.index]
                out.mux(packet)
    told = "the language of its streams is left out: a .mxf cannot say it"
    assert any(told in line for line in job.check(source, tmp_path / "out.mxf", FilmOptions()))
    assert not any("language of" in line for line in job.check(source, tmp_path / "out.webm", FilmOptions()))
