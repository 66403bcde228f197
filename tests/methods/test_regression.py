"""Regression learns, from two pictures already."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from colorify.codec import Bits, Channels
from colorify.data.batches import AugmentConfig
from colorify.data.cache import DataConfig, prepare
from colorify.methods import regression
from colorify.methods.regression import RegressionConfig
from colorify.models import CheckpointError, checkpoint
from colorify.models.unet import UNet
from colorify.training.config import Run
from conftest import TINY, photo
from training.conftest import CONFIG


def learning(folder: Path) -> DataConfig:
    """The same two pictures to train and to judge by, in two files each so that none is a duplicate."""
    for name, level in (("train", 1), ("valid", 9)):
        (folder / name).mkdir()
        for seed in (3, 4):
            photo(seed, 48, 48).save(folder / name / f"{seed}.png", compress_level=level)
    return DataConfig((str(folder / "train"),), (str(folder / "valid"),), side=48, min_side=32)


def test_learns_two_pictures(tmp_path):
    sets = prepare(learning(tmp_path), tmp_path / "cache", progress=print)
    plain = AugmentConfig(zone=(1.0, 1.0), flip=0.0, gray=0.0, degradation=0.0)
    config = replace(CONFIG, steps=60, sizes=((0.0, 32),), augment=plain, valid_every=60, ema=0.5, lr=2e-3)
    history = checkpoint.load(regression.METHOD.train(config, *sets, Run(tmp_path / "out"))).training["history"]
    assert history[-1]["below_gray"] > 25 and history[-1]["de2000"] < history[-1]["de2000_gray"]


@pytest.mark.parametrize(("codec", "whole"), [(Channels(), True), (Bits(3), False)])
def test_a_fresh_network_starts_from_the_model_that_is_named(tmp_path, codec, whole):
    """Its head starts fresh where it predicts something else."""
    net, path = UNet(TINY, codec.outputs), tmp_path / "a.safetensors"
    torch.nn.init.ones_(net.head.weight)
    checkpoint.save(checkpoint.Checkpoint(TINY, codec, "any", net.state_dict()), path)
    config = RegressionConfig(steps=1, network=TINY, start=str(path))
    (start,) = regression.prepare(config, None, whole=False)
    fresh = UNet(TINY, Channels().outputs)
    start(fresh)
    assert all(torch.equal(a, b) for a, b in zip(fresh.backbone.parameters(), net.backbone.parameters(), strict=True))
    assert bool((fresh.head.weight == 1).all()) == whole
    assert not regression.prepare(config, checkpoint.load(path), whole=True)
    assert not regression.prepare(replace(config, start=""), None, whole=False)


def test_a_start_that_is_unknown_is_named():
    with pytest.raises(CheckpointError, match="did you mean 'highres'"):
        regression.prepare(RegressionConfig(steps=1, start="higres"), None, whole=False)
