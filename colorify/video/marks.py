"""Numbered pictures of a film say that they were coloured: by XMP, or by a field of their header."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial

from colorify.pictures import png, provenance
from colorify.pictures.picture import Metadata
from colorify.version import __version__

_XMP, _BYTES, _ENTRY = 700, 1, 12  # tag and type of a TIFF, and bytes of an entry of its directory
_PROJECT = slice(260, 460)  # of the header of a DPX (SMPTE 268M)


def marker(suffix: str, model: str, knobs: str) -> Callable[[bytes], bytes] | None:
    """What puts the statement into encoded pictures of this suffix; None for a kind that has no place for it."""
    metadata = provenance.marked(Metadata(), model, __version__, knobs)
    ways: dict[str, Callable[[bytes], bytes]] = {
        ".png": partial(png.added, saved=metadata),
        ".tif": partial(_in_tiff, xmp=metadata.xmp or b""),
        ".dpx": partial(_in_dpx, knobs=knobs),
    }
    return ways.get({".tiff": ".tif"}.get(suffix.lower(), suffix.lower()))


def _in_tiff(content: bytes, xmp: bytes) -> bytes:
    """A TIFF of little-endian order, as FFmpeg writes them, with one more tag: its directory is written anew behind."""
    (at,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, at)
    entries = [content[at + 2 + _ENTRY * n : at + 2 + _ENTRY * (n + 1)] for n in range(count)]
    start = len(content) + len(content) % 2
    entries.append(struct.pack("<HHII", _XMP, _BYTES, len(xmp), start))
    entries.sort(key=lambda entry: struct.unpack_from("<H", entry))
    body = content.ljust(start, b"\0") + xmp + b"\0" * (len(xmp) % 2)
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return body[:4] + struct.pack("<I", len(body)) + body[8:] + directory


def _in_dpx(content: bytes, knobs: str) -> bytes:
    """A DPX with the statement as the name of its project."""
    room = _PROJECT.stop - _PROJECT.start - 1  # a zero ends it
    words = [text.encode() for text in (provenance.sentence(knobs), provenance.sentence())]
    told = next(text for text in (*words, words[-1][:room]) if len(text) <= room)
    return content[: _PROJECT.start] + told.ljust(room + 1, b"\0") + content[_PROJECT.stop :]
