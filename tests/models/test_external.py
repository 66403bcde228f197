"""The weights of an ONNX file beside a checkpoint lie in the checkpoint, linear layers too; the answers are torch's."""

from dataclasses import replace

import numpy as np
import onnx as onnx_files
import torch

from colorify.models import checkpoint as files
from colorify.models import onnx
from colorify.models.unet import UNet
from conftest import TINY


def test_linear_layers_lie_in_the_checkpoint(checkpoint, tmp_path):
    torch.manual_seed(0)
    config = replace(TINY, attention=8)
    network = UNet(config, 2)
    for layer in (network.backbone.attention.out, network.head):  # they start as nothing
        torch.nn.init.normal_(layer.weight)
    path = tmp_path / "attentive.safetensors"
    files.save(replace(checkpoint, network=config, weights=network.state_dict()), path, torch.float16)
    graph = onnx_files.load(onnx.export(path), load_external_data=False).graph
    inside = [tensor.name for tensor in graph.initializer if not tensor.external_data and len(tensor.dims) == 2]
    turned = {tensor.name for tensor in graph.initializer if tensor.external_data and len(tensor.dims) == 2}
    assert not inside and turned == {f"backbone.attention.{name}.weight.half" for name in ("mix", "out")}
    luma = np.random.default_rng(0).uniform(0, 100, (1, 1, 64, 96)).astype(np.float32)
    expected = files.load(path).predictor("cpu")(luma)
    np.testing.assert_allclose(onnx.beside(path).predictor()(luma), expected, atol=1e-3 * np.abs(expected).max())
