"""One set of knobs everywhere: ranges, the command line, pictures, films."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from colorify import cli
from colorify.cli.common import read_knobs
from colorify.hints import Hint
from colorify.inference import Mix
from colorify.knobs import Knobs
from colorify.pictures import from_array
from colorify.video.paint import Look, Painter
from conftest import photo

GRAY = np.asarray(photo(0).convert("L"))


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"saturation": -1.0}, "saturation -1.0: expected 0 to 10"),
        ({"size": 5}, "size 5: expected 16 to 4096"),
        ({"blur": 2000.0}, "blur 2000.0: expected 0 to 1000"),
        ({"temperature": 1.5}, "temperature 1.5: expected 0 to 1"),
        ({"variety": float("nan")}, "variety nan"),
    ],
)
def test_values_out_of_range(knobs, words):
    with pytest.raises(ValueError, match=words):
        Knobs(**knobs)


def test_a_mistyped_knob_is_an_error(colorizer):
    with pytest.raises(TypeError, match="saturaton"):
        colorizer(GRAY, saturaton=2.0)


@pytest.mark.parametrize("command", ["image", "bulk", "video"])
def test_every_knob_is_an_option_of_every_command(command):
    shown = CliRunner().invoke(cli.app, [command, "--help"], env={"COLUMNS": "250"}).stdout
    left_out = {"tta"} if command == "video" else set()  # films are never looked at twice
    for knob in fields(Knobs):
        if knob.metadata and knob.name not in left_out:
            option = knob.metadata.get("option") or f"--{knob.name.replace('_', '-')}"
            assert option in shown and knob.metadata["help"][:30] in shown


def test_a_classifiers_knobs_reach_pictures_and_films(classifier):
    plain = classifier(GRAY)
    luma = np.float32(GRAY[None, :48, :64]) / 2.55
    for knobs in ({"temperature": 0.0}, {"idea": 3}, {"idea": 4, "variety": 2.0}):
        assert not np.array_equal(classifier(GRAY, **knobs), plain)
        painter = Painter(classifier, Look(Knobs(**knobs)))
        assert np.abs(painter.predict(luma[0]) - Painter(classifier, Look()).predict(luma[0])).max() > 1
    assert np.array_equal(classifier(GRAY, idea=3, variety=0.0), plain)


def test_ideas_are_of_classifiers_alone(colorizer):
    with pytest.raises(ValueError, match="load a classification model"):
        colorizer(GRAY, idea=1)


def test_films_have_no_badge(colorizer):
    with pytest.raises(ValueError, match="a badge is for single pictures"):
        Painter(colorizer, Look(Knobs(badge=True)))


def test_films_follow_references_as_pictures_do(colorizer):
    answer = colorizer.look(from_array(GRAY), tta=False)
    knobs = Knobs(references=[photo(0)], tta=False)
    found = colorizer.chroma(answer.luma[None], knobs)[0]
    np.testing.assert_allclose(found, answer.guided(knobs), atol=1e-3)
    assert np.abs(found - answer.chroma()).max() > 1


def test_a_mix_for_films_lies_between_its_models(colorizer, classifier):
    luma = np.float32(GRAY[None, :48, :64]) / 2.55
    first, second = colorizer.chroma(luma), classifier.chroma(luma, Knobs(idea=2))
    mix = Mix(colorizer, classifier, 0.25, (0, 2))
    np.testing.assert_allclose(mix.chroma(luma), first + 0.25 * (second - first), atol=1e-4)
    assert mix.digest != Mix(colorizer, classifier, 0.5, (0, 2)).digest != colorizer.digest
    assert Mix(colorizer).digest == colorizer.digest


def test_an_answer_is_painted_again_without_the_network(colorizer, monkeypatch):
    answer = colorizer.look(from_array(GRAY))
    monkeypatch.setattr(colorizer, "predict", None)
    for knobs in (Knobs(), Knobs(saturation=0.5, blur=2.0), Knobs(hints=((5, 5, (40.0, 10.0)),))):
        assert answer.paint(knobs).pixels.shape == (*GRAY.shape, 3)
    monkeypatch.undo()
    assert np.array_equal(answer.paint(Knobs(saturation=0.5)).pixels, colorizer(GRAY, saturation=0.5))


def test_hints_of_the_command_line_are_read(tmp_path: Path):
    (tmp_path / "hints.csv").write_text("x,y,a,b\n1,2,30,-20\n")
    assert read_knobs({"saturation": 0.5}, tmp_path / "hints.csv") == Knobs(
        saturation=0.5, hints=(Hint(1, 2, (30.0, -20.0)),)
    )
