"""An answer is decoded, guided and painted as its knobs say, and what is asked twice is computed once."""

import numpy as np
import pytest

from colorify import answer
from colorify.knobs import Knobs
from colorify.pictures import from_pil
from conftest import photo

GRAY = from_pil(photo(0).convert("L"))


def test_guides_are_followed_once(colorizer, monkeypatch):
    told = colorizer.look(GRAY)
    knobs = Knobs(references=[photo(0)], palette="red,blue")
    first = told.guided(knobs)
    monkeypatch.setattr(told, "matcher", None)
    assert told.guided(Knobs(references=[photo(0)], palette="red,blue", saturation=0.5)) is first
    assert np.array_equal(told.guided(), told.chroma())
    assert not np.array_equal(told.guided(Knobs(palette="red,blue")), first)
    with pytest.raises(ValueError, match="give it a matcher"):  # another reference has to be found
        told.guided(Knobs(references=[photo(1)]))


def test_ideas_follow_guides_too(classifier):
    knobs = Knobs(references=[photo(0)])
    idea = classifier.look(GRAY).think(3)
    assert np.abs(idea.guided(knobs) - idea.chroma()).max() > 0.1


def test_mixed_is_between():
    one, two = np.zeros((4, 6, 2), np.float32), np.ones((2, 3, 2), np.float32)
    assert np.allclose(answer.mixed(one, two, 0.25), 0.25)
