"""RGB spaces other than sRGB keep luminance, and are told from sRGB."""

import numpy as np
import pytest

from colorify import space
from colorify.color import gray_to_luma

CODES = np.linspace(0, 1, space.CODES)
ADOBE = space.adapted(
    space.matrix_of(np.array([(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)]), (0.3127, 0.3290)), (0.9505, 1.0, 1.0891)
)


@pytest.fixture(scope="module")
def adobe() -> space.Space:
    return space.space(CODES**2.2, ADOBE)


def test_srgb_is_none_of_them():
    assert space.space(space.srgb_curve()) is None
    assert space.space(CODES**1.8) is not None


@pytest.mark.parametrize("curve", [CODES[::-1], np.zeros(space.CODES), CODES * 0.3])
def test_curves_that_do_not_rise(curve):
    with pytest.raises(ValueError, match="does not rise"):
        space.space(curve)


def test_primaries_that_span_nothing():
    with pytest.raises(ValueError, match="span no colours"):
        space.space(CODES**2.2, np.ones((3, 3)))


def test_white_is_white_under_any_white():
    assert np.allclose(ADOBE.sum(1), 1)
    assert np.allclose(space.under_d50(ADOBE).sum(1), space.D50, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_luminance_stays_as_promised(adobe, dtype):
    lab = np.random.default_rng(0).uniform((0, -80, -80), (100, 80, 80), (40, 50, 3)).astype(np.float32)
    coded = adobe.coded(lab, np.dtype(dtype))
    limit = {np.uint8: 0.5, np.uint16: 0.01, np.float32: 0.02}[dtype]
    assert coded.dtype == dtype and np.abs(adobe.luma(coded) - lab[..., 0]).max() <= limit


def test_what_is_seen_has_the_same_luminance(adobe):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    seen = adobe.seen(pixels)
    assert np.abs(gray_to_luma(seen / 255) - adobe.luma(pixels)).max() < 0.4
