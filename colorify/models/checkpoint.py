"""Checkpoints: one safetensors file that says what it is, proves that it is whole, and is never unpickled.

The metadata holds ``format``, ``colorify`` (version), ``method``, ``codec``, ``network`` (JSON of `UNetConfig`),
``training`` (JSON: what the weights saw and reached) and ``sha256`` over all of it and every tensor.
Network tensors carry their names; a resumable checkpoint adds tensors under ``state/``.
"""

from __future__ import annotations

import hashlib
import json
import struct
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from colorify import codec as codecs
from colorify import params
from colorify.files import atomic
from colorify.models import FORMAT, CheckpointError, renamed
from colorify.models.running import Encode, Predict, cropped
from colorify.models.unet import UNet, UNetConfig, channels_last, fuse_batch_norm
from colorify.version import __version__

STATE = "state/"


@dataclass
class Checkpoint:
    """A network with all that is needed to use it, and, in ``state``, to go on training it."""

    network: UNetConfig
    codec: codecs.Codec
    method: str
    weights: dict[str, Tensor]
    training: dict[str, Any] = field(default_factory=dict)  # samples seen, metrics, mean_ab, ...: plain JSON
    state: dict[str, Tensor] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What tells this model from any other."""
        return digest(self.weights, {"method": self.method, "codec": codecs.to_text(self.codec)})

    def build(self) -> UNet:
        """The network with these weights, not copies of them, in evaluation mode."""
        with torch.device("meta"):  # nothing is drawn at random only to be overwritten
            net = UNet(self.network, self.codec.outputs)
        try:
            net.load_state_dict(self.weights, strict=True, assign=True)
        except RuntimeError as error:
            raise CheckpointError(f"weights do not fit the network that they name: {error}") from None
        return net.eval()

    def predictor(self, device: str = "auto", concurrency: int = 1) -> Predict:
        """The network on a device, for arrays; ``concurrency`` at the same time wait for each other."""
        where, lock = find_device(device), threading.Lock()
        network = channels_last(fuse_batch_norm(self.build()).to(where))

        @torch.inference_mode()
        def predict(luma: np.ndarray) -> np.ndarray:
            with lock:
                seen = torch.from_numpy(np.ascontiguousarray(luma)).to(where, memory_format=torch.channels_last)
                return network(seen).float().cpu().numpy()

        return predict

    def encoder(self, device: str = "auto", concurrency: int = 1) -> Encode:
        """The network's encoder on a device, for arrays, as `predictor`."""
        where, lock = find_device(device), threading.Lock()
        network = fuse_batch_norm(self.build()).to(where)

        @torch.inference_mode()
        def encode(luma: np.ndarray) -> list[np.ndarray]:
            with lock:
                levels = network.encode(torch.from_numpy(np.ascontiguousarray(luma)).to(where))
                return cropped([level.float().cpu().numpy() for level in levels], luma.shape[-2:])

        return encode


def find_device(name: str) -> torch.device:
    """``auto`` is the GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device {name!r} cannot be used: {str(error).splitlines()[0]}") from None


def save(checkpoint: Checkpoint, path: Path, dtype: torch.dtype | None = None) -> None:
    """Write beside ``path``, then rename: the old file survives a full disk or a kill.

    ``dtype`` (``torch.float16`` for releases) is how floating-point weights are stored; tensors with numbers too large
    for it, and the state, stay exact.
    """
    tensors = {name: _stored(tensor, dtype) for name, tensor in checkpoint.weights.items()}
    tensors |= {STATE + name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.state.items()}
    metadata = {
        "format": FORMAT,
        "colorify": __version__,
        "method": checkpoint.method,
        "codec": codecs.to_text(checkpoint.codec),
        "network": json.dumps(asdict(checkpoint.network)),
        "training": json.dumps(checkpoint.training),
    }
    metadata["sha256"] = digest(tensors, metadata)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with atomic(path, sync=True) as draft:
            safetensors.torch.save_file(tensors, draft, metadata)
            draft.chmod(0o644)  # safetensors keeps it from others
            with open(draft, "r+b") as file:
                _sort_metadata(file)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: could not be written: {error}") from None


def _sort_metadata(file: BinaryIO) -> None:
    """Order the metadata, which safetensors writes in random order: equal checkpoints are equal files."""
    (length,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(length))
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    if len(text) <= length:  # else the tensors behind it would be touched
        file.seek(8)
        file.write(text.ljust(length))


def load(path: Path, with_state: bool = False) -> Checkpoint:
    """Read and verify ``path``; any doubt is a `CheckpointError` naming the file and the reason."""
    metadata, tensors = _read(Path(path))
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not a colorify checkpoint (format {metadata.get('format')!r}, not {FORMAT!r})")
    if digest(tensors, metadata) != metadata.get("sha256"):
        raise CheckpointError(f"{path}: corrupted: its sha256 differs from the one it carries")
    try:
        checkpoint = Checkpoint(
            network=params.build(UNetConfig, json.loads(metadata["network"]), "network"),
            codec=codecs.from_text(metadata["codec"]),
            method=metadata["method"],
            weights={name: _used(tensor) for name, tensor in tensors.items() if not name.startswith(STATE)},
            training=renamed(json.loads(metadata["training"])),
        )
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: its description cannot be used: {error}") from None
    if with_state:
        checkpoint.state = {n.removeprefix(STATE): t for n, t in tensors.items() if n.startswith(STATE)}
    return checkpoint


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a safetensors file: {error}") from None


def _stored(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    tensor = tensor.detach().cpu()
    stored = tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor
    return (stored if stored.isfinite().all() else tensor).contiguous()


def _used(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """SHA-256 over the metadata (but the digest itself) and over name, type, shape and bytes of every tensor."""
    digest = hashlib.sha256(json.dumps({k: v for k, v in metadata.items() if k != "sha256"}, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].cpu()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else struct.pack("x"))
    return digest.hexdigest()
