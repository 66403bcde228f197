"""Tiny training: the generated pictures, numbers for a few steps, and the three methods as functions of a run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from colorify.codec import Channels
from colorify.data.cache import DataConfig, prepare
from colorify.methods import classification, gan, regression
from colorify.methods.classification import ClassificationConfig
from colorify.methods.gan import GanConfig
from colorify.methods.regression import RegressionConfig
from colorify.models import checkpoint
from colorify.training.config import Run
from colorify.training.transfer import import_backbone, import_model
from conftest import TINY

NUMBERS = {
    "steps": 6,
    "network": TINY,
    "batch": 2,
    "sizes": ((0.0, 32), (0.5, 40)),
    "lr": 1e-3,
    "ema": 0.8,
    "valid_every": 3,
    "grid_every": 5,
}
CONFIG = RegressionConfig(**NUMBERS)


@pytest.fixture(scope="session")
def data(photos) -> DataConfig:
    return DataConfig((str(photos),), valid_share=0.3, side=40, min_side=32)


@pytest.fixture(scope="session")
def sets(data, tmp_path_factory):
    return prepare(data, tmp_path_factory.mktemp("cache"), progress=lambda _: None)


@pytest.fixture(scope="session")
def base(sets, tmp_path_factory) -> Path:
    """A regression model that nothing disturbed."""
    return regression.METHOD.train(CONFIG, *sets, Run(tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="session")
def methods(sets, base) -> dict[str, Callable[[Run], Path]]:
    model = checkpoint.load(base)
    backbone, whole = [import_backbone(model)], [import_model(model, Channels())]
    gan_config = GanConfig(**NUMBERS, critic_width=8, critic_steps=2)
    return {
        "regression": lambda run: regression.METHOD.train(CONFIG, *sets, run),
        "classification": lambda run: classification.METHOD.train(
            ClassificationConfig(**NUMBERS), *sets, run, backbone
        ),
        "gan": lambda run: gan.METHOD.train(gan_config, *sets, run, whole),
    }


@pytest.fixture(scope="session")
def undisturbed(methods, base, tmp_path_factory) -> dict[str, Path]:
    """The model of every method, of a run left alone."""
    others = {name: methods[name](Run(tmp_path_factory.mktemp(name))) for name in ("classification", "gan")}
    return {"regression": base, **others}
