"""The part of the studio for films."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorify.knobs import Knobs
from colorify.video import film, media
from conftest import photo
from widgets.conftest import ab, hint, opened, sent


def images(path: Path) -> list[Image.Image]:
    with media.opened(path) as opened:
        return [frame.to_image() for frame in media.frames(opened)]


def asked(studio, doing: str) -> tuple[list, Path]:
    """Do it to the end, and give what the page gets."""
    said = sent(studio)
    studio.act({"do": doing})
    studio.wait()
    assert studio.progress == {}, "it is over"
    return said


def test_a_film_has_a_time_line(studio, clip):
    opened(studio, clip)
    studio.wait()
    assert studio.film["length"] == pytest.approx(1.2) and studio.film["shots"] == pytest.approx([0.0, 0.6])
    assert len(studio.stills) == 12 and studio.picture["film"] and studio.notice == {}
    first = ab(studio)
    studio.act({"do": "moment", "time": 0.8})
    assert studio.film["moment"] == pytest.approx(0.8) and not np.array_equal(ab(studio), first)
    opened(studio, clip.parent / "photo.png", photo(3))
    assert studio.film == {} and studio.stills == []


def test_moments_with_hints_are_key_frames(studio, clip):
    opened(studio, clip)
    hint(studio, "#c03020", (0.5, 0.5))
    studio.act({"do": "moment", "time": 0.8})
    assert studio.hints == [] and studio.film["keys"] == [0.0]
    studio.act({"do": "moment", "time": 0.0})
    assert len(studio.hints) == 1


def test_a_stretch_is_coloured_as_asked(choosy, clip, classifier, tmp_path):
    """Model, temperature, saturation and idea reach the film."""
    opened(choosy, clip)
    choosy.act({"do": "moment", "time": 0.2})
    knobs = {"model": "idea 2", "temperature": 0.1, "saturation": 0.5, "every": 3, "seconds": 0.5, "memory": 4}
    choosy.act({"do": "turn", "knobs": knobs})
    ((content, (data,)),) = asked(choosy, "stretch")
    assert content == {"said": "file", "name": "pan-color.mp4"} and choosy.notice == {}
    (tmp_path / "got.mp4").write_bytes(data)
    wanted = Knobs(size=64, saturation=0.5, temperature=0.1, idea=2)
    start = choosy.film["moment"]
    options = film.FilmOptions(knobs=wanted, every=3, memory=4, start=start, end=start + 0.5)
    film.colorize(clip, tmp_path / "expected.mp4", classifier, options)
    got, expected = images(tmp_path / "got.mp4"), images(tmp_path / "expected.mp4")
    assert len(got) == len(expected) and 12 <= len(got) <= 13
    for one, other in zip(got, expected, strict=True):  # the last digit of a network may differ
        assert np.abs(np.asarray(one, float) - np.asarray(other, float)).mean() < 0.5


def test_a_preview_is_two_seconds_and_no_download(studio, clip, tmp_path):
    opened(studio, clip)
    assert asked(studio, "preview") == []
    (tmp_path / "got.mp4").write_bytes(studio.clip["film"])
    assert studio.clip["start"] == 0 and len(images(tmp_path / "got.mp4")) == 30


def test_hints_go_with_the_film(studio, clip, tmp_path):
    opened(studio, clip)
    films = {}
    for hinted in (False, True):
        if hinted:
            hint(studio, "#c03020", (0.2, 0.5), (0.5, 0.5), (0.8, 0.5))
        asked(studio, "preview")
        path = tmp_path / f"{hinted}.mp4"
        path.write_bytes(studio.clip["film"])
        films[hinted] = np.stack([np.asarray(picture.convert("RGB"), int) for picture in images(path)])
    redder = (films[True] - films[False])[..., 0].mean((1, 2)) - (films[True] - films[False])[..., 1].mean((1, 2))
    assert redder[0] > 5 and redder[8] > 3


def test_a_run_is_stopped(studio, clip, monkeypatch):
    opened(studio, clip)
    studio.wait()
    real = film.colorize

    def stopping(source, out, colorizer, options, progress):
        studio.act({"do": "stop"})
        return real(source, out, colorizer, options, progress)

    monkeypatch.setattr("colorify.widgets.reel.film.colorize", stopping)
    assert asked(studio, "whole") == [] and studio.notice == {"text": "Stopped.", "kind": "note"}


def test_a_film_needs_a_model(studio, clip):
    studio.act({"do": "preview"})
    assert "open a film" in studio.notice["text"]
    opened(studio, clip)
    studio.act({"do": "turn", "knobs": {"model": "gray"}})
    studio.act({"do": "preview"})
    assert "choose one in the strip" in studio.notice["text"]
