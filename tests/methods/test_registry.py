"""Every method has what a method needs, and none is forgotten: what a fourth one must bring is held here."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from colorify import methods, params
from colorify.cli import app
from colorify.methods.registry import METHODS, method

ROOT = Path(__file__).parents[2]
NUMBERS = yaml.safe_load((ROOT / "params.yaml").read_text())


def test_every_module_with_a_method_is_in_the_registry():
    modules = Path(methods.__file__).parent.glob("*.py")
    assert {path.stem for path in modules if "\nMETHOD = " in path.read_text()} == METHODS.keys()


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_its_numbers_notebook_stage_and_command(name):
    found = method(name)
    assert found.name == name and found.base in (None, *METHODS)
    for profile in NUMBERS.keys() - {"profile", *(["paper"] if name == "gan" else [])}:  # `paper` has no GAN
        assert isinstance(params.load(name, found.config, profile, ROOT / "params.yaml"), found.config)
    (notebook,) = (ROOT / "nbs").glob(f"[0-9][0-9]_{name}.ipynb")
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][name]
    assert f"nbs/{notebook.name}" in stage["deps"] and f"colorify/methods/{name}.py" in stage["deps"]
    assert f"${{profile}}.{name}" in stage["params"]
    assert METHODS[name].split(":")[0] in CliRunner().invoke(app, ["train", name, "--help"]).output
    assert f"colorify train {name}" in (ROOT / "docs" / "train.md").read_text()
