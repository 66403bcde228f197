"""What training prints is what mathematics says of a perfect, a gray and a mean answer."""

from types import SimpleNamespace

import pytest
import torch

from colorify.codec import Channels
from colorify.training.validation import MeanLoss, validation_metrics

MEAN = (4.0, -6.0)


def measured(answer, batches=(3, 1)) -> dict[str, float]:
    """The metrics of an answer, a function of the true ab, over batches of different sizes."""
    torch.manual_seed(0)
    found = validation_metrics(Channels(), MEAN, [1 / 256] * 256)
    for metric in found:
        metric.reset()
    for size in batches:
        luma, ab = torch.rand(size, 1, 32, 32) * 60 + 20, torch.randn(size, 2, 16, 16) * 8
        learn = SimpleNamespace(xb=(luma,), yb=(ab,), pred=Channels().encode(answer(ab)))
        for metric in found:
            metric.accumulate(learn)
    return {metric.name: metric.value for metric in found}


def test_a_perfect_answer():
    values = measured(lambda ab: ab)
    assert values["below_gray"] == pytest.approx(100) == values["below_mean"]
    assert values["de2000"] == pytest.approx(0, abs=1e-3) and values["auc_rebalanced"] == pytest.approx(100)
    assert values["colorfulness"] == pytest.approx(1) == values["bleeding"]


def test_gray_and_mean_are_their_own_reference():
    gray = measured(torch.zeros_like)
    assert gray["below_gray"] == pytest.approx(0, abs=1e-4) and gray["de2000"] == pytest.approx(gray["de2000_gray"])
    mean = measured(lambda ab: torch.tensor(MEAN).view(1, 2, 1, 1).expand_as(ab))
    assert mean["below_mean"] == pytest.approx(0, abs=1e-3) and mean["de2000"] == pytest.approx(mean["de2000_mean"])


def test_the_mean_loss_counts_pictures_not_batches():
    loss = MeanLoss()
    loss.reset()
    for size, value in ((3, 1.0), (1, 5.0)):
        loss.accumulate(SimpleNamespace(yb=(torch.zeros(size, 2, 4, 4),), loss=torch.tensor(value)))
    assert loss.value == 2
