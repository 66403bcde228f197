"""A method prepares what nothing else has started."""

from dataclasses import replace

import torch

from colorify.methods import regression
from colorify.models import checkpoint
from colorify.models.imagenet import imagenet
from colorify.models.unet import UNetConfig
from colorify.training.config import Run
from training.conftest import CONFIG


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
