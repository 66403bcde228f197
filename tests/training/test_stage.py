"""``colorify train``: mistakes are one line and status 1, and nothing is lost."""

import json
import re
import resource
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from colorify.cli import app
from colorify.losses import RegressionLoss
from colorify.models import checkpoint
from colorify.models.unet import UNetConfig
from conftest import TINY, photo
from training.conftest import NUMBERS


def colorify(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def params(photos, tmp_path) -> Path:
    """A ``params.yaml`` for a few steps on the generated pictures."""
    data = {"sources": [str(photos)], "valid_share": 0.3, "side": 40, "min_side": 32}
    numbers = NUMBERS | {"network": asdict(TINY)}
    sections = {"regression": numbers, "classification": numbers, "gan": numbers | {"critic_width": 8}}
    return write(tmp_path / "params.yaml", {"data": data} | sections)


def write(path: Path, sections: dict) -> Path:
    path.write_text(json.dumps({"profile": "test", "test": sections}))
    return path


def changed(params: Path, section: str, **numbers: object) -> Path:
    sections = json.loads(params.read_text())["test"]
    return write(params, sections | {section: sections[section] | numbers})


def assert_refused(result, *words: str) -> None:
    """Status 1 and one line that says what is wrong."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("colorify: ")]
    assert (result.exit_code, len(lines)) == (1, 1), result.output
    assert all(word in lines[0] for word in words), lines[0]


def test_the_three_methods_one_after_the_other(params):
    home = params.parent / "checkpoints/test"
    for method in ("regression", "classification", "gan"):
        result = colorify("train", method, "--params", params, "--json")
        assert result.exit_code == 0, result.stderr
        target = str(home / method / "model.safetensors")
        assert json.loads(result.stdout) == {"method": method, "target": target, "state": "done", "reason": ""}
        assert checkpoint.load(home / method / "model.safetensors").method == method


@pytest.mark.parametrize("method", ["classification", "gan"])
def test_a_method_without_its_base(params, tmp_path, method):
    assert_refused(colorify("train", method, "--params", params), "no such file", "train the regression first")
    missing = tmp_path / "missing.safetensors"
    assert_refused(colorify("train", method, "--params", params, "--import-backbone", missing), str(missing))


def test_a_classifier_does_not_start_from_all_of_a_regression(params, base):
    result = colorify("train", "classification", "--params", params, "--from", base)
    assert_refused(result, "the regression model predicts channels, this method bits4", "import its backbone alone")


def test_a_foreign_backbone_is_refused_naming_both(params, base, tmp_path):
    other = changed(params, "regression", network=asdict(UNetConfig("resnet18", (16, 16, 8, 4))))
    result = colorify("train", "regression", "--params", other, "--import-backbone", base)
    assert_refused(result, "(16, 16, 8, 8)", "(16, 16, 8, 4)")
    text = tmp_path / "text.safetensors"
    text.write_text("no backbone")
    assert_refused(colorify("train", "regression", "--params", params, "--import-backbone", text), "text.safetensors")


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"stepps": 3}, "did you mean 'steps'"),
        ({"steps": "many"}, "regression.steps: expected int"),
        ({"network": {"encoder": "resnet81"}}, "resnet81"),
    ],
)
def test_params_with_a_mistake(params, numbers, words):
    assert_refused(colorify("train", "regression", "--params", changed(params, "regression", **numbers)), words)


def test_no_pictures_and_all_refused(params, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    command = ("train", "regression", "--params", params, "--data", folder)
    assert_refused(colorify(*command), "no usable pictures to train on")
    Image.new("L", (64, 64), 100).save(folder / "gray.png")
    assert_refused(colorify(*command), "no usable pictures to train on; see why in", "manifest.csv")
    photo(0).save(folder / "one.png")
    assert_refused(colorify(*command), "no usable pictures to", "manifest.csv")  # one alone cannot do both
    assert_refused(colorify("train", "regression", "--params", params, "--data", tmp_path / "nowhere"), "nowhere")


def test_a_loss_that_is_no_number(params, monkeypatch):
    monkeypatch.setattr(RegressionLoss, "__call__", lambda *_: torch.tensor(float("nan"), requires_grad=True))
    assert_refused(colorify("train", "regression", "--params", params), "the loss is nan", ".png")


def test_a_full_disk_keeps_the_older_checkpoint(params):
    """The system itself refuses, in the middle of the file, to write more."""
    command = ("train", "regression", "--params", params, "--minutes", 1e-9)
    stopped = colorify(*command)
    assert stopped.exit_code == 0 and "by the numbers of test in" in stopped.stdout
    assert re.search(r"state\.safetensors: step 1 of \d+, \d+%: the same command goes on\n$", stopped.stdout)
    state = params.parent / "checkpoints/test/regression/state.safetensors"
    before, limits = state.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        result = colorify(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_refused(result, "state.safetensors: could not be written")
    assert state.read_bytes() == before
    assert {path.name for path in state.parent.iterdir()} == {"state.safetensors"}
    assert colorify(*command[:-2]).exit_code == 0
