"""PNG: 16 bits, text, colour, background."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorify import pictures
from pictures.test_kept import GRAY, XMP, colored, png, with_chunks
from pictures.test_resources import chunks
from pictures.test_write import random


def gray_alpha_png() -> tuple[np.ndarray, bytes]:
    """A 16-bit PNG with gray and alpha, by the letter of its specification."""
    array = random(2, np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 16, 4, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return array, b"\x89PNG\r\n\x1a\n" + body


def test_16_bit_gray_with_alpha(tmp_path):
    array, content = gray_alpha_png()
    (tmp_path / "a.png").write_bytes(content)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", extrasamples=["unassalpha"])
    for name in ("a.png", "a.tif"):
        read = pictures.read(tmp_path / name)
        gray = read.pixels if read.pixels.ndim == 2 else read.pixels[..., 0]
        assert np.array_equal(gray, array[..., 0]) and np.array_equal(read.alpha, array[..., 1])


@pytest.mark.parametrize("sixteen", [False, True])
def test_png_text_xmp_and_colour(colorizer, tmp_path, sixteen):
    before = chunks(png(tmp_path / "a.png", sixteen))
    after = chunks(colored(colorizer, tmp_path / "a.png", tmp_path / "b.png"))
    kept = (b"tEXt", b"zTXt", b"iTXt", b"gAMA", b"tIME", b"pHYs")
    assert sorted(each for each in after if each[0] in kept) == sorted(each for each in before if each[0] in kept)
    assert [name for name, _ in after].index(b"gAMA") < [name for name, _ in after].index(b"IDAT")
    with Image.open(tmp_path / "b.png") as image:
        assert image.text["Title"] == "Box 12" and image.text["Ort"] == "Köln" and image.info["xmp"] == XMP


def test_png_background_and_significant_bits_become_those_of_rgb(colorizer, tmp_path):
    GRAY.save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(
        with_chunks((tmp_path / "a.png").read_bytes(), (b"sBIT", b"\x07"), (b"bKGD", b"\0\x40"))
    )
    after = dict(chunks(colored(colorizer, tmp_path / "a.png", tmp_path / "b.png")))
    assert after[b"sBIT"] == b"\x07" * 3 and after[b"bKGD"] == b"\0\x40" * 3


def test_png_keeps_the_shape_of_a_pixel_that_has_no_size(colorizer, tmp_path):
    """A resolution without a unit says width over height alone, as scans of films have it."""
    GRAY.save(tmp_path / "a.png")
    aspect = struct.pack(">IIB", 16, 15, 0)
    (tmp_path / "a.png").write_bytes(with_chunks((tmp_path / "a.png").read_bytes(), (b"pHYs", aspect)))
    after = chunks(colored(colorizer, tmp_path / "a.png", tmp_path / "b.png"))
    assert [data for name, data in after if name == b"pHYs"] == [aspect]


@pytest.mark.parametrize(("squeezed", "kept"), [(zlib.compress(XMP), XMP), (b"damaged", None)])
def test_png_xmp_that_is_compressed(tmp_path, squeezed, kept):
    GRAY.save(tmp_path / "a.png")
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + squeezed
    (tmp_path / "a.png").write_bytes(with_chunks((tmp_path / "a.png").read_bytes(), (b"iTXt", text)))
    assert pictures.read(tmp_path / "a.png").metadata.xmp == kept
