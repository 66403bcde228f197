"""The commands for pictures: what it writes, what it says, and its exit status."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorify import pictures
from colorify.models import checkpoint as files
from conftest import photo


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "tiff", "bmp"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "CMYK"])
def test_every_format_and_kind(colorify, model, tmp_path, suffix, mode):
    source, target = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    try:
        photo(0).convert(mode).save(source)
    except (OSError, ValueError):
        pytest.skip(f"{suffix} holds no {mode}")
    result = colorify("image", source, "-o", target, "--model", model)
    unsaid = "colorify: BMP has no place to say that a picture was coloured\n" if suffix == "bmp" else ""
    assert (result.exit_code, result.stderr) == (0, unsaid)
    with Image.open(source) as before, Image.open(target) as after:
        assert after.size == before.size and after.format == before.format
        assert ("A" in after.mode) == ("A" in before.mode)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_files(colorify, model, tmp_path, suffix, channels):
    source, target = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 65536, (40, 50) if channels == 1 else (40, 50, channels), np.uint16)
    pictures.write(pictures.from_array(pixels), source)
    assert colorify("image", source, "-o", target, "--model", model).exit_code == 0
    before, after = pictures.read(source), pictures.read(target)
    assert after.pixels.dtype == np.uint16 and after.size == before.size
    if channels == 4:
        assert np.array_equal(after.alpha, before.alpha)


def test_folder_with_bad_files_finishes_the_rest_and_names_the_bad(colorify, model, tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    photo(0).save(source / "a.png")
    photo(1).save(source / "deep" / "b.jpg")
    (source / "empty.png").touch()
    (source / "text.jpg").write_text("hello")
    (source / "cut.jpg").write_bytes((source / "deep" / "b.jpg").read_bytes()[:700])
    result = colorify("image", source, tmp_path / "missing.png", "-o", out, "--model", model)
    assert result.exit_code == 1
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*.*")) == ["a.png", "deep/b.jpg"]
    lines = [line for line in result.stderr.splitlines() if line.startswith("colorify: ")]
    assert len(lines) == 4
    for name, reason in (("empty.png", "empty"), ("text.jpg", "not a picture"), ("missing.png", "no such file")):
        assert any(name in line and reason in line for line in lines)
    assert any("cut.jpg" in line for line in lines)


def test_existing_output_needs_overwrite(colorify, model, tmp_path):
    photo(0).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"mine")
    arguments = ("image", tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", model)
    result = colorify(*arguments)
    assert result.exit_code == 1 and "exists already (--overwrite" in result.stderr
    assert (tmp_path / "b.png").read_bytes() == b"mine"
    assert colorify(*arguments, "--overwrite").exit_code == 0
    assert pictures.read(tmp_path / "b.png").size == photo(0).size


def test_the_input_is_never_overwritten(colorify, model, tmp_path):
    path = tmp_path / "a.png"
    photo(0).save(path)
    before = path.read_bytes()
    for out in (path, tmp_path):
        result = colorify("image", path, "-o", out, "--model", model, "--overwrite")
        assert result.exit_code == 1 and "its own result" in result.stderr
    assert path.read_bytes() == before


def test_side_by_side_size_and_knobs(colorify, model, tmp_path):
    photo(0).convert("L").save(tmp_path / "a.png")
    options = ("--side-by-side", "--size", 32, "--saturation", 1.5, "--blur", 2)
    assert colorify("image", tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", model, *options).exit_code == 0
    row = pictures.read(tmp_path / "b.png").pixels
    gray, colored = row[:, :64], row[:, 64:]
    assert gray.shape == colored.shape
    assert np.array_equal(gray[..., 0], pictures.read(tmp_path / "a.png").pixels)
    assert np.ptp(colored.astype(int), axis=-1).max() > 10


def test_no_tta_is_the_librarys(colorify, model, colorizer, tmp_path):
    photo(0).convert("L").save(tmp_path / "a.png")
    assert colorify("image", tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", model, "--no-tta").exit_code == 0
    found = np.asarray(Image.open(tmp_path / "b.png"))
    both, plain = (np.asarray(colorizer(Image.open(tmp_path / "a.png"), tta=tta)) for tta in (True, False))
    assert np.array_equal(found, plain) and not np.array_equal(found, both)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "hires"), "did you mean 'highres'"),
        (("--model", "nowhere.safetensors"), "nowhere.safetensors: no such file"),
        (("--model", __file__), "not a safetensors file"),
    ],
)
def test_models_that_cannot_be_used(colorify, tmp_path, arguments, words):
    photo(0).save(tmp_path / "a.png")
    result = colorify("image", tmp_path / "a.png", "-o", tmp_path / "b.png", *arguments)
    assert result.exit_code == 1 and words in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "b.png").exists()


def test_bombs_are_refused_and_the_limit_moves(colorify, model, tmp_path):
    Image.new("L", (1500, 1000)).save(tmp_path / "a.png")
    arguments = ("image", tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", model, "--max-megapixels")
    result = colorify(*arguments, 1)
    assert result.exit_code == 1 and "the limit is 1" in result.stderr
    assert colorify(*arguments, 2).exit_code == 0


def test_what_could_not_be_kept_is_said_in_one_line_and_libraries_say_nothing(model, tmp_path):
    """In a process of its own: its stderr is that of the libraries too."""
    exif = Image.Exif()
    exif[0x010E], exif.get_ifd(0x8769)[36867] = "x" * 40, "y" * 20
    photo(0).save(tmp_path / "a.jpg", exif=exif, comment=b"box 12")
    content = (tmp_path / "a.jpg").read_bytes()
    at = content.index(b"Exif\0\0")
    damaged = content[: at + 20] + b"\xff\xff\xff" + content[at + 23 :]
    (tmp_path / "a.jpg").write_bytes(damaged[: damaged.rindex(b"\xff\xd9")])
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((30, 40), np.uint8), compression="deflate")
    tiff = (tmp_path / "b.tif").read_bytes()
    (tmp_path / "b.tif").write_bytes(tiff[:-8] + bytes(8))
    command = [
        sys.executable,
        "-m",
        "colorify",
        "image",
        tmp_path / "a.jpg",
        "-o",
        tmp_path / "a.webp",
        "--model",
        model,
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    lines = result.stderr.splitlines()
    assert result.returncode == 0 and (tmp_path / "a.webp").exists()
    assert len(lines) == 1
    for words in ("colored", "its end marker is missing, nothing else", "WEBP cannot hold", "comments: lost"):
        assert words in lines[0]
    command[4], command[6] = tmp_path / "b.tif", tmp_path / "c.tif"
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1 and "damaged" in result.stderr


def test_times_and_pages(colorify, model, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 30, 40), np.uint8), photometric="minisblack")
    os.utime(tmp_path / "a.tif", (1e9, 1e9))
    done = colorify("image", tmp_path / "a.tif", "-o", tmp_path / "b.tif", "--model", model, "--keep-times")
    assert done.exit_code == 0 and (tmp_path / "b.tif").stat().st_mtime == 1e9
    assert tifffile.imread(tmp_path / "b.tif").shape == (2, 30, 40, 3)
    refused = colorify("image", tmp_path / "a.tif", "-o", tmp_path / "b.jpg", "--model", model)
    assert refused.exit_code == 1 and "the source has 2 pages: choose .tif" in refused.stderr


def test_unreadable_and_unwritable(colorify, model, tmp_path, monkeypatch):
    """As root every file can be read, so the refusal of the system is simulated."""
    photo(0).save(tmp_path / "a.png")
    refused = tmp_path / "refused"

    def read(path: Path, mode: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", read)
        result = colorify("image", tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", model)
        assert result.exit_code == 1 and "a.png: cannot be read: Permission denied" in result.stderr
    refused.write_text("a file where a folder is wanted")
    result = colorify("image", tmp_path / "a.png", "-o", refused / "b.png", "--model", model)
    assert result.exit_code == 1 and "cannot be written" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_named(colorify, model, tmp_path, monkeypatch):
    photo(0).save(tmp_path / "a.png")
    real = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", lambda path, content: real(Path("/dev/full"), content))
    result = colorify("image", tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", model)
    assert result.exit_code == 1 and "b.png: cannot be written: No space left on device" in result.stderr
    assert not (tmp_path / "b.png").exists()


def test_wrong_usage_is_status_2(colorify, tmp_path):
    assert colorify("image").exit_code == 2
    assert colorify("image", "a.png").exit_code == 2
    assert colorify("image", "a.png", "-o", "b.png", "--size", 1).exit_code == 2
    assert colorify("colour").exit_code == 2


@pytest.fixture
def picture(tmp_path) -> bytes:
    photo(0).convert("L").save(tmp_path / "in.png")
    return (tmp_path / "in.png").read_bytes()


def piped(model: str, *arguments: object, given: bytes = b"", **options: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "colorify", "image", *map(str, arguments), "--model", model]
    return subprocess.run(command, input=given, capture_output=True, **options)


def test_the_standard_input_and_output_are_pictures(model, colorizer, tmp_path, picture):
    done = piped(model, "-", "-o", "-", "--no-provenance", given=picture)
    assert (done.returncode, done.stderr) == (0, b"")
    colored = np.asarray(Image.open(io.BytesIO(done.stdout)))
    assert np.array_equal(colored, np.asarray(colorizer(picture)))
    assert piped(model, "-", given=picture).stdout == piped(model, tmp_path / "in.png", "-o", "-").stdout
    named = piped(model, "-", "-o", tmp_path / "out.png", given=picture)
    assert named.stdout.decode() == f"{tmp_path / 'out.png'}\n" and (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("arguments", "given", "status", "words"),
    [
        (["-"], b"no picture", 1, "the standard input is not a picture in a known format"),
        (["-"], b"", 1, "the standard input is not a picture in a known format"),
        (["-", "a.png"], b"", 1, "for one picture"),
        (["-", "--json"], b"", 2, "name another -o"),
        (["nowhere.png", "-o", "-"], b"", 1, "no such file"),
    ],
)
def test_pipes_that_cannot_be(model, tmp_path, arguments, given, status, words):
    done = piped(model, *arguments, given=given, cwd=tmp_path)
    assert done.returncode == status and words in " ".join(done.stderr.decode().split())
    assert done.stdout == b"" and list(tmp_path.iterdir()) == []


def test_a_cut_picture_of_the_standard_input_is_named_so(model, picture):
    done = piped(model, "-", given=picture[:-60])
    assert done.returncode == 1 and done.stderr.decode().startswith("colorify: stdin.png: ") and done.stdout == b""


def test_json_is_an_object_a_file(colorify, model, tmp_path, picture):
    (tmp_path / "in").mkdir()
    (tmp_path / "in.png").rename(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").write_bytes(b"broken")
    (tmp_path / "in" / "c.txt").touch()
    for command in ("image", "bulk"):
        result = colorify(command, tmp_path / "in", "-o", tmp_path / command, "--json", "--model", model)
        told = {Path(row["source"]).name: row for row in map(json.loads, result.stdout.splitlines())}
        assert {name: row["state"] for name, row in told.items()} == {
            "a.png": "done", "b.png": "failed", "c.txt": "passed over",
        }  # fmt: skip
        assert told["a.png"]["target"] == str(tmp_path / command / "a.png") and told["b.png"]["reason"]
        assert result.exit_code == 1


def test_two_models_are_blended(colorify, model, classifier, tmp_path):
    files.save(classifier.model, tmp_path / "other.safetensors")
    source, found = tmp_path / "in.png", {}
    photo(3, 120, 80).save(source)
    for name, blend in (("one", None), ("half", 0.5), ("all", 1)):
        asked = [] if blend is None else ["--blend", f"{tmp_path / 'other.safetensors'}:{blend}"]
        result = colorify("image", source, "-o", tmp_path / f"{name}.png", "--model", model, *asked)
        assert (result.exit_code, result.stderr) == (0, "")
        found[name] = pictures.read(tmp_path / f"{name}.png").pixels.astype(int)
    (other,) = classifier.colorize([pictures.read(source)])
    assert np.array_equal(found["all"], other.pixels)
    way = np.abs(found["half"] - found["one"]).mean() / np.abs(found["all"] - found["one"]).mean()
    assert 0.3 < way < 0.7
    for wrong in ("other", "other:2", ":0.5"):
        assert colorify("image", source, "-o", tmp_path / "x.png", "--model", model, "--blend", wrong).exit_code == 2
