"""Files in: what they hold becomes pictures; whatever is wrong with one is one line."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from colorify.pictures import jpeg, png, profiles, raw, tiff
from colorify.pictures.formats import TABLE, Format, known, open_image, unlimited
from colorify.pictures.picture import Metadata, Picture, PictureError, check_size, split_alpha
from colorify.pictures.tags import metadata_of, resolution, writable

MAX_MEGAPIXELS = 200.0
"""Larger pictures are refused unless a higher limit is given: a file of a few bytes can claim any size."""

CONVERTED = "its ICC profile is a table: its colours were converted to sRGB"
"""A warning: samples are not those of the file."""

_BY_EXIF = tuple(row.name for row in TABLE if row.by_exif)
_SIXTEEN = ("I;16", "I;16B", "I;16L", "I;16N")


@dataclass(frozen=True)
class Pages:
    """The pictures of a file, read one at a time."""

    name: str
    count: int
    large: bool  # their results do not fit into 4 GB
    _each: Callable[[], Iterator[Picture]]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Picture]:
        with plainly(self.name):
            yield from self._each()


def read(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> Picture:
    """Read a picture file; whatever is wrong with it is a `PictureError` naming file and reason."""
    return _single(pages(path, max_megapixels=max_megapixels))


def decode(content: bytes, path: Path | str, max_megapixels: float = MAX_MEGAPIXELS) -> Picture:
    """The picture that a file holds; errors, as those of `read`, name ``path``."""
    return _single(pages(content, path, max_megapixels))


def _single(found: Pages) -> Picture:
    if len(found) > 1:
        raise PictureError(f"{found.name}: holds {len(found)} frames or pages: split it into single pictures first")
    (picture,) = found
    return picture


def pages(source: Path | bytes, name: Path | str = "", max_megapixels: float = MAX_MEGAPIXELS) -> Pages:
    """The pictures of a file or of its bytes: the pages of a TIFF, one of any other; errors as those of `read`."""
    name = str(name or source)
    with plainly(name), _open(source) as file:
        head = file.read(96)
        if not head:
            raise PictureError("the file is empty")
        row = known(head)
        if row is None:
            raise PictureError(_unknown(head))
        if row.name == "TIFF":
            return _pages_of_tiff(source, file, name, max_megapixels)
        file.seek(0)
        content = file.read()
    return Pages(name, 1, False, lambda: iter([_decoded(row, content, max_megapixels)]))


@contextmanager
def plainly(name: str) -> Iterator[None]:
    """Whatever goes wrong with a file is a `PictureError` of one line."""
    try:
        yield
    except FileNotFoundError:
        raise PictureError(f"{name}: no such file") from None
    except UnidentifiedImageError:
        raise PictureError(f"{name}: not a picture in a known format") from None
    except Exception as error:  # decoders raise nearly anything on hostile bytes
        words = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, OSError) and error.strerror:
            words = f"cannot be read: {error.strerror}"
        raise PictureError(f"{name}: {words}") from None


def _unknown(head: bytes) -> str:
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "a GIF, which is not a format for photos: convert it to PNG"
    return "not a picture in a known format"


def _open(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb")


def _pages_of_tiff(source: Path | bytes, file: BinaryIO, name: str, max_megapixels: float) -> Pages:
    file.seek(0)
    with tiff.opened(file) as (found, _):
        if tiff.is_dng(found[0]):
            metadata = metadata_of(file, found[0], turned=False)
            metadata = replace(metadata, icc=None, tags=(), exif=writable(metadata.exif))
            file.seek(0)
            content = file.read()
            return Pages(
                name, 1, False, lambda: iter([Picture(raw.developed(content, max_megapixels), metadata=metadata)])
            )
        size = sum(
            page.imagewidth * page.imagelength * 4 * max(1, (page.dtype or np.dtype("u1")).itemsize) for page in found
        )

    def each() -> Iterator[Picture]:
        with _open(source) as again, tiff.opened(again) as (same, words):
            for number, page in enumerate(same, 1):
                try:
                    yield _obeyed(_through_profile(tiff.decoded(again, page, max_megapixels, words)))
                except Exception as error:
                    where = f"page {number}: " if len(same) > 1 else ""
                    raise PictureError(f"{where}{' '.join(str(error).split()) or type(error).__name__}") from None

    return Pages(name, len(found), size > 3.5e9, each)


def _decoded(row: Format, content: bytes, max_megapixels: float) -> Picture:
    """The picture of a file that is no TIFF."""
    if row.name == "JXL":
        raw.check_jxl(content, max_megapixels)
    with open_image(content, limited=False) as opened:
        check_size(opened.size, max_megapixels)
        if row.name == "PNG" and png.is_16_bit(content) and not _animated(opened):
            picture = split_alpha(png.decoded_16_bit(content), _metadata(opened))
        else:
            picture = from_pil(opened, content if row.name == "JPEG" else b"")
    return _noted(row, content, picture)


def _noted(row: Format, content: bytes, picture: Picture) -> Picture:
    """The picture, with what its file says that Pillow does not."""
    metadata = picture.metadata
    if row.name == "PNG":
        metadata = png.with_chunks(metadata, content)
    elif row.name == "JXL" and not metadata.xmp:
        metadata = replace(metadata, xmp=next((data for name, data in raw.boxes(content) if name == b"xml "), None))
    elif row.name in ("AVIF", "HEIF") and raw.bits(content) > 8:
        metadata = replace(metadata, warnings=(f"its {raw.bits(content)} bits are read as 8",))
    return _obeyed(replace(picture, metadata=metadata))


def _obeyed(picture: Picture) -> Picture:
    """The picture, with a warning if what it says of its colours is not obeyed."""
    words, saved = profiles.not_obeyed(picture.metadata), picture.metadata
    return replace(picture, metadata=replace(saved, warnings=(*saved.warnings, words))) if words else picture


def _animated(image: Image.Image) -> bool:
    several = getattr(image, "n_frames", 1)
    if several > 1 and image.format != "MPO":  # an MPO is a photo with previews behind it
        raise PictureError(f"holds {several} frames or pages: split it into single pictures first")
    return False


def from_pil(image: Image.Image, content: bytes = b"") -> Picture:
    """The picture that a Pillow image holds; palettes and CMYK become RGB, one bit becomes gray.

    ``content`` is its file, if it is a JPEG.
    """
    _animated(image)
    image, cut = _loaded(image, content)
    metadata, info = _metadata(image), image.info
    if content:
        metadata = jpeg.with_markers(metadata, content, image)
    if cut:
        metadata = replace(metadata, warnings=(*metadata.warnings, "its end marker is missing, nothing else"))
    if image.mode in _SIXTEEN:
        return Picture(np.asarray(image).astype(np.uint16), metadata=metadata)
    if image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        image, metadata = _cmyk_to_rgb(image), replace(metadata, icc=None)
    elif image.mode in ("P", "PA") or "transparency" in info:
        clear = image.mode in ("PA", "La", "LA", "RGBa", "RGBA") or "transparency" in info
        image = image.convert("RGBA" if clear else "RGB")
    elif image.mode in ("1", "La", "RGBa", "RGBX"):
        image = image.convert({"1": "L", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB"}[image.mode])
    if image.mode not in ("L", "LA", "RGB", "RGBA"):
        raise PictureError(f"pixels of type {image.mode!r} are not supported: convert to 8 or 16 bit gray or RGB")
    if min(image.size) == 0:
        raise PictureError("has no pixels")
    return _through_profile(split_alpha(np.asarray(image), metadata))


def _loaded(image: Image.Image, content: bytes) -> tuple[Image.Image, bool]:
    """The image, decoded; True for a JPEG that had to be given an end marker."""
    try:
        image.load()
        return image, False
    except OSError:
        whole = jpeg.mended(content) if content else None
        if whole is None:
            raise
    with unlimited(), Image.open(io.BytesIO(whole), formats=("JPEG",)) as again:
        again.load()
        return again, True


def _metadata(image: Image.Image) -> Metadata:
    exif = image.getexif()
    if image.format in ("TIFF", "JXL"):  # their readers turn them upright
        exif.pop(0x0112, None)
    icc, xmp, dpi = map(image.info.get, ("icc_profile", "xmp", "dpi"))
    unit = "inch"
    if image.format in _BY_EXIF:
        dpi, unit = resolution(exif)
    return Metadata(writable(exif), icc, xmp.encode() if isinstance(xmp, str) else xmp, dpi, unit)


def _through_profile(picture: Picture) -> Picture:
    """The same as sRGB, if it is RGB of 8 bits with a profile of tables: nothing here could write through one."""
    saved = picture.metadata
    if not saved.icc or picture.pixels.ndim == 2 or not profiles.has_tables(saved.icc):
        return picture
    if picture.pixels.dtype == np.uint8 and (image := profiles.to_srgb(Image.fromarray(picture.pixels), saved.icc)):
        return replace(
            picture,
            pixels=np.asarray(image),
            metadata=replace(saved, icc=None, warnings=(*saved.warnings, CONVERTED)),
        )
    return picture


def _cmyk_to_rgb(image: Image.Image) -> Image.Image:
    """By the embedded profile where there is one, else by Pillow's plain rule."""
    icc = image.info.get("icc_profile")
    seen = profiles.to_srgb(image, icc) if image.mode == "CMYK" and icc else None
    return seen or image.convert("RGB")
