"""Colors over a given luma: exact luma, the asked a and b where the gamut has them, and a table that is near enough."""

import numpy as np
import pytest

from colorify import constant_luma
from colorify.color import rgb_to_lab
from colorify.constant_luma import MATRICES

RNG = np.random.default_rng(0)
GRAY, AB = RNG.uniform(0.2, 0.8, (20, 30)).astype(np.float32), RNG.uniform(-12, 12, (20, 30, 2)).astype(np.float32)


@pytest.mark.parametrize("matrix", MATRICES)
def test_luma_stays_and_colors_are_those_asked_for(matrix):
    weights = constant_luma.weights_of(matrix)
    rgb = constant_luma.of_luma(GRAY, AB, weights)
    assert np.abs(rgb @ weights - GRAY).max() < 1e-4
    assert np.abs(rgb_to_lab(rgb)[..., 1:] - AB).max() < 0.05


def test_beyond_the_gamut_luma_and_hue_stay():
    weights = constant_luma.weights_of("bt601")
    rgb = constant_luma.of_luma(GRAY, np.full_like(AB, 100), weights)
    a, b = np.moveaxis(rgb_to_lab(rgb)[..., 1:], -1, 0)
    assert np.abs(rgb @ weights - GRAY).mean() < 5e-3 and rgb.min() >= 0 and rgb.max() <= 1
    assert np.abs(np.degrees(np.arctan2(b, a)) - 45).max() < 1 and np.hypot(a, b).max() < 141


def test_differences_are_those_of_bt601():
    known = np.array(((1, 0, 0), (0, 0, 1), (0.5, 0.5, 0.5)), np.float32)
    expected = ((-0.168736, 0.5), (0.5, -0.081312), (0, 0))
    np.testing.assert_allclose(constant_luma.differences(known, constant_luma.weights_of("bt601")), expected, atol=1e-5)


def test_the_table_is_near_what_fills_it():
    weights = constant_luma.weights_of("bt601")

    def exact(gray, ab):
        return constant_luma.differences(constant_luma.of_luma(gray, ab, weights), weights)

    found = constant_luma.looked_up(GRAY, AB, constant_luma.table(exact))
    assert np.abs(found - exact(np.rint(GRAY * 255) / 255, AB)).max() < 1 / 255
