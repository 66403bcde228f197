"""Metadata is the archive's: kept in every format that can hold it, and named where one cannot, file by file.

Read back by tifffile, or from the bytes by the letter of the formats, not by the code that wrote it.
"""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from colorify import batch, pictures
from colorify.batch import BatchOptions
from colorify.inputs import Job
from colorify.knobs import Knobs
from colorify.pictures import Metadata, Picture
from colorify.pictures.formats import TABLE

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
UNSIGNED = Knobs(provenance=False)
GRAY = Image.fromarray(np.tile(np.arange(60, dtype=np.uint8) * 4, (40, 1)))
CAPTION = b"\x1c\x02\x78" + struct.pack(">H", 11) + b"On the pier"
RESOURCES = b"8BIM\x03\xed\0\0" + struct.pack(">I", 4) + b"abcd"
RESOURCES += b"8BIM\x04\x04\0\0" + struct.pack(">I", len(CAPTION)) + CAPTION
WRITABLE = [row for row in TABLE if row.depths]


def colored(colorizer, source: Path, target: Path, **options: object) -> bytes:
    notes(colorizer, source, target, **options)
    return target.read_bytes()


def notes(colorizer, source: Path, target: Path, **options: object) -> list[str]:
    """What is said of a picture that was colored, but of its looks."""
    said = batch.colorize_file(colorizer, Job(source, target), BatchOptions(**{"knobs": UNSIGNED} | options))
    return [note for note in said if not note.startswith("looks like")]


def with_chunks(content: bytes, *more: tuple[bytes, bytes], at: int = 33) -> bytes:
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in more)
    return content[:at] + body + content[at:]


def png(path: Path, sixteen: bool) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "Box 12")
    info.add_text("Long", "pier " * 200, zip=True)
    info.add_itxt("Ort", "Köln")
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    image = Image.fromarray(np.asarray(GRAY).astype(np.uint16) * 257) if sixteen else GRAY
    image.save(path, pnginfo=info, dpi=(600, 600))
    more = [(b"gAMA", struct.pack(">I", 45455)), (b"tIME", struct.pack(">H5B", 2001, 2, 3, 4, 5, 6))]
    path.write_bytes(with_chunks(path.read_bytes(), *more))
    return path.read_bytes()


def iptc_jpeg(path: Path) -> Path:
    GRAY.save(path, quality=92, comment=b"box 12 / 34", dpi=(300, 300))
    content = path.read_bytes()
    body = b"Photoshop 3.0\0" + RESOURCES + b"\0" * (len(RESOURCES) % 2)
    second = b"\xff\xfe" + struct.pack(">H", 9) + b"second\xe9"
    path.write_bytes(content[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + second + content[2:])
    return path


@pytest.mark.parametrize("row", [row for row in WRITABLE if "xmp" in row.holds], ids=lambda row: row.name)
def test_xmp_and_exif_in_every_format_that_has_them(tmp_path, row):
    exif = Image.Exif()
    exif[0x010E] = "Köln".encode().decode("latin-1")  # as Pillow reads UTF-8
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[36867] = "2001:02:03 04:05:06"
    icc = srgb_profile()
    path = tmp_path / f"a{row.suffixes[0]}"
    pictures.write(Picture(np.dstack([np.asarray(GRAY)] * 3), metadata=Metadata(exif, icc, XMP)), path)
    content = path.read_bytes()
    assert "Köln".encode() in content
    got = pictures.read(path).metadata
    assert got.xmp == XMP and (got.icc == icc or "icc" not in row.holds)
    assert got.exif[0x010F] == "Maker" and got.exif.get_ifd(0x8769)[36867] == "2001:02:03 04:05:06"
    assert got.exif[0x010E].encode("latin-1").decode() == "Köln"
    assert XMP in content


def srgb_profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_what_a_format_cannot_hold_is_named_in_one_line(colorizer, tmp_path):
    png(tmp_path / "a.png", False)
    for suffix, words in {
        ".jpg": "JPEG cannot hold text and other PNG chunks: lost",
        ".bmp": "BMP cannot hold XMP and text and other PNG chunks: lost",
        ".webp": "WEBP cannot hold text and other PNG chunks: lost",
    }.items():
        assert notes(colorizer, tmp_path / "a.png", tmp_path / f"b{suffix}") == [words]


def test_nothing_is_said_where_all_is_kept(colorizer, tmp_path):
    png(tmp_path / "a.png", False)
    iptc_jpeg(tmp_path / "a.jpg")
    for name in ("a.png", "a.jpg"):
        assert not notes(colorizer, tmp_path / name, tmp_path / f"b{Path(name).suffix}")


def test_times_are_kept_where_asked(colorizer, tmp_path):
    GRAY.save(tmp_path / "a.png")
    os.utime(tmp_path / "a.png", (1e9, 1e9))
    colored(colorizer, tmp_path / "a.png", tmp_path / "b.png")
    colored(colorizer, tmp_path / "a.png", tmp_path / "c.png", keep_times=True)
    assert (tmp_path / "b.png").stat().st_mtime > 1.5e9
    assert (tmp_path / "c.png").stat().st_mtime == 1e9


@pytest.mark.parametrize("row", [row for row in WRITABLE if "resolution" in row.holds], ids=lambda row: row.name)
@pytest.mark.parametrize("unit", ["inch", "cm"])
def test_the_resolution_in_every_format(tmp_path, row, unit):
    path = tmp_path / f"a{row.suffixes[0]}"
    saved = Metadata(dpi=(118 * 2.54, 59 * 2.54), unit=unit)
    assert not pictures.write(Picture(np.asarray(GRAY), metadata=saved), path)
    got = pictures.read(path).metadata
    assert got.dpi == pytest.approx(saved.dpi, abs=0.3)
    if row.name in ("JPEG", "TIFF", "WEBP", "AVIF", "HEIF", "JXL"):
        assert got.unit == unit


def test_a_jpeg_without_a_resolution_gets_none(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    GRAY.save(tmp_path / "a.jpg", exif=exif)
    assert pictures.read(tmp_path / "a.jpg").metadata.dpi is None
