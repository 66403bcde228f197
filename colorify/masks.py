"""Where a picture is to be colored: white yes, black not at all, gray in between."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from colorify import pictures
from colorify.containers import is_film
from colorify.pictures import PictureError

if TYPE_CHECKING:
    from colorify.pictures.taken import Source

_NUMBER = re.compile(r"%(0\d+)?d")  # in the name of numbered pictures
_ASPECT = 0.02  # share by which width over height may differ: rounding of small copies


class Mask:
    """How much of its color each place of an upright picture gets, ``values (h, w)`` uint8; equal by its pixels."""

    def __init__(self, values: np.ndarray, name: str = "mask"):
        self.values, self.name = values, name
        self.digest = hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mask) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Mask({self.name!r})"

    def check(self, size: tuple[int, int]) -> None:
        """`PictureError` for an upright picture of another shape, width and height; another size is well."""
        height, width = self.values.shape
        off = abs(width * size[1] - height * size[0])
        if off > max(_ASPECT * height * size[0], height + size[1]):  # or a pixel of rounding
            raise PictureError(
                f"{self.name}: {width} x {height} is not the shape of the picture of {size[0]} x {size[1]}"
            )

    def sized(self, shape: tuple[int, int]) -> np.ndarray:
        """The values as ``(h, w)`` float32 in 0..1, for a picture of this height and width."""
        smaller = shape[0] < self.values.shape[0]
        interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        if self.values.shape == tuple(shape):
            return self.values.astype(np.float32) / 255
        return cv2.resize(self.values, shape[::-1], interpolation=interpolation).astype(np.float32) / 255


class Moving(Mask):
    """A mask that changes with a film: another film, or numbered pictures, which is read while that is colored."""

    def __init__(self, path: Path):
        self.path, self.name = path.absolute(), str(path)
        files = sorted(path.parent.glob(_NUMBER.sub("*", path.name))) if _NUMBER.search(path.name) else [path]
        files = sorted(path.glob("[!.]*")) if path.is_dir() else files
        try:
            facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        except OSError:
            facts = []
        if not facts:
            raise PictureError(f"{path}: no such file")
        self.digest = hashlib.sha256(repr(facts).encode()).hexdigest()

    def check(self, size: tuple[int, int]) -> None:
        """`PictureError`: it is for films."""
        raise PictureError(f"{self.name}: a mask of many frames is for films: give a picture")


def taken(given: Mask | Source | None) -> Mask | None:
    """A mask of a picture in any form; `PictureError` says why it is none."""
    if given is None or isinstance(given, Mask):
        return given
    if isinstance(given, (str, Path)):
        try:
            if _is_moving(Path(given)):
                return Moving(Path(given))
            return Mask(_values(pictures.read(Path(given))), str(given))
        except PictureError as error:
            raise PictureError(f"the mask {error}") from None
    if isinstance(given, np.ndarray) and given.dtype == bool:
        given = given.astype(np.uint8) * 255
    try:
        return Mask(_values(pictures.taken(given)))
    except PictureError as error:
        raise PictureError(f"mask: {error}") from None


def _is_moving(path: Path) -> bool:
    return is_film(path) or path.is_dir() or bool(_NUMBER.search(path.name))


def _values(picture: pictures.Picture) -> np.ndarray:
    return np.array(pictures.as_srgb(picture).convert("L"))
