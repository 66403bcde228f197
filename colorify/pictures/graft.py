"""Color put under the luma of a JPEG, whose scans are copied byte for byte (ITU-T T.81, JFIF 1.02).

A scan of one component reads the same whether its frame has one or three: what a gray file holds becomes the luma of
one in color, and further scans bring Cb and Cr at half its width and height. Nothing of the luma is decoded or coded.
"""

from __future__ import annotations

import io
import re
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from colorify import extras
from colorify.pictures.formats import open_image
from colorify.pictures.picture import PictureError

_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_HUFFMAN, _SCAN, _END, _QUANTIZATION, _RESTART, _COMMENT = 0xC4, 0xDA, 0xD9, 0xDB, 0xDD, 0xFE
_APPLICATION = range(0xE0, 0xF0)
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # the first one that ends the data of a scan
_FRAMES = {*range(0xC0, 0xD0)} - {_HUFFMAN, 0xC8, 0xCC}
_LEAST = {_SCAN: 6, _QUANTIZATION: 65, _RESTART: 2}  # bytes that a marker has
_GRAYS = 1
_COLORS = 3


@dataclass(frozen=True)
class Scans:
    """A JPEG of one component, taken apart."""

    frame: int  # marker: one of baseline, extended, progressive
    size: bytes  # precision, height and width, as its frame has them
    table: int  # number of its quantization table
    tables: tuple[bytes, ...]  # markers before the first scan: quantization, Huffman, restarts
    scans: tuple[bytes, ...]  # all that follows: headers with their data, and markers between them

    @property
    def restarts(self) -> bool:
        """Whether there are restart markers in the scans."""
        return any(marker[1] == _RESTART for marker in (*self.tables, *self.scans))


def luma_of(content: bytes) -> Scans:
    """The luma of a JPEG; `PictureError` says why it cannot be kept to the bit.

    That of a file in color lies mixed with its chroma: the extra ``formats`` parts them, coefficient by coefficient.
    """
    if not content.startswith(b"\xff\xd8"):
        raise PictureError("its source is no JPEG")
    size, components = next(((data[:5], data[5]) for n, data in _markers(content) if n in _FRAMES), (b"", 0))
    if components not in (_GRAYS, _COLORS):
        raise PictureError(f"its source has {components} inks, and no luma")
    return scans_of(content) if components == _GRAYS else replace(scans_of(_luma_alone(content)), size=size)


def _markers(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Each marker with its data, that of a scan with its samples, up to the end; `PictureError` if that is missing."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        if content[at + 1] == 0xFF:
            at += 1
            continue
        number, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if number == _END:
            return
        end = at + 2 + length
        if number == _SCAN:
            found = _MARKER.search(content, end)
            end = found.start() if found else len(content)
        data = content[at + 4 : end]
        if len(data) < _LEAST.get(number, 9 if number in _FRAMES else 0):
            raise PictureError("its source has a marker that is cut short")
        yield number, data
        at = end
    if content[at : at + 2] != b"\xff\xd9":
        raise PictureError("its source has no end marker, or data between its markers")


def scans_of(content: bytes, component: int = 1) -> Scans:
    """A JPEG of one component, which gets a number, taken apart; `PictureError` for one that is coded otherwise."""
    tables: list[bytes] = []
    scans: list[bytes] = []
    frame, size, table = 0, b"", 0
    for number, data in _markers(content):
        if number in _FRAMES:
            if number > _PROGRESSIVE or data[0] != 8 or data[1:3] == b"\0\0":
                raise PictureError("its source is coded in another way than Huffman's, or not in 8 bits")
            frame, size, table = number, data[:5], data[8]
        elif number == _SCAN:
            scans.append(_coded(number, bytes((1, component)) + data[2:6]) + data[6:])
        elif number in (_HUFFMAN, _QUANTIZATION, _RESTART):
            (scans or tables).append(_coded(number, data))
        elif number not in _APPLICATION and number != _COMMENT:
            raise PictureError(f"its source has a marker {number:02X} that none of this kind has")
    if not frame or not scans:
        raise PictureError("its source has no frame, or no scan")
    return Scans(frame, size, table, tuple(tables), tuple(scans))


def _coded(number: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, number, len(data) + 2) + data


def grafted(luma: Scans, chroma: np.ndarray, header: bytes, quality: int) -> bytes:
    """A JPEG of this luma and the planes of Cb and Cr ``(2, h, w)`` uint8, half its size rounded up.

    Metadata are those of the JPEG ``header``.
    """
    planes = [_plane(plane, number, luma.frame == _PROGRESSIVE, quality) for number, plane in enumerate(chroma, 2)]
    table = int(luma.table == 0)  # a number that luma does not have
    (known,) = (marker for marker in planes[0].tables if marker[1] == _QUANTIZATION)
    parts = [b"\xff\xd8"]
    parts += [_coded(n, data) for n, data in _markers(header) if n in _APPLICATION or n == _COMMENT]
    parts += [*luma.tables, known[:4] + bytes((table,)) + known[5:]]
    components = bytes((3, 1, 0x22, luma.table, 2, 0x11, table, 3, 0x11, table))
    parts += [_coded(luma.frame, luma.size + components), *luma.scans]
    parts += [_coded(_RESTART, b"\0\0")] if luma.restarts else []
    for plane in planes:
        parts += [marker for marker in plane.tables if marker[1] != _QUANTIZATION]
        parts += plane.scans
    return b"".join((*parts, b"\xff\xd9"))


def _plane(plane: np.ndarray, component: int, progressive: bool, quality: int) -> Scans:
    """A plane as scans of its own."""
    buffer = io.BytesIO()
    Image.fromarray(plane).save(buffer, "JPEG", quality=quality, optimize=True, progressive=progressive)
    return scans_of(buffer.getvalue(), component)


def luma_samples(content: bytes) -> np.ndarray:
    """The samples of luma ``(H, W)`` uint8 of a JPEG, without those of chroma."""
    with open_image(content, limited=False) as image:
        image.draft("L", image.size)
        return np.asarray(image)


def _luma_alone(content: bytes) -> bytes:
    """A gray JPEG with the coefficients and the table of the luma of one in color."""
    try:
        import jpeglib
    except ImportError:
        cure = extras.cure("formats")
        raise PictureError(f"its source is in color, and its luma is parted from that by an extra: {cure}") from None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "luma.jpg")  # it takes files alone
        path.write_bytes(content)
        try:
            given = jpeglib.read_dct(str(path))
            table = given.get_component_qt(0)
            jpeglib.from_dct(given.Y, qt=table[None]).write_dct(str(path))
            alone = path.read_bytes()
            found, samples = luma_samples(alone), luma_samples(content)
        except Exception as error:  # it raises nearly anything
            raise PictureError(f"the luma of its source cannot be parted from its chroma: {error}") from None
    if not np.array_equal(found[: len(samples), : len(samples[0])], samples):  # it is of whole blocks
        raise PictureError("the luma of its source cannot be parted from its chroma without a change")
    return alone
