"""What the page is sent."""

import io

import numpy as np
from PIL import Image

from colorify.masks import Mask
from colorify.widgets import shown
from conftest import photo


def test_chroma_goes_as_half_floats():
    ab = np.random.default_rng(1).uniform(-100, 100, (3, 5, 2)).astype(np.float32)
    plane = shown.planes(ab)
    back = np.frombuffer(plane["ab"], np.float16).reshape(plane["height"], plane["width"], 2)
    assert (plane["width"], plane["height"]) == (5, 3) and np.abs(back - ab).max() < 0.05


def test_a_mask_goes_without_loss():
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown.png(Mask(values))))), values)


def test_files_are_shown_small(tmp_path):
    photo(3, 900, 600).save(tmp_path / "like.png")
    guide = shown.guide(str(tmp_path / "like.png"))
    assert guide["name"] == "like.png" and max(Image.open(io.BytesIO(guide["image"])).size) <= 192
