"""Free photographs that installed packages bring along; see data/README.md for their sources and licenses."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from PIL import Image

_COLOR = {
    "astronaut": ("skimage.data", "astronaut.png"),
    "cat": ("skimage.data", "chelsea.png"),
    "coffee": ("skimage.data", "coffee.png"),
    "rocket": ("skimage.data", "rocket.jpg"),
    "hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
}
_GRAY = {"camera": ("skimage.data", "camera.png")}


def color() -> Iterator[tuple[str, Image.Image]]:
    """Name and picture of every sample in colour."""
    return ((name, _open(*place).convert("RGB")) for name, place in _COLOR.items())


def gray() -> Iterator[tuple[str, Image.Image]]:
    """Name and picture of every genuine gray photograph."""
    return ((name, _open(*place).convert("L")) for name, place in _GRAY.items())


def write(folder: Path, side: int = 256) -> None:
    """Small copies of all samples: how ``data/sample`` was made."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, picture in (*color(), *gray()):
        picture.thumbnail((side * 4, side), Image.Resampling.LANCZOS)
        picture.save(Path(folder) / f"{name}.jpg", quality=90)


def _open(package: str, name: str) -> Image.Image:
    return Image.open(str(files(package).joinpath(name)), formats=("JPEG", "PNG"))
