"""Frames for other programs are those that the command writes."""

import numpy as np
import pytest

from colorify import video
from colorify.video import film
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError
from video.test_film import make, read


@pytest.mark.parametrize(
    ("clip", "options"),
    [
        ({}, {}),
        ({"pix_fmt": "yuv420p10le"}, {"every": 4}),
        ({"size": (97, 65), "pix_fmt": "yuv444p"}, {}),
        ({"frames": 60}, {"start": 0.5, "end": 1.2}),
        ({"colored": slice(10, 20)}, {"keep_color": True}),
    ],
    ids=str,
)
def test_frames_are_those_of_a_lossless_film(colorizer, tmp_path, clip, options):
    source, out = make(tmp_path / "in.mkv", **clip), tmp_path / "out.mkv"
    asked = FilmOptions(codec="ffv1", quality="lossless", **options)
    film.colorize(source, out, colorizer, asked)
    written, found = read(out), list(video.frames(source, colorizer, asked))
    assert len(found) == len(written) > 5
    for frame, (time, luma, _, chroma) in zip(found, written, strict=True):
        assert abs(frame.time - asked.start - time) <= 0.002
        assert all(map(np.array_equal, frame.planes, (luma, *chroma)))
        assert frame.rgb.shape == (*luma.shape, 3) and frame.rgb.dtype == luma.dtype
    assert frame.rgb.std((0, 1)).min() > 0 and (np.ptp(frame.rgb, axis=-1) > 0).any()


def test_a_loop_may_be_left(colorizer, tmp_path):
    first = next(video.frames(make(tmp_path / "in.mkv"), colorizer))
    assert first.time == 0 and [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_what_is_no_film_says_so(colorizer, tmp_path):
    with pytest.raises(VideoError, match=r"in\.mkv"):
        next(video.frames(tmp_path / "in.mkv", colorizer))


def test_nothing_else_is_offered():
    with pytest.raises(AttributeError, match="picture"):
        _ = video.picture
