"""Sections become dataclasses; mistakes are named with their cure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from colorify import params
from colorify.collect.sources import CollectConfig
from colorify.data.cache import DataConfig
from colorify.methods import registry
from colorify.models import checkpoint, released
from colorify.params import ParamsError

ROOT = Path(__file__).parents[1]
CHAIN = ("regression", "classification", "gan")


@dataclass(frozen=True)
class Inner:
    kind: Literal["small", "large"] = "small"
    widths: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outer:
    steps: int
    rate: float = 0.1
    name: str | None = None
    pair: tuple[float, int] = (0.0, 1)
    inner: Inner = field(default_factory=Inner)


def test_builds_nested_values():
    built = params.build(Outer, {"steps": 3, "rate": 1, "pair": [1, 2], "inner": {"kind": "large", "widths": [1, 2]}})
    assert built == Outer(3, 1.0, None, (1.0, 2), Inner("large", (1, 2)))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"step": 3}, "did you mean 'steps'"),
        ({"xyzzy": 3, "steps": 1}, "known: inner, name, pair, rate, steps"),
        ({}, "'steps' is missing"),
        ({"steps": "3"}, "steps: expected int, found '3'"),
        ({"steps": True}, "steps: expected int"),
        ({"steps": 1, "pair": [1, 2, 3]}, "expected 2 values"),
        ({"steps": 1, "pair": 1}, "expected a list"),
        ({"steps": 1, "inner": {"kind": "smal"}}, "did you mean 'small'"),
        ({"steps": 1, "inner": 5}, "expected a section"),
    ],
)
def test_mistakes(values, words):
    with pytest.raises(ParamsError, match=words):
        params.build(Outer, values, "regression")


@pytest.mark.parametrize("profile", ["laptop", "mine", "smoke", "small", "full"])
def test_the_sections_of_the_repository(profile):
    path = ROOT / "params.yaml"
    for stage in registry.METHODS:
        config = registry.method(stage).config
        assert params.load(stage, config, profile, path).steps > 0
    assert params.load("collect", CollectConfig, profile, path).sources
    assert params.load("data", DataConfig, profile, path).side > 0


@pytest.mark.parametrize("profile", ["laptop", "mine"])
def test_a_profile_that_starts_from_a_released_model_has_its_network(profile):
    """A release of another network would stop the chain at the regression."""
    found = {stage: params.load(stage, registry.method(stage).config, profile, ROOT / "params.yaml") for stage in CHAIN}
    network = checkpoint.load(released.find(found["regression"].start)).network
    assert {stage: config.network for stage, config in found.items()} == dict.fromkeys(CHAIN, network)


def test_profile_and_section_are_looked_up(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("profile: laptop\nlaptop: {one: {steps: 1}}\n")
    assert params.profile(path) == "laptop"
    assert params.load("one", Outer, path=path) == Outer(1)
    with pytest.raises(ParamsError, match="did you mean 'one'"):
        params.load("onne", Outer, path=path)
    with pytest.raises(ParamsError, match="did you mean 'laptop'"):
        params.load("one", Outer, "labtop", path)


def test_small_numbers_as_dvc_writes_them(tmp_path):
    """`dvc exp run -S p.one.rate=0.00005` writes 5e-05, which PyYAML reads as text."""
    path = tmp_path / "params.yaml"
    path.write_text("profile: p\np: {one: {steps: 1, rate: 5e-05}}\n")
    assert params.load("one", Outer, path=path).rate == 5e-05
    with pytest.raises(ParamsError, match="expected float, found 'fast'"):
        params.build(Outer, {"steps": 1, "rate": "fast"})


@pytest.mark.parametrize("text", ["a: [", "just text", "- 1"])
def test_not_params(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=r"params\.yaml"):
        params.load("one", Outer, path=path)


def test_found_from_a_folder_below(tmp_path):
    (tmp_path / "params.yaml").write_text("profile: x\n")
    (tmp_path / "nbs").mkdir()
    assert params.find(tmp_path / "nbs") == tmp_path / "params.yaml"


def test_without_a_repository_the_numbers_of_the_package_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert params.find() == params.PACKAGED and params.root() == tmp_path
    assert params.PACKAGED.read_bytes() == (ROOT / "params.yaml").read_bytes()
    assert params.profile() == "laptop"


def test_an_experiment_changes_one_line_of_the_file(tmp_path):
    """`dvc exp run -S` writes params.yaml anew: what it would write otherwise stays as it is, comments too."""
    from dvc.utils.hydra import apply_overrides  # what it calls

    path = tmp_path / "params.yaml"
    path.write_bytes((ROOT / "params.yaml").read_bytes())
    apply_overrides(path, ["laptop.gan.critic_width=48"])
    before, after = ((place / "params.yaml").read_text().splitlines() for place in (ROOT, tmp_path))
    changed = [line for line in zip(before, after, strict=True) if line[0] != line[1]]
    assert [[line.strip() for line in pair] for pair in changed] == [["critic_width: 32", "critic_width: 48"]]
