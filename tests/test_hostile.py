"""What a stranger may send: names, archives, links, and pickles where weights are expected."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from colorify import inputs
from colorify.cli import app
from colorify.data import manifest
from colorify.data.cache import DataConfig, prepare
from colorify.data.manifest import DataError
from colorify.models import checkpoint as files
from colorify.training.config import STATE_FILE
from colorify.video import film
from colorify.video.parts import Parts
from conftest import photo
from video.test_film import make

NAMES = [
    "-o.png",
    "--model.png",
    "é世界 \N{GRINNING FACE}.png",
    "a\nb\t.png",
    " .png",
    "CON.png",
    "aux.tar.png",
    "trailing. .png",
    "$(touch x);`touch x`&.png",
    "%s%n{0}[bold].png",
    "'\"\\.png",
    f"{'x' * 251}.png",
    f"{'世' * 83}é.png",  # 255 bytes of 88 characters
    b"not utf-8 \xff.png".decode(errors="surrogateescape"),
]


class Bomb:
    """Unpickling this writes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def colorify(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def model(checkpoint, tmp_path) -> Path:
    files.save(checkpoint, tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


@pytest.mark.parametrize("command", ["image", "bulk"])
def test_any_name_that_the_system_takes(model, tmp_path, monkeypatch, command):
    (tmp_path / "in").mkdir()
    for name in NAMES:
        with (tmp_path / "in" / name).open("wb") as file:
            photo(0).convert("L").save(file, "PNG")
    monkeypatch.chdir(tmp_path / "in")
    result = colorify(command, ".", "-o", tmp_path / "out", "--model", model)
    assert result.exit_code == 0, result.stderr
    made = {path.name for path in (tmp_path / "out").iterdir()} - {"colorify.csv"}
    assert made == set(NAMES)
    assert {path.name for path in (tmp_path / "in").iterdir()} == made
    if command == "image":
        assert colorify("image", "-o", "new.png", "--model", model, "--", "-o.png").exit_code == 0
    else:
        assert f"{len(NAMES)} done before" in colorify(command, ".", "-o", tmp_path / "out", "--model", model).stdout


def test_collecting_and_training_with_any_name(tmp_path):
    (tmp_path / "in").mkdir()
    for number, name in enumerate(NAMES):
        with (tmp_path / "in" / name).open("wb") as file:
            photo(number).save(file, "PNG")
    result = colorify("collect", "dataset", tmp_path / "in", "-o", tmp_path / "out", "--min-side", 32)
    assert result.exit_code == 0, result.output
    listed = manifest.read(tmp_path / "out" / manifest.MANIFEST)
    assert {Path(entry.path).name for entry in listed if not entry.refused} == set(NAMES[:-1])
    assert [entry.refused for entry in listed if entry.refused] == ["its name is not UTF-8: rename it"]
    for source in ("in", "out"):
        config = DataConfig((str(tmp_path / source),), valid_share=0.5, side=40, min_side=32)
        assert sum(map(len, prepare(config, tmp_path / "cache", progress=lambda _: None))) == len(NAMES) - 1


def test_a_film_of_the_longest_name(colorizer, tmp_path):
    out = tmp_path / f"{'é' * 125}x.mkv"
    film.colorize(make(tmp_path / "in.mkv", frames=4), out, colorizer)
    assert len(out.name.encode()) == 255 and out.stat().st_size


def test_shards_whose_members_lead_elsewhere(model, tmp_path):
    picture = io.BytesIO()
    photo(0).save(picture, "PNG")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name in ("ok.png", "../up.png", "/abs.png", "x/../../../up2.png"):
            entry = tarfile.TarInfo(name)
            entry.size = len(picture.getvalue())
            tar.addfile(entry, io.BytesIO(picture.getvalue()))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            entry = tarfile.TarInfo(f"link{kind.decode()}.png")
            entry.type, entry.linkname = kind, "/etc/passwd"
            tar.addfile(entry)
    colorify("bulk", tmp_path / "a.tar", "-o", tmp_path / "deep" / "out", "--model", model)
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png")}
    assert made == {"deep/out/a/ok.png", "deep/out/a/abs.png"}


def test_links_that_go_in_circles(model, tmp_path):
    (tmp_path / "in").mkdir()
    photo(0).save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "circle").symlink_to(tmp_path / "in", target_is_directory=True)
    (tmp_path / "in" / "self.png").symlink_to(tmp_path / "in" / "self.png")
    (tmp_path / "in" / "nowhere.png").symlink_to("/nowhere.png")
    jobs, passed = inputs.plan([str(tmp_path / "in")], tmp_path / "out")
    assert [job.target.name for job in jobs] == ["a.png"]
    assert {one.source.name: (one.reason, one.failed) for one in passed} == {
        "circle": ("a link to a folder", False),  # its pictures are colored where they lie
        "self.png": ("a link in a circle", True),
        "nowhere.png": ("a link that leads nowhere", True),
    }


def test_pickles_are_never_opened(model, tmp_path):
    marker = tmp_path / "exploded"
    bomb = pickle.dumps(Bomb(marker))
    pickle.loads(bomb)
    assert marker.exists()  # it works
    marker.unlink()
    photo(0).save(tmp_path / "a.png")
    for name in ("a.safetensors", "a.onnx", "a.pth", "a.pkl"):
        (tmp_path / name).write_bytes(bomb)
        for command in (
            ["image", tmp_path / "a.png", "-o", tmp_path / "out.png", "--model", tmp_path / name],
            ["backbone", "export", tmp_path / name, "-o", tmp_path / "b.safetensors"],
            ["backbone", "import", tmp_path / name, "--into", "regression", "-o", tmp_path / "b.safetensors"],
            ["export", "onnx", tmp_path / name, "-o", tmp_path / "b.onnx"],
            ["release", tmp_path / name, "--data", tmp_path, "-o", tmp_path / "b.safetensors", "--note", "x"],
        ):
            result = colorify(*command)
            assert result.exit_code and "Traceback" not in result.output
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / STATE_FILE).write_bytes(bomb)
    for number in range(8):
        photo(number).save(tmp_path / f"{number}.png")
    (tmp_path / "params.yaml").write_text(
        "profile: a\na: {data: {min_side: 32, valid_share: 0.5}, regression: {steps: 2}}\n"
    )
    train = ["train", "regression", "--params", tmp_path / "params.yaml", "--data", tmp_path, "--out", tmp_path / "run"]
    result = colorify(*train)
    assert result.exit_code == 1 and STATE_FILE in result.output
    assert not marker.exists()


def test_pickles_in_caches_are_never_opened(tmp_path, photos):
    marker = tmp_path / "exploded"
    config = DataConfig((str(photos),), valid_share=0.3, side=40, min_side=32)
    prepare(config, tmp_path, progress=lambda _: None)
    (home,) = (tmp_path / "decoded").iterdir()
    np.save(home / "shapes.npy", np.array([Bomb(marker)] * 3, object), allow_pickle=True)
    with pytest.raises(DataError, match="damaged: delete the folder"):
        prepare(config, tmp_path)
    parts = Parts(tmp_path / "parts", {"a": 1})
    parts.next.touch()
    parts.done({"x": np.zeros(2)})
    assert Parts(tmp_path / "parts", {"a": 1}).count == 1
    np.savez(tmp_path / "parts" / "state.npz", parts=1, job='{"a": 1}', x=np.array([Bomb(marker)], object))
    assert Parts(tmp_path / "parts", {"a": 1}).count == 0
    assert not marker.exists()


def test_decoded_pictures_that_were_cut_short(tmp_path, photos):
    config = DataConfig((str(photos),), valid_share=0.3, side=40, min_side=32)
    prepare(config, tmp_path, progress=lambda _: None)
    (pixels,) = tmp_path.rglob("pixels.u8")
    pixels.write_bytes(pixels.read_bytes()[:-1])
    with pytest.raises(DataError, match="damaged"):
        prepare(config, tmp_path)


def test_no_more_than_a_picture_at_a_time_claims_memory(model, tmp_path):
    """A picture may claim any size in its header: `max_megapixels` is asked before anything is decoded."""
    Image.new("1", (30_000, 30_000)).save(tmp_path / "bomb.png")
    result = colorify("image", tmp_path / "bomb.png", "-o", tmp_path / "out.png", "--model", model)
    assert result.exit_code == 1 and "megapixels" in result.stderr
