"""What a TIFF page says of its layout, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PLAIN, FAX, JPEG = "plain", "fax", "jpeg"
COMPRESSIONS = {1: PLAIN, 2: FAX, 3: FAX, 4: FAX, 5: PLAIN, 7: JPEG, 8: PLAIN, 32946: PLAIN, 32773: PLAIN,
                 34925: PLAIN, 50000: PLAIN}  # fmt: skip
"""Number in the file -> how libtiff is asked: none, fax, LZW, JPEG, deflate (2 numbers), PackBits, LZMA, Zstandard."""


@dataclass(frozen=True)
class Kind:
    """A photometric interpretation: its colour channels, and how they become gray or RGB."""

    channels: int
    shown: Callable[[np.ndarray, Page], np.ndarray]  # (H, W, channels) -> (H, W) or (H, W, 3)
    converts: bool = False  # from a space of its own to sRGB: a profile has been obeyed, or has no more to say
    scaled: bool = True  # samples are brought to 8 or 16 bits first


@dataclass(frozen=True)
class Page:
    """What is needed to decode one page, checked."""

    width: int
    height: int
    kind: Kind
    photometric: int
    samples: int
    bits: int
    floats: bool
    planar: bool
    tile: tuple[int, int]  # width and height of a tile; the whole width of a strip
    tiled: bool
    compression: int
    predictor: int
    order: str  # < or >
    segments: tuple[tuple[int, int], ...]  # offset and length
    tags: dict[int, object]

    @property
    def across(self) -> int:
        """Tiles in a row."""
        return -(-self.width // self.tile[0])

    @property
    def down(self) -> int:
        """Rows of tiles."""
        return -(-self.height // self.tile[1])

    @property
    def chunky(self) -> int:
        """Samples that lie beside each other."""
        return 1 if self.planar else self.samples

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of one tile."""
        return -(-self.tile[0] * self.chunky * self.bits // 8)

    @property
    def unit(self) -> np.dtype:
        """Type of a sample in the file, of whole bytes."""
        return np.dtype(f"{self.order}{'f' if self.floats else 'u'}{self.bits // 8}")

    @property
    def extras(self) -> tuple[int, ...]:
        """What the samples beyond colour are: 0 nobody says, 1 premultiplied alpha, 2 alpha."""
        count = max(0, self.samples - self.kind.channels)
        given = self.tags.get(338, ())
        given = given if isinstance(given, tuple) else (given,)
        return tuple(map(int, given[:count])) + (0,) * (count - len(given[:count]))
