"""Chroma planes show the colours that were asked for, and leave luma alone."""

import numpy as np
import pytest

from colorify.color import rgb_to_lab
from colorify.constant_luma import MATRICES
from colorify.video import planes
from colorify.video.planes import Coding


def colors(matrix: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Luma of random colours, their ab, and their Cb and Cr by definition."""
    rgb = np.random.default_rng(0).random((100, 100, 3), np.float32)
    rgb = 0.6 * rgb + 0.4 * rgb.mean(-1, keepdims=True)  # the rim of the gamut is where chroma gives way to luma
    red, blue = MATRICES[matrix]
    luma = rgb @ np.float32([red, 1 - red - blue, blue])
    both = np.stack(((rgb[..., 2] - luma) / (2 - 2 * blue), (rgb[..., 0] - luma) / (2 - 2 * red)), -1)
    return luma, rgb_to_lab(rgb)[..., 1:], both


@pytest.mark.parametrize("matrix", MATRICES)
def test_chroma_is_what_the_standard_defines(matrix):
    luma, ab, both = colors(matrix)
    off = np.abs(planes.exact_chroma(luma, ab, matrix) - both) * 224
    assert off.mean() < 0.02 and np.quantile(off, 0.99) < 0.2


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("coding", [Coding(), Coding(full=True), Coding(depth=10), Coding(full=True, depth=12)])
def test_the_table_is_near_enough_to_be_unseen(matrix, coding):
    coding = Coding(matrix, coding.full, coding.depth)
    luma, ab, both = colors(matrix)
    middle, span = coding.chroma_range
    off = np.abs(planes.chroma(luma, ab, coding) - (both * span + middle).transpose(2, 0, 1)) / 2 ** (coding.depth - 8)
    assert off.mean() < 0.45 and np.quantile(off, 0.99) < 1.6


@pytest.mark.parametrize("coding", [Coding(), Coding(full=True), Coding(depth=10)])
def test_no_chroma_is_the_middle_whatever_the_luma(coding):
    plane = np.arange(2**coding.depth, dtype=np.uint16).reshape(1, -1)
    luma = planes.gray(plane, coding)
    assert luma.min() == 0 and luma.max() == 1
    found = planes.chroma(luma, np.zeros((*plane.shape, 2)), coding)
    assert np.abs(found.astype(int) - 2 ** (coding.depth - 1)).max() <= 2 ** (coding.depth - 8) * 0.5


def test_ranges():
    assert planes.gray(np.array([[16, 235]], np.uint8), Coding())[0].tolist() == [0, 1]
    assert planes.gray(np.array([[64, 940]], np.uint16), Coding(depth=10))[0].tolist() == [0, 1]
    assert planes.gray(np.array([[0, 255]], np.uint8), Coding(full=True))[0].tolist() == [0, 1]
    strong = np.full((1, 1, 2), 110.0)
    found = planes.chroma(np.array([[0.5]]), strong, Coding())
    assert found.dtype == np.uint8 and 16 <= found.min() <= found.max() <= 240
