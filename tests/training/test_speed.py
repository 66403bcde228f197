"""Speed is counted, and looking at it changes nothing."""

import csv
from types import SimpleNamespace

import pytest
import torch
from fastai.learner import AvgSmoothLoss

from colorify.methods import regression
from colorify.models.unet import UNet, UNetConfig
from colorify.training.config import Run
from colorify.training.speed import SPEED_FILE, SmoothLoss, Speed, peak
from conftest import TINY
from training.conftest import CONFIG


def test_every_validation_has_a_row(base):
    rows = list(csv.DictReader((base.parent / SPEED_FILE).read_text().splitlines()))
    assert [row["step"] for row in rows] == ["3", "6"]
    for row in rows:
        assert float(row["samples_per_second"]) > 0 and 0 < float(row["waiting"]) < 1
        assert 0 < float(row["utilisation"]) < 1


def test_operations_are_those_of_the_network(tmp_path):
    """25.2 thousand million multiplications and additions at 256 px; a quarter at half the side."""
    network = SimpleNamespace(config=UNetConfig(), head=torch.nn.Conv2d(1, 2, 1))
    speed = Speed(network, lambda step: 256, torch.float32, tmp_path)
    assert speed._operations(256) / 2e9 == pytest.approx(25.2, abs=0.1)
    assert speed._operations(128) == pytest.approx(speed._operations(256) / 4)


def test_counting_draws_no_random_numbers(tmp_path):
    speed = Speed(UNet(TINY, 2), lambda step: 32, torch.float32, tmp_path)
    before = torch.get_rng_state()
    speed._operations(32)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_smooth_loss_is_fastais():
    ours, theirs = SmoothLoss(), AvgSmoothLoss()
    for value in (3.0, 1.0, 2.0):
        for one in (ours, theirs):
            one.accumulate(SimpleNamespace(loss=torch.tensor(value)))
    assert ours.value == float(theirs.value)


def test_the_peak_is_that_of_a_product():
    assert peak(torch.device("cpu"), torch.float32, 1024) > 1e8


def test_training_shows_a_bar_and_a_table(sets, tmp_path, capsys):
    regression.METHOD.train(CONFIG, *sets, Run(tmp_path))
    shown = capsys.readouterr().out
    assert "Epoch 1/2" in shown and "train_loss  valid_loss  below_gray" in shown
