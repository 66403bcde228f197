"""Chroma planes show the colours that were asked for, and leave luma alone."""

import cv2
import numpy as np
import pytest

from colorify.color import rgb_to_lab
from colorify.constant_luma import MATRICES, places
from colorify.video import light, planes
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


def shown(gray: np.ndarray, ab: np.ndarray, coding: Coding) -> np.ndarray:
    """Cb and Cr ``(2, H, W)`` of ab over grays 0..1, in the nearest samples."""
    black, white = coding.luma_range
    luma = np.rint(black + gray * (white - black)).astype(np.uint8 if coding.depth == 8 else np.uint16)
    return np.stack(planes.chroma(luma, places(ab), coding, coding))


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("coding", [Coding(), Coding(full=True), Coding(depth=10), Coding(full=True, depth=12)])
def test_the_table_is_near_enough_to_be_unseen(matrix, coding):
    coding = Coding(matrix, coding.full, coding.depth)
    luma, ab, both = colors(matrix)
    middle, span = coding.chroma_range
    off = np.abs(shown(luma, ab, coding) - (both * span + middle).transpose(2, 0, 1)) / 2 ** (coding.depth - 8)
    assert off.mean() < 0.45 and np.quantile(off, 0.99) < 1.6


@pytest.mark.parametrize("coding", [Coding(), Coding(full=True), Coding(depth=10)])
def test_no_chroma_is_the_middle_whatever_the_luma(coding):
    plane = np.arange(2**coding.depth, dtype=np.uint8 if coding.depth == 8 else np.uint16).reshape(1, -1)
    luma = planes.gray(plane, coding)
    assert luma.min() == 0 and luma.max() == 1
    found = np.stack(planes.chroma(plane, places(np.zeros((*plane.shape, 2))), coding, coding))
    assert np.abs(found.astype(int) - 2 ** (coding.depth - 1)).max() <= 2 ** (coding.depth - 8) * 0.5


def test_ranges():
    assert planes.gray(np.array([[16, 235]], np.uint8), Coding())[0].tolist() == [0, 1]
    assert planes.gray(np.array([[64, 940]], np.uint16), Coding(depth=10))[0].tolist() == [0, 1]
    assert planes.gray(np.array([[0, 255]], np.uint8), Coding(full=True))[0].tolist() == [0, 1]
    found = shown(np.array([[0.5]]), np.full((1, 1, 2), 110.0), Coding())
    assert found.dtype == np.uint8 and 16 <= found.min() <= found.max() <= 240


@pytest.mark.parametrize("coding", [Coding(), Coding(full=True), Coding(transfer="pq", primaries="bt2020")])
def test_lightness_of_8_bits_is_that_of_more(coding):
    plane = np.arange(256, dtype=np.uint8).reshape(8, 32)
    found = planes.lightness(plane, coding)
    assert found.dtype == np.float32
    assert np.array_equal(found, light.luma_of(planes.gray(plane, coding), coding.transfer))


@pytest.mark.parametrize("size", [(284, 160), (320, 180), (90, 161)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_smaller_picture_is_made_of_means(size, kind):
    luma = cv2.resize(np.random.default_rng(0).integers(0, 256, (40, 60)).astype(np.uint8), (1278, 724)).astype(kind)
    exact = cv2.resize(luma.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    off = planes.smaller(luma, size) - exact
    assert abs(off.mean()) < 0.3 and np.abs(off).max() < 4


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(60, 80), (120, 80), (120, 40), (120, 160)])
def test_luma_at_the_places_of_chroma(shape, kind):
    """Weights 1, 2, 1 about the first column of two, and rounded without a bias."""
    luma = np.random.default_rng(0).integers(16, 236, (120, 160)).astype(kind)
    down, along = 120 // shape[0], 160 // shape[1]
    wide = luma.astype(np.float64)
    wide = wide if along == 1 else (wide + np.concatenate((wide[:, 1:2], wide[:, :-1]), 1)) / 2
    off = planes.sited(luma, shape) - wide.reshape(shape[0], down, shape[1], along).mean((1, 3))
    assert abs(off.mean()) < 0.3 and np.abs(off).max() <= 1


@pytest.mark.parametrize(("shape", "left"), [((60, 160), 0.5), ((60, 80), 0.5), ((60, 320), 0.0)])
def test_colors_at_the_places_of_chroma(shape, left):
    """A slope reads there what it is there: where ``320 / width`` columns share a sample, half a column to the left."""
    width, small = 320, 90
    slope = (np.arange(small, dtype=np.float32) + 0.5) * width / small  # in columns, from the left rim
    ab = np.broadcast_to(slope[None, :, None], (40, small, 2)).copy()
    found = planes.spread(ab, shape, width)[30, :, 0]
    share = width // shape[1]
    expected = (np.arange(shape[1]) + 0.5) * share - left
    off = (found - expected)[8:-8]
    assert abs(off.mean()) < 0.02 and np.abs(off).max() < 0.4  # OpenCV's cubic makes steps of a slope
