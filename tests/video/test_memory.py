"""What a film remembers of its shots: bounded, heard where it matches, kept over a kill."""

import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from colorify import matching
from colorify.data import samples
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from colorify.video import film, scene, segments
from colorify.video.film import FilmOptions
from colorify.video.memory import Memory, Remembered, bounded
from colorify.video.steady import Frame
from video.conftest import detailed
from video.test_film import read

FRAMES, SIZE = 24, (192, 128)


def frame(luma: np.ndarray, ab: np.ndarray) -> Frame:
    nothing, still = np.zeros_like(luma), np.zeros_like(ab)
    return Frame(luma, ab, 1.0, still, nothing, still, nothing, ab, nothing)


def textured(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """L* and ab."""
    lab = scene.camera(detailed(seed), (0.5, 0.5, 0.6), (0.5, 0.5, 0.6), 1, SIZE).lab[0]
    return np.ascontiguousarray(lab[..., 0]), np.ascontiguousarray(lab[..., 1:])


def remembered(axis: int, given: bool = False, tilt: float = 0.0) -> Remembered:
    cells = np.zeros((16, 8), np.float32)
    cells[:, axis], cells[:, -1] = np.cos(tilt), np.sin(tilt)
    return Remembered(matching.Known(cells, (2, 4), np.zeros((8, 3))), given)


def test_the_most_different_stay_and_those_of_a_person():
    one, two, three, like_two = remembered(0), remembered(1), remembered(2), remembered(1, tilt=0.1)
    assert bounded([one, two, three, like_two], 3) == [one, two, three]
    given = remembered(1, given=True, tilt=0.1)
    assert bounded([one, two, three, given], 3) == [one, three, given]
    assert bounded([one, two], 3) == [one, two]


@pytest.mark.parametrize("turns", [0, 1])
def test_a_shot_that_looks_the_same_takes_the_colors(colorizer, turns):
    luma, ab = (np.ascontiguousarray(np.rot90(field, turns)) for field in textured(0))
    memory = Memory(colorizer.matcher(), 4, -turns)
    memory.begin()
    assert memory.change(luma, 0 * ab) is None
    memory.add(frame(luma, ab), ab)
    assert memory.change(luma, 0 * ab) is None, "not within the shot itself"
    memory.begin()
    mirrored = np.ascontiguousarray(luma[:, ::-1] if not turns else luma[::-1])
    wanted = np.ascontiguousarray(ab[:, ::-1] if not turns else ab[::-1])
    for seen, truth in ((luma, ab), (mirrored, wanted)):
        change = memory.change(seen, 0 * ab)
        assert np.abs(change - truth).mean() < 0.5 * np.abs(truth).mean()
    again = Memory(colorizer.matcher(), 4, -turns)
    again.restore(memory.state())
    assert np.array_equal(again.change(luma, 0 * ab), memory.change(luma, 0 * ab))


def test_what_a_person_colored_is_heard_first(colorizer):
    luma, ab = textured(0)
    memory = Memory(colorizer.matcher(), 4)
    for colors, given in ((-ab, False), (ab, True), (-ab, False)):
        memory.add(frame(luma, colors), colors, given)
    memory.begin()
    assert np.corrcoef(memory.change(luma, 0 * ab).ravel(), ab.ravel())[0, 1] > 0.7


def test_an_answer_that_wavered_is_not_heard(colorizer):
    luma, ab = textured(0)
    memory = Memory(colorizer.matcher(), 4)
    memory.add(frame(luma, ab + 30), ab)
    memory.begin()
    assert memory.change(luma, 0 * ab) is None


@pytest.fixture(scope="module")
def work(tmp_path_factory, colorizer):
    """A film of a shot, another, and the first again; and one frame of it, colored by a person."""
    folder = tmp_path_factory.mktemp("memory")
    pan = scene.camera(detailed(0), (0.45, 0.5, 0.5), (0.5, 0.5, 0.5), FRAMES, SIZE)
    other = scene.camera(detailed(1), (0.5, 0.5, 0.6), (0.5, 0.5, 0.5), FRAMES, SIZE)
    whole = pan.cut(other).cut(pan)
    scene.write_gray(whole, folder / "in.mkv")
    (folder / "keys").mkdir()
    shown = np.rint(pan.rgb[12][..., ::-1] * 255).clip(0, 255).astype(np.uint8)
    cv2.imwrite(str(folder / "keys" / "12.png"), shown)
    return folder, whole


def planes(path) -> np.ndarray:
    """Cb and Cr of the frames, around zero."""
    return np.stack([np.stack(one[3]) for one in read(path)]).astype(np.float32) - 128


def colored(work, out, colorizer, **options) -> np.ndarray:
    film.colorize(work[0] / "in.mkv", out, colorizer, FilmOptions(quality="lossless", **options))
    return planes(out)


@pytest.mark.parametrize("options", [{}, {"every": 4}, {"steady": 0.0}, {"knobs": Knobs(saturation=0.5)}], ids=str)
def test_colors_of_a_person_come_again_after_a_cut(work, colorizer, tmp_path, options):
    keys = work[0] / "keys"
    without, with_it = (
        colored(work, tmp_path / f"{memory}.mkv", colorizer, keyframes=keys, memory=memory, **options)
        for memory in (0, 8)
    )
    first, last = slice(0, FRAMES), slice(2 * FRAMES, None)
    apart = [np.abs(found[last] - found[first]).mean() for found in (with_it, without)]
    assert apart[0] < 0.7 * apart[1]
    assert np.array_equal(with_it[first], without[first])


KILLED = """
import os, signal
from pathlib import Path
from colorify.inference import Colorizer
from colorify.video import film
film.PART = 8
def progress(now):
    if now.frames == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
options = film.FilmOptions(quality="lossless", keyframes=Path({keys!r}), memory=2)
film.colorize(Path({source!r}), Path({out!r}), Colorizer.load({model!r}, "cpu"), options, progress)
"""


@pytest.mark.parametrize("at", [20, 66])
def test_a_killed_film_goes_on_with_the_same_memory(checkpoint, work, tmp_path, monkeypatch, at):
    folder, _ = work
    model, out = tmp_path / "model.safetensors", tmp_path / "out.mkv"
    checkpoints.save(checkpoint, model)
    names = {"source": folder / "in.mkv", "out": out, "model": model, "keys": folder / "keys"}
    code = KILLED.format(at=at, **{name: str(path) for name, path in names.items()})
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    monkeypatch.setattr(film, "PART", 8)
    options = FilmOptions(quality="lossless", keyframes=folder / "keys", memory=2)
    again, told = film.Colorizer.load(model, "cpu"), []
    film.colorize(folder / "in.mkv", out, again, options, told.append)
    assert told[0].frames > 1, "what was finished is not done again"
    film.colorize(folder / "in.mkv", tmp_path / "whole.mkv", again, options)
    assert np.array_equal(planes(out), planes(tmp_path / "whole.mkv"))
    plain = FilmOptions(quality="lossless", keyframes=folder / "keys")
    film.colorize(folder / "in.mkv", tmp_path / "plain.mkv", again, plain)
    assert not np.array_equal(planes(out)[2 * FRAMES :], planes(tmp_path / "plain.mkv")[2 * FRAMES :])


def test_a_film_with_a_memory_is_not_parted_and_that_is_said(work, colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "LENGTH", 0.5)
    source, out = work[0] / "in.mkv", tmp_path / "out.mkv"
    for memory, count in ((0, 5), (4, 1)):
        options = FilmOptions(quality="lossless", memory=memory)
        parts = segments.plan(source, out, options)
        assert len(parts) == count
    segments.color(parts[0], colorizer, options)
    told, damaged = segments.finish(parts, out, options)
    assert any("--memory 0 parts it into 5" in line for line in told) and not damaged
    assert np.array_equal(planes(out), colored(work, tmp_path / "whole.mkv", colorizer, memory=4))


@pytest.fixture(scope="module")
def benchmark():
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        import memory

        yield memory
    finally:
        sys.path.remove(folder)


def test_an_object_keeps_its_color_over_cuts_and_unrelated_shots_theirs(benchmark):
    colorizer = Colorizer.load("highres", "cpu")
    found = benchmark.measured("coffee", colorizer, 8, 8, (320, 180))
    assert found["between"][1] < 0.5 * found["between"][0] and found["t_ab"][1] < 1.1 * found["t_ab"][0]
    assert "| coffee | the cup |" in benchmark.films_table({"coffee": found})
    errors = benchmark.unrelated([picture for _, picture in samples.color()], colorizer, 8)
    assert (errors[:, 1] - errors[:, 0]).max() < 0.3


def test_the_color_of_an_object_counts_at_the_same_lightness(benchmark):
    lab = np.full((3, 4, 4, 3), 50, np.float32)
    lab[1, ..., 0] = 83
    ab = np.stack([np.full((4, 4, 2), value, np.float32) for value in (20, 30, 20)])
    there = np.ones((3, 4, 4), bool)
    assert benchmark.between(ab, lab, there) == pytest.approx(0, abs=1e-4)
    assert benchmark.between(ab[[0, 0, 0]], lab, there) > 2
