"""IPTC in Photoshop's image resources."""

import struct
import zlib

import numpy as np
import tifffile

from pictures.test_kept import CAPTION, GRAY, RESOURCES, colored, iptc_jpeg
from pictures.test_tags import tifffile_tags


def chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    at, found = 8, []
    while at < len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        data = content[at + 8 : at + 8 + length]
        assert zlib.crc32(name + data) == struct.unpack_from(">I", content, at + 8 + length)[0]
        found.append((name, data))
        at += 12 + length
    return found


def markers(content: bytes) -> list[tuple[int, bytes]]:
    at, found = 2, []
    while content[at + 1] != 0xDA:
        length = struct.unpack_from(">H", content, at + 2)[0]
        found.append((content[at + 1], content[at + 4 : at + 2 + length]))
        at += 2 + length
    return found


def test_iptc_goes_where_each_format_keeps_it(colorizer, tmp_path):
    iptc_jpeg(tmp_path / "a.jpg")
    tags = tifffile_tags(colored(colorizer, tmp_path / "a.jpg", tmp_path / "b.tif"), tmp_path)
    assert bytes(tags[33723]) == CAPTION and bytes(tags[34377]).startswith(RESOURCES)
    names = dict(chunks(colored(colorizer, tmp_path / "a.jpg", tmp_path / "b.png")))
    assert names[b"zTXt"].startswith(b"Raw profile type iptc\0\0")
    lines = zlib.decompress(names[b"zTXt"].partition(b"\0\0")[2]).split()
    assert bytes.fromhex(b"".join(lines[2:]).decode()) == CAPTION
    tifffile.imwrite(tmp_path / "c.tif", np.asarray(GRAY), metadata=None, photometric="minisblack",
                     extratags=[(33723, 7, len(CAPTION), CAPTION, True)])  # fmt: skip
    found = dict(markers(colored(colorizer, tmp_path / "c.tif", tmp_path / "c.jpg")))
    assert CAPTION in found[0xED] and found[0xED].startswith(b"Photoshop 3.0\0" + b"8BIM\x04\x04")
