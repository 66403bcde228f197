"""Metadata is the archive's: kept in every format that can hold it, and named where one cannot, file by file.

Read back by tifffile, or from the bytes by the letter of the formats, not by the code that wrote it.
"""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from colorify import bulk, pictures
from colorify.bulk import Options
from colorify.inputs import Job
from colorify.pictures import Metadata, Picture
from colorify.pictures.formats import TABLE

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
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
    said = bulk.colorize_file(colorizer, Job(source, target), Options(**options))
    return [note for note in said if not note.startswith("looks like")]


def chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    at, found = 8, []
    while at < len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        data = content[at + 8 : at + 8 + length]
        assert zlib.crc32(name + data) == struct.unpack_from(">I", content, at + 8 + length)[0]
        found.append((name, data))
        at += 12 + length
    return found


def with_chunks(content: bytes, *more: tuple[bytes, bytes], at: int = 33) -> bytes:
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in more)
    return content[:at] + body + content[at:]


def markers(content: bytes) -> list[tuple[int, bytes]]:
    at, found = 2, []
    while content[at + 1] != 0xDA:
        length = struct.unpack_from(">H", content, at + 2)[0]
        found.append((content[at + 1], content[at + 4 : at + 2 + length]))
        at += 2 + length
    return found


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


@pytest.mark.parametrize("sixteen", [False, True])
def test_png_text_xmp_and_colour(colorizer, tmp_path, sixteen):
    before = chunks(png(tmp_path / "a.png", sixteen))
    after = chunks(colored(colorizer, tmp_path / "a.png", tmp_path / "b.png"))
    kept = (b"tEXt", b"zTXt", b"iTXt", b"gAMA", b"tIME", b"pHYs")
    assert sorted(each for each in after if each[0] in kept) == sorted(each for each in before if each[0] in kept)
    assert [name for name, _ in after].index(b"gAMA") < [name for name, _ in after].index(b"IDAT")
    with Image.open(tmp_path / "b.png") as image:
        assert image.text["Title"] == "Box 12" and image.text["Ort"] == "Köln" and image.info["xmp"] == XMP


def iptc_jpeg(path: Path) -> Path:
    GRAY.save(path, quality=92, comment=b"box 12 / 34", dpi=(300, 300))
    content = path.read_bytes()
    body = b"Photoshop 3.0\0" + RESOURCES + b"\0" * (len(RESOURCES) % 2)
    second = b"\xff\xfe" + struct.pack(">H", 9) + b"second\xe9"
    path.write_bytes(content[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + second + content[2:])
    return path


def test_jpeg_iptc_and_comments(colorizer, tmp_path):
    content = colored(colorizer, iptc_jpeg(tmp_path / "a.jpg"), tmp_path / "b.jpg")
    found = markers(content)
    assert next(data for number, data in found if number == 0xED).startswith(b"Photoshop 3.0\0" + RESOURCES)
    assert sorted(data for number, data in found if number == 0xFE) == [b"box 12 / 34", b"second\xe9"]


@pytest.mark.parametrize("unit", [1, 2])
def test_jpeg_resolution_keeps_its_unit(colorizer, tmp_path, unit):
    GRAY.save(tmp_path / "a.jpg", dpi=(118, 59))
    content = bytearray((tmp_path / "a.jpg").read_bytes())
    content[13] = unit
    (tmp_path / "a.jpg").write_bytes(content)
    after = colored(colorizer, tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert after[13:18] == content[13:18]
    tags = tifffile_tags(colored(colorizer, tmp_path / "a.jpg", tmp_path / "b.tif"), tmp_path)
    assert (tags[296], tags[282][0] / tags[282][1], tags[283][0] / tags[283][1]) == (unit + 1, 118, 59)


def tifffile_tags(content: bytes, folder: Path) -> dict[int, object]:
    (folder / "tags.tif").write_bytes(content)
    with tifffile.TiffFile(folder / "tags.tif") as tiff:
        return {tag.code: tag.value for tag in tiff.pages[0].tags.values()}


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_tiff_names_and_private_tags(colorizer, tmp_path, byteorder, bigtiff):
    tags = {
        269: (2, "box 12"),
        285: (2, "page 4"),
        316: (2, "scanner 3"),
        270: (2, "a pier, Köln".encode()),
        315: (2, "unknown"),
        33432: (2, "nobody"),
        297: (3, (3, 12)),
        286: (5, (5, 2)),
        700: (1, XMP),
        33723: (7, CAPTION),
        34377: (7, RESOURCES),
        33550: (12, (1.5, 2.5, 0.0)),
        65001: (4, 123456),
    }
    extra = [(code, kind, 1 if code == 286 else len(value) if isinstance(value, (bytes, tuple)) else 1 if code == 65001
              else 0, value, True) for code, (kind, value) in tags.items()]  # fmt: skip
    tifffile.imwrite(tmp_path / "a.tif", np.asarray(GRAY), photometric="minisblack", metadata=None, extratags=extra,
                     resolution=(118, 59), resolutionunit="CENTIMETER", byteorder=byteorder,
                     bigtiff=bigtiff)  # fmt: skip
    before = tifffile_tags((tmp_path / "a.tif").read_bytes(), tmp_path)
    after = tifffile_tags(colored(colorizer, tmp_path / "a.tif", tmp_path / "b.tif"), tmp_path)
    assert before.keys() >= tags.keys()
    for code in (*tags, 282, 283, 296):
        assert after[code] == before[code] or bytes(after[code]) == bytes(before[code]), code


def test_descriptions_that_tell_programs_the_layout_are_left_out(colorizer, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.asarray(GRAY), photometric="minisblack")
    assert tifffile_tags((tmp_path / "a.tif").read_bytes(), tmp_path)[270] == '{"shape": [40, 60]}'
    assert 270 not in tifffile_tags(colored(colorizer, tmp_path / "a.tif", tmp_path / "b.tif"), tmp_path)


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


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_that_lacks_its_end_marker_alone(colorizer, tmp_path, progressive, mode):
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    Image.fromarray(noise).convert(mode).save(tmp_path / "a.jpg", progressive=progressive)
    content = (tmp_path / "a.jpg").read_bytes()
    assert content.endswith(b"\xff\xd9")
    for end in (content[:-2], content[:-1], content[:-2] + b"\0\0\0"):
        (tmp_path / "cut.jpg").write_bytes(end)
        assert np.array_equal(pictures.read(tmp_path / "cut.jpg").pixels, pictures.read(tmp_path / "a.jpg").pixels)
    said = notes(colorizer, tmp_path / "cut.jpg", tmp_path / "b.jpg")
    assert said == ["its end marker is missing, nothing else"]
    for less in (8, 40, 400):
        (tmp_path / "cut.jpg").write_bytes(content[:-less])
        with pytest.raises(pictures.PictureError, match="truncated"):
            pictures.read(tmp_path / "cut.jpg")


def test_png_background_and_significant_bits_become_those_of_rgb(colorizer, tmp_path):
    GRAY.save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(
        with_chunks((tmp_path / "a.png").read_bytes(), (b"sBIT", b"\x07"), (b"bKGD", b"\0\x40"))
    )
    after = dict(chunks(colored(colorizer, tmp_path / "a.png", tmp_path / "b.png")))
    assert after[b"sBIT"] == b"\x07" * 3 and after[b"bKGD"] == b"\0\x40" * 3


@pytest.mark.parametrize("row", WRITABLE, ids=lambda row: row.name)
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
