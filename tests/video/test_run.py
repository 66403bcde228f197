"""A film on its way: corrected frames hold with every way to color it, and after a kill."""

import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from colorify.color import lab_to_rgb, rgb_to_lab
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from colorify.video import film, scene
from colorify.video.film import FilmOptions
from conftest import long
from video.conftest import detailed, reel_of
from video.test_film import read

AB, FRAMES = np.float32([25, 20]), 24
SIZE = (192, 128)


def disc() -> Image.Image:
    shown = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(shown, (320, 240), 60, (255, 255, 255), -1)
    return Image.fromarray(shown)


@pytest.fixture(scope="module")
def work(tmp_path_factory, colorizer):
    """A reel of three shots with an object in each, colored plainly, and its middle frames with the object painted."""
    folder = tmp_path_factory.mktemp("work")
    with_object = [Image.composite(detailed(n + 20), detailed(n), disc().convert("L")) for n in range(3)]
    source = scene.write_gray(reel_of(with_object, FRAMES, SIZE), folder / "in.mkv", grain=0.01)
    masks = reel_of([disc()] * 3, FRAMES, SIZE).rgb[..., 0]
    film.colorize(source, folder / "plain.mkv", colorizer, FilmOptions(quality="lossless"))
    (folder / "keys").mkdir()
    shown = frames(folder / "plain.mkv")
    for number in (12, 36, 60):
        lab = rgb_to_lab(shown[number])
        lab[..., 1:] += masks[number][..., None] * (AB - lab[..., 1:])
        picture = np.rint(lab_to_rgb(lab) * 255).clip(0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / "keys" / f"{number / 25:.3f}s.png")
    return folder, masks


def frames(path) -> np.ndarray:
    import av

    with av.open(str(path)) as clip:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]).astype(np.float32) / 255


def off(path, masks) -> np.ndarray:
    """How far the object is from its correction in each frame, dE of its mean places."""
    found = []
    for shown, mask in zip(frames(path), masks, strict=True):
        inner = cv2.erode((mask > 0.99).astype(np.uint8), np.ones((7, 7))) > 0
        found.append(np.hypot(*np.moveaxis(rgb_to_lab(shown)[..., 1:][inner] - AB, -1, 0)).mean())
    return np.array(found)


@pytest.mark.parametrize("options", [{}, {"every": 4}, {"steady": 0.0}, {"knobs": Knobs(saturation=0.3)}], ids=str)
def test_an_object_is_as_corrected_over_its_whole_shot(colorizer, work, tmp_path, options):
    folder, masks = work
    asked = FilmOptions(quality="lossless", keyframes=folder / "keys", **options)
    film.colorize(folder / "in.mkv", tmp_path / "out.mkv", colorizer, asked)
    assert off(folder / "plain.mkv", masks).min() > 10 and off(tmp_path / "out.mkv", masks).max() < 5


def test_beyond_the_cuts_nothing_changes(colorizer, work, tmp_path):
    folder, _ = work
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "36.png").write_bytes((folder / "keys" / "1.440s.png").read_bytes())
    film.colorize(
        folder / "in.mkv", tmp_path / "out.mkv", colorizer, FilmOptions(quality="lossless", keyframes=tmp_path / "keys")
    )
    plain, out = frames(folder / "plain.mkv"), frames(tmp_path / "out.mkv")
    changed = (plain != out).any((1, 2, 3))
    assert np.flatnonzero(changed).tolist() == list(range(24, 48))


@pytest.mark.parametrize("stretch", [(0.6, 1.2), (1.0, 1.28), (1.6, 1.8)])
def test_a_stretch_has_the_keys_of_its_shots(colorizer, work, tmp_path, stretch):
    """Keys that lie before its start or behind its end."""
    folder, masks = work
    start, end = stretch
    asked = FilmOptions(quality="lossless", keyframes=folder / "keys", start=start, end=end)
    film.colorize(folder / "in.mkv", tmp_path / "out.mkv", colorizer, asked)
    assert off(tmp_path / "out.mkv", masks[round(start * 25) : round(end * 25)]).max() < 5


TABLE = "start,end,saturation\n0,0.5,\n0.5,1.3,0.5\n1.3,,\n"
KILLED = """
import os, signal
from pathlib import Path
from colorify.inference import Colorizer
from colorify.video import film
film.PART = 8
def progress(now):
    if now.frames == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
options = film.FilmOptions(quality="lossless", keyframes=Path({keys!r}), shots={shots!r} and Path({shots!r}))
film.colorize({source!r}, {out!r}, Colorizer.load({model!r}, "cpu"), options, progress)
"""


@pytest.mark.parametrize("at", [42, *long(10, 25, 49, 70)])
@pytest.mark.parametrize(
    "table", [None, *long("start,end,saturation\n0,0.5,\n0.5,1.3,0.5\n1.3,,\n")], ids=["cuts", "table"]
)
def test_a_killed_run_goes_on_and_ends_the_same(checkpoint, work, tmp_path, monkeypatch, at, table):
    folder, _ = work
    model, out, shots = tmp_path / "model.safetensors", tmp_path / "out.mkv", tmp_path / "shots.csv"
    checkpoints.save(checkpoint, model)
    if table:
        shots.write_text(table)
    names = {"source": folder / "in.mkv", "out": out, "model": model, "keys": folder / "keys"}
    code = KILLED.format(at=at, shots=str(shots) if table else "", **{name: str(path) for name, path in names.items()})
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    monkeypatch.setattr(film, "PART", 8)
    options = FilmOptions(quality="lossless", keyframes=folder / "keys", shots=shots if table else None)
    again = film.Colorizer.load(model, "cpu")
    told = []
    done = film.colorize(folder / "in.mkv", out, again, options, told.append)
    assert told[0].frames > 1 or at < 30, "what was finished is not done again"
    assert done == film.colorize(folder / "in.mkv", tmp_path / "whole.mkv", again, options)
    for one, other in zip(read(out), read(tmp_path / "whole.mkv"), strict=True):
        assert one[0] == other[0] and np.array_equal(one[1], other[1]) and all(map(np.array_equal, one[3], other[3]))
