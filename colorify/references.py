"""Pictures in colour that say how others are to be: read once, kept small."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from colorify import masks, pictures
from colorify.color import rgb_to_lab, to_rgb
from colorify.masks import Mask
from colorify.pictures import Picture, PictureError

if TYPE_CHECKING:
    from colorify.pictures.taken import Source

SIDE = 320  # px: short side that is kept of a reference
_GRAY = 4.0  # chroma that next to no pixel of a gray picture reaches, JPEG's noise included


class Reference:
    """A picture whose colours others may take; two of the same pixels are equal."""

    def __init__(self, picture: Picture, name: str = "reference", region: Mask | None = None):
        """Takes any picture in colour; `PictureError` for a gray one. ``region``: where in others it is heard."""
        self.name, self.picture, self.region = name, _small(picture), region
        pixels = self.picture.pixels
        if _is_gray(pixels):
            raise PictureError(f"{name}: is gray: a reference shows the colours that are wanted")
        self.digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()

    @property
    def told(self) -> list[str | None]:
        """What tells it from any other: digests of its pixels and of its region."""
        return [self.digest, self.region.digest if self.region else None]

    def check(self, size: tuple[int, int]) -> None:
        """`PictureError` where its region is not of the shape of a picture of this width and height."""
        if self.region:
            self.region.check(size)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and (self.digest, self.region) == (other.digest, other.region)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Reference({self.name!r})"


def taken(given: Iterable[Reference | Source | tuple]) -> tuple[Reference, ...]:
    """References of paths, Pillow images or arrays, each also as a pair with the mask of its region.

    A path may name the region itself: ``coat.jpg@region.png``. `PictureError` names the one that is none.
    """
    if not isinstance(given, (list, tuple)):
        raise PictureError("references: expected a list of pictures, such as [picture]")
    return tuple(_taken(one, number) for number, one in enumerate(given, 1))


def _taken(given: Reference | Source | tuple, number: int) -> Reference:
    if isinstance(given, Reference):
        return given
    if isinstance(given, tuple) and len(given) == 2:
        one = _taken(given[0], number)
        return Reference(one.picture, one.name, masks.taken(given[1]))
    if isinstance(given, (str, Path)):
        return _read(Path(given))
    try:
        return Reference(pictures.taken(given), f"reference {number}")
    except PictureError as error:
        raise PictureError(f"reference {number}: {str(error).removeprefix(f'reference {number}: ')}") from None


def _read(path: Path) -> Reference:
    name, at, region = str(path).rpartition("@")
    if at and not path.exists():
        return Reference(_read(Path(name)).picture, name, masks.taken(region))
    try:
        return Reference(pictures.read(path), str(path))
    except PictureError as error:
        raise PictureError(f"the reference {error}") from None


def _is_gray(pixels: np.ndarray) -> bool:
    ab = rgb_to_lab(to_rgb(Image.fromarray(pixels).resize((64, 64), Image.Resampling.BOX)))[..., 1:]
    return bool(np.percentile(np.hypot(ab[..., 0], ab[..., 1]), 99) < _GRAY)


def _small(picture: Picture) -> Picture:
    """Upright, 8-bit sRGB, without alpha, its short side at most `SIDE`."""
    image = pictures.as_srgb(picture)
    scale = min(1.0, SIDE / min(image.size))
    width, height = (max(1, round(length * scale)) for length in image.size)
    return Picture(np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)))
