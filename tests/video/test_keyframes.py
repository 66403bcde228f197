"""Frames that a person coloured: named by number or time, and what they do."""

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from colorify.cli import app
from colorify.hints import Hint
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from colorify.video import film, job, segments
from colorify.video.film import FilmOptions
from colorify.video.formats import VideoError
from video.test_film import make, read


@pytest.mark.parametrize("name", ["20.png", "0.667s.png"])
def test_a_keyframe_colours_the_frames_around_it(checkpoint, tmp_path, name):
    source, folder, model = make(tmp_path / "in.mkv"), tmp_path / "keys", tmp_path / "model.safetensors"
    checkpoints.save(checkpoint, model)
    folder.mkdir()
    with av.open(str(source)) as clip:
        gray = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)][20]
    Image.fromarray((gray * (1.0, 0.7, 0.4)).astype(np.uint8)).save(folder / name)
    out, plain = tmp_path / "out.mkv", tmp_path / "plain.mkv"
    colorizer = Colorizer.load(model, "cpu")
    film.colorize(source, out, colorizer, FilmOptions(keyframes=folder, quality="lossless"))
    film.colorize(source, plain, colorizer, FilmOptions(quality="lossless"))
    blue = [[frame[3][0].mean() - 128 for frame in read(path)] for path in (out, plain)]
    assert blue[0][20] < -8 and all(value < -4 for value in blue[0][12:28]) and blue[1][20] > -4


@pytest.mark.parametrize(
    ("name", "size", "options", "words"),
    [
        ("sky.png", (96, 64), {}, "by number"),
        ("9000.png", (96, 64), {}, "the film ends before"),
        ("5.png", (64, 64), {}, "not the shape"),
        ("5.png", (96, 64), {"start": 0.1}, "by time"),
        (None, None, {}, "no keyframes"),
    ],
)
def test_keyframes_that_cannot_be(colorizer, tmp_path, name, size, options, words):
    (tmp_path / "keys").mkdir()
    if name:
        Image.new("RGB", size).save(tmp_path / "keys" / name)
    with pytest.raises(ValueError, match=words):
        film.colorize(
            make(tmp_path / "in.mkv"),
            tmp_path / "out.mkv",
            colorizer,
            FilmOptions(keyframes=tmp_path / "keys", **options),
        )


def red(path) -> np.ndarray:
    """Mean Cr of each frame, over gray."""
    return np.array([frame[3][1].mean() - 128 for frame in read(path)])


@pytest.mark.parametrize("when", ["frame,12", "time,0.4"])
def test_the_commands_take_hints_of_frames(checkpoint, tmp_path, when):
    source, model = make(tmp_path / "in.mkv"), tmp_path / "model.safetensors"
    checkpoints.save(checkpoint, model)
    column, value = when.split(",")
    (tmp_path / "hints").mkdir()
    (tmp_path / "hints" / "in.mkv.csv").write_text(f"{column},x,y,a,b\n{value},48,32,60,20\n")
    asked = ["--model", str(model), "--quality", "lossless", "--saturation", "1"]
    told = {
        "plain": ["video", str(source), "-o", str(tmp_path / "plain.mkv")],
        "hinted": [
            "video",
            str(source),
            "-o",
            str(tmp_path / "hinted.mkv"),
            "--hints",
            str(tmp_path / "hints/in.mkv.csv"),
        ],
        "out/in": ["bulk", str(source), "-o", str(tmp_path / "out"), "--hints", str(tmp_path / "hints")],
    }
    for arguments in told.values():
        result = CliRunner().invoke(app, [*arguments, *asked])
        assert result.exit_code == 0, result.output
    plain, hinted, bulk = (red(tmp_path / f"{name}.mkv") for name in told)
    assert (hinted - plain > 3).all(), "it holds for all of its shot"
    np.testing.assert_array_equal(hinted, bulk)


def test_bulk_takes_hints_of_pictures(checkpoint, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.new("L", (60, 40), 120).save(tmp_path / "in" / name)
    (tmp_path / "hints").mkdir()
    (tmp_path / "hints" / "a.png.csv").write_text("x,y,a,b\n30,20,60,20\n")
    (tmp_path / "hints" / "b.csv").write_text("x,y,a,b\n30,20,60,20\n")
    (tmp_path / "hints" / "c.png.csv").write_text("x,y,a,b\n30,20,sky,20\n")
    told = ["bulk", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--hints", str(tmp_path / "hints")]
    result = CliRunner().invoke(app, [*told, "--model", str(tmp_path / "model.safetensors")])
    assert "b.csv: the hints of no file that is coloured" in result.stderr
    assert result.exit_code == 1 and "c.png.csv, line 2: expected x,y,color" in result.stderr
    one, other = (np.asarray(Image.open(tmp_path / "out" / name)).astype(int) for name in ("a.png", "b.png"))
    assert (one - other)[20, 30, 0] > 20 and not (tmp_path / "out" / "c.png").exists()


def test_hints_that_cannot_be_are_named_before_the_work(colorizer, tmp_path):
    source = make(tmp_path / "in.mkv")
    for hint, words in ((Hint(1, 1, (0, 0)), "name its frame or its time"), (Hint(99, 1, (0, 0), frame=2), "outside")):
        with pytest.raises(VideoError, match=f"in.mkv: hint 1: .*{words}"):
            job.plan(source, tmp_path / "out.mkv", FilmOptions(knobs=Knobs(hints=(hint,))))
    early = Knobs(hints=(Hint(1, 1, (0, 0), frame=2),))
    with pytest.raises(VideoError, match="hints by time"):
        film.colorize(source, tmp_path / "out.mkv", colorizer, FilmOptions(knobs=early, start=0.1))


def test_other_hints_are_another_job_and_the_film_is_one_segment(colorizer, tmp_path):
    source, jobs = make(tmp_path / "in.mkv"), set()
    for color in ((0.0, 0.0), (9.0, 0.0)):
        options = FilmOptions(knobs=Knobs(hints=(Hint(1, 1, color, frame=2),)))
        jobs.add(film.color_parts(source, tmp_path / f"parts{color}", colorizer, options)[1].job)
        assert len(segments.plan(source, tmp_path / "out.mkv", options)) == 1
    assert len(jobs) == 2
