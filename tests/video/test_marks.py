"""Frames that leave as pictures say that they were coloured, in every kind of file, and are the same pictures."""

import io
import shutil
import subprocess

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from colorify import pictures
from colorify.cli import app
from colorify.models import checkpoint as checkpoints
from colorify.pictures.provenance import SOURCE_TYPE, stated
from colorify.video import marks, sequence
from video.test_film import make


def shown(path) -> np.ndarray:
    with av.open(str(path)) as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24")


def mark(path) -> bool:
    """Whether a picture says it; read back without what wrote it."""
    if path.suffix == ".dpx":
        return SOURCE_TYPE.encode() in path.read_bytes()[260:460]
    return stated(pictures.read(path).metadata.xmp).get("DigitalSourceType") == SOURCE_TYPE


@pytest.mark.parametrize("suffix", sequence.CODECS)
def test_pictures_of_a_film_say_it(suffix, checkpoint, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    make(tmp_path / "a.mkv", frames=2)
    for name, more in (("said", []), ("unsaid", ["--no-provenance"])):
        told = [str(tmp_path / "a.mkv"), "-o", str(tmp_path / f"{name}%d{suffix}"), *more]
        result = CliRunner().invoke(app, ["video", *told, "--model", str(tmp_path / "model.safetensors")])
        assert result.exit_code == 0, result.output
    said, unsaid = (tmp_path / f"{name}2{suffix}" for name in ("said", "unsaid"))
    assert mark(said) and not mark(unsaid)
    np.testing.assert_array_equal(shown(said), shown(unsaid))


def test_y4m_has_no_place_and_this_is_said(checkpoint, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    make(tmp_path / "a.mkv", frames=2)
    told = ["video", str(tmp_path / "a.mkv"), "-o", "-", "--model", str(tmp_path / "model.safetensors")]
    for more, said in (([], True), (["--no-provenance"], False)):
        result = CliRunner().invoke(app, [*told, *more])
        assert ("y4m has no place to say" in result.stderr) == said and result.exit_code == 0
    assert marks.marker(".y4m", "highres", "") is None


@pytest.mark.skipif(not shutil.which("exiftool"), reason="needs ExifTool: apt install libimage-exiftool-perl")
def test_exiftool_reads_the_tag_in_a_tiff(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((5, 7, 3), np.uint8)).save(buffer, "TIFF")
    (tmp_path / "a.tif").write_bytes(marks.marker(".tif", "highres", "blur=1")(buffer.getvalue()))
    told = ["exiftool", "-s3", "-XMP-iptcExt:DigitalSourceType", tmp_path / "a.tif"]
    assert subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip() == SOURCE_TYPE
    assert np.asarray(Image.open(tmp_path / "a.tif")).shape == (5, 7, 3)


def test_knobs_that_the_field_of_a_dpx_has_no_room_for_are_left_out():
    plain = bytes(2048)
    for knobs, there in (("blur=1", True), ("x" * 300, False)):
        field = marks.marker(".dpx", "highres", knobs)(plain)[260:460]
        assert SOURCE_TYPE.encode() in field and (knobs.encode() in field) == there and field.endswith(b"\0")
