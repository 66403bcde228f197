"""Metrics against published pairs and labelled references."""

import numpy as np
import pytest
import torch
from skimage import color as reference
from skimage.metrics import peak_signal_noise_ratio

from colorify import metrics

# Sharma, Wu, Dalal 2005, table 1: pairs that take every branch of the formula.
SHARMA = [
    ((50.0000, 2.6772, -79.7751), (50.0000, 0.0000, -82.7485), 2.0425),
    ((50.0000, 3.1571, -77.2803), (50.0000, 0.0000, -82.7485), 2.8615),
    ((50.0000, 2.8361, -74.0200), (50.0000, 0.0000, -82.7485), 3.4412),
    ((50.0000, -1.3802, -84.2814), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, 0.0000, 0.0000), (50.0000, -1.0000, 2.0000), 2.3669),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0009), 7.1792),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0011), 7.2195),
    ((50.0000, -0.0010, 2.4900), (50.0000, 0.0009, -2.4900), 4.8045),
    ((50.0000, 2.5000, 0.0000), (50.0000, 0.0000, -2.5000), 4.3065),
    ((50.0000, 2.5000, 0.0000), (73.0000, 25.0000, -18.0000), 27.1492),
    ((50.0000, 2.5000, 0.0000), (58.0000, 24.0000, 15.0000), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "two", "expected"), SHARMA)
def test_ciede2000_of_published_pairs(one, two, expected):
    one, two = (torch.tensor(color, dtype=torch.float64).view(3, 1, 1) for color in (one, two))
    assert float(metrics.ciede2000(one, two)) == pytest.approx(expected, abs=1e-4)
    assert float(metrics.ciede2000(two, one)) == pytest.approx(expected, abs=1e-4)


def random_lab(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform((0, -100, -100), (100, 100, 100), (40, 50, 3))


def planes(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array).movedim(-1, -3)


def test_ciede2000_agrees_with_scikit_image():
    one, two = random_lab(0), random_lab(1)
    ours = metrics.ciede2000(planes(one), planes(two)).numpy()
    np.testing.assert_allclose(ours, reference.deltaE_ciede2000(one, two), atol=1e-6)
    assert float(metrics.de2000(planes(one), planes(two))) == pytest.approx(ours.mean())


def test_psnr_agrees_with_scikit_image():
    one, two = np.random.default_rng(0).random((2, 30, 40, 3))
    expected = peak_signal_noise_ratio(one, two, data_range=1)
    assert float(metrics.psnr(planes(one), planes(two))) == pytest.approx(expected)


def test_ab_errors_ignore_luma():
    lab = planes(random_lab(0))
    other = lab + torch.tensor([50.0, 3.0, 4.0]).view(3, 1, 1)
    assert float(metrics.mse_ab(other, lab)) == pytest.approx(12.5)
    assert float(metrics.psnr_ab(other, lab)) == pytest.approx(20 * np.log10(255 / 12.5**0.5))
    assert metrics.mse_ab(torch.stack((other, lab)), lab).tolist() == pytest.approx([12.5, 0])


def test_colorfulness_by_its_formula():
    rgb = np.random.default_rng(0).random((30, 40, 3))
    red, green, blue = np.moveaxis(rgb * 255, -1, 0)
    rg, yb = red - green, 0.5 * (red + green) - blue
    expected = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    assert float(metrics.colorfulness(planes(rgb))) == pytest.approx(expected)
    assert float(metrics.colorfulness(torch.full((3, 8, 8), 0.3))) == pytest.approx(0, abs=1e-4)
