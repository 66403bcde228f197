"""Encoders: names of layers, and the sizes of their features."""

from typing import get_args

import pytest
import torch
import torchvision

from colorify.models.encoders import EncoderName, ResNet, make_encoder


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_layer_names_are_those_of_torchvision(name):
    ours = {key: value.shape for key, value in ResNet(name).state_dict().items()}
    theirs = {key: v.shape for key, v in getattr(torchvision.models, name)().state_dict().items() if "fc." not in key}
    theirs["conv1.weight"] = torch.Size((64, 1, 7, 7))  # one channel of light
    assert ours == theirs


@pytest.mark.parametrize("name", get_args(EncoderName))
def test_features_are_at_halves_of_halves(name):
    encoder = make_encoder(name).eval()
    features = encoder(torch.zeros(1, 1, 64, 96))
    assert [f.shape[1] for f in features] == list(encoder.channels)
    assert [f.shape[2:] for f in features] == [(64 >> n, 96 >> n) for n in range(1, 6)]
