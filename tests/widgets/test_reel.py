"""The part of the studio for films."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorify.hints import Hint, ab_of
from colorify.knobs import Knobs
from colorify.video import film, media
from conftest import photo
from widgets.conftest import ab, hint, opened, sent, stroke, upload


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


def colors(path: Path) -> np.ndarray:
    """How far from gray each pixel of each frame is ``(T, H, W)``."""
    return np.stack([np.ptp(np.asarray(picture.convert("RGB"), int), axis=-1) for picture in images(path)])


@pytest.mark.parametrize("doing", ["preview", "stretch"])
def test_a_region_goes_with_the_film(studio, clip, colorizer, tmp_path, doing):
    """Of all its frames, wherever it was painted: what the library makes with the mask that is saved."""
    opened(studio, clip)
    stroke(studio, (0.25, 0.0), (0.25, 1.0), radius=0.15)
    ((_, (mask,)),) = asked(studio, "save region")
    (tmp_path / "mask.png").write_bytes(mask)
    studio.act({"do": "moment", "time": 0.8})
    start = studio.film["moment"] if doing == "stretch" else 0.0
    studio.act({"do": "moment", "time": start})
    said = asked(studio, doing)
    (tmp_path / "got.mp4").write_bytes(said[0][1][0] if said else studio.clip["film"])
    options = film.FilmOptions(knobs=Knobs(size=64, mask=tmp_path / "mask.png"), start=start)
    film.colorize(clip, tmp_path / "expected.mp4", colorizer, options)
    got, expected = colors(tmp_path / "got.mp4"), colors(tmp_path / "expected.mp4")
    assert got.shape == expected.shape == (30 if doing == "preview" else 10, 64, 96)
    assert np.abs(got - expected).mean() < 0.5
    assert got[:, :, 16:32].mean() > 5 and got[:, :, 48:].max() < 4, "gray of a film is not all of one value in RGB"


def test_hints_are_those_of_their_moments(studio, clip, colorizer, tmp_path):
    """As the library takes them, with their times; each in its shot."""
    opened(studio, clip)
    hint(studio, "#c03020", (0.5, 0.5))
    studio.act({"do": "moment", "time": 0.8})
    hint(studio, "#2030c0", (0.5, 0.5))
    asked(studio, "whole")
    (tmp_path / "got.mp4").write_bytes(studio.clip["film"])
    hints = [Hint(48, 32, ab_of("#c03020"), time=0.0), Hint(48, 32, ab_of("#2030c0"), time=studio.film["moment"])]
    options = film.FilmOptions(knobs=Knobs(size=64, hints=tuple(hints)))
    film.colorize(clip, tmp_path / "expected.mp4", colorizer, options)
    got, expected = (
        np.stack([np.asarray(one.convert("RGB"), int) for one in images(tmp_path / f"{name}.mp4")])
        for name in ("got", "expected")
    )
    assert np.abs(got - expected).mean() < 0.5
    redder = (got[..., 0] - got[..., 2])[:, 30:34, 46:50].mean((1, 2))
    assert redder[5] > 20 and redder[25] < -20


def test_hints_of_a_film_are_saved_and_loaded(studio, clip, tmp_path):
    opened(studio, clip)
    hint(studio, "#c03020", (0.5, 0.5))
    studio.act({"do": "moment", "time": 0.8})
    hint(studio, "#2030c0", (0.25, 0.5), (0.75, 0.5))
    before, keys = ab(studio), studio.film["keys"]
    ((_, (file,)),) = asked(studio, "save hints")
    assert file.decode().splitlines()[:2] == ["time,x,y,color", "0.000,48,32,#c03020"]
    for time in keys:
        studio.act({"do": "moment", "time": time})
        studio.act({"do": "clear"})
    assert studio.film["keys"] == []
    upload(studio, "hints.csv", file)
    assert studio.notice == {} and studio.film["keys"] == keys and len(studio.hints) == 2
    assert np.abs(ab(studio) - before).max() < 0.2
    studio.act({"do": "moment", "time": 0.0})
    assert [(one["x"], one["y"]) for one in studio.hints] == [(48, 32)]


def test_hints_of_frames_of_times_between_and_of_none(studio, clip):
    """A frame by its number; a time at the nearest frame, as the library has it; without both, at this moment."""
    opened(studio, clip)
    upload(studio, "hints.csv", b"frame,time,x,y,color\n20,,5,6,red\n,0.415,7,8,red\n,,9,9,red\n")
    assert studio.notice == {}
    assert studio.film["keys"] == pytest.approx([0.0, 0.4, 0.8]) and len(studio.hints) == 1
    upload(studio, "hints.csv", b"time,x,y,color\n99,5,6,red\n")
    assert "the film ends after" in studio.notice["text"] and len(studio.film["keys"]) == 3
    opened(studio, clip.parent / "photo.png", photo(3))
    upload(studio, "hints.csv", b"time,x,y,color\n0.5,5,6,red\n")
    assert "for films" in studio.notice["text"] and studio.hints == []


def test_hints_before_a_stretch_are_named(studio, clip):
    """They hold from their frame on, and in their shot alone."""
    opened(studio, clip)
    studio.wait()
    hint(studio, "#c03020", (0.5, 0.5))
    for time, said in ((0.0, ""), (0.4, "Hints at 0.00 s come before"), (0.8, "")):
        studio.act({"do": "moment", "time": time})
        asked(studio, "preview")
        assert studio.notice.get("text", "").startswith(said) and bool(said) == bool(studio.notice)


def test_what_films_have_not_is_left_out_of_them(studio, clip):
    """A badge is for the picture that is saved; a film has none, and is made nevertheless."""
    opened(studio, clip)
    studio.act({"do": "turn", "knobs": {"badge": True, "tta": False}})
    asked(studio, "preview")
    assert studio.notice == {} and studio.clip["film"]


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
