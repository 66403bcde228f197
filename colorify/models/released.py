"""The models that come with the package, by name."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open

from colorify.models import CheckpointError, renamed
from colorify.params import nearest


def models() -> dict[str, Path]:
    """The released models by name."""
    folder = Path(str(files("colorify") / "weights"))
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


class Description(NamedTuple):
    """What a checkpoint says of itself."""

    method: str
    network: dict[str, Any]
    training: dict[str, Any]


def described(path: Path) -> Description:
    """Read it without the weights, and without torch; `CheckpointError` for what is no checkpoint."""
    try:
        with safe_open(path, "numpy") as file:
            told = file.metadata() or {}
        return Description(told["method"], json.loads(told["network"]), renamed(json.loads(told["training"])))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: not a colorify checkpoint: {error}") from None


def find(name: str | Path) -> Path:
    """The file of a released model, or the checkpoint that ``name`` is a path of."""
    known = models()
    if str(name) in known:
        return known[str(name)]
    if Path(name).suffix in (".safetensors", ".onnx") or Path(name).is_file():
        return Path(name)
    raise CheckpointError(f"unknown model {str(name)!r}{nearest(str(name), known)}, or the path of a .safetensors file")
