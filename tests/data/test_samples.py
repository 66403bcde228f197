"""The free samples are whole, and those in the repository are theirs."""

from pathlib import Path

import pytest
from PIL import Image

from colorify import extras
from colorify.data import samples

SAMPLES = Path(__file__).parents[2] / "data" / "sample"


def test_samples_are_in_colour_and_gray():
    color, gray = dict(samples.color()), dict(samples.gray())
    assert not color.keys() & gray.keys()
    assert {picture.mode for picture in color.values()} == {"RGB"} and {p.mode for p in gray.values()} == {"L"}
    assert all(min(picture.size) >= 256 for picture in (*color.values(), *gray.values()))


def test_small_copies_are_those_of_the_repository(tmp_path):
    samples.write(tmp_path, side=256)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in SAMPLES.iterdir()}
    for path in tmp_path.iterdir():
        with Image.open(path) as made, Image.open(SAMPLES / path.name) as kept:
            assert made.size == kept.size and made.mode == kept.mode and min(made.size) <= 256


def test_without_their_packages_the_error_names_the_one_to_install(monkeypatch):
    monkeypatch.setattr(samples, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError) as found:
        samples.picture("china")
    assert "needs sklearn: pip install" in extras.explained(found.value, "image")
