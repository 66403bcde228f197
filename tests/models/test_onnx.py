"""ONNX files give torch's answers, prove that they are whole, and are taken only where they fit."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx as onnx_files
import onnxruntime
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from colorify.cli import app
from colorify.inference import Colorizer
from colorify.models import CheckpointError, onnx, released
from colorify.models import checkpoint as files
from colorify.models.running import BFLOAT16
from colorify.network_input import small_luma
from colorify.pictures import from_pil
from conftest import photo

RNG = np.random.default_rng(0)

pytestmark = pytest.mark.xdist_group("onnx")  # it is exported once


@pytest.fixture(scope="module", autouse=True)
def translated_once():
    """Each network: torch takes ten seconds for it, and the same weights give the same graph."""
    translate, known = onnx._translated, {}

    def translated(network: torch.nn.Module, example: torch.Tensor) -> onnx_files.ModelProto:
        key = files.digest(network.state_dict(), {})
        known[key] = known.get(key) or translate(network, example).SerializeToString()
        return onnx_files.ModelProto.FromString(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx, "_translated", translated)
        yield


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory) -> Path:
    """A model as both files, stored as a release is; ``whole.onnx`` beside them holds its weights itself."""
    folder = tmp_path_factory.mktemp("exported")
    files.save(checkpoint, folder / "tiny.safetensors", torch.float16)
    assert onnx.export(folder / "tiny.safetensors") == folder / "tiny.onnx"
    assert onnx.export(folder / "tiny.safetensors", folder / "whole.onnx") == folder / "whole.onnx"
    assert sorted(path.name for path in folder.iterdir()) == ["tiny.onnx", "tiny.safetensors", "whole.onnx"]
    return folder / "tiny.onnx"


@pytest.fixture
def copies(exported, tmp_path) -> Path:
    """Both files in a folder of one's own."""
    for suffix in (".safetensors", ".onnx"):
        shutil.copy(exported.with_suffix(suffix), tmp_path)
    return tmp_path / "tiny.onnx"


@pytest.fixture
def alone(exported, tmp_path) -> Path:
    """A file of the whole model, with nothing beside it."""
    (tmp_path / "alone").mkdir()
    return Path(shutil.copy(exported.with_name("whole.onnx"), tmp_path / "alone" / "any name.onnx"))


@pytest.mark.parametrize("name", released.models())
@pytest.mark.parametrize("size", [(1, 64, 80), (3, 50, 98)])
def test_released_models_run_by_the_onnx_file_that_answers_as_torch_does(name, size):
    colorizer = Colorizer.load(name, "cpu")
    assert isinstance(colorizer.model, onnx.OnnxModel)
    luma = RNG.random(size, np.float32) * 100
    with torch.no_grad():
        expected = colorizer.network(torch.from_numpy(luma[:, None]))
    torch.testing.assert_close(torch.from_numpy(colorizer.output(luma, tta=False)), expected, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (33, 70), (64, 64), (200, 31)])
def test_any_size(exported, alone, size):
    luma = RNG.random((2, 1, *size), np.float32) * 100
    found = onnx.load(exported).predictor()(luma)
    with torch.no_grad():
        expected = files.load(exported.with_suffix(".safetensors")).build()(torch.from_numpy(luma))
    torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-4, rtol=1e-3)
    other = onnxruntime.InferenceSession(exported).run(None, {"luma": luma})[0]
    np.testing.assert_allclose(other, found, atol=1e-4, rtol=1e-3)
    np.testing.assert_array_equal(onnx.load(alone).predictor()(luma), found)
    np.testing.assert_array_equal(onnxruntime.InferenceSession(alone).run(None, {"luma": luma})[0], other)


@pytest.mark.parametrize("size", [(1, 1), (33, 70), (64, 64)])
def test_the_encoder_is_that_of_torch(exported, alone, size):
    luma = RNG.random((2, 1, *size), np.float32) * 100
    expected = files.load(exported.with_suffix(".safetensors")).encoder("cpu")(luma)
    for path in (exported, alone):
        for level, other in zip(onnx.load(path).encoder("cpu")(luma), expected, strict=True):
            np.testing.assert_allclose(level, other, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", released.models())
def test_released_weights_are_there_once(name):
    path = released.find(name)
    graph = path.with_suffix(".onnx")
    assert graph.stat().st_size < 400_000 < path.stat().st_size
    places = [
        {entry.key: entry.value for entry in tensor.external_data}
        for tensor in onnx_files.load(graph, load_external_data=False).graph.initializer
        if tensor.external_data
    ]
    assert {place["location"] for place in places} == {path.name}
    assert sum(int(place["length"]) for place in places) > 0.95 * path.stat().st_size


@pytest.mark.parametrize("name", ["\u65b0 \u00e4 b.safetensors", "tiny.v2.safetensors"])
def test_a_checkpoint_of_any_name_and_place(copies, name, monkeypatch):
    (folder := copies.parent / "\u00fc \u0444").mkdir()
    shutil.copy(copies.with_suffix(".safetensors"), folder / name)
    monkeypatch.chdir(folder)
    luma = RNG.random((1, 1, 32, 48), np.float32) * 100
    found = onnx.load(onnx.export(Path(name))).predictor()(luma)
    np.testing.assert_array_equal(found, onnx.load(copies).predictor()(luma))
    assert isinstance(Colorizer.load(folder / name, "cpu").model, onnx.OnnxModel)


def test_weights_that_float16_does_not_hold_lie_in_the_file_itself(checkpoint, tmp_path):
    files.save(checkpoint, tmp_path / "a.safetensors")  # as training does
    luma = RNG.random((1, 1, 32, 48), np.float32) * 100
    beside, whole = (
        onnx.export(tmp_path / "a.safetensors"),
        onnx.export(tmp_path / "a.safetensors", tmp_path / "b.onnx"),
    )
    np.testing.assert_array_equal(onnx.load(beside).predictor()(luma), onnx.load(whole).predictor()(luma))


def test_several_callers_get_their_own_answers(exported):
    colorizer = Colorizer(onnx.load(exported), concurrency=2)
    lumas = [RNG.random((1, 32, 48), np.float32) * 100 for _ in range(12)]
    alone = [colorizer.output(luma) for luma in lumas]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(colorizer.output, lumas))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_checkpoint_is_run_by_its_onnx_file_alone(copies):
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


def flipped(path: Path, place: int = -40) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("place", [100, 20_000, -40])
def test_a_changed_byte_is_found(copies, place):
    flipped(copies, place)
    with pytest.raises(CheckpointError, match=r"tiny\.onnx: (corrupted|not an ONNX file)"):
        onnx.load(copies)
    assert onnx.beside(copies.with_suffix(".safetensors")) is None


@pytest.mark.parametrize("place", [100, 20_000, 60_000, -40])
def test_a_changed_byte_of_a_whole_file_is_found(alone, place):
    flipped(alone, place)
    with pytest.raises(CheckpointError, match=r"any name\.onnx: (corrupted|not an ONNX file)"):
        onnx.load(alone)


WRONG = {
    "missing": (Path.unlink, "needs tiny.safetensors beside it: both keep their names"),
    "renamed": (lambda path: path.rename(path.with_name("mine.safetensors")), "needs tiny.safetensors beside it"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "needs tiny.safetensors beside it"),
    "corrupted": (flipped, "tiny.safetensors beside it is not the file .* or is corrupted"),
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-1]), "tiny.safetensors beside it is not the file"),
    "empty": (lambda path: path.write_bytes(b""), "tiny.safetensors beside it is not the file"),
    "of another model": (
        lambda path: shutil.copy(released.find("lowres"), path),
        "tiny.safetensors beside it is not the file",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_weights_beside_that_are_not_the_ones_are_refused(copies, wrong):
    change, words = WRONG[wrong]
    model, weights = onnx.load(copies), copies.with_suffix(".safetensors")
    change(weights)
    with pytest.raises(CheckpointError, match=rf"tiny\.onnx: {words}"):
        Colorizer.load(copies)
    with pytest.raises(CheckpointError, match=r"tiny\.onnx: "):  # by what was loaded before, too
        model.predictor()
    assert onnx.beside(weights) is None


def test_a_pair_exchanged_after_loading_is_found(copies, checkpoint):
    model = onnx.load(copies)
    files.save(replace(checkpoint, method="gan"), copies.with_suffix(".safetensors"), torch.float16)
    onnx.export(copies.with_suffix(".safetensors"))
    assert onnx.load(copies).method == "gan"
    with pytest.raises(CheckpointError, match="has changed since it was loaded"):
        model.predictor()


def test_a_name_that_leads_elsewhere_is_not_followed(copies):
    (inner := copies.parent / "inner").mkdir()
    content = copies.read_bytes()
    about = onnx._verified(content)
    about["weights"]["file"] = "../tiny.safetensors"
    about["sha256"] = onnx._digest(content[: about["length"]], about)
    (inner / "tiny.onnx").write_bytes(content[: about["length"]] + onnx._entry(about))
    with pytest.raises(CheckpointError, match=r"needs tiny\.safetensors beside it"):
        onnx.load(inner / "tiny.onnx")


def test_a_graph_that_openvino_refuses_is_a_clear_error(copies):
    about = onnx._verified(copies.read_bytes()) | {"length": 8, "weights": None}
    about["sha256"] = onnx._digest(b"no graph", about)
    copies.write_bytes(b"no graph" + onnx._entry(about))
    with pytest.raises(CheckpointError, match=r"tiny\.onnx: OpenVINO cannot read it: .+"):
        Colorizer.load(copies)


def test_a_failed_export_leaves_the_old_file(copies, monkeypatch):
    before = copies.read_bytes()

    def differs(*_: object) -> None:
        raise CheckpointError("differs")

    monkeypatch.setattr(onnx, "_check", differs)
    with pytest.raises(CheckpointError, match="differs"):
        onnx.export(copies.with_suffix(".safetensors"))
    assert copies.read_bytes() == before
    assert len(list(copies.parent.iterdir())) == 2


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


def test_the_command_writes_a_whole_file_or_a_small_one_beside(copies, alone):
    weights, out = copies.with_suffix(".safetensors"), alone.with_name("out.onnx")
    copies.unlink()
    for options, path in ((["-o", str(out)], out), ([], copies)):
        result = CliRunner().invoke(app, ["export", "onnx", str(weights), *options])
        assert (result.exit_code, result.output) == (0, f"{path}\n")
        assert isinstance(Colorizer.load(path).model, onnx.OnnxModel)
    whole, beside = (
        sum(bool(tensor.external_data) for tensor in onnx_files.load(path, load_external_data=False).graph.initializer)
        for path in (out, copies)
    )
    assert (whole, beside > 10) == (0, True)


def test_the_example_colours_a_picture_without_torch_or_colorify(alone, tmp_path):
    photo(0, 96, 64).save(tmp_path / "a.png")
    example = Path(__file__).parents[2] / "docs" / "examples" / "onnx_example.py"
    assert len(example.read_text().splitlines()) <= 30
    subprocess.run([sys.executable, example, alone, "a.png", "b.png"], check=True, cwd=tmp_path)
    ours = Colorizer.load(alone)(Image.open(tmp_path / "a.png"))
    theirs = Image.open(tmp_path / "b.png")
    assert np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).mean() < 2
    assert small_luma(from_pil(theirs), 64).shape == (64, 96)


def test_bfloat16_is_near_float32_and_says_what_it_is(exported):
    if not onnx.has_bfloat16():
        pytest.skip("this processor does not multiply bfloat16")
    exact, near = (Colorizer.load(exported.with_suffix(".safetensors"), device) for device in ("cpu", BFLOAT16))
    luma = small_luma(from_pil(photo(0).convert("L")), exact.size)[None]
    one, other = exact.output(luma), near.output(luma)
    assert 0 < np.abs(one - other).mean() < 0.02 * np.abs(one).mean()
    assert near.digest != exact.digest and near.signature == exact.signature + " bfloat16"
    assert near.network(torch.from_numpy(luma)[None]).shape == one.shape


def test_bfloat16_is_refused_where_it_is_not(exported, tmp_path, monkeypatch):
    alone = tmp_path / "alone.safetensors"
    shutil.copy(exported.with_suffix(".safetensors"), alone)
    with pytest.raises(CheckpointError, match="colorify export onnx"):
        Colorizer.load(alone, BFLOAT16)
    monkeypatch.setattr("openvino.Core.get_property", lambda *_: ["FP32"])
    with pytest.raises(CheckpointError, match="does not multiply bfloat16; choose cpu"):
        Colorizer.load(exported, BFLOAT16)
    assert Colorizer.load(exported, "cpu").device == "cpu"
