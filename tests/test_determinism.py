"""The same input gives the same bytes, whatever goes on around it."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from colorify.inference import Colorizer
from colorify.models import checkpoint as files
from conftest import photo

SHAPES = [(64, 48), (48, 64), (200, 133), (131, 77), (64, 48), (300, 40)]


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "in").mkdir()
    for number, shape in enumerate(SHAPES):
        photo(number, *shape).convert("L").save(tmp_path / "in" / f"{number}.png")
    return tmp_path


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.png"))}


def colored(folder: Path, name: str, inputs: list[str], model: str, processors: int, threads: int) -> dict[str, str]:
    """The results of a run on so many processors, with so many threads for a product of matrices."""

    def bound() -> None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:processors])

    command = [sys.executable, "-m", "colorify", "image", *inputs, "-o", str(folder / name), "--model", model]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    subprocess.run(command, check=True, cwd=folder, env=environment, preexec_fn=bound, stderr=subprocess.DEVNULL)
    return digests(folder / name)


@pytest.mark.parametrize("model", ["highres", "lowres"])
def test_processors_threads_and_order(folder, model):
    inputs = [f"in/{number}.png" for number in range(len(SHAPES))]
    first = colored(folder, "first", ["in"], model, 1, 1)
    assert len(first) == len(SHAPES)
    assert colored(folder, "again", ["in"], model, 64, 2) == first
    assert colored(folder, "reversed", inputs[::-1], model, 64, 1) == first


def test_the_company_a_picture_is_in(folder):
    colorizer = Colorizer.load("highres", "cpu", concurrency=2)
    paths = sorted((folder / "in").iterdir())
    together = colorizer.batch(paths)
    for path, result in zip(paths, together, strict=True):
        assert np.array_equal(np.asarray(colorizer(path)), np.asarray(result))


def test_torch_differs_by_a_level_at_most(folder, checkpoint):
    """Without an ONNX file the network is torch's, whose sums depend on the number of threads and the batch."""
    files.save(checkpoint, folder / "tiny.safetensors")
    colorizer = Colorizer.load(folder / "tiny.safetensors", "cpu")
    paths = sorted((folder / "in").iterdir())
    for path, result in zip(paths, colorizer.batch(paths), strict=True):
        off = np.abs(np.asarray(colorizer(path)).astype(int) - np.asarray(result))
        assert off.max() <= 1 and (off > 0).mean() < 0.01
