"""ONNX files give torch's answers, prove that they are whole, and are taken only where they fit."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from colorify.inference import Colorizer, small_luma
from colorify.models import CheckpointError, onnx, released
from colorify.models import checkpoint as files
from colorify.pictures import from_pil
from conftest import photo

RNG = np.random.default_rng(0)

pytestmark = pytest.mark.xdist_group("onnx")  # it is exported once


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory) -> Path:
    """A model as both files, stored as a release is."""
    folder = tmp_path_factory.mktemp("exported")
    files.save(checkpoint, folder / "tiny.safetensors", torch.float16)
    onnx.export(folder / "tiny.safetensors", folder / "tiny.onnx")
    return folder / "tiny.onnx"


@pytest.fixture
def copies(exported, tmp_path) -> Path:
    """Both files in a folder of one's own."""
    for suffix in (".safetensors", ".onnx"):
        shutil.copy(exported.with_suffix(suffix), tmp_path)
    return tmp_path / "tiny.onnx"


@pytest.mark.parametrize("name", released.models())
@pytest.mark.parametrize("size", [(1, 64, 80), (3, 50, 98)])
def test_released_models_run_by_a_twin_that_answers_as_torch_does(name, size):
    colorizer = Colorizer.load(name, "cpu")
    assert isinstance(colorizer.model, onnx.OnnxModel)
    luma = RNG.random(size, np.float32) * 100
    with torch.no_grad():
        expected = colorizer.network(torch.from_numpy(luma[:, None]))
    torch.testing.assert_close(torch.from_numpy(colorizer.output(luma, tta=False)), expected, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (33, 70), (64, 64), (200, 31)])
def test_any_size(exported, size):
    luma = RNG.random((2, 1, *size), np.float32) * 100
    found = onnx.load(exported).predictor()(luma)
    with torch.no_grad():
        expected = files.load(exported.with_suffix(".safetensors")).build()(torch.from_numpy(luma))
    torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-4, rtol=1e-3)
    other = onnxruntime.InferenceSession(exported).run(None, {"luma": luma})[0]
    np.testing.assert_allclose(other, found, atol=1e-4, rtol=1e-3)


def test_several_callers_get_their_own_answers(exported):
    colorizer = Colorizer(onnx.load(exported), callers=2)
    lumas = [RNG.random((1, 32, 48), np.float32) * 100 for _ in range(12)]
    alone = [colorizer.output(luma) for luma in lumas]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(colorizer.output, lumas))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_checkpoint_is_run_by_its_twin_alone(copies):
    checkpoint = copies.with_suffix(".safetensors")
    assert isinstance(Colorizer.load(checkpoint, "cpu").model, onnx.OnnxModel)
    trained = files.load(checkpoint)
    trained.weights["head.bias"] += 1
    files.save(trained, checkpoint)
    assert not isinstance(Colorizer.load(checkpoint, "cpu").model, onnx.OnnxModel)
    shutil.copy(released.find("lowres"), checkpoint)
    assert Colorizer.load(checkpoint, "cpu").method == "classification"


def test_what_the_file_says(copies, checkpoint):
    model = onnx.load(copies)
    assert (model.codec, model.method, model.training) == (checkpoint.codec, "regression", checkpoint.training)
    assert Colorizer.load(copies).size == 64
    with pytest.raises(CheckpointError, match="runs on the CPU"):
        Colorizer.load(copies, "cuda")
    with pytest.raises(CheckpointError, match="no torch module"):
        Colorizer.load(copies).network  # noqa: B018


@pytest.mark.parametrize("place", [100, 20_000, -40])
def test_a_changed_byte_is_found(copies, place):
    content = bytearray(copies.read_bytes())
    content[place] ^= 1
    copies.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"tiny\.onnx: (corrupted|not an ONNX file)"):
        onnx.load(copies)
    assert onnx.twin(copies.with_suffix(".safetensors")) is None


def test_what_is_no_onnx_file(tmp_path):
    for content in (b"", b"no model", onnx._ENTRY + b'{"length": 3}', onnx._ENTRY + b"[]"):
        (tmp_path / "a.onnx").write_bytes(content)
        with pytest.raises(CheckpointError, match=r"a\.onnx: not an ONNX file"):
            onnx.load(tmp_path / "a.onnx")
    with pytest.raises(CheckpointError, match="No such file"):
        onnx.load(tmp_path / "missing.onnx")


def test_without_openvino(copies, monkeypatch):
    monkeypatch.setattr(onnx, "installed", lambda: False)
    assert not isinstance(Colorizer.load(copies.with_suffix(".safetensors"), "cpu").model, onnx.OnnxModel)
    with pytest.raises(CheckpointError, match="pip install"):
        onnx.load(copies)


def test_colouring_by_it_needs_no_torch(copies, tmp_path):
    photo(0).save(tmp_path / "a.png")
    code = """
import sys, runpy
sys.modules["torch"] = None  # importing it fails
sys.argv = ["colorify", "image", "a.png", "-o", "b.png", "--model", "tiny.onnx"]
runpy.run_module("colorify", run_name="__main__")
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == 0
    expected = Colorizer.load(copies)(photo(0))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "b.png")), np.asarray(expected))


def test_the_example_colours_a_picture_without_torch_or_colorify(copies, tmp_path):
    photo(0, 96, 64).save(tmp_path / "a.png")
    example = Path(__file__).parents[2] / "docs" / "onnx_example.py"
    assert len(example.read_text().splitlines()) <= 30
    subprocess.run([sys.executable, example, copies, "a.png", "b.png"], check=True, cwd=tmp_path)
    ours = Colorizer.load(copies)(Image.open(tmp_path / "a.png"), size=64, tta=False)
    theirs = Image.open(tmp_path / "b.png")
    assert np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).mean() < 2
    assert small_luma(from_pil(theirs), 64).shape == (64, 96)
