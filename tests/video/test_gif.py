"""Animated GIFs: every frame at its time, upright, shown as often as before, in colors that stand still."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.video import film, gif, job
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError, samples
from video.test_film import make


def timed(path: Path, times: list[Fraction], rate: int | Fraction = 24) -> Path:
    """Gray frames, one darker than the other, at these times."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time in enumerate(times):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane in frame.planes:
                samples(plane, 8)[:] = 128
            samples(frame.planes[0], 8)[:, :32] = 40 + 4 * number
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def lengths(path: Path) -> list[int]:
    """Milliseconds that each frame is shown."""
    with Image.open(path) as image:
        return [frame.info["duration"] for frame in ImageSequence.Iterator(image)]


def test_a_film_becomes_a_gif_that_is_shown_for_ever(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv", frames=20), tmp_path / "out.gif"
    told = job.check(source, out, FilmOptions())
    assert any("256 colors" in line for line in told) and any("(audio, pcm_s16le) is left out" in line for line in told)
    assert film.colorize(source, out, colorizer, FilmOptions(every=4)).frames == 20
    with Image.open(out) as image:
        assert (image.n_frames, image.size, image.info["loop"]) == (20, (96, 64), 0)
        assert b"colorify" in image.info["comment"]
        shown = np.stack([np.asarray(frame.convert("RGB"), float) for frame in ImageSequence.Iterator(image)])
    assert np.ptp(shown.mean((0, 1, 2))) > 1  # in color
    with pytest.raises(VideoError, match=r"256 colors.*without --strict"):
        job.check(source, out.with_name("other.gif"), FilmOptions(strict=True))


def test_luma_is_near(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv", frames=6, sound=False, full=True), tmp_path / "out.gif"
    film.colorize(source, out, colorizer, FilmOptions(knobs=Knobs(saturation=0.3)))
    with av.open(str(source)) as one, av.open(str(out)) as two:
        for before, after in zip(one.decode(video=0), two.decode(video=0), strict=True):
            luma = after.to_ndarray(format="rgb24") @ (0.299, 0.587, 0.114)
            assert np.sqrt(((samples(before.planes[0], 8) - luma) ** 2).mean()) < 6


def test_times_are_kept_to_the_hundredth(colorizer, tmp_path):
    times = [Fraction(n, 24) for n in range(12)] + [Fraction(n, 10) for n in range(6, 9)]
    film.colorize(timed(tmp_path / "in.mkv", times), out := tmp_path / "out.gif", colorizer, FilmOptions(every=8))
    begins = np.cumsum([0, *lengths(out)[:-1]]) / 1000
    assert np.abs(begins - [float(time) for time in times]).max() <= 0.0051


@pytest.mark.parametrize(("given", "loop"), [({"loop": 3}, 3), ({"loop": 0}, 0), ({}, -1)])
def test_a_gif_is_shown_as_often_as_before(colorizer, tmp_path, given, loop):
    pictures = [Image.new("L", (64, 48), 40 * n) for n in range(4)]
    for number, picture in enumerate(pictures):
        picture.paste(255, (10 * number, 0, 10 * number + 8, 48))
    source, out = tmp_path / "in.gif", tmp_path / "out.gif"
    pictures[0].save(source, save_all=True, append_images=pictures[1:], duration=[100, 50, 200, 80], **given)
    assert gif.loops(source) == loop
    film.colorize(source, out, colorizer, FilmOptions())
    assert gif.loops(out) == loop and lengths(out)[:3] == [100, 50, 200]


def test_other_films_are_shown_for_ever(tmp_path):
    assert gif.loops(make(tmp_path / "in.mkv", frames=2)) == 0


def test_what_is_too_fast_is_refused(tmp_path):
    source = timed(tmp_path / "in.mkv", [Fraction(n, 60) for n in range(6)], 60)
    with pytest.raises(VideoError, match=r"60 frames a second.*name a \.webm"):
        job.check(source, tmp_path / "out.gif", FilmOptions())


def test_pictures_are_upright_and_their_pixels_square(colorizer, tmp_path):
    source = make(tmp_path / "in.mp4", codec="libx264", frames=3, turned=90, sound=False)
    film.colorize(source, tmp_path / "out.gif", colorizer)
    with Image.open(tmp_path / "out.gif") as image:
        assert image.size == (64, 96)


def test_a_comment_of_any_length_harms_nothing(tmp_path):
    path, words = tmp_path / "a.gif", "Reel " * 200
    pictures = [Image.new("L", (8, 8), 80 * n) for n in range(3)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], loop=0)
    gif.say(path, words)
    with Image.open(path) as image:
        assert image.n_frames == 3 and image.info["comment"].decode() == words and image.info["loop"] == 0
    with av.open(str(path)) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 3
    assert [one.name for one in tmp_path.iterdir()] == ["a.gif"]


def test_several_parts_are_one_gif(colorizer: Colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(film, "PART", 8)
    source, out = make(tmp_path / "in.mkv", frames=30, sound=False), tmp_path / "out.gif"
    film.colorize(source, out, colorizer, FilmOptions(every=8))
    with Image.open(out) as image:
        assert image.n_frames == 30
