"""Formats of the extra: their size and depth are read from their headers."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorify import batch, inputs, pictures
from colorify.pictures import FORMATS, PictureError
from colorify.pictures.formats import ready
from pictures.test_formats import RGB, coded


def test_ten_bits_of_avif_are_named_as_read_in_eight():
    import imagecodecs

    content = imagecodecs.avif_encode(coded(RGB, "u2") >> 6, bitspersample=10)
    assert pictures.decode(content, "a.avif").metadata.warnings == ("its 10 bits are read as 8",)


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (90, 160), (333, 17), (600, 800), (300, 5000)])
def test_the_size_of_a_jpeg_xl_is_read_before_it_is_decoded(shape):
    file = io.BytesIO()
    ready(FORMATS[".jxl"])
    Image.new("L", shape[::-1]).save(file, "JXL")
    area = shape[0] * shape[1] / 1e6
    assert pictures.decode(file.getvalue(), "a", area).pixels.shape[:2] == shape
    with pytest.raises(PictureError, match="the limit is"):
        pictures.decode(file.getvalue(), "a", area * 0.99)


def dng(colors: bytes) -> bytes:
    """A small raw photo, by the letter of DNG 1.4: a mosaic of these colours."""
    mosaic = np.random.default_rng(0).integers(0, 4096, (64, 96), np.uint16)
    tags = [
        (271, 2, 0, "Maker", True),
        (50706, 1, 4, bytes((1, 4, 0, 0)), True),
        (50708, 2, 0, "Camera", True),
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, colors, True),
        (50717, 4, 1, 4095, True),
        (50721, 10, 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1), True),
        (50728, 5, 3, (1, 1, 1, 1, 1, 1), True),
        (50778, 3, 1, 21, True),
    ]
    file = io.BytesIO()
    tifffile.imwrite(file, mosaic, photometric="cfa", extratags=tags, metadata=None)
    return file.getvalue()


@pytest.mark.parametrize(("colors", "channels"), [(bytes((0, 1, 1, 2)), 3), (b"NaN\2", 1)])
def test_a_raw_photo_becomes_a_16_bit_tiff(colorizer, tmp_path, colors, channels):
    """Also that of a camera without colours."""
    (tmp_path / "a.dng").write_bytes(dng(colors))
    source = pictures.read(tmp_path / "a.dng")
    assert source.pixels.dtype == np.uint16 and source.pixels.shape == (64, 96, 3)[: 2 + (channels == 3)]
    assert source.metadata.exif[271] == "Maker" and source.metadata.icc is None
    with pytest.raises(PictureError, match=r"the limit is 0\.006"):
        pictures.read(tmp_path / "a.dng", 0.006)
    jobs, errors = inputs.plan([str(tmp_path / "a.dng")], tmp_path / "out")
    assert [job.target.name for job in jobs] == ["a.tif"] and not errors
    batch.colorize_file(colorizer, jobs[0], batch.BatchOptions())
    assert tifffile.imread(tmp_path / "out" / "a.tif").dtype == np.uint16
