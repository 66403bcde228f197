"""Formats of the extra: their size and depth are read from their headers."""

import io

import pytest
from PIL import Image

from colorify import pictures
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
