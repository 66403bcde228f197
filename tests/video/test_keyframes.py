"""Frames that a person coloured: named by number or time, and what they do."""

import av
import numpy as np
import pytest
from PIL import Image

from colorify.inference import Colorizer
from colorify.models import checkpoint as checkpoints
from colorify.video import film
from colorify.video.film import FilmOptions
from video.test_film import make, read


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
    film.colorize(source, out, colorizer, FilmOptions(keyframes=folder, quality="lossless"))
    film.colorize(source, plain, colorizer, FilmOptions(quality="lossless"))
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
            make(tmp_path / "in.mkv"),
            tmp_path / "out.mkv",
            colorizer,
            FilmOptions(keyframes=tmp_path / "keys", **options),
        )
