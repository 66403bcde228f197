"""MXF: what it takes, what becomes of the rest, and what is said before."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from colorify.video import even, film, job
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError, samples
from video.test_gif import timed

NTSC = Fraction(24000, 1001)


@pytest.mark.parametrize(
    ("found", "rate"),
    [
        (Fraction(25), 25),
        (Fraction(24000, 1001), Fraction(24000, 1001)),
        (Fraction(23976, 1000), Fraction(24000, 1001)),
        (Fraction(2997, 100), Fraction(30000, 1001)),
        (Fraction(24), 24),
        (Fraction(15), None),
        (Fraction(18), None),
        (Fraction(2027, 100), None),
    ],
)
def test_the_rate_that_is_meant(found, rate):
    assert even.rate(found) == rate


def with_sound(path: Path, late: float = 0.0, seconds: float = 1.0, rate: int = 48000) -> Path:
    """A second of gray frames, 25 a second, and a click every fifth of one; sound begins so many seconds late."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio = out.add_stream("pcm_s16le", rate=rate, layout="stereo")
        for number in range(25):
            frame = av.VideoFrame(96, 64, "yuv420p")
            for plane in frame.planes:
                samples(plane, 8)[:] = 128
            samples(frame.planes[0], 8)[:, : 2 * number] = 60
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        clicks = np.zeros(round(seconds * rate), np.int16)
        clicks[rate // 10 :: rate // 5] = 20000
        step = rate // 50
        for at in range(0, len(clicks), step):
            frame = av.AudioFrame.from_ndarray(np.repeat(clicks[at : at + step], 2)[None], "s16", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = rate, round(late * rate) + at, Fraction(1, rate)
            out.mux(audio.encode(frame))
        out.mux(audio.encode(None))
    return path


def heard(path: Path) -> np.ndarray:
    """Samples ``(n,)`` of the left side."""
    with av.open(str(path)) as clip:
        return np.concatenate([frame.to_ndarray().reshape(-1, 2)[:, 0] for frame in clip.decode(audio=0)])


def test_sound_is_equal_and_on_the_picture(colorizer, tmp_path):
    source, out = with_sound(tmp_path / "in.mkv"), tmp_path / "out.mxf"
    assert job.check(source, out, FilmOptions(strict=True)) == []
    film.colorize(source, out, colorizer, FilmOptions(every=8))
    with av.open(str(out)) as clip:
        assert [stream.codec.name for stream in clip.streams] == ["mpeg2video", "pcm_s16le"]
        assert sum(1 for _ in clip.decode(video=0)) == 25
    assert np.array_equal(heard(source), heard(out))


@pytest.mark.parametrize("late", [0.3, 0.043])
def test_sound_that_begins_late_has_silence_before_it(colorizer, tmp_path, late):
    """An MXF has no times: without silence all would be heard too early; the picture's end is that of the sound."""
    source, out = with_sound(tmp_path / "in.mkv", late, 0.5), tmp_path / "out.mxf"
    film.colorize(source, out, colorizer, FilmOptions(every=8))
    found = heard(out)
    first = late + 0.1
    assert len(found) == 48000 and abs(np.flatnonzero(found)[0] / 48000 - first) < 0.0006  # Matroska rounds times
    assert (found[-4800:] == 0).all()


def test_sound_before_the_start_is_not_heard(colorizer, tmp_path):
    source, out = with_sound(tmp_path / "in.mkv"), tmp_path / "out.mxf"
    film.colorize(source, out, colorizer, FilmOptions(every=8, start=0.2, end=0.8))
    found = heard(out)
    assert len(found) == 0.6 * 48000 and abs(np.flatnonzero(found)[0] / 48000 - 0.1) < 0.0006


def test_where_no_sound_is_left_there_is_silence(colorizer, tmp_path):
    source, out = with_sound(tmp_path / "in.mkv", seconds=0.2), tmp_path / "out.mxf"
    film.colorize(source, out, colorizer, FilmOptions(every=8, start=0.4))
    found = heard(out)
    assert len(found) == 0.6 * 48000 and not found.any()


def test_sound_of_another_rate_and_what_is_too_long_are_told(colorizer, tmp_path):
    source = with_sound(tmp_path / "in.mkv", seconds=2, rate=44100)
    told = job.check(source, tmp_path / "out.mxf", FilmOptions())
    assert [line.partition(": ")[2] for line in told] == [
        "stream 1 (audio, pcm_s16le) becomes 48,000 samples a second",
        "1.00 seconds of sound after the picture are left out",
    ]
    film.colorize(source, tmp_path / "out.mxf", colorizer, FilmOptions(every=8))
    assert len(heard(tmp_path / "out.mxf")) == 48000


@pytest.mark.parametrize(
    ("times", "rate", "words"),
    [
        ([Fraction(n, 15) for n in range(8)], 15, r"15 frames a second.*23\.976, 24, 25"),
        ([Fraction(n, 25) for n in (0, 1, 2, 4, 5, 6, 7, 8)], 25, r"frames a second|do not come evenly"),
        ([Fraction(n, 25) for n in range(40)] + [Fraction(1615, 1000)], 25, "do not come evenly"),
    ],
)
def test_frames_that_an_mxf_cannot_count_are_refused(tmp_path, times, rate, words):
    source = timed(tmp_path / "in.mkv", times, rate)
    with pytest.raises(VideoError, match=words):
        job.check(source, tmp_path / "out.mxf", FilmOptions())


def test_times_that_are_rounded_are_even(colorizer, tmp_path):
    """Matroska counts thousandths; MPEG-2 counts frames, from the first one on, in every part."""
    source = timed(tmp_path / "in.mkv", [Fraction(1001 * n, 24000) + Fraction(31, 1500) for n in range(30)], NTSC)
    for codec in ("mpeg2video", "prores"):
        out = tmp_path / f"{codec}.mxf"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(film, "PART", 8)
            film.colorize(source, out, colorizer, FilmOptions(every=8, codec=codec))
        with av.open(str(out)) as clip:
            stream = clip.streams.video[0]
            assert [frame.pts for frame in clip.decode(stream)] == list(range(30))
            assert stream.time_base == Fraction(1001, 24000)


def test_fields_of_prores_are_refused(tmp_path):
    from video.test_fields import interlaced

    source = interlaced(tmp_path / "in.mkv", True, "ffv1")
    with pytest.raises(VideoError, match=r"which field of prores is first.*mpeg2video"):
        job.check(source, tmp_path / "out.mxf", FilmOptions(codec="prores"))


def test_a_timecode_goes_along(colorizer, tmp_path):
    source = tmp_path / "in.mov"
    with av.open(str(source), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.metadata["timecode"] = "10:00:00:00"
        for number in range(5):
            frame = av.VideoFrame(96, 64, "yuv420p")
            frame.pts = number
            for plane in frame.planes:
                samples(plane, 8)[:] = 128
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert job.check(source, tmp_path / "out.mxf", FilmOptions(strict=True)) == []
    film.colorize(source, tmp_path / "out.mxf", colorizer)
    with av.open(str(tmp_path / "out.mxf")) as clip:
        assert clip.metadata["timecode"] == "10:00:00:00"
        assert "colorify" in clip.metadata["comment_colored"]
