"""What JPEG files carry in their markers, in and out (ITU-T T.81, JFIF 1.02)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from PIL import Image

from colorify.pictures import resources
from colorify.pictures.picture import Metadata

_COMMENT, _PHOTOSHOP, _SCAN, _APP1 = 0xFE, 0xED, 0xDA, 0xE1
_LONG_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_HEAD = b"Photoshop 3.0\0"
_LONGEST = 65533  # bytes in a marker
_UNITS = {"none": 0, "inch": 1, "cm": 2}


def markers(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and data of each marker before the pixels; ends where they are damaged."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        if content[at + 1] == 0xFF:
            at += 1
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if content[at + 1] == _SCAN or length < 2:
            return
        yield content[at + 1], bytes(content[at + 4 : at + 2 + length])
        at += 2 + length


def with_markers(metadata: Metadata, content: bytes, image: Image.Image) -> Metadata:
    """The same with comments, IPTC, and the unit of the resolution."""
    found = list(markers(content))
    blocks = b"".join(data[len(_HEAD) :] for number, data in found if number == _PHOTOSHOP and data.startswith(_HEAD))
    comments = tuple(data for number, data in found if number == _COMMENT)
    long_xmp = tuple(data for number, data in found if number == _APP1 and data.startswith(_LONG_XMP))
    metadata = replace(metadata, comments=comments, photoshop=blocks or None, long_xmp=long_xmp)
    if "jfif_unit" not in image.info or image.info["jfif_unit"] == 0:
        metadata = replace(metadata, dpi=metadata.dpi if 282 in metadata.exif else None)  # Pillow makes 72 of none
    unit, density = image.info.get("jfif_unit", 1), image.info.get("jfif_density", (1, 1))
    if unit == 0 and density[0] != density[1] and all(density):
        return replace(metadata, dpi=(float(density[0]), float(density[1])), unit="none")
    return replace(metadata, unit="cm" if unit == 2 else "inch")


def more(metadata: Metadata) -> bytes:
    """Markers that Pillow does not write by itself."""
    blocks = resources.joined(metadata.photoshop, metadata.iptc)
    step = _LONGEST - len(_HEAD)
    parts = [_marker(_PHOTOSHOP, _HEAD + blocks[at : at + step]) for at in range(0, len(blocks), step)]
    parts += [_marker(_APP1, part) for part in metadata.long_xmp]
    parts += [_marker(_COMMENT, comment[:_LONGEST]) for comment in metadata.comments]
    return b"".join(parts)


def _marker(number: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, number, len(data) + 2) + data


def with_unit(content: bytes, metadata: Metadata) -> bytes:
    """A JPEG whose resolution has the unit of its source; Pillow knows inches alone."""
    if not metadata.dpi or metadata.unit == "inch" or content[6:11] != b"JFIF\0":
        return content
    scale = 2.54 if metadata.unit == "cm" else 1
    x, y = (max(1, min(65535, round(value / scale))) for value in metadata.dpi)
    return content[:13] + struct.pack(">BHH", _UNITS[metadata.unit], x, y) + content[18:]


def mended(content: bytes) -> bytes | None:
    """A JPEG that lacks its end marker alone, with one; None where pixels are missing too.

    Whatever lies behind the last pixel is not looked at: if other bytes there make another picture, pixels are missing.
    """
    ends = (b"\xff\xd9", b"\x55" * 64 + b"\xff\xd9", b"\xaa" * 64 + b"\xff\xd9")
    body = content.rstrip(b"\0")
    body = body[:-1] if body.endswith(b"\xff") else body
    pixels = {_pixels(body + end) for end in ends}
    return body + ends[0] if len(pixels) == 1 and None not in pixels else None


def _pixels(content: bytes) -> bytes | None:
    import io
    from hashlib import sha256

    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            return sha256(image.tobytes()).digest()
    except Exception:  # nearly anything
        return None
