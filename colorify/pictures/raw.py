"""Formats of the extra `formats` that Pillow does not open by itself, or not before it has looked at their size."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice

import numpy as np

from colorify.pictures.formats import FORMATS, ready
from colorify.pictures.picture import PictureError, check_size

_BOXES = (b"jxlc", b"jxlp")


def developed(content: bytes, max_megapixels: float) -> np.ndarray:
    """A DNG developed by LibRaw, upright: 16-bit sRGB ``(H, W, 3)``, or gray ``(H, W)``."""
    ready(FORMATS[".dng"])
    import rawpy

    with rawpy.imread(io.BytesIO(content)) as raw:
        check_size((raw.sizes.width, raw.sizes.height), max_megapixels)
        array = raw.postprocess(use_camera_wb=True, output_bps=16, gamma=(2.4, 12.92), no_auto_bright=True)
    if array.ndim == 3 and array.shape[2] == 1:  # of a camera without colours
        array = array[..., 0]
    if array.dtype != np.uint16 or array.shape[2:] not in ((), (3,)) or 0 in array.shape:
        raise PictureError(f"a raw photo that develops to {array.shape} is not supported")
    return np.ascontiguousarray(array)


def check_jxl(content: bytes, max_megapixels: float) -> None:
    """Refuse a JPEG XL that is too large, by its header: its decoder decodes when it opens a file."""
    check_size(_jxl_size(content), max_megapixels)


def _jxl_size(content: bytes) -> tuple[int, int]:
    """Width and height by SizeHeader (ISO/IEC 18181-1, D.2)."""
    if not content.startswith(b"\xff\x0a"):
        parts = (data[4 * (name == b"jxlp") :][:16] for name, data in boxes(content) if name in _BOXES)
        content = b"".join(islice(parts, 4))
    if not content.startswith(b"\xff\x0a"):
        raise PictureError("truncated: no JPEG XL codestream")
    number, at = int.from_bytes(content[2:14], "little"), 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return number >> (at - count) & ((1 << count) - 1)

    def side(small: int) -> int:
        return (take(5) + 1) * 8 if small else take((9, 13, 18, 30)[take(2)]) + 1

    small = take(1)
    height = side(small)
    ratio = take(3)
    if ratio:
        top, bottom = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
        return height * top // bottom, height
    return side(small), height


def boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of each box of an ISO base media file; ends where they are damaged."""
    at = 0
    while at + 8 <= len(content):
        length, name, head = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8], 8
        if length == 1:
            length, head = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        length = length or len(content) - at
        if length < head:
            return
        yield bytes(name), content[at + head : at + length]
        at += length


def bits(content: bytes) -> int:
    """Bits of a sample of AVIF or HEIF, by the first box ``pixi``; 8 where there is none."""
    at = content.find(b"pixi", 0, 1 << 16)
    return content[at + 9] if 0 <= at < len(content) - 9 and content[at + 8] else 8
