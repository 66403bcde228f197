"""What is installed, what networks will run on and why, and what is missing."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from colorify import extras
from colorify.models import onnx, released
from colorify.models.running import cores
from colorify.version import __version__

_SHOWN = ("numpy", "pillow", "opencv-python-headless", "av", "openvino", "torch", "fastai")


def findings() -> dict[str, str]:
    """Name of a fact -> the fact, a line each."""
    missing = {extra: names for extra, names in extras.missing().items() if names}
    found = {
        "colorify": f"{__version__}, in {sys.prefix}",
        "Python": f"{platform.python_version()}, {platform.system()} {platform.machine()}, {cores()} processors",
        "packages": ", ".join(f"{name} {version}" for name in _SHOWN if (version := _version(name))),
        "photos": _engine(),
        "GPU": _gpu(),
        "models": ", ".join(f"{name} ({path.stat().st_size / 1e6:.0f} MB)" for name, path in released.models().items()),
    }
    for extra, names in missing.items():
        found[f"no {extra}"] = f"{', '.join(names)}: {extras.cure(extra)}"
    return found


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _engine() -> str:
    """What runs the released models on the processor."""
    if onnx.installed():
        fast = "; --device cpu-bf16 takes half the time here" if onnx.has_bfloat16() else ""
        return (
            f"by OpenVINO, on the processor, where an .onnx file lies beside the weights (both released models){fast}"
        )
    return "by torch" if _version("torch") else 'nothing runs networks here: pip install openvino, or "torch"'


def _gpu() -> str:
    if not _version("torch"):
        return "not asked: torch is not installed"
    import torch

    if not torch.cuda.is_available():
        return "none that torch can use"
    return f"{torch.cuda.get_device_name()}: --device auto takes it"
