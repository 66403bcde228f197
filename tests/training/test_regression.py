"""Regression learns and shows its progress; what is common to all methods is tested here too."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from colorify.codec import Bits
from colorify.data.batches import AugmentConfig, valid_batch
from colorify.data.cache import DataConfig, prepare
from colorify.losses import RegressionLoss
from colorify.methods import regression
from colorify.models import checkpoint
from colorify.models.imagenet import imagenet
from colorify.models.unet import UNetConfig
from colorify.training.callbacks import Schedule
from colorify.training.checkpointer import TrainingError
from colorify.training.config import Run
from colorify.training.loaders import statistics
from conftest import photo

from .conftest import CONFIG


def test_grids_and_history_and_model(base):
    folder = base.parent
    assert sorted(path.name for path in (folder / "grids").iterdir()) == ["step-000005.png", "step-000006.png"]
    training = checkpoint.load(base).training
    assert [row["step"] for row in training["history"]] == [3, 6]
    expected = {"train_loss", "valid_loss", "below_gray", "below_mean", "de2000", "de2000_gray", "de2000_mean"}
    assert expected < training["history"][0].keys()
    assert (training["step"], training["samples"]) == (6, 12)
    assert not checkpoint.load(base, with_state=True).state


def test_a_loss_that_is_no_number_names_the_pictures_and_keeps_the_checkpoint(sets, tmp_path, monkeypatch):
    regression.METHOD.train(CONFIG, *sets, Run(tmp_path, stop_minutes=1e-9))
    before = (tmp_path / "state.safetensors").read_bytes()
    monkeypatch.setattr(RegressionLoss, "__call__", lambda *_: torch.tensor(float("nan"), requires_grad=True))
    with pytest.raises(TrainingError, match=r"^step 1: the loss is nan; its pictures: .*\.png, .*\.png$"):
        regression.METHOD.train(CONFIG, *sets, Run(tmp_path))
    assert (tmp_path / "state.safetensors").read_bytes() == before


def learning(folder: Path) -> DataConfig:
    """The same two pictures to train and to judge by, in two files each so that none is a duplicate."""
    for name, level in (("train", 1), ("valid", 9)):
        (folder / name).mkdir()
        for seed in (3, 4):
            photo(seed, 48, 48).save(folder / name / f"{seed}.png", compress_level=level)
    return DataConfig((str(folder / "train"),), (str(folder / "valid"),), side=48, min_side=32)


def test_learns_two_pictures(tmp_path):
    sets = prepare(learning(tmp_path), tmp_path / "cache", report=print)
    plain = AugmentConfig(zone=(1.0, 1.0), flip=0.0, gray=0.0, degradation=0.0)
    config = replace(CONFIG, steps=60, sizes=((0.0, 32),), augment=plain, valid_every=60, ema=0.5, lr=2e-3)
    history = checkpoint.load(regression.METHOD.train(config, *sets, Run(tmp_path / "out"))).training["history"]
    assert history[-1]["below_gray"] > 25 and history[-1]["de2000"] < history[-1]["de2000_gray"]


def test_schedule_rises_and_falls_to_zero():
    held = Schedule(1.0, 100, 0.1, hold=0.6)
    assert [held.at(step) for step in (9, 30, 60)] == [1, 1, 1] and 0 < held.at(80) < 1
    assert held.at(100) == pytest.approx(0)
    schedule = Schedule(1.0, 100, 0.1)
    rates = [schedule.at(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == 1.0 and max(rates) == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True) and rates[100] == pytest.approx(0)


def test_statistics_are_those_of_the_pictures(sets):
    found = statistics(sets[0])
    every = valid_batch(sets[0], torch.arange(len(sets[0])), 64).ab
    assert found["mean_ab"] == pytest.approx(every.mean((0, 2, 3)).tolist(), abs=1e-3)
    assert len(found["prior"]) == 256 and sum(found["prior"]) == pytest.approx(1, abs=1e-5)
    common = int(Bits(4).encode(every).flatten().mode().values)
    assert max(found["prior"]) == found["prior"][common]


def test_a_fresh_network_starts_from_imagenet_and_one_with_a_start_does_not(sets, tmp_path):
    network = UNetConfig("efficientnet_lite0", (16, 16, 8, 8))
    config = replace(CONFIG, network=network, encoder_weights="imagenet", steps=1, lr=0.0, valid_every=1)
    fresh = checkpoint.load(regression.METHOD.train(config, *sets, Run(tmp_path / "fresh")))
    kernel = "blocks.5.expand.weight"
    assert torch.equal(fresh.weights[f"backbone.encoder.{kernel}"], imagenet("efficientnet_lite0")[kernel])

    def zero(network: torch.nn.Module) -> None:
        torch.nn.init.zeros_(network.backbone.encoder.get_parameter(kernel))

    begun = checkpoint.load(regression.METHOD.train(config, *sets, Run(tmp_path / "begun"), [zero]))
    assert not begun.weights[f"backbone.encoder.{kernel}"].any()
