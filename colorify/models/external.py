"""The weights of an ONNX file as those of its checkpoint: in half precision, or as places in the checkpoint itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto
    from torch import Tensor

_HALF = ".half"  # ends the name of what is stored as float16


def store_plain(proto: ModelProto, weights: dict[str, Tensor]) -> None:
    """Store ``weights`` that float16 holds exactly, as those of a release, so.

    What batch norms multiplied them by stands beside them, and what runs the file puts them together when it loads it.
    """
    import onnx
    from onnx.helper import make_node
    from onnx.numpy_helper import from_array, to_array

    graph = proto.graph
    _store_turned(graph, weights)
    for tensor in list(graph.initializer):
        name, plain = tensor.name, weights[tensor.name].numpy() if tensor.name in weights else None
        if plain is None or plain.ndim != 4 or (plain.astype(np.float16) != plain).any():
            continue
        rows, folded = plain.reshape(len(plain), -1), to_array(tensor).reshape(len(plain), -1)
        largest = np.abs(rows).argmax(1)[:, None]
        below = np.take_along_axis(rows, largest, 1)
        below[below == 0] = 1  # a filter of nothing
        factors = np.take_along_axis(folded, largest, 1) / below
        tensor.CopyFrom(from_array(plain.astype(np.float16), f"{name}{_HALF}"))
        graph.initializer.append(from_array(factors.reshape(-1, 1, 1, 1), f"{name}.factors"))
        graph.node.insert(0, make_node("Mul", [f"{name}.wide", f"{name}.factors"], [name]))
        graph.node.insert(0, make_node("Cast", [f"{name}{_HALF}"], [f"{name}.wide"], to=onnx.TensorProto.FLOAT))


def _store_turned(graph: GraphProto, weights: dict[str, Tensor]) -> None:
    """The matrices of linear layers, which the exporter turns, as those of the checkpoint, to be turned when loaded."""
    from onnx import TensorProto
    from onnx.helper import make_node
    from onnx.numpy_helper import from_array, to_array

    matrices = {name: tensor.numpy() for name, tensor in weights.items() if tensor.ndim == 2}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in weights and len(tensor.dims) == 2]:
        turned, out = to_array(tensor), tensor.name
        for name, plain in matrices.items():
            if np.array_equal(plain.T, turned) and (plain.astype(np.float16) == plain).all():
                tensor.CopyFrom(from_array(plain.astype(np.float16), f"{name}{_HALF}"))
                graph.node.insert(0, make_node("Transpose", [f"{name}.wide"], [out], perm=[1, 0]))
                graph.node.insert(0, make_node("Cast", [f"{name}{_HALF}"], [f"{name}.wide"], to=TensorProto.FLOAT))
                break


def point_into(proto: ModelProto, source: Path) -> None:
    """Replace what lies in a checkpoint with the same bytes by its place there.

    Neither runtime asks for more alignment than safetensors has: that of the numbers themselves.
    """
    content = source.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    tensors = json.loads(content[8:start])
    for tensor in proto.graph.initializer:
        held = tensors.get(tensor.name.removesuffix(_HALF))
        if held and tensor.raw_data:
            begin, end = (start + offset for offset in held["data_offsets"])
            if content[begin:end] == tensor.raw_data:
                _make_external(tensor, {"location": source.name, "offset": begin, "length": end - begin})


def _make_external(tensor: TensorProto, place: dict[str, str | int]) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = tensor.EXTERNAL
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
