"""What is a film is told by its name."""

from pathlib import Path

import pytest

from colorify.containers import CONTAINERS, is_film


@pytest.mark.parametrize(
    "name", ["a.mp4", "a.MOV", "a.avi", "a.MTS", "a.m2ts", "a.mxf", *(f"a{s}" for s in CONTAINERS if s != ".gif")]
)
def test_films(name):
    assert is_film(Path("deep") / name)


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.mp4.part", "mp4", "a.mp3", "a.srt", "a"])
def test_what_is_no_film(name):
    assert not is_film(Path(name))
