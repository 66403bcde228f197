"""Films of an archive: in segments that need not know of each other, and that do not show."""

import csv
from dataclasses import replace

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from colorify import batch, bulk, inputs
from colorify.cli import app
from colorify.knobs import Knobs
from colorify.models import checkpoint as files
from colorify.video import film, run, segments
from colorify.video.film import FilmOptions
from conftest import photo
from video.test_fields import interlaced
from video.test_film import RATE, make, packets, read
from video.test_media import spoiled
from video.test_start import make as counted

SMALL = batch.BatchOptions(knobs=Knobs(size=32))


@pytest.fixture
def model(checkpoint, tmp_path) -> str:
    files.save(checkpoint, tmp_path / "tiny.safetensors")
    return str(tmp_path / "tiny.safetensors")


def colored(source, out, model, options=SMALL, **knobs) -> list[bulk.Outcome]:
    jobs, errors = inputs.plan([str(source)], out, films=True)
    assert not errors
    return list(bulk.color(jobs, out, model, options, **knobs))


def frames(path) -> list[av.VideoFrame]:
    with av.open(str(path)) as clip:
        return list(clip.decode(video=0))


def test_a_short_film_is_as_the_command_for_films_makes_it(colorizer, tmp_path, model):
    source = make(tmp_path / "in" / "deep" / "a.mp4", codec="libx264")
    make(tmp_path / "in" / "b.avi", codec="libx264", sound=False)
    (tmp_path / "in" / "bad.mkv").write_text("no film")
    outcomes = colored(tmp_path / "in", tmp_path / "out", model)
    assert {o.job.target.name: o.state for o in outcomes} == {"a.mp4": "done", "b.mkv": "done", "bad.mkv": "failed"}
    assert "bad.mkv" in next(o.reason for o in outcomes if o.state == "failed")
    film.colorize(source, tmp_path / "alone.mp4", colorizer, FilmOptions(knobs=Knobs(size=32)))
    assert (tmp_path / "alone.mp4").read_bytes() == (tmp_path / "out" / "deep" / "a.mp4").read_bytes()
    assert not list((tmp_path / "out").rglob(".*"))
    again = colored(tmp_path / "in", tmp_path / "out", model)
    assert sorted(o.state for o in again) == ["before", "before", "failed"]


def test_segments_lose_nothing_and_do_not_show(colorizer, tmp_path, model, monkeypatch):
    monkeypatch.setattr(segments, "LENGTH", 1.2)
    source = make(tmp_path / "in.mkv", frames=150)
    told = []
    (outcome,) = colored(source, tmp_path / "out", model, progress=told.append)
    assert outcome.state == "done" and told == [f"{source}: {n} of 4 segments" for n in (1, 2, 3)]
    film.colorize(source, tmp_path / "alone.mkv", colorizer, FilmOptions(knobs=Knobs(size=32)))
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
    monkeypatch.setattr(run.Painter, "predict", lambda *_, real=run.Painter.predict: predicted.append(0) or real(*_))
    (outcome,) = colored(source, tmp_path / "out", model)
    assert outcome.state == "done" and 0 < len(predicted) < 4 * 60
    results = [read(tmp_path / name / "in.mkv") for name in ("alone", "out")]
    for one, other in zip(*results, strict=True):
        assert one[0] == other[0] and all(map(np.array_equal, one[3], other[3]))


def test_films_of_an_archive_take_the_options_of_one(colorizer, tmp_path, model):
    """Codec, fields, a stretch: as the command for one film; what is said of it is in the list."""
    (tmp_path / "in").mkdir()
    source = interlaced(tmp_path / "in" / "a.mkv", True, "ffv1")
    wish = {"codec": "prores", "start": 0.2, "end": 0.6, "every": 4}
    options = replace(SMALL, side_by_side=True, films=wish | {"keyframes": tmp_path / "keys"})
    jobs, _ = inputs.plan([str(tmp_path / "in")], tmp_path / "out", films=True)
    (outcome,) = bulk.color([bulk.fitted(job, "prores") for job in jobs], tmp_path / "out", model, options)
    assert outcome.state == "done" and not outcome.damaged
    assert outcome.reason.startswith(f"{source}: colored; interlaced, top field first: kept so")
    alone = tmp_path / "alone.mkv"
    film.colorize(source, alone, colorizer, FilmOptions(knobs=Knobs(size=32), side_by_side=True, **wish))
    pairs = [*zip(frames(outcome.job.target), frames(alone), strict=True)]
    assert pairs and all(one.pts == other.pts and one.format.name == "yuv422p10le" for one, other in pairs)
    assert all(bytes(a) == bytes(b) for one, other in pairs for a, b in zip(one.planes, other.planes, strict=True))
    (row,) = csv.DictReader((tmp_path / "out" / bulk.LIST).read_text().splitlines())
    assert row["state"] == "done" and "interlaced" in row["reason"]


def test_a_codec_that_the_container_does_not_hold_gets_another_suffix(tmp_path):
    jobs, _ = inputs.plan([str(make(tmp_path / "in" / name)) for name in ("a.mp4", "b.mkv")], tmp_path, films=True)
    assert [bulk.fitted(job, "libx264").target.name for job in jobs] == ["a.mp4", "b.mkv"]
    assert [bulk.fitted(job, "ffv1").target.name for job in jobs] == ["a.mp4.mkv", "b.mkv"]
    assert [bulk.fitted(job, "dnxhr").target.name for job in jobs] == ["a.mp4.mov", "b.mkv.mov"]
    assert [bulk.fitted(job, None).target.name for job in jobs] == ["a.mp4", "b.mkv"]


def test_keyframes_of_an_archive_lie_in_a_folder_of_the_films_name(tmp_path, model, monkeypatch):
    source, seen = make(tmp_path / "in" / "a.mkv", frames=8), []
    (tmp_path / "keys" / "a.mkv").mkdir(parents=True)
    real = film.color_parts
    monkeypatch.setattr(film, "color_parts", lambda *given: seen.append(given[3].keyframes) or real(*given))
    photo(3, 96, 64).save(tmp_path / "keys" / "a.mkv" / "0.1s.png")
    (outcome,) = colored(source, tmp_path / "out", model, replace(SMALL, films={"keyframes": tmp_path / "keys"}))
    assert outcome.state == "done" and seen == [tmp_path / "keys" / "a.mkv"]


def test_a_damaged_film_of_an_archive_is_done_and_told(tmp_path, model):
    source = counted(tmp_path / "in.avi", sound=True)
    spoiled(source, (0.45, 0.65), 40)
    arguments = ["bulk", str(source), "-o", str(tmp_path / "out"), "--model", model, "--every", "8", "--no-tta"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1 and "in.avi: colored; " in result.stderr and "damaged: " in result.stderr
    assert "1 done, 0 done before, 0 failed" in result.stdout
    (row,) = csv.DictReader((tmp_path / "out" / bulk.LIST).read_text().splitlines())
    assert row["state"] == "done" and "damaged: " in row["reason"]


def test_what_cannot_be_is_told_before_the_model_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(bulk.Colorizer, "load", lambda *_: pytest.fail("the model was loaded"))
    make(tmp_path / "in.mkv", "gray16le")
    (outcome,) = colored(tmp_path / "in.mkv", tmp_path / "out", "highres")
    assert outcome.state == "failed" and "--codec ffv1" in outcome.reason


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
