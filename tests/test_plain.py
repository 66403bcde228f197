"""Photos and films with the plain install: what the public workflow runs on Linux, macOS and Windows.

    pip install . pytest && python -m pytest --noconftest tests/test_plain.py

No fixture of other tests and no package of an extra is used.
"""

import json
import os
import subprocess
import sys
import tarfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import colorify
from colorify.color import rgb_to_lab
from colorify.lock import BusyError, lock

WINDOWS = os.name == "nt"
SIZE = (96, 64)  # px: width, height


def gray(seed: int = 0) -> np.ndarray:
    """A smooth gray picture ``(h, w)``, uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC))


def run(*arguments: object, folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "colorify", *map(str, arguments)]
    utf8 = os.environ | {"PYTHONUTF8": "1"}  # names in any script, on any console
    return subprocess.run(command, cwd=folder, env=utf8, capture_output=True, text=True, encoding="utf-8")


def lightness(picture: np.ndarray) -> np.ndarray:
    """L* ``(h, w)`` of a picture of 8 bits."""
    return rgb_to_lab(np.asarray(Image.fromarray(picture).convert("RGB")) / 255)[..., 0]


def film(path: Path, frames: int = 6) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = *SIZE, "gray"
        for number in range(frames):
            picture = np.ascontiguousarray(np.roll(gray(), 2 * number, 1))
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "gray")))
        out.mux(stream.encode(None))


@pytest.mark.parametrize("model", ["highres", "lowres"])
def test_a_picture_keeps_its_lightness(model):
    source = gray()
    result = np.asarray(colorify.Colorizer.load(model)(Image.fromarray(source)))
    assert result.shape == (*source.shape, 3)
    assert np.abs(lightness(result) - lightness(source)).max() < 0.6
    assert (result.max(-1).astype(int) - result.min(-1)).mean() > 1, "it has colours"


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "bmp", "avif"])
def test_every_format_of_the_plain_install(tmp_path, suffix):
    Image.fromarray(gray()).convert("RGB").save(tmp_path / f"a.{suffix}")
    done = run("image", f"a.{suffix}", "-o", f"b.{suffix}", folder=tmp_path)
    unsaid = "colorify: BMP has no place to say that a picture was coloured\n"
    assert (done.returncode, done.stderr) == (0, unsaid if suffix == "bmp" else "")
    with Image.open(tmp_path / f"b.{suffix}") as result:
        assert result.size == SIZE


def test_a_folder_keeps_its_tree_and_names(tmp_path):
    names = ["a.png", "deep/er/b.png", "世界 é.png"]
    if not WINDOWS:  # its file systems take no such names
        names += ["12:30.png", "a\nb.png"]
    for number, name in enumerate(names):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(gray(number)).save(tmp_path / "in" / name)
    done = run("image", "in", "-o", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")} == set(names)


def test_a_pattern_is_read_where_the_shell_does_not(tmp_path):
    for number in range(3):
        Image.fromarray(gray(number)).save(tmp_path / f"{number}.png")
    done = run("image", "*.png", "-o", "out", folder=tmp_path)
    assert done.returncode == 0 and len(list((tmp_path / "out").iterdir())) == 3


def test_an_archive_goes_on(tmp_path):
    Image.fromarray(gray()).save(tmp_path / "a.png")
    with tarfile.open(tmp_path / "in.tar", "w") as tar:
        tar.add(tmp_path / "a.png", "deep/a.png")
    film(tmp_path / "film.mkv")
    command = ("bulk", "in.tar", "film.mkv", "a.png", "-o", "out")
    assert run(*command, folder=tmp_path).returncode == 0
    written = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.suffix in (".png", ".mkv")}
    assert len(written) == 3
    again = run(*command, folder=tmp_path)
    assert again.returncode == 0 and "3 done before" in again.stdout
    assert all(path.read_bytes() == content for path, content in written.items())


def test_a_film_keeps_every_sample_of_its_luma(tmp_path):
    film(tmp_path / "a.mkv")
    out = ("-o", "b.mkv", "--codec", "ffv1", "--quality", "lossless")
    done = run("video", "a.mkv", *out, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    planes = []
    for name in ("a.mkv", "b.mkv"):
        with av.open(str(tmp_path / name)) as opened:
            planes.append([frame.to_ndarray()[: SIZE[1], : SIZE[0]] for frame in opened.decode(video=0)])
    assert len(planes[0]) == len(planes[1]) == 6
    assert all((one == other).all() for one, other in zip(*planes, strict=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv", "b.mkv"]


def test_a_second_run_in_one_folder_is_told(tmp_path):
    Image.fromarray(gray()).save(tmp_path / "a.png")
    with lock(tmp_path / "out"):
        done = run("bulk", "a.png", "-o", "out", folder=tmp_path)
        with pytest.raises(BusyError), lock(tmp_path / "out"):
            pass
    assert done.returncode == 1 and "another run holds it" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_failures_are_one_line_each(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    Image.fromarray(gray()).save(tmp_path / "b.png")
    done = run("-q", "image", "a.png", "b.png", "c.png", "-o", "out", folder=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 2 and "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.png"]


@pytest.mark.skipif(WINDOWS, reason="Windows has no permission bits of folders that Python could take away")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_named(tmp_path):
    Image.fromarray(gray()).save(tmp_path / "a.png")
    (tmp_path / "out").mkdir(mode=0o500)
    done = run("bulk", "a.png", "-o", "out", folder=tmp_path)
    assert done.returncode == 1 and "out" in done.stderr and "Traceback" not in done.stderr


def test_what_is_here(tmp_path):
    assert run("--version", folder=tmp_path).stdout.strip() == f"colorify {colorify.__version__}"
    assert "highres" in run("models", folder=tmp_path).stdout
    assert "processors" in run("doctor", folder=tmp_path).stdout


OFFLINE = """
import sys
ASKED = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "os.fork")
sys.addaudithook(lambda event, _: event in ASKED and sys.exit(event))
from colorify.cli import app
app(prog_name="colorify")
"""


@pytest.mark.parametrize("command", [("image", "a.png", "-o", "b.png"), ("bulk", "a.png", "-o", "out"), ("doctor",)])
def test_photos_are_sent_nowhere(tmp_path, command):
    """Nor that it was used: OpenVINO would count every start at a server."""
    Image.fromarray(gray()).save(tmp_path / "a.png")
    done = subprocess.run([sys.executable, "-c", OFFLINE, *command], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_importing_does_nothing():
    code = "import colorify, json, sys; print(json.dumps([m for m in ('torch', 'cv2', 'av') if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, [], "")
