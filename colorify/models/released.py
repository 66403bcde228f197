"""The models that come with the package, by name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from colorify.models import CheckpointError
from colorify.params import nearest


def models() -> dict[str, Path]:
    """The released models by name."""
    folder = Path(str(files("colorify") / "weights"))
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def find(name: str | Path) -> Path:
    """The file of a released model, or the checkpoint that ``name`` is a path of."""
    known = models()
    if str(name) in known:
        return known[str(name)]
    if Path(name).suffix in (".safetensors", ".onnx") or Path(name).is_file():
        return Path(name)
    raise CheckpointError(f"unknown model {str(name)!r}{nearest(str(name), known)}, or the path of a .safetensors file")
