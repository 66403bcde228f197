"""The studio without a browser: what its parts do when they are touched."""

import base64
import io
import re
from datetime import UTC, datetime
from threading import Event, Thread
from time import sleep

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from colorify import pictures
from colorify.color import rgb_to_lab
from colorify.knobs import Knobs
from colorify.widgets.session import Session
from colorify.widgets.studio import Studio
from conftest import photo


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


def test_every_control_has_a_label(studio):
    rows = [studio.knobs, studio.sources, studio.clip, studio.clip.children[-2], studio.results.children[0]]
    controls = [control for row in rows for control in row.children] + [studio.picker, studio.undo]
    assert all(control.description for control in controls if not isinstance(control, (widgets.Box, widgets.HTML)))
