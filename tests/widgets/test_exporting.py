"""What leaves the studio: files, and a folder that the command line makes again."""

import io
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_batch import colors, tinted
from typer.testing import CliRunner

from colorify import pictures
from colorify.cli import app
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from colorify.pictures import graft
from colorify.widgets import exporting
from colorify.widgets.session import Choice, Session
from colorify.widgets.shelf import Item, mark
from colorify.widgets.studio import Studio
from conftest import long, photo
from widgets.conftest import hint, opened, sent, stroke, upload

A = mark(1, 2, "#ff0000", (10, 10))


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
    item = Item(1, "mine", Path("mine.png"), film=False)
    item.history.change([plain])
    assert exporting.csv_of(item) == "x,y,color\n1,2,#ff0000\n"
    item.history.change([plain, strange])
    assert "3,4,,12.500,-3.000" in exporting.csv_of(item)


def test_hints_of_a_film_say_when():
    item = Item(1, "mine", Path("mine.mp4"), film=True)
    for item.moment, marks in ((4.04, [mark(3, 4, "#00ff00", (10, 10))]), (0.5, []), (0.0, [A, A._replace(x=5)])):
        item.history.change(marks)
    lines = exporting.csv_of(item, "guides/mask.png").splitlines()
    assert lines[0] == "time,x,y,color,region" and lines[1] == "0.000,1,2,#ff0000,guides/mask.png"
    assert [line.split(",")[0] for line in lines[1:]] == ["0.000", "0.000", "4.040"]
    assert exporting.csv_of(item).splitlines()[3] == "4.040,3,4,#00ff00"


def test_commands_say_what_was_asked():
    item = Item(1, "mine", "mine.png", film=False)
    switches = dict.fromkeys(("layers", "sides", "keep_luma", "keep_color", "deinterlace"), False)
    values = switches | {"beside": True, "steady": 1.0, "every": 2, "memory": 0}
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
    asked = values | {"keep_color": True, "deinterlace": True, "sides": True, "keep_luma": True, "beside": False}
    assert exporting.arguments(exporting.Made(film.item, film.choice, asked, None), "name")[-3:] == [
        *("--keep-color", "--deinterlace", "--side-by-side")
    ]
    assert exporting.arguments(exporting.Made(item, film.choice, asked, None), "name")[-1] == "--keep-luma"


@pytest.fixture
def named(checkpoint, classifier, tmp_path) -> Studio:
    """Models that a command can name: one that colors, and a classifier."""
    paths = {}
    for name, model in (("plain", checkpoint), ("choosy", classifier.model)):
        paths[name] = str(tmp_path / f"{name}.safetensors")
        checkpoints.save(model, paths[name])
    studio = Studio(Session({name: Colorizer.load(path, "cpu") for name, path in paths.items()}), paths)
    yield studio
    studio.wait()


def again(data: bytes, home: Path, monkeypatch) -> dict[str, Path]:
    """Run the commands of a session in its folder; what they make, by its name."""
    with zipfile.ZipFile(io.BytesIO(data)) as folder:
        folder.extractall(home)
    monkeypatch.chdir(home)
    for line in (home / "colorify.sh").read_text().splitlines():
        if line.startswith("colorify "):
            done = CliRunner().invoke(app, shlex.split(line)[1:])
            assert done.exit_code == 0, done.output
    return {path.name: path for path in (home / "again").iterdir()}


LUMA = {"format": ".jpg", "keep_luma": True}


@pytest.mark.parametrize(
    ("mode", "knobs"),
    [
        ("L", {}),
        ("L", {"model": "choosy", "temperature": 0.2, "saturation": 1.7, "blur": 2.5}),
        ("L", {"model": "idea 2", "provenance": False}),
        ("L", {"other": "choosy", "blend": 0.3, "tta": False}),
        ("L", {"model": "idea 2", "other": "plain", "blend": 0.4}),
        ("L", {"model": "gray"}),
        ("RGB", {"model": "choosy"}),
        ("RGB", {"model": "idea 3"}),
    ],
)
def test_luma_is_kept_as_the_command_keeps_it(named, tmp_path, monkeypatch, mode, knobs):
    """Byte for byte the same file, by itself and in the session; the luma of the source is in it."""
    if mode == "RGB":
        pytest.importorskip("jpeglib")
    photo(3, 150, 101).convert(mode).save(tmp_path / "old.jpg", quality=80, comment=b"a note", progressive=True)
    source = opened(named, tmp_path / "old.jpg")
    named.act({"do": "turn", "knobs": LUMA | knobs})
    if knobs.get("model") not in ("choosy", "idea 3"):
        hint(named, "#c03020", (0.3, 0.4), (0.6, 0.5))
    assert named.notice == {} and "keep_luma" not in named.disabled
    name, data = exported(named)
    assert name == "old-color.jpg"
    (tmp_path / "got.jpg").write_bytes(data)
    one, other = (graft.luma_samples(path.read_bytes()) for path in (source, tmp_path / "got.jpg"))
    np.testing.assert_array_equal(one, other)
    session = exported(named, "session")[1]
    made = again(session, tmp_path / "session", monkeypatch)
    assert " --keep-luma" in (tmp_path / "session" / "colorify.sh").read_text()
    assert made["old-color.jpg"].read_bytes() == data
    assert (tmp_path / "session" / "results" / "old-color.jpg").read_bytes() == data


def test_luma_is_kept_under_a_region_and_references(named, tmp_path, monkeypatch):
    photo(3, 150, 101).convert("L").save(tmp_path / "old.jpg", quality=80)
    opened(named, tmp_path / "old.jpg")
    named.act({"do": "turn", "knobs": LUMA})
    photo(5, 120, 90).save(tmp_path / "like.png")
    upload(named, "like.png", (tmp_path / "like.png").read_bytes(), knob="references")
    stroke(named, (0.2, 0.5), (0.6, 0.4), radius=0.2)
    data = exported(named)[1]
    made = again(exported(named, "session")[1], tmp_path / "session", monkeypatch)
    assert made["old-color.jpg"].read_bytes() == data
    (tmp_path / "got.jpg").write_bytes(data)
    rgb = np.asarray(Image.open(tmp_path / "got.jpg"), int)
    assert np.ptp(rgb[:, 130:], axis=-1).max() == 0 and np.ptp(rgb[45:55, 60:70], axis=-1).mean() > 3


@pytest.mark.parametrize("knobs", [{}, {"model": "idea 2"}, {"beside": True}, {"format": ".tif", "layers": True}])
@pytest.mark.parametrize("kind", ["tinted", "color", "gray"])
def test_colour_is_left_alone_as_the_command_leaves_it(named, tmp_path, monkeypatch, kind, knobs):
    """What is in colour is the file itself, where that is what is asked for; a tint stays, the rest is coloured."""
    picture = {"tinted": lambda: tinted()[0], "color": colors, "gray": lambda: photo(1, 90, 60).convert("L")}[kind]()
    source = opened(named, tmp_path / "old.png", picture)
    named.act({"do": "turn", "knobs": {"keep_color": True} | knobs})
    assert ("keep_color" in named.disabled) == (kind == "gray") and named.notice == {}
    _, data = exported(named)
    assert ("as it was opened" in named.notice.get("text", "")) == (kind == "color")
    assert (data == source.read_bytes()) == (kind == "color" and not {"beside", "layers"} & knobs.keys())
    made = again(exported(named, "session")[1], tmp_path / "session", monkeypatch)
    (path,) = (path for name, path in made.items() if name.startswith("old-color"))
    assert path.read_bytes() == data
    said = (tmp_path / "session" / "colorify.sh").read_text()
    assert ("--keep-color" in said) == (kind != "gray") and "--mask" not in said


def test_luma_that_cannot_be_kept_is_not_asked_for(named, tmp_path, monkeypatch):
    """Of a PNG, and of a JPEG that becomes one: the usual way, and no command says otherwise."""
    opened(named, tmp_path / "a.png", photo(3))
    named.act({"do": "turn", "knobs": LUMA})
    assert "no JPEG" in named.disabled["keep_luma"] and exported(named)[0] == "a-color.jpg"
    opened(named, tmp_path / "b.jpg", photo(4).convert("L"))
    named.act({"do": "turn", "knobs": LUMA | {"format": ".png"}})
    assert "choose JPEG" in named.disabled["keep_luma"] and "beside" not in named.disabled
    again(exported(named, "session")[1], tmp_path / "session", monkeypatch)
    assert "--keep-luma" not in (tmp_path / "session" / "colorify.sh").read_text()


def test_the_file_is_that_of_the_picture_it_was_asked_of(named, tmp_path, monkeypatch):
    """Whatever is opened meanwhile."""
    opened(named, tmp_path / "first.png", photo(3, 90, 60))
    named.act({"do": "turn", "knobs": {"beside": True}})
    full = Session.full

    def slow(session: Session, *asked: object) -> pictures.Picture:
        named.act({"do": "sample", "name": "coffee"})
        return full(session, *asked)

    monkeypatch.setattr(Session, "full", slow)
    name, data = exported(named)
    with Image.open(io.BytesIO(data)) as picture:
        assert (name, picture.size) == ("first-color.png", (180, 60))


@pytest.mark.parametrize("bound", ["colours", *long("hints", "references")])
def test_a_film_is_made_again_by_its_command(named, clip, tmp_path, monkeypatch, bound):
    """With its region, with hints at several moments, and with all that the panel asks of films: the same file."""
    opened(named, clip)
    stroke(named, (0.3, 0.5), (0.5, 0.5), radius=0.2, soft=0.5)
    hint(named, "#c03020", (0.25, 0.5))
    named.act({"do": "moment", "time": 0.8})
    hint(named, "#2030c0", (0.5, 0.5), (0.7, 0.5))
    photo(5, 120, 90).save(tmp_path / "like.png")
    upload(named, "like.png", (tmp_path / "like.png").read_bytes(), knob="references")
    asked = {"model": "idea 2", "temperature": 0.2, "every": 2, "memory": 2, "sides": True, "deinterlace": True}
    named.act({"do": "turn", "knobs": asked | {"bound": bound, "badge": True, "tta": False, "keep_color": True}})
    assert named.notice == {}
    name, data = exported(named, "whole")
    assert name == "pan-color.mp4"
    made = again(exported(named, "session")[1], tmp_path / "session", monkeypatch)
    said = (tmp_path / "session" / "colorify.sh").read_text()
    assert ("--mask guides/" in said) == (bound == "colours") and "--hints hints/pan.csv" in said
    assert made["pan-color.mp4"].read_bytes() == data


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
    """Of a picture its original, result and hints, of a film its hints; names that come again get a number."""
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
    assert len(names) == len(set(names)) and "hints/pan.csv" in names
    assert any("image originals/same.png -o again/same-color.png --model highres" in line for line in script)
    assert "# same-2: the command line blends models, not ideas, so that no command makes it again" in script
    assert any(
        line.startswith("colorify video originals/pan.mp4") and "--hints hints/pan.csv" in line for line in script
    )
