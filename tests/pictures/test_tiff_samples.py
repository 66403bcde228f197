"""Samples of a TIFF of any depth and compression come out as they went in."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from pictures.test_tiff import RNG, read, samples, stored
from pictures.test_tiff_page import plain


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 7, 9, 10, 12, 14, 15])
@pytest.mark.parametrize("width", [1, 7, 37])
def test_samples_of_few_bits(bits, width):
    array = RNG.integers(0, 1 << bits, (9, width)).astype("u1" if bits <= 8 else "u2")
    rows = [np.array([v >> b & 1 for v in row for b in reversed(range(bits))], np.uint8) for row in array]
    packed = b"".join(np.packbits(row).tobytes() for row in rows)
    got = read(plain({256: width, 257: 9, 258: bits, 262: 1, 277: 1, 278: 9}, packed)).pixels
    top = 255 if bits <= 8 else 65535
    assert got.dtype == ("u1" if bits <= 8 else "u2")
    assert np.abs(got - array * (top / ((1 << bits) - 1))).max() <= 0.5


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt", "tiff_lzw", "packbits", None])
@pytest.mark.parametrize("size", [(7, 5), (64, 48)])
def test_one_bit_as_scanners_write_it(compression, size):
    bits = RNG.random(size) > 0.5
    for fill in (1, 2):
        file = io.BytesIO()
        Image.fromarray(bits).save(file, "TIFF", compression=compression, tiffinfo={266: fill} if compression else {})
        assert np.array_equal(read(file.getvalue()).pixels, bits * np.uint8(255))
    content = bytearray(file.getvalue())
    assert white(content)
    assert np.array_equal(read(bytes(content)).pixels, ~bits * np.uint8(255))


def white(content: bytearray) -> bool:
    """Make a TIFF MinIsWhite."""
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        tag = tiff.pages[0].tags[262]
    content[tag.valueoffset] = 1 - content[tag.valueoffset]
    return True


def test_jpeg_inside():
    smooth = np.asarray(Image.fromarray(samples(3, "u1", (4, 5))).resize((64, 48), Image.Resampling.BICUBIC))
    for options in ({}, {"tile": (16, 16)}, {"rowsperstrip": 16}, {"subsampling": (2, 2)}):
        content = stored(smooth, photometric="rgb", compression="jpeg", compressionargs={"level": 95}, **options)
        assert np.abs(read(content).pixels.astype(int) - smooth).mean() < 6
    gray = stored(smooth[..., 0], photometric="minisblack", compression="jpeg")
    assert np.abs(read(gray).pixels.astype(int) - smooth[..., 0]).mean() < 4
    apart = stored(np.moveaxis(smooth, -1, 0), photometric="rgb", planarconfig="separate", compression="jpeg")
    assert np.abs(read(apart).pixels.astype(int) - smooth).mean() < 4


def test_pages_beyond_the_limit_of_pillow():
    """It counts in bytes, for libtiff is given bytes, and ours is in pixels."""
    wide = np.zeros((2400, 2400, 4), np.float64)
    wide[-1, -1] = 0.25, 0.5, 0.75, 1
    got = read(stored(wide, photometric="rgb", extrasamples=["unassalpha"], compression="deflate", rowsperstrip=100))
    assert got.pixels.shape == (2400, 2400, 3) and np.array_equal(got.pixels[-1, -1], (0.25, 0.5, 0.75))
    assert Image.MAX_IMAGE_PIXELS == 1024**3 // 12
