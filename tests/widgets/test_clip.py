"""The part of the studio for films."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorify.knobs import Knobs
from colorify.video import film, media, scene
from conftest import photo
from widgets.test_studio import carried, png, upload


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    moving = scene.camera(photo(5, 300, 200), (0.3, 0.5, 0.5), (0.7, 0.5, 0.5), 30, (96, 64))
    return scene.write_gray(moving, tmp_path_factory.mktemp("clip") / "pan.mp4")


def test_a_moment_of_a_film_is_worked_on(studio, clip):
    assert studio.clip.layout.display == "none"
    upload(studio, clip.read_bytes(), "pan.mp4")
    assert studio.message.value == "" and studio.clip.layout.display != "none" and studio.session.size == (96, 64)
    first = studio.compare.before
    studio.clip.moment.value = 0.8
    assert studio.compare.before != first
    studio.whole.click()
    assert "pan-0.80s-color.png" in studio.download.value
    upload(studio, png(photo(3)))
    assert studio.clip.layout.display == "none"


def test_a_stretch_of_a_film_is_coloured_as_asked(studio, clip, colorizer, tmp_path):
    studio.place.value = str(clip)
    studio.clip.moment.value, studio.clip.seconds.value = 0.4, 0.5
    studio.saturation.value, studio.clip.every.value = 0.5, 3
    studio.clip.button.click()
    assert studio.message.value == "" and studio.clip.bar.value == 1
    data = base64.b64decode(
        re.search(r'download="pan-color.mp4" href="data:video/mp4;base64,([^"]+)"', studio.clip.result.value)[1]
    )
    (tmp_path / "got.mp4").write_bytes(data)
    options = film.Options(knobs=Knobs(size=64, saturation=0.5), every=3, start=0.4, end=0.9)
    film.colorize(clip, tmp_path / "expected.mp4", colorizer, options)
    assert frames(tmp_path / "got.mp4") == frames(tmp_path / "expected.mp4") and len(frames(tmp_path / "got.mp4")) == 13


def test_hints_go_with_the_film(studio, clip, tmp_path):
    upload(studio, clip.read_bytes(), "pan.mp4")
    films = {}
    for hinted in (False, True):
        if hinted:
            studio.picker.value = "#c03020"
            for x in (0.2, 0.5, 0.8):
                studio.compare.pointed = {"x": x, "y": 0.5, "count": 1}
        studio.clip.button.click()
        assert studio.message.value == ""
        path = tmp_path / f"{hinted}.mp4"
        path.write_bytes(carried(studio.clip.result.value))
        films[hinted] = np.stack([np.asarray(picture.convert("RGB"), int) for picture in pictures_of(path)])
    redder = (films[True] - films[False])[..., 0].mean((1, 2)) - (films[True] - films[False])[..., 1].mean((1, 2))
    assert redder[0] > 5 and redder[10] > 3


def test_what_is_no_film_is_said(studio, tmp_path):
    before = studio.compare.after
    upload(studio, b"no film", "x.mp4")
    assert "cannot be read as a film" in studio.message.value and studio.compare.after == before
    studio.place.value = str(tmp_path / "gone.png")
    assert "no such file" in studio.message.value


def pictures_of(path: Path) -> list[Image.Image]:
    with media.opened(path) as opened:
        return [frame.to_image() for frame in media.frames(opened)]


def frames(path: Path) -> list[bytes]:
    return [picture.tobytes() for picture in pictures_of(path)]
