"""What the tags of a TIFF page say besides its layout, and what EXIF says: read and kept, letter by letter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from colorify.pictures.picture import ORIENTATION, Metadata

if TYPE_CHECKING:
    from tifffile import TiffPage

DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
WORDS = frozenset({269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, *range(40091, 40096)})
"""DocumentName, description, maker, model, page name, software, time, artist, computer, copyright, those of Windows:
tags that EXIF has room for too."""
ICC, XMP, IPTC, PHOTOSHOP = 34675, 700, 33723, 34377
UNITS = {"none": 1, "inch": 2, "cm": 3}
_RESOLUTION = frozenset({282, 283, 296})
_OWN_FIELDS = frozenset({ICC, XMP, IPTC, PHOTOSHOP, 274, 40965, *DIRECTORIES})
_PIXELS = frozenset({*range(254, 267), 273, *range(277, 282), 284, *range(290, 294), 301, 317, *range(320, 329), 330})
_KINDS = frozenset({*range(332, 348), *range(512, 533), 559, 32997, 37724, 50838, 50839, *range(50706, 50780)})
_LAYOUT = _RESOLUTION | _OWN_FIELDS | _PIXELS | _KINDS
"""Tags about how the pixels lie, and those that have a field of their own in `Metadata`."""
_DROPPED = {37724: "Photoshop's layers", 301: "the transfer function"}
_OF_LAYOUT = ('{"shape":', "ImageJ=")  # descriptions by which programs find the pixels of their own files


def metadata_of(file: BinaryIO, page: TiffPage, turned: bool) -> Metadata:
    """The metadata of a page; ``turned``: width and height have changed places."""
    found = _directory(file, page, page.offset)
    dpi, unit = resolution(found)
    return Metadata(
        exif=_exif(file, page, found),
        icc=_bytes(found.get(ICC)),
        xmp=_bytes(found.get(XMP)),
        dpi=dpi[::-1] if dpi and turned else dpi,
        unit=unit,
        iptc=_records(found.get(IPTC), page.parent.byteorder),
        photoshop=_bytes(found.get(PHOTOSHOP)),
        tags=tuple((tag, found.tagtype[tag], found[tag]) for tag in sorted(found) if tag not in _LAYOUT | WORDS),
        warnings=tuple(f"{name} left out" for tag, name in _DROPPED.items() if tag in found),
    )


def _directory(file: BinaryIO, page: TiffPage, offset: int, group: int | None = None) -> ImageFileDirectory_v2:
    """The tags at an offset of the file."""
    head = b"II*\0" if page.parent.byteorder == "<" else b"MM\0*"
    found = ImageFileDirectory_v2(head + bytes(4), group=group)
    found._bigtiff = page.parent.is_bigtiff  # Pillow overlooks it in headers of the other order of bytes
    file.seek(offset)
    found.load(file)
    return found


def _exif(file: BinaryIO, page: TiffPage, found: ImageFileDirectory_v2) -> Image.Exif:
    """What EXIF has room for."""
    kept = Image.Exif()
    for tag in WORDS & set(found):
        if not (tag == 270 and str(found[tag]).startswith(_OF_LAYOUT)):
            kept[tag] = _one(found[tag])
    for tag in DIRECTORIES:
        if isinstance(found.get(tag), int):
            inner = _directory(file, page, found[tag], tag)
            kept.get_ifd(tag).update({name: _one(inner[name]) for name in inner if name != ExifTags.IFD.Interop})
    return writable(kept)


def _one(value: object) -> object:
    """The value itself, of a tuple of one."""
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _bytes(value: object) -> bytes | None:
    if isinstance(value, tuple) and all(isinstance(each, bytes) for each in value):
        value = b"".join(value)
    elif isinstance(value, tuple):
        value = bytes(value) if all(isinstance(each, int) and 0 <= each < 256 for each in value) else b""
    return value if isinstance(value, bytes) and value else None


def _records(value: object, order: str) -> bytes | None:
    """IPTC, which many write as LONG, in the order of their file."""
    if isinstance(value, tuple) and value and all(isinstance(each, int) for each in value):
        return b"".join(each.to_bytes(4, "little" if order == "<" else "big") for each in value).rstrip(b"\0")
    return _bytes(value)


def resolution(found: Mapping[int, Any]) -> tuple[tuple[float, float] | None, str]:
    """Dots per inch, and the unit, by the tags of TIFF and EXIF."""
    try:
        x, y, unit = float(found[282]), float(found[283]), found.get(296)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None, "inch"
    if not (0 < x < 1e6 and 0 < y < 1e6) or (unit == 1 and x == y):
        return None, "inch"
    return ((x * 2.54, y * 2.54), "cm") if unit == 3 else ((x, y), "none" if unit == 1 else "inch")


def with_resolution(exif: Image.Exif, dpi: tuple[float, float], unit: str) -> Image.Exif:
    """The same EXIF, with a resolution."""
    same = Image.Exif()
    same.load(exif.tobytes())
    scale = 2.54 if unit == "cm" else 1
    same[282], same[283], same[296] = dpi[0] / scale, dpi[1] / scale, UNITS[unit]
    return same


def letters(value: object) -> object:
    """A text as the bytes of the file, which Pillow reads as Latin-1, and would write as ASCII, with question marks."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("latin-1", "replace")
    return value


def spelled(exif: Image.Exif) -> Image.Exif:
    """The same EXIF, with its texts as `letters`."""
    if all(isinstance(letters(value), str) or not isinstance(value, str) for value in _values(exif)):
        return exif
    same = Image.Exif()
    same.load(exif.tobytes())
    for tag, value in dict(exif).items():
        if isinstance(value, str):
            same[tag] = letters(value)
    for tag in DIRECTORIES:
        if tag in same or exif.get_ifd(tag):
            same.get_ifd(tag).update({name: letters(value) for name, value in exif.get_ifd(tag).items()})
    return same


def _values(exif: Image.Exif) -> list[object]:
    return [*exif.values(), *(value for tag in DIRECTORIES for value in exif.get_ifd(tag).values())]


def writable(exif: Image.Exif) -> Image.Exif:
    """The same, or, of damaged EXIF that Pillow could not write again, the orientation alone."""
    try:
        exif.tobytes()
    except Exception:  # nearly anything
        orientation, exif = exif.get(ORIENTATION), Image.Exif()
        if orientation in range(1, 9):
            exif[ORIENTATION] = orientation
    return exif
