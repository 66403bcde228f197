"""TIFF out: pages of 8 or 16 bit or floats, deflated, with all tags (TIFF 6.0).

Pillow's directory class holds the tags: neither Pillow (when it compresses) nor tifffile writes EXIF directories.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from itertools import accumulate
from typing import BinaryIO

import numpy as np
from PIL import TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from colorify.pictures import resources
from colorify.pictures.picture import ORIENTATION, Metadata, Picture, PictureError, to_array
from colorify.pictures.tags import DIRECTORIES, ICC, IPTC, PHOTOSHOP, UNITS, WORDS, XMP, letters

_LIMIT = (1 << 32) - (1 << 16)
_UNDEFINED = 7


def write(pages: Iterable[Picture], file: BinaryIO, big: bool = False) -> None:
    """Write pages one after the other, with one in memory; ``big``: as BigTIFF, for files over 4 GB."""
    head, fmt = (b"II+\0\x08\0\0\0", "<Q") if big else (b"II*\0", "<I")
    size = struct.calcsize(fmt)
    file.write(head + struct.pack(fmt, len(head) + size))
    pointer = None  # where the last page says where the next one is
    for picture in pages:
        file.write(b"\0" * (file.tell() % 2))  # directories begin at even places
        at = file.tell()
        tags, strips = _page(picture, big)
        content = tags.tobytes(at)
        if not big and at + len(content) + sum(map(len, strips)) > _LIMIT:
            raise PictureError("over 4 GB, which a TIFF cannot hold: write fewer pages into one")
        file.write(content)
        for strip in strips:
            file.write(strip)
        end = file.tell()
        if pointer is not None:
            file.seek(pointer)
            file.write(struct.pack(fmt, at))
        pointer = at + (8 + 20 * len(tags) if big else 2 + 12 * len(tags))
        file.seek(end)


def _page(picture: Picture, big: bool) -> tuple[ImageFileDirectory_v2, list[bytes]]:
    """The tags and strips of one page."""
    array, saved = to_array(picture), picture.metadata
    array = array[..., None] if array.ndim == 2 else array
    height, width, channels = array.shape
    floats = array.dtype.kind == "f"
    rows = max(1, (1 << 20) // (width * channels * array.itemsize))
    strips = [_strip(array[top : top + rows]) for top in range(0, height, rows)]
    offsets = tuple(accumulate(map(len, strips[:-1]), initial=0))
    tags = ImageFileDirectory_v2(b"II+\0\x08\0\0\0" + bytes(8)) if big else ImageFileDirectory_v2()
    _describe(tags, saved)
    tags[256], tags[257], tags[258], tags[277] = width, height, (array.itemsize * 8,) * channels, channels
    tags[259], tags[317] = 8, 1 if floats else 2  # deflate, predictor
    tags[262] = 2 if channels > 2 else 1  # RGB, or black is zero
    tags[273], tags[278], tags[279] = offsets, rows, tuple(map(len, strips))
    tags.tagtype[273] = TiffTags.LONG8 if big else TiffTags.LONG
    if floats:
        tags[339] = (3,) * channels
    if picture.alpha is not None:
        tags[338] = 2  # not premultiplied
    return tags, strips


def _strip(array: np.ndarray) -> bytes:
    delta = array.copy()
    if array.dtype.kind != "f":
        delta[:, 1:] -= array[:, :-1]  # wraps, as the predictor wants
    return zlib.compress(delta.astype(delta.dtype.newbyteorder("<"), copy=False).tobytes(), 6)


def _describe(tags: ImageFileDirectory_v2, saved: Metadata) -> None:
    """All that is not about the layout."""
    for tag, kind, value in saved.tags:
        tags.tagtype[tag] = kind
        tags[tag] = letters(value)
    for tag in (WORDS | {ORIENTATION}) & set(saved.exif):
        tags[tag] = letters(saved.exif[tag])
    for tag in DIRECTORIES:
        if directory := saved.exif.get_ifd(tag):
            tags[tag] = {name: letters(value) for name, value in directory.items()}
    if saved.dpi:
        scale = 2.54 if saved.unit == "cm" else 1
        tags[282], tags[283] = (value / scale for value in saved.dpi)
        tags[296] = UNITS[saved.unit]
    if saved.icc:
        tags[ICC] = saved.icc
    if saved.xmp:
        tags[XMP] = saved.xmp
    if saved.photoshop:
        tags.tagtype[PHOTOSHOP] = _UNDEFINED
        tags[PHOTOSHOP] = saved.photoshop
    if iptc := saved.iptc or resources.iptc(saved.photoshop or b""):
        tags.tagtype[IPTC] = _UNDEFINED
        tags[IPTC] = iptc
