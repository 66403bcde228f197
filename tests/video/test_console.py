"""On any console, with names of any bytes, the command does its work and says so; libraries keep silent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from colorify.cli import app
from colorify.models import checkpoint as checkpoints
from conftest import long, photo
from video.test_film import make

NAMES = {"accents": b"na\xc3\xafve \xc3\xa9t\xc3\xa9", "no encoding": b"caf\xe9\xff"}
BOTH = b" and ".join(NAMES.values())
CONSOLES = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "LANG": "C"},
    "POSIX, no UTF-8 mode": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "latin 1": {"PYTHONIOENCODING": "latin-1"},
    "UTF-8": {"PYTHONIOENCODING": "utf-8"},
}


def run(console: str, *command: str | Path) -> subprocess.CompletedProcess:
    """The command in a process of its own."""
    given = {name: text for name, text in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONIO"))}
    command = [sys.executable, "-m", "colorify", *(os.fsencode(part) for part in command)]
    return subprocess.run(command, capture_output=True, env=given | CONSOLES[console], timeout=120)


@pytest.fixture
def model(checkpoint, tmp_path) -> Path:
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize(
    ("console", "name"),
    [
        ("ascii", BOTH),
        *(pytest.param(console, BOTH, marks=pytest.mark.long) for console in CONSOLES if console != "ascii"),
        pytest.param("UTF-8", NAMES["accents"], marks=pytest.mark.long),
    ],
    ids=str,
)
def test_a_film_of_any_name_on_any_console(tmp_path, model, console, name):
    """Names with letters that the console lacks and bytes that are no letters; and one that a console can show."""
    name = os.fsdecode(name)
    source, out = make(tmp_path / "in.mkv", frames=3, sound=False), tmp_path / f"out-{name}.mkv"
    source = source.rename(tmp_path / f"{name}.mkv")
    result = run(console, "video", source, "-o", out, "--model", model)
    assert result.returncode == 0, result.stderr
    assert out.exists() and b"3 frames" in result.stdout and b"Traceback" not in result.stderr
    again = run(console, "video", source, "-o", out, "--model", model)
    assert again.returncode == 1 and b"exists already" in again.stderr and again.stderr.count(b"\n") == 1


@pytest.mark.parametrize("console", ["ascii", *long("POSIX, no UTF-8 mode")])
def test_pictures_of_any_name(tmp_path, model, console):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in NAMES.values():
        photo(0).convert("L").save(folder / os.fsdecode(name + b".png"), "PNG")
        (folder / os.fsdecode(b"bad-" + name + b".png")).write_text("no picture")
    for command in ("image", "bulk"):
        out = tmp_path / os.fsdecode(command.encode() + NAMES["accents"])
        result = run(console, command, folder, "-o", out, "--model", model)
        assert result.returncode == 1 and b"Traceback" not in result.stderr  # for the two that are none
        assert result.stderr.count(b"not a picture") == 2 and len(list(out.glob("*.png"))) == 2
        with Image.open(next(out.glob("*.png"))) as picture:
            assert picture.mode == "RGB"


@pytest.mark.parametrize(
    "command", [["--help"], ["video", "--help"], ["models"], ["video", "no-\xe9.mkv", "-o", "x.mkv"]]
)
def test_help_and_messages_in_ascii(tmp_path, command):
    result = run("ascii", *command)
    assert result.returncode == (1 if "no-\xe9.mkv" in command else 0) and b"Traceback" not in result.stderr
    (result.stdout + result.stderr).decode("ascii")


@pytest.mark.parametrize("name", ["f%04d.png", "shot*.dpx", "missing.mkv"])
def test_what_is_no_file_is_named(tmp_path, model, name):
    result = CliRunner().invoke(app, ["video", name, "-o", str(tmp_path / "out.mkv"), "--model", str(model)])
    assert result.exit_code == 1 and result.stderr.startswith(f"colorify: {name}: no such file")
    assert ("FFmpeg" in result.stderr) == (name == "shot*.dpx") and result.stderr.count("\n") == 1


@pytest.mark.parametrize("codec", ["libx264", *long("libx265", "libsvtav1", "ffv1")])
@pytest.mark.parametrize("damaged", [True, *long(False)])
def test_libraries_keep_silent(tmp_path, model, codec, damaged):
    """Nothing on stderr but our own lines and the bar: not of FFmpeg, its encoders, swscale or OpenCV."""
    source = make(tmp_path / "in.avi", "yuvj420p", codec="mjpeg", frames=12, sound=False)
    if damaged:
        content = bytearray(source.read_bytes())
        content[len(content) // 2 :: 50] = b"\xff" * len(content[len(content) // 2 :: 50])
        source.write_bytes(content)
    quality = "lossless" if codec == "ffv1" else "small"
    command = ["video", source, "-o", tmp_path / "out.mkv", "--model", model, "--codec", codec, "--quality", quality]
    result = run("UTF-8", *command)
    lines = result.stderr.decode().replace("\r", "\n").split("\n")
    others = [line for line in lines if line.strip() and "frames, " not in line and not line.startswith("colorify: ")]
    assert not others and (damaged or result.returncode == 0)
