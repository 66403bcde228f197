"""A region that is painted in the studio is a mask: of the library, of the command line, and of the history."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_batch import tinted

from colorify import pictures
from colorify.knobs import Knobs
from conftest import photo
from widgets.conftest import hint, opened, sent, stroke, upload


@pytest.fixture
def mine(studio, tmp_path):
    """A photograph that is open."""
    return opened(studio, tmp_path / "mine.png", photo(2, 300, 200))


def region(studio) -> np.ndarray | None:
    """What the page shows of it: ``(h, w)``."""
    return np.asarray(Image.open(io.BytesIO(studio.region["mask"])), int) if studio.region else None


def given(studio, doing: str) -> bytes:
    said = sent(studio)
    studio.act({"do": doing})
    studio.wait()
    ((_, (data,)),) = said
    return data


def test_what_is_painted_is_coloured_and_nothing_else(studio, mine, colorizer):
    stroke(studio, (0.2, 0.5), (0.4, 0.5), soft=0.5)
    found = region(studio)
    assert found.shape == (200, 300) and found[100, 90] == 255 and found[100, 200] == 0 and studio.region["laid"]
    mask = Image.open(io.BytesIO(given(studio, "save region")))
    assert np.array_equal(np.asarray(mask), found)
    (expected,) = colorizer.colorize([pictures.read(mine)], Knobs(mask=mask))
    assert np.array_equal(np.asarray(studio.result), expected.pixels)
    assert np.ptp(expected.pixels[100, 90].astype(int)) > 0


def test_what_is_left_black_stays_as_it_was(studio, mine):
    stroke(studio, (0.5, 0.5), mode="black")
    found, result = region(studio), np.asarray(studio.result)
    assert found[100, 150] == 0 and found[5, 5] == 255
    assert np.array_equal(result[95:105, 145:155], np.asarray(Image.open(mine))[95:105, 145:155])


def test_steps_are_undone_with_those_of_the_hints(studio, mine):
    stroke(studio, (0.2, 0.5))
    first = region(studio)
    hint(studio, "#c03020", (0.5, 0.5))
    stroke(studio, (0.6, 0.5))
    second = region(studio)
    for expected, hints in ((first, 1), (first, 0), (None, 0)):
        studio.act({"do": "undo"})
        assert len(studio.hints) == hints and np.array_equal(region(studio), expected)
    assert not studio.can["undo"] and studio.knobs["mask"] == []
    for _ in range(3):
        studio.act({"do": "redo"})
    assert len(studio.hints) == 1 and np.array_equal(region(studio), second)
    studio.act({"do": "turn", "knobs": {"mask": []}})
    assert studio.region == {}
    studio.act({"do": "undo"})
    assert np.array_equal(region(studio), second), "clearing is a step too"


def test_erasing_all_of_it_leaves_no_mask(studio, mine):
    stroke(studio, (0.3, 0.5), soft=0.5)
    stroke(studio, (0.3, 0.5), mode="erase", radius=0.5)
    assert studio.knobs["mask"] == [] and studio.region == {}
    stroke(studio, (0.3, 0.5), mode="erase")
    assert "paint a region first" in studio.notice["text"] and studio.region == {}


def test_inverted_it_is_its_opposite(studio, mine):
    studio.act({"do": "invert"})
    assert "paint a region first" in studio.notice["text"]
    stroke(studio, (0.3, 0.5), soft=0.5)
    before = region(studio)
    studio.act({"do": "invert"})
    assert np.array_equal(region(studio), 255 - before)
    stroke(studio, (0.3, 0.5), mode="erase", radius=0.5)
    assert studio.knobs["mask"] == [], "paint comes off an inverted one too"


def test_an_uploaded_mask_is_painted_on_and_comes_back(studio, mine):
    half = np.zeros((200, 300), np.uint8)
    half[:, 150:] = 255
    content = io.BytesIO()
    Image.fromarray(half).save(content, "PNG")
    upload(studio, "half.png", content.getvalue(), knob="mask")
    (uploaded,) = studio.knobs["mask"]
    stroke(studio, (0.25, 0.5))
    assert region(studio)[100, 75] == 255 and np.array_equal(region(studio)[:, 150:], half[:, 150:])
    stroke(studio, (0.25, 0.5), mode="erase", radius=0.3)
    assert studio.knobs["mask"] == [uploaded]


def test_each_picture_has_its_own(studio, mine, tmp_path):
    stroke(studio, (0.2, 0.5))
    kept, number = region(studio), studio.picture["number"]
    opened(studio, tmp_path / "other.png", photo(4, 100, 200))
    assert studio.region == {} and studio.knobs["mask"] == [] and studio.notice == {}
    studio.act({"do": "pick", "item": number})
    assert np.array_equal(region(studio), kept)


def test_a_film_has_one_for_all_its_moments(studio, clip):
    """A step of each: what was painted elsewhere is undone first."""
    opened(studio, clip)
    stroke(studio, (0.2, 0.5))
    first = region(studio)
    studio.act({"do": "moment", "time": 0.8})
    assert np.array_equal(region(studio), first) and studio.region["laid"] and "mask" not in studio.disabled
    hint(studio, "#c03020", (0.5, 0.5))
    stroke(studio, (0.6, 0.5))
    both = region(studio)
    studio.act({"do": "moment", "time": 0.0})
    assert np.array_equal(region(studio), both)
    studio.act({"do": "undo"})
    assert np.array_equal(region(studio), first)
    studio.act({"do": "moment", "time": 0.8})
    assert np.array_equal(region(studio), first) and len(studio.hints) == 1
    studio.act({"do": "undo"})
    assert np.array_equal(region(studio), both) and len(studio.hints) == 1
    number = studio.picture["number"]
    studio.act({"do": "sample", "name": "coffee"})
    assert studio.region == {} and studio.knobs["mask"] == []
    studio.act({"do": "pick", "item": number})
    assert np.array_equal(region(studio), both)


def test_a_mask_that_moves_is_for_the_command_line(studio, clip):
    opened(studio, clip)
    before = studio.color
    studio.act({"do": "turn", "knobs": {"mask": [str(clip)]}})
    assert "colorify video --mask" in studio.notice["text"] and studio.region == {} and studio.color == before


def test_a_tint_that_is_kept_is_no_paint(studio, tmp_path):
    """It is laid as a mask is; the region that is painted and saved is the user's own."""
    opened(studio, tmp_path / "old.png", tinted()[0])
    plain = np.asarray(studio.result, int)
    studio.act({"do": "turn", "knobs": {"keep_color": True}})
    found, before = region(studio), np.asarray(Image.open(tmp_path / "old.png"), int)
    assert studio.region["laid"] and not studio.region["painted"] and studio.knobs["mask"] == []
    assert found[90, 160] == 0 and found[10, 10] == 255
    made = np.asarray(studio.result, int)
    assert np.array_equal(made[85:95, 155:165], before[85:95, 155:165]) and np.array_equal(made[:30], plain[:30])
    stroke(studio, (0.7, 0.5), radius=0.3)
    saved = given(studio, "save region")
    both, own = region(studio), np.asarray(Image.open(io.BytesIO(saved)), int)
    assert studio.region["painted"] and own[90, 160] == 255 and both[90, 160] == 0 and both[10, 10] == 0
    studio.act({"do": "turn", "knobs": {"keep_color": False}})
    assert np.array_equal(region(studio), own)


def test_what_is_no_stroke_changes_nothing(studio, mine):
    stroke(studio, (0.5, 0.5), mode="red")
    assert "region brush 'red'" in studio.notice["text"] and studio.region == {} and not studio.can["undo"]


def test_a_picture_with_colours_keeps_them_beside_it(studio, mine):
    """The page lays them there: they go with the picture, and the region with each step."""
    assert studio.picture["own"]["width"] > 0
    stroke(studio, (0.5, 0.5))
    plain = studio.near
    stroke(studio, (0.5, 0.5), radius=0.9)
    assert plain != studio.near and float(plain.split("%")[0]) >= float(studio.near.split("%")[0])


def again(archive: bytes, home: Path) -> str:
    """Run the commands of a session: they make the same result. Returns them."""
    with zipfile.ZipFile(io.BytesIO(archive)) as folder:
        folder.extractall(home)
    script = (home / "colorify.sh").read_text()
    run = script.replace("colorify ", f"{sys.executable} -m colorify ")
    done = subprocess.run(["sh", "-c", run], cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Image.open(home / "results/mine-color.png") as ours, Image.open(home / "again/mine-color.png") as theirs:
        assert np.abs(np.asarray(ours, int) - np.asarray(theirs, int)).max() <= 1
    return script


@pytest.mark.long
def test_the_printed_command_reads_it(tmp_path):
    from colorify.widgets import studio as make

    studio = make(device="cpu")
    opened(studio, tmp_path / "mine.png", photo(2, 300, 200))
    stroke(studio, (0.2, 0.5), (0.6, 0.4), soft=0.7)
    assert "--mask guides/" in again(given(studio, "session"), tmp_path / "session")


def test_hints_and_references_may_be_bound_to_it(studio, mine, colorizer, tmp_path):
    """Then all is coloured, and they are heard in the region alone, as the library has it."""
    photo(5, 200, 150).save(tmp_path / "like.png")
    assert "paint a region first" in studio.disabled["bound"]
    stroke(studio, (0.2, 0.5), radius=0.25)
    hint(studio, "#c03020", (0.5, 0.5))
    upload(studio, "like.png", (tmp_path / "like.png").read_bytes(), knob="references")
    mask, dots = Image.fromarray(region(studio).astype(np.uint8)), [(150, 100, "#c03020")]
    for bound, hints, references in (
        ("hints", [(*dots[0], mask)], [tmp_path / "like.png"]),
        ("references", dots, [(tmp_path / "like.png", mask)]),
    ):
        studio.act({"do": "turn", "knobs": {"bound": bound}})
        assert studio.region["mask"] and not studio.region["laid"] and studio.notice == {}
        (expected,) = colorizer.colorize([pictures.read(mine)], Knobs(hints=hints, references=references))
        assert np.array_equal(np.asarray(studio.result), expected.pixels), bound
    assert "bound" not in studio.disabled


@pytest.mark.long
@pytest.mark.parametrize("bound", ["hints", "references"])
def test_the_printed_command_binds_them_too(tmp_path, bound):
    from colorify.widgets import studio as make

    studio = make(device="cpu")
    opened(studio, tmp_path / "mine.png", photo(2, 300, 200))
    stroke(studio, (0.2, 0.5), radius=0.3)
    hint(studio, "#c03020", (0.25, 0.5))
    photo(5, 200, 150).save(tmp_path / "like.png")
    upload(studio, "like.png", (tmp_path / "like.png").read_bytes(), knob="references")
    studio.act({"do": "turn", "knobs": {"bound": bound}})
    again(given(studio, "session"), tmp_path / "session")


def test_regions_of_a_file_of_hints_are_not_lost_in_silence(studio, mine, tmp_path):
    Image.new("L", (300, 200), 255).save(tmp_path / "all.png")
    upload(studio, "hints.csv", f"x,y,color,region\n10,20,red,{tmp_path / 'all.png'}\n".encode())
    assert len(studio.hints) == 1 and "left out" in studio.notice["text"]
