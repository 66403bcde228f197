"""What the page asks for, message by message."""

import io

import numpy as np
import pytest
from PIL import Image

from colorify.data import samples
from colorify.hints import read
from conftest import photo
from widgets.conftest import ab, hint, opened, sent, upload


def test_five_clicks_are_five_hints(studio):
    """However fast they come: each is a message of its own."""
    for number in range(5):
        hint(studio, "#c03020", (0.1 + 0.15 * number, 0.5))
    assert len(studio.hints) == 5


def test_hints_are_set_moved_recoloured_erased_undone_and_redone(studio):
    hint(studio, "#c03020", (0.25, 0.5))
    width, height = studio.picture["width"], studio.picture["height"]
    assert studio.hints == [{"x": width // 4, "y": height // 2, "color": "#c03020", "name": "fire brick"}]
    around = ab(studio)
    row, column = around.shape[0] // 2, around.shape[1] // 4
    assert around[row - 1 : row + 2, column - 1 : column + 2, 0].mean() > 25
    studio.act({"do": "move", "hint": 0, "x": 0.75, "y": 0.5})
    assert studio.hints[0]["x"] == int(0.75 * width)
    studio.act({"do": "recolor", "hint": 0, "color": "#2030c0"})
    assert studio.hints[0]["name"] != "fire brick"
    hint(studio, "#c03020", (0.2, 0.2), (0.3, 0.2), (0.4, 0.2))
    assert len(studio.hints) == 4, "a stroke"
    studio.act({"do": "undo"})
    assert len(studio.hints) == 1
    studio.act({"do": "redo"})
    studio.act({"do": "erase", "hints": [1, 3]})
    assert len(studio.hints) == 2
    studio.act({"do": "clear"})
    assert studio.hints == [] and studio.can["undo"]


def test_hints_are_saved_and_loaded_as_the_command_line_reads_them(studio, tmp_path):
    hint(studio, "#c03020", (0.25, 0.5), (0.6, 0.6))
    before, said = ab(studio), sent(studio)
    studio.act({"do": "save hints"})
    content, (file,) = said[-1]
    assert content == {"said": "file", "name": "china-hints.csv"}
    (tmp_path / "hints.csv").write_bytes(file)
    assert [(one.x, one.y) for one in read(tmp_path / "hints.csv")] == [(one["x"], one["y"]) for one in studio.hints]
    studio.act({"do": "clear"})
    upload(studio, "hints.csv", file)
    assert np.abs(ab(studio) - before).max() < 0.2 and studio.notice == {}
    upload(studio, "hints.csv", b"x,y,color\n1,2,nocolor\n")
    assert studio.notice["text"].startswith("hints.csv, line 2") and len(studio.hints) == 2


def test_likely_colours_are_said(choosy):
    said = sent(choosy)
    choosy.act({"do": "likely", "x": 0.3, "y": 0.4})
    colors = said[-1][0]["colors"]
    assert said[-1][0]["said"] == "likely" and len(colors) == 12 and all(color[0] == "#" for color, _, _ in colors)


def test_a_bad_upload_is_named_by_its_own_name(studio):
    before = studio.picture
    upload(studio, "bad.png", b"no picture")
    assert studio.notice["kind"] == "error" and studio.notice["text"].startswith("bad.png: ")
    upload(studio, "bad.mp4", b"no film")
    assert studio.notice["text"].startswith("bad.mp4: ") and studio.picture is before
    studio.act({"do": "path", "path": "/nowhere/gone.png"})
    assert studio.notice["text"].startswith("/nowhere/gone.png: ")
    studio.act({"do": "turn", "knobs": {"saturation": 1.2}})
    assert studio.notice == {}


def test_the_first_sample_can_be_chosen_again(studio, tmp_path):
    opened(studio, tmp_path / "mine.png", photo(3))
    first = studio.shelf[0]["name"]
    studio.act({"do": "sample", "name": first})
    assert studio.picture["name"] == first and len(studio.shelf) == 2


def test_samples_are_offered(studio):
    studio.wait()
    assert [one["name"] for one in studio.samples] == samples.names()
    assert max(Image.open(io.BytesIO(studio.samples[0]["image"])).size) <= 192


def test_pictures_are_closed(studio, tmp_path):
    studio.act({"do": "close", "item": studio.picture["number"]})
    assert "last picture stays" in studio.notice["text"]
    opened(studio, tmp_path / "mine.png", photo(3))
    studio.act({"do": "close", "item": studio.picture["number"]})
    assert studio.picture["name"] == "china" and len(studio.shelf) == 1


def test_ideas_come_one_after_the_other_and_stay(choosy):
    choosy.act({"do": "turn", "knobs": {"model": "idea 2"}})
    second = ab(choosy)
    choosy.act({"do": "ideas"})
    choosy.wait()
    assert len(choosy.strip) == 11 and choosy.knobs["model"] == "idea 2"
    assert np.array_equal(ab(choosy), second)


def test_reset_leaves_the_export_alone(choosy):
    choosy.act({"do": "turn", "knobs": {"model": "lowres", "saturation": 2.0, "format": ".tif"}})
    choosy.act({"do": "reset"})
    assert (choosy.knobs["model"], choosy.knobs["saturation"], choosy.knobs["format"]) == ("highres", 1.0, ".tif")


def test_another_model_brings_its_size(choosy, monkeypatch):
    monkeypatch.setattr(choosy.session.models["lowres"], "size", 96)
    choosy.act({"do": "turn", "knobs": {"model": "lowres"}})
    assert choosy.knobs["size"] == 96


def test_every_message_is_answered(studio):
    studio.act({"do": "turn", "knobs": {"saturation": 99}, "number": 7})
    assert studio.answered == 7 and "0 to 3" in studio.notice["text"]


def test_what_is_unknown_is_an_error(studio):
    with pytest.raises(KeyError):
        studio.act({"do": "nonsense"})


def test_references_palettes_and_masks_are_given_and_taken_away(studio, tmp_path):
    plain = ab(studio)
    photo(5, 200, 150).save(tmp_path / "like.png")
    content = (tmp_path / "like.png").read_bytes()
    for name in ("references", "mask"):
        studio.act(
            {"do": "part", "upload": name, "name": "like.png", "part": 0, "of": 1, "knob": name}, [memoryview(content)]
        )
    assert "like.png" in studio.notice["text"] and "shape" in studio.notice["text"], "the mask is no picture of it"
    assert [one["name"] for one in studio.guides["references"]] == ["like.png"] and studio.guides["mask"] == []
    liked = ab(studio)
    assert "reference_strength" not in studio.disabled and not np.array_equal(liked, plain)
    studio.act({"do": "turn", "knobs": {"palette": "navy"}})
    assert "two or more" in studio.notice["text"] and studio.knobs["palette"] == ""
    studio.act({"do": "turn", "knobs": {"palette": "navy,orange"}})
    assert studio.notice == {} and not np.array_equal(ab(studio), liked)
    studio.act({"do": "turn", "knobs": {"references": [], "palette": ""}})
    assert np.array_equal(ab(studio), plain) and "reference_strength" in studio.disabled
