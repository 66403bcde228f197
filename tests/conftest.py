"""What several tests need: a tiny network, generated colour pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from colorify.codec import Bits, Channels, Codec
from colorify.inference import Colorizer
from colorify.models.checkpoint import Checkpoint
from colorify.models.unet import UNet, UNetConfig

TINY = UNetConfig("resnet18", (16, 16, 8, 8))


def untrained(codec: Codec, method: str) -> Checkpoint:
    """A tiny network with lively answers."""
    torch.manual_seed(0)
    network = UNet(TINY, codec.outputs)
    torch.nn.init.normal_(network.head.weight, std=0.3)
    training = {"size": 64, "mean_ab": [1.0, 5.0], "prior": [1 / 256] * 256}
    return Checkpoint(TINY, codec, method, network.state_dict(), training)


@pytest.fixture(scope="session")
def checkpoint() -> Checkpoint:
    """An untrained network that predicts lively colours."""
    return untrained(Channels(), "regression")


@pytest.fixture(scope="session")
def colorizer(checkpoint) -> Colorizer:
    return Colorizer(checkpoint, "cpu")


@pytest.fixture(scope="session")
def classifier() -> Colorizer:
    """An untrained classification network with opinions."""
    return Colorizer(untrained(Bits(4), "classification"), "cpu")


def long(*values: object) -> list:
    """Values of a parameter that `make test-all` alone tries."""
    return [pytest.param(value, marks=pytest.mark.long) for value in values]


def photo(seed: int, width: int = 64, height: int = 48) -> Image.Image:
    """A smooth random colour picture."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> Path:
    """A folder of twelve colour pictures, and one of each kind that is refused."""
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(12):
        photo(seed, 64 + seed, 48 + 2 * seed).save(folder / f"{seed:02d}.png")
    Image.new("L", (64, 64), 100).save(folder / "gray.png")
    Image.new("RGB", (8, 64), "red").save(folder / "small.png")
    (folder / "broken.jpg").write_text("no picture")
    (folder / "again.png").write_bytes((folder / "00.png").read_bytes())
    return folder
