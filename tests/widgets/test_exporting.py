"""What leaves the studio: files, and a folder that the command line makes again."""

import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from colorify import pictures
from colorify.knobs import Knobs
from colorify.widgets import exporting
from colorify.widgets.session import Choice
from colorify.widgets.shelf import Item, mark
from conftest import photo
from widgets.conftest import hint, opened, sent, upload


def exported(studio, doing: str = "export") -> tuple[str, bytes]:
    said = sent(studio)
    studio.act({"do": doing})
    studio.wait()
    ((content, (data,)),) = said
    return content["name"], data


def test_the_file_is_the_librarys_result(studio, tmp_path, colorizer):
    path = opened(studio, tmp_path / "photo.png", photo(2, 1000, 700))
    studio.act({"do": "turn", "knobs": {"saturation": 0.5}})
    name, data = exported(studio)
    (expected,) = colorizer.colorize([pictures.read(path)], Knobs(saturation=0.5))
    assert name == "photo-color.png" and np.array_equal(np.asarray(Image.open(io.BytesIO(data))), expected.pixels)


@pytest.mark.parametrize(("depth", "bits"), [("as the file", 16), ("8 bits", 8), ("16 bits", 16)])
def test_depth_is_that_of_the_file_or_as_asked(studio, tmp_path, depth, bits):
    deep = np.linspace(0, 65535, 60 * 80).astype(np.uint16).reshape(60, 80)
    opened(studio, tmp_path / "deep.png", Image.fromarray(deep))
    studio.act({"do": "turn", "knobs": {"depth": depth}})
    assert exported(studio)[1][24] == bits, "bits a channel, of the PNG header"


def test_format_and_both_in_a_row(studio, tmp_path):
    opened(studio, tmp_path / "photo.png", photo(2, 120, 80))
    studio.act({"do": "turn", "knobs": {"format": ".jpg", "beside": True, "depth": "16 bits"}})
    name, data = exported(studio)
    picture = Image.open(io.BytesIO(data))
    assert (name, picture.format, picture.size) == ("photo-color.jpg", "JPEG", (240, 80))


def test_layers_provenance_and_badge(studio, tmp_path):
    path = opened(studio, tmp_path / "photo.png", photo(2, 300, 200))
    studio.act({"do": "turn", "knobs": {"layers": True, "beside": True, "format": ".tif"}})
    assert "over each other" in studio.disabled["beside"]
    with Image.open(io.BytesIO(exported(studio)[1])) as layers:
        assert layers.n_frames == 2 and layers.size == (300, 200)
    studio.act({"do": "turn", "knobs": {"layers": True, "format": ".png"}})
    assert exported(studio)[0] == "photo-color.png.ora"
    said = {}
    for provenance in (True, False):
        studio.act({"do": "turn", "knobs": {"layers": False, "beside": False, "provenance": provenance}})
        path.write_bytes(exported(studio)[1])
        said[provenance] = "colorify" in str(pictures.read(path).metadata.xmp)
    assert said == {True: True, False: False}
    plain = np.asarray(Image.open(path), int)
    studio.act({"do": "turn", "knobs": {"badge": True}})
    marked = np.asarray(Image.open(io.BytesIO(exported(studio)[1])), int)
    assert np.abs(marked - plain)[150:, 150:].max() > 30 and np.array_equal(marked[:100], plain[:100])


def test_hints_outside_of_the_screens_colours_keep_their_ab():
    plain, strange = mark(1, 2, "#ff0000", (10, 10)), mark(3, 4, "#00ff00", (10, 10))._replace(ab=(12.5, -3.0))
    assert exporting.csv_of([plain]) == "x,y,color\n1,2,#ff0000\n"
    assert "3,4,,12.500,-3.000" in exporting.csv_of([plain, strange])


def test_commands_say_what_was_asked():
    item = Item(1, "mine", "mine.png", film=False)
    values = {"beside": True, "layers": False, "sides": False, "steady": 1.0, "every": 2, "memory": 0}
    knobs = Knobs(saturation=1.5, tta=False, idea=3, hints=[(1, 2, (3, 4))])
    made = exporting.Made(item, Choice("mine", "lowres", 0.25, knobs), values, None, paths={"mine": "my.safetensors"})
    said = " ".join(exporting.arguments(made, "name"))
    assert "--model my.safetensors" in said and "--blend lowres:0.25" in said
    for part in ("--saturation 1.5", "--idea 3", "--no-tta", "--hints hints/name.csv", "--side-by-side"):
        assert part in said
    film = exporting.Made(Item(1, "mine", "mine.mp4", film=True), Choice("lowres"), values, None)
    assert exporting.arguments(film, "name") == ["--model", "lowres", "--steady", "1", "--every", "2"]
    remembering = exporting.Made(film.item, film.choice, values | {"memory": 8}, None)
    assert exporting.arguments(remembering, "name")[-2:] == ["--memory", "8"]


@pytest.mark.long
def test_the_session_is_made_again_by_its_commands(tmp_path):
    """All in one folder: what its script makes is what the studio showed."""
    from colorify.widgets import studio as make

    studio = make(device="cpu")
    blend = {"other": "lowres", "blend": 0.3}
    asked = ({"saturation": 1.5}, {"model": "idea 2", "temperature": 0.2}, {"model": "gray"}, blend)
    for number, knobs in enumerate(asked):
        opened(studio, tmp_path / "same.png", photo(number, 120 + number, 80))
        if number == 1:
            upload(studio, "like.png", (tmp_path / "same.png").read_bytes(), knob="references")
        studio.act({"do": "turn", "knobs": knobs})
        hint(studio, "#c03020", (0.3, 0.4), (0.6, 0.5))
    name, data = exported(studio, "session")
    assert name == "colorify-session.zip" and studio.notice == {}
    with zipfile.ZipFile(io.BytesIO(data)) as folder:
        folder.extractall(tmp_path / "session")
    home = tmp_path / "session"
    script = (home / "colorify.sh").read_text().replace("colorify ", f"{sys.executable} -m colorify ")
    done = subprocess.run(["sh", "-c", script], cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = sorted((home / "results").iterdir())
    assert len(results) == 5 and {path.name for path in results} == {path.name for path in (home / "again").iterdir()}
    for path in results:
        with Image.open(path) as ours, Image.open(home / "again" / path.name) as theirs:
            assert np.abs(np.asarray(ours, int) - np.asarray(theirs, int)).max() <= 1, path.name


def test_the_session_is_one_folder_of_all_that_was_opened(choosy, tmp_path, clip):
    """Of a picture its original, result and hints, of a film its keyframes; names that come again get a number."""
    for seed in (1, 2):
        opened(choosy, tmp_path / "same.png", photo(seed))
        hint(choosy, "#c03020", (0.3, 0.4))
    choosy.act({"do": "turn", "knobs": {"other": "idea 2", "blend": 0.5}})
    opened(choosy, clip)
    choosy.act({"do": "turn", "knobs": {"other": ""}})
    hint(choosy, "#c03020", (0.3, 0.4))
    name, data = exported(choosy, "session")
    assert (name, choosy.notice) == ("colorify-session.zip", {})
    with zipfile.ZipFile(io.BytesIO(data)) as folder:
        names, script = folder.namelist(), folder.read("colorify.sh").decode().splitlines()
        assert folder.read("hints/same.csv").startswith(b"x,y,color\n") and folder.getinfo("colorify.sh").external_attr
    assert {"originals/same.png", "results/same-color.png", "hints/same-2.csv", "originals/pan.mp4"} <= set(names)
    assert len(names) == len(set(names)) and sum(name.startswith("keyframes/pan/") for name in names) == 1
    assert any("image originals/same.png -o again/same-color.png --model highres" in line for line in script)
    assert "# same-2: the command line blends models, not ideas, so that no command makes it again" in script
    assert any(line.startswith("colorify video originals/pan.mp4") and "--keyframes" in line for line in script)
