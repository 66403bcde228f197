"""The luma of a file that is open."""

import numpy as np
import pytest
from PIL import Image

from colorify import pictures
from colorify.pictures import graft
from colorify.widgets.luma import Luma
from conftest import photo


def luma(path) -> Luma:
    return Luma(path, pictures.read(path))


def test_that_of_a_gray_jpeg_is_its_picture(tmp_path):
    photo(1).convert("L").save(tmp_path / "a.jpg")
    found = luma(tmp_path / "a.jpg")
    scans, gray = found.found
    assert found.is_jpeg and found.is_gray and gray is found.picture
    assert all(scan in (tmp_path / "a.jpg").read_bytes() for scan in (scans.size, scans.scans[0][-20:]))


def test_that_of_one_in_colour_is_parted_from_it(tmp_path):
    pytest.importorskip("jpeglib")
    photo(1).save(tmp_path / "a.jpg")
    found = luma(tmp_path / "a.jpg")
    _, gray = found.found
    assert found.is_jpeg and not found.is_gray
    assert np.array_equal(gray.pixels, graft.luma_samples((tmp_path / "a.jpg").read_bytes()))


def test_what_has_none_says_why(tmp_path):
    photo(1).convert("CMYK").save(tmp_path / "a.jpg")
    Image.new("L", (8, 8)).save(tmp_path / "b.png")
    assert luma(tmp_path / "a.jpg").found == "the file has 4 inks, and no luma"
    gone = luma(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").unlink()
    assert gone.found == "the file is gone: No such file or directory"
    assert not luma(tmp_path / "b.png").is_jpeg and luma(tmp_path / "b.png").found == "the file is no JPEG"
