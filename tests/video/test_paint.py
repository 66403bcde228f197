"""Chroma is laid under the luma of a frame: turned, kept, or none."""

import av
import cv2
import numpy as np
import pytest

from colorify.knobs import Knobs
from colorify.video import film
from colorify.video.film import FilmOptions
from video.test_film import make, read


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_film_is_seen_upright_and_stays_turned(colorizer, tmp_path, monkeypatch, degrees):
    seen = []
    chroma = colorizer.chroma
    monkeypatch.setattr(colorizer, "chroma", lambda x, knobs: seen.append(x[0]) or chroma(x, knobs))
    source, out = make(tmp_path / "in.mp4", codec="libx264", frames=4, turned=degrees), tmp_path / "out.mp4"
    film.colorize(source, out, colorizer, FilmOptions(quality="lossless"))
    with av.open(str(source)) as clip, av.open(str(out)) as written:
        before, after = next(clip.decode(video=0)), next(written.decode(video=0))
    assert before.rotation == after.rotation != 0
    upright = np.asarray(before.to_image().rotate(before.rotation, expand=True).convert("L"), float)
    small = cv2.resize(upright, seen[0].shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.corrcoef(small.ravel(), seen[0].ravel())[0, 1] > 0.95


def test_what_is_in_colour_already_stays(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv", colored=slice(10, 20)), tmp_path / "out.mkv"
    done = film.colorize(source, out, colorizer, FilmOptions(keep_color=True, quality="lossless"))
    for number, (before, after) in enumerate(zip(read(source), read(out), strict=True)):
        assert np.array_equal(before[1], after[1])
        assert all(map(np.array_equal, before[3], after[3])) == (10 <= number < 20)
    assert done.looked == 20


def test_saturation_zero_is_gray(colorizer, tmp_path):
    source, out = make(tmp_path / "in.mkv"), tmp_path / "out.mkv"
    film.colorize(source, out, colorizer, FilmOptions(knobs=Knobs(saturation=0.0), quality="lossless"))
    assert all((plane == 128).all() for frame in read(out) for plane in frame[3])
