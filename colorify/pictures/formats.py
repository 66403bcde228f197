"""One table of the formats that are read and written, a row each; nothing else is ever asked to decode a file."""

from __future__ import annotations

import ctypes
import importlib
import io
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import PIL
from PIL import Image, UnidentifiedImageError

from colorify import extras
from colorify.pictures.picture import PictureError

_ALL = frozenset({"exif", "icc", "xmp", "resolution"})


@dataclass(frozen=True)
class Format:
    """One row: how a format is known, who reads it, and what it can hold."""

    name: str  # Pillow's name for the decoder
    suffixes: tuple[str, ...]
    starts: bytes  # regular expression of how its files begin
    depths: tuple[str, ...] = ("8",)  # that it is written with: 8, 16, float; none: it is only read
    alpha: bool = False
    holds: frozenset[str] = _ALL  # kinds of metadata, see `KINDS`
    package: str = ""  # in the extra `formats`, that brings the decoder
    by_exif: bool = False  # has no resolution but that of EXIF
    upright: bool = False  # whatever its EXIF says
    plugin: str = ""  # function of the package that registers it with Pillow; none: the import does
    save: dict[str, object] = field(default_factory=dict)  # how Pillow writes it
    written_as: str = ""  # suffix of the results of a format that is only read


KINDS = {
    "exif": "EXIF",
    "icc": "the ICC profile",
    "xmp": "XMP",
    "iptc": "IPTC and Photoshop resources",
    "resolution": "the resolution",
    "comment": "comments",
    "long_xmp": "packets beyond 64 KB",
    "chunks": "text and other PNG chunks",
    "tags": "TIFF tags",
}
"""What files carry besides pixels, and how it is called where it is lost."""

_FTYP = rb"....ftyp.{0,60}?"
TABLE = (
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), rb"\xff\xd8\xff",
           holds=_ALL | {"iptc", "comment", "long_xmp"}, save={"quality": 95, "subsampling": 0}),
    Format("PNG", (".png",), rb"\x89PNG\r\n\x1a\n", ("8", "16"), True,
           _ALL | {"iptc", "comment", "chunks"}, save={"compress_level": 4}),
    Format("WEBP", (".webp",), rb"RIFF....WEBP", alpha=True, by_exif=True,
           save={"quality": 95, "method": 4, "exact": True}),
    Format("TIFF", (".tif", ".tiff"), rb"II[*+]\0|MM\0[*+]", ("8", "16", "float"), True,
           _ALL | {"iptc", "tags"}),
    Format("BMP", (".bmp",), rb"BM", holds=frozenset({"resolution"})),
    Format("AVIF", (".avif",), _FTYP + rb"avi[fs]", alpha=True, by_exif=True,
           save={"quality": 100, "subsampling": "4:4:4"}),
    Format("HEIF", (".heic", ".heif"), _FTYP + rb"(hei[cxms]|hev[cxms]|mif1|msf1)", alpha=True, by_exif=True,
           package="pillow_heif", plugin="register_heif_opener",
           save={"quality": -1, "chroma": 444, "matrix_coefficients": 0}),
    Format("JXL", (".jxl",), rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", alpha=True, by_exif=True, holds=_ALL - {"icc"},
           package="pillow_jxl", upright=True, save={"lossless": True}),
    Format("DNG", (".dng",), rb"II\*\0|MM\0\*", (), package="rawpy", written_as=".tif"),
)  # fmt: skip
"""A new format is a row."""

FORMATS = {suffix: row for row in TABLE for suffix in row.suffixes}
"""Suffix -> its row."""

SUFFIXES = frozenset(FORMATS)


def known(content: bytes) -> Format | None:
    """The row of a file, by how it begins; None for what is no picture in a promised format.

    A DNG begins as a TIFF does, and is told from it by its tags: see `colorify.pictures.tiff`.
    """
    head = bytes(content[:96])
    return next((row for row in TABLE if re.match(row.starts, head, re.DOTALL)), None)


def open_image(content: bytes, limited: bool = True) -> Image.Image:
    """Pillow's image of a file, of the one decoder that its first bytes name: no other is asked.

    ``limited``: with Pillow's own limit of pixels. Raises `PictureError` for what is none of `TABLE`.
    """
    row = known(content)
    if row is None:
        raise PictureError("not a picture in a known format")
    ready(row)
    quiet()
    with nullcontext() if limited else unlimited():
        try:
            return Image.open(io.BytesIO(content), formats=(row.name,))
        except UnidentifiedImageError:
            raise PictureError(f"damaged: begins as {row.name} does, and cannot be read") from None


def ready(row: Format) -> None:
    """Import what decodes a format; `PictureError` names the extra where it is missing."""
    if not row.package:
        return
    try:
        module = importlib.import_module(row.package)
    except ImportError:
        raise PictureError(f"{row.name} needs an extra that is not installed: {extras.cure('formats')}") from None
    if row.plugin:
        getattr(module, row.plugin)()


def quiet() -> None:
    """Keep libraries from writing to stderr, where nobody has set up logging: what is wrong is said once, by us."""
    for library in ("tifffile", "PIL"):
        if not logging.getLogger(library).handlers:
            logging.getLogger(library).addHandler(logging.NullHandler())
    _quiet_libtiff()


@cache
def _quiet_libtiff() -> None:
    """The same for libtiff: Pillow silences its warnings, but not its errors, and has no switch for them.

    Pillow's wheels bring it beside them, or inside; another build's may go on writing.
    """
    home = Path(PIL.__file__).parent
    for place in (*home.parent.glob("pillow.libs/libtiff*"), *home.glob(".dylibs/libtiff*")):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(str(place)).TIFFSetErrorHandler(None)


_pillow_limit = threading.Lock()
_lifted: list[int | None] = []


@contextmanager
def unlimited() -> Iterator[None]:
    """Silence Pillow's own limit, which warns before ours; several threads may be inside."""
    with _pillow_limit:
        _lifted.append(Image.MAX_IMAGE_PIXELS)
        Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _pillow_limit:
            Image.MAX_IMAGE_PIXELS = _lifted.pop()
