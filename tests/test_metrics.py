"""Metrics against published pairs and labelled references."""

import numpy as np
import pytest
import torch
from skimage import color as reference
from skimage.metrics import peak_signal_noise_ratio

from colorify import metrics
from colorify.codec import Bits, rebalancing

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


def test_auc_by_its_definition():
    lab = planes(random_lab(0))
    other = lab + torch.tensor([9.0, 3.0, 4.0]).view(3, 1, 1)
    assert float(metrics.auc(other, lab)) == pytest.approx(100 * (1 - 5 / 150))
    far = lab + torch.tensor([0.0, 500.0, 0.0]).view(3, 1, 1)
    assert float(metrics.auc(far, lab)) == pytest.approx(0)
    # the area itself: share of pixels within every threshold from 0 to 150
    noisy = planes(random_lab(1))
    error = (noisy - lab)[1:].square().sum(0).sqrt()
    area = torch.stack([(error <= t).double().mean() for t in torch.linspace(0, 150, 3001)]).mean()
    assert float(metrics.auc(noisy, lab)) == pytest.approx(100 * float(area), abs=0.05)


def test_rebalanced_auc_counts_rare_classes_more():
    codec = Bits(4)
    truth = torch.zeros(3, 1, 2, dtype=torch.float64)
    truth[1:, 0, 1] = 60.0  # the second pixel is of a rare class
    common, rare = codec.encode(truth[1:])[0].tolist()
    prior = torch.full((256,), 1e-6)
    prior[common], prior[rare] = 0.98, 0.01
    weights = rebalancing(prior, codec)
    gray = metrics.rebalanced_auc(prior.tolist())(torch.zeros_like(truth), truth)
    error = weights[rare] * np.hypot(60, 60) / (weights[rare] + weights[common])
    assert float(gray) == pytest.approx(100 * (1 - float(error) / 150), abs=1e-3)
    assert gray < metrics.auc(torch.zeros_like(truth), truth)


def test_gray_toned_counts_the_colorful_pixels_that_came_out_gray():
    truth, lab = torch.zeros(3, 2, 4), torch.zeros(3, 2, 4)
    truth[1, 0] = 20.0  # four colourful pixels
    lab[1, 0] = torch.tensor([0.0, 4.0, 6.0, 30.0])
    assert float(metrics.gray_toned(lab, truth)) == 50
    assert torch.isnan(metrics.gray_toned(lab, torch.zeros(3, 2, 4)))


def test_bleeding_looks_where_luma_is_flat():
    truth = torch.zeros(3, 8, 8)
    truth[0, :, 4:] = 80.0  # an edge in the middle
    on_edge, off_edge = truth.clone(), truth.clone()
    on_edge[1, :, 4:] = 30.0
    off_edge[1, :, 2:] = 30.0
    assert float(metrics.bleeding(on_edge, truth)) == 0
    assert float(metrics.bleeding(off_edge, truth)) == pytest.approx(30 * 8 / 56)


def test_calibration_of_a_known_forecast():
    confidence = torch.tensor([0.95, 0.95, 0.95, 0.95, 0.15, 0.15])
    correct = torch.tensor([True, True, True, False, False, True])
    sure, right, share = metrics.calibration(confidence, correct, bins=10)
    assert (float(sure[9]), float(right[9]), float(share[9])) == pytest.approx((0.95, 0.75, 4 / 6))
    assert (float(sure[1]), float(right[1]), float(share[1])) == pytest.approx((0.15, 0.5, 2 / 6))


def test_bins_of_equal_shares_are_none_of_them_empty():
    confidence, correct = torch.linspace(0.1, 0.3, 1000), torch.arange(1000) % 2 == 0
    sure, right, share = metrics.equal_shares(confidence.flip(0), correct, bins=10)
    assert torch.allclose(share, torch.full((10,), 0.1)) and (sure.diff() > 0).all()
    assert torch.allclose(right, torch.full((10,), 0.5)) and sure[0] == pytest.approx(0.11, abs=1e-3)


def test_what_is_made_of_other_metrics_is_not_measured():
    """`evaluation.score` takes names: a wrong one is told with those that go."""
    with pytest.raises(ValueError, match=r"below_gray is made from other metrics: choose of de2000, .*mse_ab"):
        metrics.METRICS["below_gray"].of([])
    assert metrics.METRICS["de2000"].of([]) is metrics.de2000
