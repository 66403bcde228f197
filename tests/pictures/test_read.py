"""What can be read is read as it was written; what cannot is named with the reason."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from colorify import pictures
from colorify.pictures import PictureError
from conftest import photo
from pictures.test_write import random


def test_opencv_writes_16_bit_that_is_read_in_the_right_order(tmp_path):
    array = random(3, np.uint16)
    cv2.imwrite(str(tmp_path / "a.tif"), array[..., ::-1])  # LZW
    assert np.array_equal(pictures.read(tmp_path / "a.tif").pixels, array)


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def no_width_png() -> bytes:
    buffer = io.BytesIO()
    photo(0).save(buffer, "PNG")
    return buffer.getvalue()[:16] + struct.pack(">I", 0) + buffer.getvalue()[20:]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"a text, not a picture", "not a picture"),
        (jpeg(photo(0, 300, 200))[:2000], "truncated"),
        (no_width_png(), "a.jpg: "),
    ],
)
def test_unreadable_files_are_named_with_the_reason(tmp_path, content, words):
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PictureError, match=words) as caught:
        pictures.read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_decompression_bombs_are_refused_and_the_limit_moves(tmp_path):
    path = tmp_path / "a.png"
    Image.new("L", (2000, 1000)).save(path)
    with pytest.raises(PictureError, match=r"2 megapixels, the limit is 1 \(--max-megapixels"):
        pictures.read(path, max_megapixels=1)
    assert pictures.read(path, max_megapixels=2).size == (2000, 1000)


def test_several_frames_are_refused(tmp_path):
    frames = [photo(seed) for seed in range(3)]
    for name in ("a.tif", "a.webp", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(PictureError, match="3 frames"):
            pictures.read(tmp_path / name)
