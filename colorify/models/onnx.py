"""Models as ONNX files: the same network with its description, run by OpenVINO on the CPU, without torch.

Behind the graph stands one more metadata entry, ``colorify``: JSON of what a checkpoint's metadata says, of the digest
of the checkpoint (``source``), and of the SHA-256 of it all. The file is valid ONNX with it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from colorify import codec as codecs
from colorify.models import FORMAT, CheckpointError, renamed

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import Tensor, nn

    from colorify.models.unet import UNet

Predict = Callable[[np.ndarray], np.ndarray]
"""L* ``(B, 1, H, W)`` float32 in 0..100, any size -> what the head predicts, ``(B, outputs, ceil(H/2), ceil(W/2))``."""

_ENTRY = b"\n\x08colorify\x12"  # the key, and the tag of the value (field 2 of StringStringEntryProto)


@dataclass(frozen=True)
class OnnxModel:
    """What an ONNX file of `export` holds."""

    content: bytes
    codec: codecs.Codec
    method: str
    training: dict
    source: str  # SHA-256 of the checkpoint that it was made of
    digest: str  # its own
    checkpoint: Path | None = None  # that file, where it is known

    def predictor(self, device: str = "auto", callers: int = 1) -> Predict:
        """The network, run by OpenVINO in float32; so many ``callers`` at a time share the processor's cores."""
        if device not in ("auto", "cpu"):
            raise CheckpointError(f"device {device!r}: an ONNX model runs on the CPU; take its .safetensors file")
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": str(cores()),
            "NUM_STREAMS": str(min(callers, cores())),
        }
        core = _openvino().Core()
        network = core.compile_model(core.read_model(self.content), "CPU", settings)

        def predict(luma: np.ndarray) -> np.ndarray:
            return network.create_infer_request().infer({0: np.ascontiguousarray(luma, np.float32)})[0]

        return predict

    def build(self) -> UNet:
        """The torch module of the checkpoint that it was made of."""
        if self.checkpoint is None:
            raise CheckpointError("an ONNX model has no torch module: load its .safetensors file")
        from colorify.models import checkpoint

        return checkpoint.load(self.checkpoint).build()


_importing = threading.Lock()


def _openvino() -> ModuleType:
    """OpenVINO, once one thread alone has handed it an array.

    Its binding (pybind11) looks up numpy's C interface at the first array, behind a guard of C++ that knows nothing of
    Python's lock: the thread inside the guard waits for Python's lock, and a second one, which has it, for the guard.
    """
    with _importing:
        import openvino

        _ = openvino.Tensor(np.zeros(1, np.float32)).data
    return openvino


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def installed() -> bool:
    """Whether OpenVINO is."""
    return importlib.util.find_spec("openvino") is not None


def twin(path: Path) -> OnnxModel | None:
    """That of the ONNX file beside a checkpoint, made of it as it is, where OpenVINO is installed."""
    beside = path.with_suffix(".onnx")
    if path == beside or not beside.is_file() or not installed():
        return None
    with suppress(CheckpointError):
        model = load(beside)
        return replace(model, checkpoint=path) if model.source == _sha256_of(path) else None
    return None


def _sha256_of(checkpoint: Path) -> str | None:
    """What a checkpoint says of itself."""
    from safetensors import SafetensorError, safe_open

    with suppress(OSError, SafetensorError), safe_open(checkpoint, "numpy") as file:
        return (file.metadata() or {}).get("sha256")
    return None


def load(path: Path) -> OnnxModel:
    """Read and verify ``path``; any doubt is a `CheckpointError` naming the file and the reason."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
    if not installed():
        raise CheckpointError(f'{path}: needs OpenVINO: pip install "colorify[fast]"')
    try:
        return _parsed(content)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None


def _parsed(content: bytes) -> OnnxModel:
    _, entry, value = content.rpartition(_ENTRY)
    try:
        about = json.loads(value[value.index(b"{") :])
        graph, digest = content[: about["length"]], about.pop("sha256")
        codec = codecs.from_text(str(about["codec"]))
    except (ValueError, KeyError, TypeError):
        raise CheckpointError("not an ONNX file of colorify's") from None
    if not entry or about.get("format") != FORMAT or digest != _digest(graph, about):
        raise CheckpointError("corrupted: its sha256 differs from the one it carries")
    return OnnxModel(content, codec, about["method"], renamed(about["training"]), about["source"], digest)


def _digest(graph: bytes, about: dict) -> str:
    return hashlib.sha256(graph + json.dumps(about, sort_keys=True).encode()).hexdigest()


def export(source: Path, path: Path) -> None:
    """Write the checkpoint ``source`` as an ONNX file for pictures of any size and number, checked against torch."""
    import onnx
    import torch

    from colorify.models import checkpoint
    from colorify.models.unet import fold

    model = checkpoint.load(source)
    network, dynamic = fold(model.build()), torch.export.Dim.DYNAMIC
    example = torch.rand(2, 1, 96, 128, generator=torch.Generator().manual_seed(0)) * 100
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            dynamic_shapes={"luma": {0: dynamic, 2: dynamic, 3: dynamic}},
            input_names=["luma"],
            output_names=["output"],
            verbose=False,
        )
    graph = _serialized(program.model_proto, model.weights)
    about = {
        "format": FORMAT,
        "method": model.method,
        "codec": codecs.to_text(model.codec),
        "training": model.training,
        "source": _sha256_of(source),
        "length": len(graph),
    }
    value = json.dumps(about | {"sha256": _digest(graph, about)})
    entry = onnx.ModelProto(metadata_props=[onnx.StringStringEntryProto(key="colorify", value=value)])
    content = graph + entry.SerializeToString()
    _check(_parsed(content).predictor(), network, (example, example[:1, :, :33, :70]))
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _serialized(proto: ModelProto, weights: dict[str, Tensor]) -> bytes:
    """The file without the exporter's notes, which name places on its machine.

    ``weights`` that float16 holds exactly, as those of a release, are stored so; what batch norms multiplied them by
    stands beside them, and what runs the file puts them together when it loads it.
    """
    import onnx
    from onnx.helper import make_node
    from onnx.numpy_helper import from_array, to_array

    graph = proto.graph
    for node in graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    graph.ClearField("value_info")
    graph.ClearField("metadata_props")
    for tensor in list(graph.initializer):
        name, plain = tensor.name, weights[tensor.name].numpy() if tensor.name in weights else None
        if plain is None or plain.ndim != 4 or (plain.astype(np.float16) != plain).any():
            continue
        rows, folded = plain.reshape(len(plain), -1), to_array(tensor).reshape(len(plain), -1)
        largest = np.abs(rows).argmax(1)[:, None]
        below = np.take_along_axis(rows, largest, 1)
        below[below == 0] = 1  # a filter of nothing
        factors = np.take_along_axis(folded, largest, 1) / below
        tensor.CopyFrom(from_array(plain.astype(np.float16), f"{name}.half"))
        graph.initializer.append(from_array(factors.reshape(-1, 1, 1, 1), f"{name}.factors"))
        graph.node.insert(0, make_node("Mul", [f"{name}.wide", f"{name}.factors"], [name]))
        graph.node.insert(0, make_node("Cast", [f"{name}.half"], [f"{name}.wide"], to=onnx.TensorProto.FLOAT))
    return proto.SerializeToString()


def _check(run: Predict, network: nn.Module, examples: Sequence[Tensor]) -> None:
    """`CheckpointError` where OpenVINO answers otherwise than torch: by more than a thousandth of the spread."""
    import torch

    for luma in examples:
        with torch.no_grad():
            expected = network(luma).numpy()
        off = float(np.abs(run(luma.numpy()) - expected).max() / expected.std())
        if not off < 1e-3:
            raise CheckpointError(f"the exported network differs from torch's by {off:.2g} of its spread")
