"""Films of an archive: in segments that need not know of each other, and that do not show."""

import numpy as np
import pytest

from colorify import batch, bulk, inputs
from colorify.knobs import Knobs
from colorify.models import checkpoint as files
from colorify.video import film, segments
from colorify.video.film import Options
from video.test_film import RATE, make, packets, read

SMALL = batch.BatchOptions(knobs=Knobs(size=32))


@pytest.fixture
def model(checkpoint, tmp_path) -> str:
    files.save(checkpoint, tmp_path / "tiny.safetensors")
    return str(tmp_path / "tiny.safetensors")


def colored(source, out, model, options=SMALL, **knobs) -> list[bulk.Outcome]:
    jobs, errors = inputs.plan([str(source)], out, films=True)
    assert not errors
    return list(bulk.color(jobs, out, model, options, **knobs))


def test_a_short_film_is_as_the_command_for_films_makes_it(colorizer, tmp_path, model):
    source = make(tmp_path / "in" / "deep" / "a.mp4", codec="libx264")
    make(tmp_path / "in" / "b.avi", codec="libx264", sound=False)
    (tmp_path / "in" / "bad.mkv").write_text("no film")
    outcomes = colored(tmp_path / "in", tmp_path / "out", model)
    assert {o.job.target.name: o.state for o in outcomes} == {"a.mp4": "done", "b.mkv": "done", "bad.mkv": "failed"}
    assert "bad.mkv" in next(o.reason for o in outcomes if o.state == "failed")
    film.colorize(source, tmp_path / "alone.mp4", colorizer, Options(knobs=Knobs(size=32)))
    assert (tmp_path / "alone.mp4").read_bytes() == (tmp_path / "out" / "deep" / "a.mp4").read_bytes()
    assert not list((tmp_path / "out").rglob(".*"))
    again = colored(tmp_path / "in", tmp_path / "out", model)
    assert sorted(o.state for o in again) == ["before", "before", "failed"]


def test_segments_lose_nothing_and_do_not_show(colorizer, tmp_path, model, monkeypatch):
    monkeypatch.setattr(segments, "LENGTH", 1.2)
    source = make(tmp_path / "in.mkv", frames=150)
    told = []
    (outcome,) = colored(source, tmp_path / "out", model, report=told.append)
    assert outcome.state == "done" and told == [f"{source}: {n} of 4 segments" for n in (1, 2, 3)]
    film.colorize(source, tmp_path / "alone.mkv", colorizer, Options(knobs=Knobs(size=32)))
    before, alone, out = (read(path) for path in (source, tmp_path / "alone.mkv", tmp_path / "out" / "in.mkv"))
    assert [frame[0] for frame in out] == [frame[0] for frame in before]
    assert packets(tmp_path / "out" / "in.mkv") == packets(source)

    def moved(frames) -> np.ndarray:
        """Mean change of the chroma from each frame to the next."""
        chroma = np.stack([np.concatenate([plane.ravel() for plane in frame[3]]) for frame in frames]).astype(float)
        return np.abs(np.diff(chroma, axis=0)).mean(1)

    cuts = [round(number * 1.2 * RATE) - 1 for number in (1, 2, 3)]
    usual = np.median(moved(alone))
    assert moved(out)[cuts].max() < 1.6 * usual  # some of it is the encoder's, which begins anew
    monkeypatch.setattr(segments, "MARGIN", 0.0)
    colored(source, tmp_path / "apart", model)
    assert moved(read(tmp_path / "apart" / "in.mkv"))[cuts].min() > 1.6 * usual


@pytest.mark.long
def test_a_film_goes_on_where_it_was_stopped(tmp_path, model, monkeypatch):
    monkeypatch.setattr(segments, "LENGTH", 0.5)
    source = make(tmp_path / "in.mkv", frames=60)
    colored(source, tmp_path / "alone", model)
    real, done = segments.color, []

    def stopping(segment, *rest) -> None:
        if len(done) == 2:
            raise RuntimeError("no more")
        done.append(segment)
        real(segment, *rest)

    monkeypatch.setattr(segments, "color", stopping)
    (outcome,) = colored(source, tmp_path / "out", model)
    assert outcome.reason == f"{source}: no more" and not (tmp_path / "out" / "in.mkv").exists()
    monkeypatch.setattr(segments, "color", real)
    predicted = []
    monkeypatch.setattr(film.Painter, "predict", lambda *_, real=film.Painter.predict: predicted.append(0) or real(*_))
    (outcome,) = colored(source, tmp_path / "out", model)
    assert outcome.state == "done" and 0 < len(predicted) < 4 * 60
    results = [read(tmp_path / name / "in.mkv") for name in ("alone", "out")]
    for one, other in zip(*results, strict=True):
        assert one[0] == other[0] and all(map(np.array_equal, one[3], other[3]))


def test_a_film_is_not_written_over_itself_or_another(tmp_path, model):
    source = make(tmp_path / "in.mkv")
    (outcome,) = colored(source, tmp_path, model)
    assert outcome.state == "failed" and "exists already" in outcome.reason
    (outcome,) = colored(source, tmp_path, model, batch.BatchOptions(knobs=Knobs(size=32), overwrite=True))
    assert outcome.state == "failed" and "never the input" in outcome.reason


def test_a_stop_does_not_wait_for_a_segment(tmp_path, model, monkeypatch):
    monkeypatch.setattr(film, "PART", 8)
    make(tmp_path / "in" / "a.mkv", frames=10)
    make(tmp_path / "in" / "b.mkv", frames=1500)
    jobs, _ = inputs.plan([str(tmp_path / "in")], tmp_path / "out", films=True)
    running = bulk.color(jobs, tmp_path / "out", model, SMALL)
    assert next(running).job.source.name == "a.mkv"
    running.close()
    assert len(list((tmp_path / "out").rglob("*.nut"))) < 1500 // 8
