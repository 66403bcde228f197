"""The command line as a function, and a model that it can load."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from colorify.cli import app
from colorify.models import checkpoint as files


@pytest.fixture
def model(checkpoint, tmp_path_factory) -> str:
    path = tmp_path_factory.getbasetemp() / "tiny.safetensors"
    if not path.exists():
        files.save(checkpoint, path)
    return str(path)


@pytest.fixture
def colorify() -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])
