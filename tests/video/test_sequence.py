"""Numbered pictures and pipes, in and out."""

import io
import os
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from colorify import video
from colorify.cli import app
from colorify.models import checkpoint as checkpoints
from colorify.video import media, sequence
from colorify.video.formats import VideoError
from video.test_film import make, read

RUNNER = CliRunner()


def pictures(folder, ext="png", depth=8, numbers=range(3, 9)) -> list[np.ndarray]:
    """Gray pictures f000003.png to f000008.png."""
    folder.mkdir()
    found = []
    for number in numbers:
        noise = np.random.default_rng(number).integers(0, 2**depth, (48, 64))
        found.append(cv2.GaussianBlur(noise.astype(np.uint8 if depth == 8 else np.uint16), (0, 0), 3))
        cv2.imwrite(str(folder / f"f{number:06d}.{ext}"), found[-1])
    return found


@pytest.fixture
def model(checkpoint, tmp_path) -> str:
    checkpoints.save(checkpoint, tmp_path / "tiny.safetensors")
    return str(tmp_path / "tiny.safetensors")


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("ext", ["png", "tif"])
def test_pictures_become_a_film_of_the_same_samples(tmp_path, ext, depth):
    given = pictures(tmp_path / "in", ext, depth)
    for source in (tmp_path / "in", tmp_path / "in" / f"f%06d.{ext}"):
        sequence.gather(source, tmp_path / "film.mov", Fraction(30000, 1001))
        with media.opened(tmp_path / "film.mov") as film:
            shown = [frame.to_ndarray(format="gray" if depth == 8 else "gray16le") for frame in media.frames(film)]
            assert media.rate(media.moving(film)) == Fraction(30000, 1001)
        assert sequence.is_gathered(source, tmp_path / "film.mov")
        assert len(shown) == 6 and all(map(np.array_equal, shown, given))


def test_a_changed_picture_is_gathered_anew(tmp_path):
    pictures(tmp_path / "in")
    assert not sequence.is_gathered(tmp_path / "in", tmp_path / "film.mov")
    sequence.gather(tmp_path / "in", tmp_path / "film.mov", Fraction(25))
    later = (tmp_path / "film.mov").stat().st_mtime_ns + 1
    os.utime(tmp_path / "in" / "f000004.png", ns=(later, later))
    assert not sequence.is_gathered(tmp_path / "in", tmp_path / "film.mov")


def test_a_missing_picture_is_named(tmp_path):
    pictures(tmp_path / "in", numbers=(1, 2, 4))
    with pytest.raises(VideoError, match="1 pictures are missing between 1 and 4: 3"):
        sequence.gather(tmp_path / "in" / "f%06d.png", tmp_path / "film.mov", Fraction(25))
    with pytest.raises(VideoError, match="no pictures numbered so"):
        sequence.gather(tmp_path / "in" / "g%06d.png", tmp_path / "film.mov", Fraction(25))
    cv2.imwrite(str(tmp_path / "in" / "f000003.png"), np.zeros((20, 30), np.uint8))
    with pytest.raises(VideoError, match=r"f000003\.png: png 30 20, the first is"):
        sequence.gather(tmp_path / "in", tmp_path / "film.mov", Fraction(25))
    assert not (tmp_path / "film.mov").exists()


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("ext", ["png", "tiff", "dpx"])
def test_pictures_come_out_with_all_their_bits(colorizer, tmp_path, ext, depth):
    pictures(tmp_path / "in", "png", depth)
    sequence.gather(tmp_path / "in", tmp_path / "film.mov", Fraction(25))
    frames = list(video.frames(tmp_path / "film.mov", colorizer))
    out = list(sequence.write(iter(frames), tmp_path / "out" / f"c%04d.{ext}"))
    assert [path.name for path in out] == [f"c{number:04d}.{ext}" for number in range(1, 7)]
    for path, frame in zip(out, frames, strict=True):
        with av.open(str(path)) as picture:
            shown = next(picture.decode(video=0)).to_ndarray(format="rgb24" if depth == 8 else "rgb48le")
        assert np.array_equal(shown, frame.rgb)
    with pytest.raises(VideoError, match="exists already"):
        list(sequence.write(iter(frames), tmp_path / "out" / f"c%04d.{ext}"))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
def test_y4m_carries_the_planes(colorizer, tmp_path, pix_fmt):
    frames = list(video.frames(make(tmp_path / "in.mkv", pix_fmt), colorizer))
    pipe = io.BytesIO()
    assert sequence.send(iter(frames), pipe, Fraction(30000, 1001)) == 30
    sequence.receive(io.BytesIO(pipe.getvalue()), tmp_path / "out.y4m")
    assert pipe.getvalue().startswith(b"YUV4MPEG2 W96 H64 F30000:1001")
    for frame, (_, luma, _, chroma) in zip(frames, read(tmp_path / "out.y4m"), strict=True):
        assert all(map(np.array_equal, frame.planes, (luma, *chroma)))


def test_the_command_reads_and_writes_sequences_and_pipes(tmp_path, model):
    pictures(tmp_path / "in")
    source, out = str(tmp_path / "in" / "f%06d.png"), tmp_path / "out.mkv"
    result = RUNNER.invoke(app, ["video", source, "-o", str(out), "--model", model, "--rate", "24"])
    assert result.exit_code == 0, result.stderr
    assert len(read(out)) == 6 and not list(tmp_path.glob(".*"))
    result = RUNNER.invoke(app, ["video", source, "-o", "-", "--model", model, "--rate", "24"])
    assert result.exit_code == 0 and result.stdout_bytes.startswith(b"YUV4MPEG2 W64 H48 F24:1")
    numbered = str(tmp_path / "to" / "c%03d.png")
    again = RUNNER.invoke(app, ["video", "-", "-o", numbered, "--model", model], input=result.stdout_bytes)
    assert again.exit_code == 0, again.stderr
    assert len(list((tmp_path / "to").glob("c00[1-6].png"))) == 6
    result = RUNNER.invoke(app, ["video", source, "-o", "-", "--model", model, "--rate", "never"])
    assert result.exit_code == 1 and "frames a second" in result.stderr


def test_the_command_writes_a_table_of_shots(tmp_path, model):
    source, table = make(tmp_path / "in.mkv"), tmp_path / "shots.csv"
    result = RUNNER.invoke(app, ["video", str(source), "--shots", str(table)])
    assert result.exit_code == 0, result.stderr
    assert "1 shots" in result.stdout and table.read_text().startswith("start,end,keyframe")
