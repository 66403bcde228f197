"""A picture in any form is the same picture."""

import io

import numpy as np
import pytest
import torch

from colorify import pictures
from colorify.pictures import PictureError
from conftest import photo

PIXELS = np.asarray(photo(0))


@pytest.fixture
def path(tmp_path):
    photo(0).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.mark.parametrize(
    "form",
    [
        lambda path: path,
        str,
        lambda path: path.read_bytes(),
        lambda path: bytearray(path.read_bytes()),
        lambda path: io.BytesIO(path.read_bytes()),
        lambda path: photo(0),
        lambda path: PIXELS,
        lambda path: torch.from_numpy(PIXELS.copy()).movedim(-1, 0),
    ],
)
def test_forms(path, form):
    assert np.array_equal(pictures.taken(form(path)).pixels, PIXELS)


@pytest.mark.parametrize("wrong", [None, 3, [1, 2]])
def test_what_is_none(wrong):
    with pytest.raises(PictureError, match="expected an image, a path, bytes, an array, a tensor"):
        pictures.taken(wrong)
    assert not pictures.is_tensor(wrong)
