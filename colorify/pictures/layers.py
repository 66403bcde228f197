"""Color as a layer of its own over the untouched gray, for retouchers: two pages of a TIFF, or OpenRaster.

OpenRaster 0.0.5 (freedesktop.org) is a ZIP file of PNGs; GIMP, Krita and MyPaint open it. Of metadata it says
nothing, and allows what its readers pass over: XMP lies where Adobe's Universal Container Format has it.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

from colorify.files import write_beside
from colorify.pictures.formats import FORMATS
from colorify.pictures.picture import Picture, PictureError, upright
from colorify.pictures.profiles import as_srgb
from colorify.pictures.write import check_target, write, write_pages

OPEN_RASTER = ".ora"
XMP = "META-INF/metadata.xml"
"""Where OpenRaster files have their XMP."""
_MIME = b"image/openraster"
_PAGE_NAME = 285  # tag of a TIFF
_LETTERS = 2
_THUMBNAIL = 256  # px: what the standard allows
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same picture is the same file


def target_of(path: Path) -> Path:
    """Where the layers of a picture go whose result would be ``path``: a TIFF stays one, others get `OPEN_RASTER`."""
    row = FORMATS.get(path.suffix.lower())
    if path.suffix.lower() == OPEN_RASTER or (row and row.name == "TIFF"):
        return path
    return path.with_name(f"{path.name}{OPEN_RASTER}")


def check(path: Path, count: int) -> None:
    """`PictureError` unless ``path`` can hold the layers of so many pages."""
    if path.suffix.lower() != OPEN_RASTER:
        check_target(path, 2 * count)
    elif count > 1:
        raise PictureError(f"{path}: OpenRaster holds one picture, the source has {count} pages: choose .tif")


def write_layers(
    pairs: Iterable[tuple[Picture, Picture]], path: Path, overwrite: bool = False, count: int = 1, large: bool = False
) -> tuple[str, ...]:
    """Write pictures, each as it was and colored, as `write_pages` does; returns what cannot be held."""
    if path.suffix.lower() != OPEN_RASTER:
        return write_pages(_pages(pairs), path, overwrite, 2 * count, large)
    if path.exists() and not overwrite:
        raise PictureError(f"{path}: exists already (--overwrite replaces it)")
    ((gray, colored),) = pairs
    if gray.pixels.dtype.kind == "f":
        raise PictureError(f"{path}: OpenRaster holds 8 or 16 bits, the picture has floats: choose .tif")
    content, lost = _open_raster(upright(gray), upright(colored))
    try:
        write_beside(path, content)
    except OSError as error:
        raise PictureError(f"{path}: cannot be written: {error.strerror or error}") from None
    return lost


def _pages(pairs: Iterable[tuple[Picture, Picture]]) -> Iterator[Picture]:
    for gray, colored in pairs:
        yield _named(gray, "gray")
        yield _named(colored, "color")


def _named(picture: Picture, name: str) -> Picture:
    tags = tuple(tag for tag in picture.metadata.tags if tag[0] != _PAGE_NAME)
    return replace(picture, metadata=replace(picture.metadata, tags=(*tags, (_PAGE_NAME, _LETTERS, name))))


def _open_raster(gray: Picture, colored: Picture) -> tuple[bytes, tuple[str, ...]]:
    """The file, and what its PNGs cannot hold."""
    (below, lost), (above, _) = _png(gray), _png(colored)
    small = as_srgb(colored)
    small.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS)
    buffer, thumbnail = io.BytesIO(), io.BytesIO()
    small.save(thumbnail, "PNG")
    members = {
        "mimetype": _MIME,  # first, so that the first bytes of the file say what it is
        "stack.xml": _stack(colored.size),
        "data/gray.png": below,
        "data/color.png": above,
        "mergedimage.png": above,
        "Thumbnails/thumbnail.png": thumbnail.getvalue(),
    }
    members |= {XMP: colored.metadata.xmp} if colored.metadata.xmp else {}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:  # PNGs are compressed already
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return buffer.getvalue(), lost


def _stack(size: tuple[int, int]) -> bytes:
    """The layers, the upper one first: of it hue and chroma are shown, of the gray below the luminance."""
    image = ElementTree.Element("image", version="0.0.5", w=str(size[0]), h=str(size[1]))
    stack = ElementTree.SubElement(image, "stack")
    for name, mode in (("color", "svg:color"), ("gray", "svg:src-over")):
        layer = {"name": name, "src": f"data/{name}.png", "x": "0", "y": "0", "opacity": "1.0", "visibility": "visible"}
        ElementTree.SubElement(stack, "layer", layer | {"composite-op": mode})
    return ElementTree.tostring(image, "UTF-8", xml_declaration=True)


def _png(picture: Picture) -> tuple[bytes, tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "layer.png")
        lost = write(picture, path)
        return path.read_bytes(), lost
