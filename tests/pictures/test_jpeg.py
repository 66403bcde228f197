"""JPEG: IPTC, comments, the unit of the resolution, an end marker that is missing."""

import numpy as np
import pytest
from PIL import Image

from colorify import pictures
from colorify.pictures import Metadata, Picture
from conftest import photo
from pictures.test_kept import GRAY, RESOURCES, colored, iptc_jpeg, notes
from pictures.test_resources import markers
from pictures.test_tags import tifffile_tags
from pictures.test_write import ICC, exif


def test_jpeg_keeps_its_metadata(tmp_path):
    path = tmp_path / "a.jpg"
    source = Picture(np.asarray(photo(0)), metadata=Metadata(exif(3), ICC, b"<x:xmpmeta/>", (72, 72)))
    pictures.write(source, path)
    read = pictures.read(path)
    assert (read.metadata.icc, read.metadata.xmp, read.orientation) == (ICC, b"<x:xmpmeta/>", 3)
    assert read.metadata.exif.get_ifd(0x8769)[36867] == "2001:02:03 04:05:06"
    assert np.abs(read.pixels.astype(int) - source.pixels).mean() < 2


def test_jpeg_iptc_and_comments(colorizer, tmp_path):
    content = colored(colorizer, iptc_jpeg(tmp_path / "a.jpg"), tmp_path / "b.jpg")
    found = markers(content)
    assert next(data for number, data in found if number == 0xED).startswith(b"Photoshop 3.0\0" + RESOURCES)
    assert sorted(data for number, data in found if number == 0xFE) == [b"box 12 / 34", b"second\xe9"]


@pytest.mark.parametrize("unit", [0, 1, 2])
def test_jpeg_resolution_keeps_its_unit(colorizer, tmp_path, unit):
    GRAY.save(tmp_path / "a.jpg", dpi=(118, 59))
    content = bytearray((tmp_path / "a.jpg").read_bytes())
    content[13] = unit
    (tmp_path / "a.jpg").write_bytes(content)
    after = colored(colorizer, tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert after[13:18] == content[13:18]
    tags = tifffile_tags(colored(colorizer, tmp_path / "a.jpg", tmp_path / "b.tif"), tmp_path)
    assert (tags[296], tags[282][0] / tags[282][1], tags[283][0] / tags[283][1]) == (unit + 1, 118, 59)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_that_lacks_its_end_marker_alone(colorizer, tmp_path, progressive, mode):
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    Image.fromarray(noise).convert(mode).save(tmp_path / "a.jpg", progressive=progressive)
    content = (tmp_path / "a.jpg").read_bytes()
    assert content.endswith(b"\xff\xd9")
    for end in (content[:-2], content[:-1], content[:-2] + b"\0\0\0"):
        (tmp_path / "cut.jpg").write_bytes(end)
        assert np.array_equal(pictures.read(tmp_path / "cut.jpg").pixels, pictures.read(tmp_path / "a.jpg").pixels)
    said = notes(colorizer, tmp_path / "cut.jpg", tmp_path / "b.jpg")
    assert said == ["its end marker is missing, nothing else"]
    for less in (8, 40, 400):
        (tmp_path / "cut.jpg").write_bytes(content[:-less])
        with pytest.raises(pictures.PictureError, match="truncated"):
            pictures.read(tmp_path / "cut.jpg")


def test_jpeg_bytes_that_fill_before_a_marker_hide_nothing(colorizer, tmp_path):
    """T.81, B.1.1.2: any marker may come after any number of bytes FF."""
    content = iptc_jpeg(tmp_path / "a.jpg").read_bytes()
    at = content.index(b"\xff\xfe")
    (tmp_path / "b.jpg").write_bytes(content[:at] + b"\xff\xff" + content[at:])
    found = markers(colored(colorizer, tmp_path / "b.jpg", tmp_path / "c.jpg"))
    assert sorted(data for number, data in found if number == 0xFE) == [b"box 12 / 34", b"second\xe9"]
