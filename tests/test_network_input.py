"""What the network sees of a picture: upright, small, its aspect kept, at full contrast."""

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import color as reference
from test_inference import array, luma

from colorify import pictures
from colorify.network_input import autocontrast, dimmed, small_luma, smaller
from colorify.pictures import Metadata, Picture

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_network_sees_the_picture_upright(colorizer, orientation):
    stored = array(1, np.uint8, (64, 96))
    exif = Image.Exif()
    exif[274] = orientation
    turned = Picture(stored, metadata=Metadata(exif))
    upright = Picture(np.ascontiguousarray(pictures.turn(stored, orientation)))
    (result,), (expected,) = colorizer.colorize([turned]), colorizer.colorize([upright])
    assert result.pixels.shape == (64, 96, 3)
    difference = pictures.turn(result.pixels, orientation).astype(int) - expected.pixels
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (100, 300), (300, 100), (97, 131), (50, 5000)])
def test_the_network_sees_the_aspect_ratio(shape):
    seen = small_luma(Picture(np.zeros(shape, np.uint8)), 64)
    assert seen.shape[0] % 2 == seen.shape[1] % 2 == 0
    assert max(seen.shape) <= 64 * 8
    if max(shape) / min(shape) < 8:
        assert min(seen.shape) == 64
        assert seen.shape[1] / seen.shape[0] == pytest.approx(shape[1] / shape[0], rel=0.02)


def test_the_network_sees_true_luma():
    source = array(3, np.uint8)
    seen = small_luma(Picture(source), 90)
    assert np.abs(seen - luma(source)).mean() < 0.5


def test_the_second_look_is_a_smaller_mirrored_copy(colorizer):
    luma = reference.rgb2gray(array(3, np.uint8, (48, 64)))[None].astype(np.float32)
    luma = np.clip((luma - luma.min()) / np.ptp(luma) * 130 - 15, 0, 100)  # enough contrast at either size
    seen = smaller(luma)
    assert seen.shape == (1, 38, 52)
    assert np.abs(cv2.resize(seen[0, :, ::-1], (64, 48)) - luma[0]).mean() < 3
    plain, both = (colorizer.output(luma, tta) for tta in (False, True))
    other = colorizer.output(seen, tta=False)[0, ..., ::-1]
    wide = np.stack([cv2.resize(plane.copy(), (32, 24), interpolation=cv2.INTER_CUBIC) for plane in other])
    np.testing.assert_allclose(both[0], (plain[0] + wide) / 2, atol=1e-4)
    assert np.abs(both - plain).max() > 0.1


def test_the_network_sees_faded_pictures_at_full_contrast():
    clean = RNG.random((2, 48, 64), np.float32) * 100
    np.testing.assert_array_equal(autocontrast(clean), clean)
    faded = np.stack([0.7 * clean[0] + 25, 0.7 * clean[1]])  # to a light gray, to a dark one
    restored = autocontrast(faded)
    assert (np.abs(restored - clean).max((1, 2)) < 7).all()
    np.testing.assert_array_equal(autocontrast(faded[:1]), restored[:1])
    assert np.ptp(autocontrast(0.1 * clean)) <= 1.5 * np.ptp(0.1 * clean) + 1e-4  # a dark frame's grain is no picture
    flat = np.full((1, 8, 8), 30, np.float32)
    np.testing.assert_array_equal(autocontrast(flat), flat)


def test_what_is_dark_has_less_chroma():
    luma = RNG.random((2, 48, 64), np.float32) * 100
    np.testing.assert_array_equal(dimmed(luma), 1)
    np.testing.assert_allclose(dimmed(luma * [[[0.35]], [[0.07]]]), [0.5, 0.1], rtol=0.02)
    assert dimmed(np.zeros((1, 8, 8), np.float32)) == 0
    luma[:, 0, 0] = 100  # a lamp
    np.testing.assert_allclose(dimmed(luma[:1] * np.where(luma[:1] == 100, 1, 0.35)), 0.5, rtol=0.02)
