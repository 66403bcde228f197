"""Models as ONNX files: the same network with its description, run by OpenVINO on the CPU, without torch.

Behind the graph stands one more metadata entry, ``colorify``: JSON of what a checkpoint's metadata says, of the digest
of the checkpoint (``source``), and of the SHA-256 of it all. The file is valid ONNX with it.

The file beside a checkpoint is small: its weights are external data of ONNX, places in the checkpoint. Then the entry
has the name and the SHA-256 of that file, too (``weights``).
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import json
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from colorify import codec as codecs
from colorify.files import atomic
from colorify.models import FORMAT, CheckpointError, cut, external, renamed
from colorify.models.running import BFLOAT16, LEVELS, Encode, Predict, cores, cropped

if TYPE_CHECKING:
    from onnx import ModelProto
    from openvino import Model
    from torch import Tensor, nn

    from colorify.models.unet import UNet

_ENTRY = b"\n\x08colorify\x12"  # the key, and the tag of the value (field 2 of StringStringEntryProto)


@dataclass(frozen=True)
class OnnxModel:
    """What an ONNX file of `export` holds."""

    path: Path
    codec: codecs.Codec
    method: str
    training: dict
    source: str  # SHA-256 of the checkpoint that it was made of
    digest: str  # its own
    checkpoint: Path | None = None  # that file, where it is known

    def predictor(self, device: str = "auto", concurrency: int = 1) -> Predict:
        """The network, run by OpenVINO in float32 or bfloat16; ``concurrency`` calls at a time share the cores.

        Raises `CheckpointError` for another device, for bfloat16 where the processor has none, and when the file, or
        that of its weights, is not what was loaded.
        """
        infer = self._compiled(device, concurrency, lambda network: network)
        return lambda luma: infer(luma)[0]

    def encoder(self, device: str = "auto", concurrency: int = 1) -> Encode:
        """The network's encoder, as `predictor`."""
        infer = self._compiled(device, concurrency, cut.encoder)

        def encode(luma: np.ndarray) -> list[np.ndarray]:
            found = infer(luma)
            return cropped([found[number] for number in range(len(LEVELS))], luma.shape[-2:])

        return encode

    def _compiled(self, device: str, concurrency: int, part: Callable[[Model], Model]) -> Callable:
        if device not in ("auto", "cpu", BFLOAT16):
            raise CheckpointError(f"device {device!r}: an ONNX model runs on the CPU; take its .safetensors file")
        if device == BFLOAT16 and not has_bfloat16():
            raise CheckpointError(f"device {device!r}: this processor does not multiply bfloat16; choose cpu")
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if device == BFLOAT16 else "f32",
            "INFERENCE_NUM_THREADS": str(cores()),
            "NUM_STREAMS": str(min(concurrency, cores())),
        }
        core = _openvino().Core()
        try:
            whole = core.read_model(self.path, config={"ENABLE_MMAP": False})
            network = core.compile_model(part(whole), "CPU", settings)
        except RuntimeError as error:
            raise CheckpointError(f"{self.path}: OpenVINO cannot read it: {_last_line(error)}") from None
        if load(self.path).digest != self.digest:  # OpenVINO has read it after us
            raise CheckpointError(f"{self.path}: has changed since it was loaded: load it again")

        return lambda luma: network.create_infer_request().infer({0: np.ascontiguousarray(luma, np.float32)})

    def build(self) -> UNet:
        """The torch module of the checkpoint that it was made of."""
        if self.checkpoint is None:
            raise CheckpointError("an ONNX model has no torch module: load its .safetensors file")
        from colorify.models import checkpoint

        return checkpoint.load(self.checkpoint).build()


def _last_line(error: RuntimeError) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[-1]


_importing = threading.Lock()


def _openvino() -> ModuleType:
    """OpenVINO, once one thread alone has handed it an array.

    Its binding (pybind11) looks up numpy's C interface at the first array, behind a guard of C++ that knows nothing of
    Python's lock: the thread inside the guard waits for Python's lock, and a second one, which has it, for the guard.
    Nobody is told: its `openvino_telemetry` would count every start at a server, from a process that it forks.
    """
    with _importing:
        modules: dict[str, Any] = sys.modules  # None in it: it cannot be imported
        silenced = modules.setdefault("openvino_telemetry", None) is None
        import openvino

        if silenced:
            del modules["openvino_telemetry"]
        _ = openvino.Tensor(np.zeros(1, np.float32)).data
    return openvino


def installed() -> bool:
    """Whether OpenVINO is."""
    return importlib.util.find_spec("openvino") is not None


def has_bfloat16() -> bool:
    """Whether OpenVINO multiplies bfloat16 on this processor."""
    return "BF16" in _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def beside(path: Path) -> OnnxModel | None:
    """That of the ONNX file beside a checkpoint, made of it as it is, where OpenVINO is installed."""
    file = path.with_suffix(".onnx")
    if path == file or not file.is_file() or not installed():
        return None
    with suppress(CheckpointError):
        model = load(file)
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
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
    if not installed():
        raise CheckpointError(f"{path}: needs OpenVINO: pip install openvino")
    try:
        about = _verified(content)
        codec = codecs.from_text(str(about["codec"]))
        if about.get("weights"):
            _verify_weights(path.parent, about["weights"])
        training = renamed(about["training"])
        return OnnxModel(path, codec, about["method"], training, about["source"], about["sha256"])
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CheckpointError(f"{path}: not an ONNX file of colorify's") from None


def _verified(content: bytes) -> dict:
    """What the entry behind the graph says, once its digest is that of both."""
    _, entry, value = content.rpartition(_ENTRY)
    try:
        about = json.loads(value[value.index(b"{") :])
        graph, digest = content[: about["length"]], about["sha256"]
    except (ValueError, KeyError, TypeError):
        raise CheckpointError("not an ONNX file of colorify's") from None
    if not entry or about.get("format") != FORMAT or digest != _digest(graph, about):
        raise CheckpointError("corrupted: its sha256 differs from the one it carries")
    return about


def _verify_weights(folder: Path, told: dict[str, str]) -> None:
    """`CheckpointError` unless the file that the graph takes its weights from lies in the folder, byte for byte."""
    path = folder / Path(told["file"]).name  # never elsewhere
    try:
        found = _sha256_of_file(path)
    except OSError as error:
        cure = f"needs {path.name} beside it: both keep their names; colorify export onnx -o writes one file of all"
        raise CheckpointError(f"{cure} ({error.strerror})") from None
    if found != told["sha256"]:
        raise CheckpointError(f"{path.name} beside it is not the file whose weights it takes, or is corrupted")


def _sha256_of_file(path: Path) -> str:
    """That of all bytes; `OSError` for what is no file."""
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(graph: bytes, about: dict) -> str:
    told = {name: value for name, value in about.items() if name != "sha256"}
    return hashlib.sha256(graph + json.dumps(told, sort_keys=True).encode()).hexdigest()


def export(source: Path, path: Path | None = None) -> Path:
    """Write the checkpoint ``source`` as an ONNX file for pictures of any size and number, checked against torch.

    The file ``path`` holds all of it, for any program. Without one, the file is written beside the checkpoint, with its
    name, and takes the weights out of it. Returns the path.
    """
    from colorify.models import checkpoint
    from colorify.models.unet import fuse_batch_norm

    model = checkpoint.load(source)
    network = fuse_batch_norm(model.build())
    examples = _examples()
    proto = _translated(network, examples[0])
    external.store_plain(proto, model.weights)
    weights = None
    if path is None:
        path, weights = source.with_suffix(".onnx"), {"file": source.name, "sha256": _sha256_of_file(source)}
        external.point_into(proto, source)
    graph = proto.SerializeToString()
    about = {
        "format": FORMAT,
        "method": model.method,
        "codec": codecs.to_text(model.codec),
        "training": model.training,
        "source": _sha256_of(source),
        "length": len(graph),
    } | ({"weights": weights} if weights else {})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as draft:
        draft.write_bytes(graph + _entry(about | {"sha256": _digest(graph, about)}))
        _check(load(draft).predictor(), network, examples)
    return path


def _examples() -> tuple[Tensor, Tensor]:
    """Luminance of two sizes."""
    import torch

    large = torch.rand(2, 1, 96, 128, generator=torch.Generator().manual_seed(0)) * 100
    return large, large[:1, :, :33, :70]


def _translated(network: nn.Module, example: Tensor) -> ModelProto:
    """A network as ONNX, without the exporter's notes, which name places on its machine."""
    import torch

    dynamic = torch.export.Dim.DYNAMIC
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
    proto = cast(Any, program).model_proto  # a new one at each look
    graph = proto.graph
    for node in graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    graph.ClearField("value_info")
    graph.ClearField("metadata_props")
    return proto


def _entry(about: dict) -> bytes:
    """What stands behind the graph."""
    import onnx

    told = onnx.StringStringEntryProto(key="colorify", value=json.dumps(about))
    return onnx.ModelProto(metadata_props=[told]).SerializeToString()


def _check(run: Predict, network: nn.Module, examples: Sequence[Tensor]) -> None:
    """`CheckpointError` where OpenVINO answers otherwise than torch: by more than a thousandth of the spread."""
    import torch

    for luma in examples:
        with torch.no_grad():
            expected = network(luma).numpy()
        off = float(np.abs(run(luma.numpy()) - expected).max() / expected.std())
        if not off < 1e-3:
            raise CheckpointError(f"the exported network differs from torch's by {off:.2g} of its spread")
