"""The studio without a browser: what its parts do when they are touched."""

import base64
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from time import sleep

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from colorify import pictures
from colorify.color import rgb_to_lab
from colorify.knobs import Knobs
from colorify.video import film, media, scene
from colorify.widgets.session import Session
from colorify.widgets.studio import Studio
from conftest import photo


@pytest.fixture
def studio(colorizer) -> Studio:
    return Studio(Session({"highres": colorizer, "mine": colorizer}))


def upload(studio: Studio, content: bytes, name: str = "photo.png") -> None:
    file = {"name": name, "type": "image/png", "size": len(content), "last_modified": datetime.now(UTC)}
    studio.upload.value = (file | {"content": memoryview(content)},)


def png(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def carried(page: str) -> bytes:
    """The file within a page."""
    return base64.b64decode(re.search(r'base64,([^"]+)"', page)[1])


def shown(studio: Studio) -> np.ndarray:
    """Lab of the picture behind the divider."""
    return rgb_to_lab(np.asarray(Image.open(io.BytesIO(studio.compare.after)), np.float32) / 255)


def chroma(studio: Studio) -> float:
    return float(np.hypot(shown(studio)[..., 1], shown(studio)[..., 2]).mean())


def test_sliders_change_the_picture_in_their_direction(studio):
    plain = chroma(studio)
    studio.saturation.value = 0.3
    assert chroma(studio) < 0.6 * plain
    studio.saturation.value = 0
    assert chroma(studio) < 1
    studio.reset.click()
    assert studio.saturation.value == 1 and chroma(studio) == pytest.approx(plain)
    studio.blur.value = 40
    assert np.abs(np.diff(shown(studio)[..., 1], axis=0)).mean() < 1.5 and studio.message.value == ""


def test_hints_are_added_recoloured_moved_removed_and_undone(studio):
    studio.picker.value = "#c03020"
    studio.compare.pointed = {"x": 0.25, "y": 0.5, "count": 1}
    (dot,) = studio.compare.hints
    assert (
        dot["color"] == "#c03020"
        and dot["name"] == "firebrick"
        and "firebrick" in studio.listed.children[0].children[0].value
    )
    lab = shown(studio)
    height, width = lab.shape[:2]
    assert lab[height // 2 - 2 : height // 2 + 3, width // 4 - 2 : width // 4 + 3, 1].mean() > 25
    studio.compare.hints = [dot | {"x": 0.75}]
    assert studio.asked().knobs.hints[0].x == pytest.approx(0.75 * studio.session.size[0], abs=1)
    studio.undo.click()
    assert studio.asked().knobs.hints[0].x == pytest.approx(0.25 * studio.session.size[0], abs=1)
    studio.listed.children[0].children[1].click()
    assert studio.asked().knobs.hints == () and studio.compare.hints == []
    studio.undo.click()
    assert len(studio.compare.hints) == 1


def test_an_upload_is_shown_scored_and_downloaded_whole(studio, colorizer):
    truth = photo(2, 1000, 700)
    upload(studio, png(truth))
    assert studio.message.value == "" and "de2000" in studio.scores.value
    studio.saturation.value = 0.5
    studio.whole.click()
    assert 'download="photo-color.png"' in studio.download.value and "1000 x 700" in studio.download.value
    got = np.asarray(Image.open(io.BytesIO(carried(studio.download.value))))
    (expected,) = colorizer.colorize([pictures.from_pil(truth)], Knobs(saturation=0.5))
    assert np.array_equal(got, expected.pixels)


def test_depth_is_kept(studio):
    deep = np.linspace(0, 65535, 60 * 80).astype(np.uint16).reshape(60, 80)
    upload(studio, png(Image.fromarray(deep)))
    studio.whole.click()
    assert carried(studio.download.value)[24] == 16, "bits a channel, of the PNG header"


def test_errors_are_said_in_words(studio):
    before = studio.compare.after
    upload(studio, b"no picture", "x<b>.png")
    assert "alert" in studio.message.value and "<b>.png" not in studio.message.value
    assert studio.compare.after == before
    studio.saturation.value = 0.5
    assert studio.message.value == "" and studio.compare.after != before


def test_all_models_stand_side_by_side(studio):
    studio.side.click()
    names = [re.search('alt="([^"]+)"', thumb.value)[1] for thumb in studio.strip.children]
    assert names == ["gray", "highres", "mine"] and studio.message.value == ""
    assert studio.more.disabled and studio.unsure.disabled, "no classifier among them"


def test_what_is_asked_last_is_shown(classifier, monkeypatch):
    """JupyterLab hands messages to several threads; the overlay is slow here."""
    studio = Studio(Session({"highres": classifier}))
    plain, slow, begun = studio.compare.after, studio.session.uncertainty, Event()
    monkeypatch.setattr(studio.session, "uncertainty", lambda: (begun.set(), sleep(0.3), slow())[-1])
    asking = Thread(target=lambda: setattr(studio.unsure, "value", True))
    asking.start()
    begun.wait()
    studio.reset.click()
    asking.join()
    assert not studio.unsure.value and studio.compare.after == plain


def test_an_idea_is_taken(classifier):
    studio = Studio(Session({"highres": classifier}))
    studio.more.click()
    _, take = studio.gallery.children[1].children
    before = shown(studio)
    take.click()
    assert studio.asked().model == "idea 2" and np.abs(shown(studio) - before).max() > 5
    upload(studio, png(photo(3)))
    assert studio.asked().model == "highres" and studio.gallery.children == () and studio.message.value == ""


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


def test_every_control_has_a_label(studio):
    rows = [studio.knobs, studio.sources, studio.clip, studio.clip.children[-2], studio.results.children[0]]
    controls = [control for row in rows for control in row.children] + [studio.picker, studio.undo]
    assert all(control.description for control in controls if not isinstance(control, (widgets.Box, widgets.HTML)))
