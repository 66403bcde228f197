"""What `--every` saves is said before the work, with what it costs."""

import pytest
from typer.testing import CliRunner

from colorify.cli import app
from colorify.models import checkpoint as checkpoints
from colorify.video import pace
from colorify.video.film import FilmOptions
from video.test_film import make


def test_the_seconds_are_those_of_the_frames_that_are_not_looked_at():
    text = pace.said(1000, 4, 0.02)
    assert "about 250 of 1,000 frames" in text and "saves up to 15 s" in text and "up to 3 frames" in text
    assert "one of 8 frames" in (text := pace.said(0, 8, 0.016)) and "up to 14 ms a frame" in text


def test_only_the_frames_asked_for_count(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv", frames=48, sound=False)
    assert pace.note(source, colorizer, FilmOptions()) is None
    assert "of 48 frames" in pace.note(source, colorizer, FilmOptions(every=4))
    assert "of 30 frames" in pace.note(source, colorizer, FilmOptions(every=4, start=0.5, end=1.5))


@pytest.mark.parametrize("every", ["1", "4"])
def test_the_command_says_it_before_the_work(checkpoint, tmp_path, every):
    source, model = make(tmp_path / "in.mkv", frames=8, sound=False), tmp_path / "model.safetensors"
    checkpoints.save(checkpoint, model)
    command = ["video", str(source), "-o", str(tmp_path / "out.mkv"), "--model", str(model), "--every", every]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0
    assert ("the network runs on about 2 of 8 frames" in result.stderr) == (every == "4")
