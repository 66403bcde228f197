"""The examples for other programs run."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from test_server import listening

from conftest import photo

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_node_of_comfyui_colours_its_tensors(colorizer, monkeypatch):
    node = loaded("comfyui_colorify")
    monkeypatch.setattr(node.Colorizer, "load", lambda name: colorizer)
    images = torch.stack([torch.from_numpy(np.asarray(photo(seed)) / np.float32(255)) for seed in range(2)])
    inputs = node.ColorizePhoto.INPUT_TYPES()["required"]
    assert inputs["model"][0] == ["highres", "lowres"] and node.NODE_CLASS_MAPPINGS
    (colored,) = getattr(node.ColorizePhoto(), node.ColorizePhoto.FUNCTION)(images, "highres", 1.0, 0.0)
    assert colored.shape == images.shape and colored.dtype == torch.float32
    np.testing.assert_allclose(colored[1], colorizer(images[1].numpy()), atol=1e-3)  # alone or together


def test_the_page_of_gradio_asks_the_server(colorizer, monkeypatch):
    """Gradio itself wants another Pillow, so that it cannot be installed beside."""
    gradio = MagicMock()
    gradio.Error = type("Error", (Exception,), {})
    monkeypatch.setitem(sys.modules, "gradio", gradio)
    with listening(colorizer) as (url, _):
        monkeypatch.setenv("COLORIFY_URL", url)
        page = loaded("gradio_demo")
        before, after = page.color(photo(0).convert("L"), "highres", 0.5, 0)
        assert np.array_equal(after, np.asarray(colorizer(before, saturation=0.5)))
        with pytest.raises(gradio.Error, match="load a classification model"):
            page.color(photo(0), "highres", 1.0, 3)
