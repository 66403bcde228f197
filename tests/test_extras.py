"""The plain install: what lacks is named with the extra that brings it."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from colorify import extras
from conftest import photo

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
BARE = """
import sys
from colorify import extras

class Bare:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in extras.EXTRA_OF:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Bare())
from colorify.cli import app
app(prog_name="colorify")
"""
"""The command line where nothing of an extra is installed."""


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def bare(*arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", BARE, *arguments], capture_output=True, text=True, cwd=cwd)


def test_every_package_of_an_extra_is_explained():
    distributions = packages_distributions()
    told = {canonicalize_name(name) for module in extras.EXTRA_OF for name in distributions.get(module, [module])}
    wanted = {
        extra: names(found) for extra, found in PROJECT["optional-dependencies"].items() if extra not in ("dev", "docs")
    }
    assert set().union(*wanted.values()) - {extras.DISTRIBUTION} <= told
    assert PROJECT["name"] == extras.DISTRIBUTION and set(extras.EXTRA_OF.values()) <= wanted.keys()
    assert not told & names(PROJECT["dependencies"])


def test_a_module_that_is_no_extras_is_not_explained():
    assert extras.explained(ModuleNotFoundError("no", name="colorfy.knobs")) is None
    assert extras.cure("torch") in extras.explained(ModuleNotFoundError("no", name="torch.nn"))


def test_the_plain_install_colours_a_photo(tmp_path):
    photo(0).convert("L").save(tmp_path / "a.png")
    done = bare("image", "a.png", "-o", "b.png", cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "b.png\n")
    assert "highres: gan" in bare("models", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("train", ["demo"]),
        ("train", ["train", "gan", "--data", "."]),
        ("torch", ["evaluate", "--data", "."]),
        ("torch", ["export", "onnx", "highres"]),
        ("torch", ["backbone", "export", "highres", "-o", "a.safetensors"]),
        ("torch", ["release", "a.safetensors", "--data", ".", "-o", "b.safetensors"]),
        ("collect", ["collect", "dataset", ".", "-o", "a"]),
        ("collect", ["collect", "spider", "http://127.0.0.1:9/", "-o", "a"]),
        ("collect", ["collect", "shard", ".", "-o", "a"]),
        ("sign", ["image", "a.png", "-o", "b.png", "--sign-key", "a.png", "--sign-certificate", "a.png"]),
        ("scale", ["bulk", ".", "-o", "a", "--engine", "ray"]),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else value,
)
def test_a_command_names_the_extra_that_it_lacks(tmp_path, extra, arguments):
    photo(0).save(tmp_path / "a.png")
    done = bare(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    assert extras.cure(extra) in done.stderr


def test_the_studio_names_its_extra():
    code = BARE.replace("from colorify.cli import app", "import colorify.widgets")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and extras.cure("studio") in done.stderr.splitlines()[-1]
