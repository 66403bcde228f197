"""Photoshop image resources, where JPEG files keep their IPTC (Adobe's Photoshop file format, image resources)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_IPTC = 0x0404


def blocks(resources: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and data of each resource; ends where they are damaged."""
    at = 0
    while resources[at : at + 4] == b"8BIM" and at + 8 <= len(resources):
        (number,) = struct.unpack_from(">H", resources, at + 4)
        at += 6 + (resources[at + 6] // 2 + 1) * 2  # the name, with its length, is even
        if at + 4 > len(resources):
            return
        (length,) = struct.unpack_from(">I", resources, at)
        yield number, resources[at + 4 : at + 4 + length]
        at += 4 + length + length % 2


def iptc(resources: bytes) -> bytes | None:
    """The IPTC records in image resources."""
    return next((data for number, data in blocks(resources) if number == _IPTC and data), None)


def joined(resources: bytes | None, records: bytes | None) -> bytes:
    """Image resources with these IPTC records, unless they have some."""
    resources = resources or b""
    if not records or iptc(resources):
        return resources
    block = b"8BIM" + struct.pack(">HHI", _IPTC, 0, len(records)) + records + b"\0" * (len(records) % 2)
    return resources + b"\0" * (len(resources) % 2) + block
