"""A picture in memory: what it may be, how it is turned, two in a row."""

import numpy as np
import pytest
from PIL import Image

from colorify import pictures
from colorify.pictures import Metadata, Picture, PictureError
from conftest import photo
from pictures.test_write import exif, random


@pytest.mark.parametrize(
    ("mode", "shape", "alpha"),
    [
        ("1", (48, 64), False),
        ("L", (48, 64), False),
        ("LA", (48, 64), True),
        ("P", (48, 64, 3), False),
        ("RGB", (48, 64, 3), False),
        ("RGBA", (48, 64, 3), True),
        ("CMYK", (48, 64, 3), False),
        ("YCbCr", (48, 64, 3), False),
    ],
)
def test_kinds_of_pixels(mode, shape, alpha):
    picture = pictures.from_pil(photo(0).convert(mode))
    assert picture.pixels.shape == shape and picture.pixels.dtype == np.uint8
    assert (picture.alpha is not None) == alpha


def test_transparent_palette():
    image = photo(0).convert("P")
    image.info["transparency"] = 0
    assert pictures.from_pil(image).alpha is not None


def test_float_pixels_are_refused():
    with pytest.raises(PictureError, match="'F'"):
        pictures.from_pil(Image.new("F", (4, 4)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turn_is_pillows_and_turn_back_undoes_it(orientation):
    from PIL import ImageOps

    array = random(3, np.uint8)
    image = Image.fromarray(array)
    image.getexif()[274] = orientation
    assert np.array_equal(pictures.turn(array, orientation), np.asarray(ImageOps.exif_transpose(image)))
    assert np.array_equal(pictures.turn_back(pictures.turn(array, orientation), orientation), array)
    up = pictures.upright(Picture(array, metadata=Metadata(exif(orientation))))
    assert up.orientation == 1
    assert np.array_equal(up.pixels, pictures.turn(array, orientation))


def test_beside():
    gray, color = random(1, np.uint8), random(3, np.uint8)
    row = pictures.beside(Picture(gray), Picture(color))
    assert np.array_equal(row.pixels, np.hstack((np.dstack((gray,) * 3), color)))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_beside_one_that_is_transparent_the_other_is_not(kind):
    solid, clear = (np.full((4, 6, 3), share, kind) for share in (0, 1))
    alpha = np.zeros((4, 6), kind)
    for order in (1, -1):
        row = pictures.beside(*(Picture(solid), Picture(clear, alpha))[::order])
        full, none = np.split(row.alpha, 2, 1)[::order]
        assert (none == 0).all() and (full == (np.iinfo(kind).max if np.issubdtype(kind, np.integer) else 1)).all()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((4,), np.uint8), "shape"),
        (np.zeros((1, 4, 4, 3), np.uint8), "shape"),
        (np.zeros((0, 4), np.uint8), "no pixels"),
        (np.zeros((4, 4), np.int32), "int32"),
        (np.zeros((4, 4), bool), "bool"),
        (np.full((4, 4), np.nan), "NaN"),
        (np.full((4, 4), 2.0), "2 to 2"),
        (np.full((4, 4), -0.1), "expected 0..1"),
    ],
)
def test_arrays_that_are_no_pictures(array, words):
    with pytest.raises(PictureError, match=words):
        pictures.from_array(array)
