"""Free photographs that installed packages bring along; see data/README.md for their sources and licenses."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
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
    return ((name, picture(name)) for name in _COLOR)


def gray() -> Iterator[tuple[str, Image.Image]]:
    """Name and picture of every genuine gray photograph."""
    return ((name, picture(name)) for name in _GRAY)


def names() -> list[str]:
    """All names, the colour ones first."""
    return [*_COLOR, *_GRAY]


def picture(name: str) -> Image.Image:
    """The sample of this name, RGB or gray."""
    return _open(*_COLOR[name]).convert("RGB") if name in _COLOR else _open(*_GRAY[name]).convert("L")


def write(folder: Path, side: int = 256) -> None:
    """Small copies of all samples: how ``data/sample`` was made."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, picture in (*color(), *gray()):
        picture.thumbnail((side * 4, side), Image.Resampling.LANCZOS)
        picture.save(Path(folder) / f"{name}.jpg", quality=90)


def _open(package: str, name: str) -> Image.Image:
    """A file of a package, which is found but not imported: each would bring half of scientific Python along."""
    top, _, rest = package.partition(".")
    spec = find_spec(top)
    home = next(iter(spec.submodule_search_locations or ()), None) if spec else None
    if home is None:
        raise ModuleNotFoundError(f"No module named {top!r}", name=top)
    return Image.open(Path(home, *rest.split("."), name), formats=("JPEG", "PNG"))
