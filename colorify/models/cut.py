"""The encoder of an ONNX file's graph, for OpenVINO: what lies behind the places that the decoder takes skips from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from colorify.models import CheckpointError
from colorify.models.running import LEVELS

if TYPE_CHECKING:
    import openvino

_MIXES = [f"backbone.decoder.{step}.mix1.weight" for step in reversed(range(len(LEVELS)))]  # from 1/4 on


def encoder(network: openvino.Model) -> openvino.Model:
    """The part of a network that ends where `LEVELS` are known, to be compiled for itself: the whole stays as it is.

    A skip joins what comes from below right before the convolution that mixes both, which is known by the name of its
    weights.
    """
    import openvino

    mixing = {
        name: op.input_value(0).get_node()
        for op in network.get_ops()
        if op.get_type_name() == "Convolution"
        for name in op.input_value(1).get_names()
        if name in _MIXES
    }
    if len(mixing) < len(LEVELS):
        raise CheckpointError("its graph names no skips: export it anew, with colorify export onnx")
    return openvino.Model([mixing[name].input_value(1) for name in _MIXES], network.get_parameters(), "encoder")
