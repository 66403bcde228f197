"""PNG: chunks that Pillow does not keep, and 16 bits, which OpenCV decodes and encodes (PNG, third edition)."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from PIL import Image

from colorify.pictures import resources
from colorify.pictures.formats import unlimited
from colorify.pictures.picture import Metadata, Picture, PictureError, to_array
from colorify.pictures.tags import spelled

TEXT = (b"tEXt", b"zTXt", b"iTXt")
COLOR = (b"cICP", b"gAMA", b"cHRM", b"sRGB", b"mDCV", b"cLLI")
_KEPT = frozenset((*TEXT, *COLOR, b"sBIT", b"bKGD", b"tIME", b"oFFs", b"pCAL", b"sCAL"))
_XMP = b"XML:com.adobe.xmp\0"
_LONGEST = 1 << 24  # bytes of XMP, decompressed
_IPTC = b"Raw profile type iptc\0"  # by ImageMagick's custom, which ExifTool knows


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of each chunk; ends where they are damaged."""
    at = 8
    while at + 12 <= len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        if at + 12 + length > len(content):
            return
        yield name, content[at + 8 : at + 8 + length]
        at += 12 + length


def _xmp(data: bytes) -> bytes:
    """The text of a chunk iTXt, which may be compressed."""
    *_, text = data[len(_XMP) + 2 :].split(b"\0", 2)
    try:
        return zlib.decompressobj().decompress(text, _LONGEST) if data[len(_XMP) : len(_XMP) + 1] == b"\1" else text
    except zlib.error:
        return b""


def is_16_bit(content: bytes) -> bool:
    """By IHDR: width, height, depth."""
    return content[24] == 16


def with_chunks(metadata: Metadata, content: bytes) -> Metadata:
    """The same with text, colour and the unit of the resolution."""
    found = [(name, data) for name, data in chunks(content) if name in _KEPT or name == b"pHYs"]
    palette = content[25] == 3  # whose background is an index
    kept = tuple(
        (name, _of_rgb(name, bytes(data)))
        for name, data in found
        if name in _KEPT and not data.startswith(_XMP) and not (palette and name == b"bKGD")
    )
    xmp = metadata.xmp or next((_xmp(data) for name, data in found if name == b"iTXt" and data.startswith(_XMP)), None)
    metadata = replace(metadata, chunks=kept, xmp=xmp or None)
    density = next((data for name, data in found if name == b"pHYs" and len(data) == 9), b"")
    x, y, unit = struct.unpack(">IIB", density) if density else (0, 0, 1)
    if unit == 0 and x != y and x and y:
        return replace(metadata, dpi=(float(x), float(y)), unit="none")
    return replace(metadata, unit="cm" if density else "inch")


def _of_rgb(name: bytes, data: bytes) -> bytes:
    """Significant bits and a background, of gray made one of RGB: each is there for every channel."""
    if name == b"sBIT" and len(data) in (1, 2):
        return data[:1] * 3 + data[1:]
    return data * 3 if name == b"bKGD" and len(data) == 2 else data


def decoded_16_bit(content: bytes) -> np.ndarray:
    """Samples ``(H, W)`` or ``(H, W, 3 or 4)``, uint16."""
    import cv2

    with unlimited(), Image.open(io.BytesIO(content), formats=("PNG",)) as again:
        again.verify()  # OpenCV reserves what a damaged chunk claims to hold
    plain = content[:8] + b"".join(_chunk(*each) for each in chunks(content) if each[0] in _NEEDED)
    array = cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16:
        raise PictureError("16-bit pixels that could not be decoded: damaged, or of an unsupported kind")
    if array.ndim == 3:
        array = np.ascontiguousarray(array[..., [2, 1, 0, 3][: array.shape[2]]])  # OpenCV's order is BGR
    return array


_NEEDED = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))


def encoded_16_bit(picture: Picture) -> bytes:
    """A PNG of 16 bits, without the chunks of `added`."""
    import cv2

    array = to_array(picture)
    if array.ndim == 3 and array.shape[2] == 2:  # OpenCV writes no gray with alpha
        array = array[..., [0, 0, 0, 1]]
    elif array.ndim == 3:
        array = array[..., [2, 1, 0, 3][: array.shape[2]]]
    done, encoded = cv2.imencode(".png", array)
    if not done:
        raise PictureError("could not be encoded as PNG")
    saved, more = picture.metadata, []
    if saved.icc:
        more.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(saved.icc)))
    if saved.dpi and saved.unit != "none":
        more.append((b"pHYs", struct.pack(">IIB", *(round(d / 0.0254) for d in saved.dpi), 1)))
    if len(saved.exif):
        more.append((b"eXIf", spelled(saved.exif).tobytes().removeprefix(b"Exif\0\0")))
    return _inserted(encoded.tobytes(), more)


def added(content: bytes, saved: Metadata) -> bytes:
    """An encoded PNG with the chunks that its encoder did not write."""
    more = list(saved.chunks)
    if saved.xmp:
        more.append((b"iTXt", _XMP + b"\0\0\0\0" + saved.xmp))
    if records := saved.iptc or resources.iptc(saved.photoshop or b""):
        more.append((b"zTXt", _IPTC + b"\0" + zlib.compress(_hexadecimal(records))))
    more += [_comment(text) for text in saved.comments]
    if saved.dpi and saved.unit == "none":
        more.append((b"pHYs", struct.pack(">IIB", *map(round, saved.dpi), 0)))
    return _inserted(content, more)


def _hexadecimal(records: bytes) -> bytes:
    digits = records.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return f"\niptc\n{len(records):8d}\n{lines}\n".encode()


def _comment(text: bytes) -> tuple[bytes, bytes]:
    try:
        return b"iTXt", b"Comment\0\0\0\0\0" + text.rstrip(b"\0").decode().encode()
    except UnicodeDecodeError:
        return b"tEXt", b"Comment\0" + text.replace(b"\0", b"")


def _inserted(content: bytes, more: list[tuple[bytes, bytes]]) -> bytes:
    """Right behind signature and IHDR."""
    return content[:33] + b"".join(_chunk(name, data) for name, data in more) + content[33:]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
