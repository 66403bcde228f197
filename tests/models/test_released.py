"""Released models are found by name."""

from dataclasses import replace

import pytest

from colorify import inference
from colorify.inference import Colorizer
from colorify.models import checkpoint as files
from colorify.models import released
from colorify.models.checkpoint import CheckpointError


def test_models_are_found(checkpoint, tmp_path):
    path = tmp_path / "mine.safetensors"
    files.save(replace(checkpoint, training={}), path)
    assert Colorizer.load(path, "cpu").size == inference.DEFAULT_SIZE
    assert "highres" in released.models()
    with pytest.raises(CheckpointError, match="did you mean 'highres'"):
        Colorizer.load("hires")
    with pytest.raises(CheckpointError, match="no such file"):
        Colorizer.load("missing.safetensors")
