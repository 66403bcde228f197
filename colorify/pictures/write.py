"""Files out: beside the target first, then renamed; the suffix names the format, and what it cannot hold is named."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from colorify.files import atomic, write_beside
from colorify.pictures import graft, jpeg, png, profiles, provenance, tiff_write
from colorify.pictures.formats import FORMATS, KINDS, Format, ready
from colorify.pictures.picture import Metadata, Picture, PictureError, to_array, upright
from colorify.pictures.tags import spelled, with_resolution


def written_as(path: Path) -> Path:
    """The path of the result of a picture of this name: another suffix where its format is only read."""
    row = FORMATS.get(path.suffix.lower())
    return path.with_suffix(row.written_as) if row and row.written_as else path


def check_target(path: Path, count: int = 1) -> Format:
    """The format of a target; `PictureError` for an unknown one, and for one that cannot hold so many pages."""
    row = FORMATS.get(path.suffix.lower())
    if row is None or not row.depths:
        able = ", ".join(suffix for suffix, each in FORMATS.items() if each.depths)
        raise PictureError(f"{path}: unknown format {path.suffix!r}: choose one of {able}")
    if count > 1 and row.name != "TIFF":
        raise PictureError(f"{path}: {row.name} holds one picture, the source has {count} pages: choose .tif")
    return row


def write(picture: Picture, path: Path, overwrite: bool = False) -> tuple[str, ...]:
    """Write one picture; returns what the format could not hold, see `write_pages`."""
    return write_pages([picture], path, overwrite)


def write_pages(
    pages: Iterable[Picture], path: Path, overwrite: bool = False, count: int = 1, large: bool = False
) -> tuple[str, ...]:
    """Write beside ``path``, then rename, so that no half-written file is ever left; the suffix names the format.

    ``count`` pages, more than one for a TIFF alone, come one at a time; ``large``: over 4 GB. Returns, in words, what
    the reader left out and the format cannot hold. Raises `PictureError`, and then there is nothing new.
    """
    path, lost = Path(path), dict[str, None]()
    row = _checked(path, overwrite, count)

    def noted(picture: Picture) -> Picture:
        _check(picture, row, path)
        lost.update(dict.fromkeys((*picture.metadata.warnings, *_lost(picture.metadata, row))))
        return _held(picture, row)

    with _written(path):
        if row.name == "TIFF":
            with atomic(path) as draft:
                _stream(map(noted, pages), path, draft, large)
        else:
            (picture,) = pages
            write_beside(path, _encoded(noted(picture), row))
    return tuple(lost)


def write_grafted(
    luma: graft.Scans, chroma: np.ndarray, saved: Metadata, path: Path, overwrite: bool = False
) -> tuple[str, ...]:
    """Write a JPEG of a luma that stays as it is, and Cb and Cr ``(2, h, w)`` of half its size; as `write_pages`."""
    row = _checked(path, overwrite)
    bare = Picture(np.zeros((8, 8, 3), np.uint8), metadata=saved)
    header = _encoded(_held(bare, row), row)
    with _written(path):
        write_beside(path, graft.grafted(luma, chroma, header, int(str(row.save["quality"]))))
    return tuple(dict.fromkeys((*saved.warnings, *_lost(saved, row))))


def _checked(path: Path, overwrite: bool, count: int = 1) -> Format:
    """The format of a target, which may be written."""
    row = check_target(path, count)
    if path.exists() and not overwrite:
        raise PictureError(f"{path}: exists already (--overwrite replaces it)")
    return row


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Errors of the system as one line."""
    try:
        yield
    except OSError as error:
        raise PictureError(f"{path}: cannot be written: {error.strerror or error}") from None


def _stream(pages: Iterable[Picture], path: Path, draft: Path, large: bool) -> None:
    """The pages of a TIFF, from when the first one is there."""
    waiting = iter(pages)
    first = next(waiting)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(draft, "wb") as file:
        tiff_write.write(_chained(first, waiting), file, large)


def _chained(first: Picture, rest: Iterable[Picture]) -> Iterable[Picture]:
    yield first
    yield from rest


def _check(picture: Picture, row: Format, path: Path) -> None:
    kind = picture.pixels.dtype
    depth = "float" if kind.kind == "f" else str(8 * kind.itemsize)
    if picture.alpha is not None and not row.alpha:
        raise PictureError(f"{path}: {row.name} holds no transparency: choose .png, .webp or .tif")
    if depth not in row.depths:
        found = {"16": "the picture has 16: choose .png or .tif", "float": "the picture has floats: choose .tif"}
        most = "8 or 16 bits" if "16" in row.depths else "8 bits"
        raise PictureError(f"{path}: {row.name} holds {most}, {found[depth]}")


def _carried(saved: Metadata) -> dict[str, bool]:
    """Which kinds of metadata there are that can be lost.

    What the colour chunks of a PNG say, a profile can say too, and for one that is obeyed pixels can be changed.
    """
    return {
        "exif": len(saved.exif) > 0,
        "icc": bool(saved.icc and not profiles.is_understood(saved.icc)),
        "xmp": bool(saved.xmp and not provenance.is_own(saved.xmp)),
        "iptc": bool(saved.iptc or saved.photoshop),
        "resolution": bool(saved.dpi),
        "comment": bool(saved.comments),
        "long_xmp": bool(saved.long_xmp),
        "chunks": any(name not in png.COLOR for name, _ in saved.chunks),
        "tags": bool(saved.tags),
    }


def _lost(saved: Metadata, row: Format) -> list[str]:
    """What a format cannot hold, in words."""
    kinds = [KINDS[kind] for kind, there in _carried(saved).items() if there and kind not in row.holds]
    words = [f"{row.name} cannot hold {' and '.join(kinds)}: lost"] * bool(kinds)
    if "xmp" not in row.holds and provenance.stated(saved.xmp):
        words.append(provenance.unsaid(row.name))
    if not row.holds & {"chunks", "icc"} and profiles.space_of(saved):
        words.append(f"{row.name} has no profile: the colours were brought to sRGB")
    return words


_NOTHING: dict[str, dict[str, Any]] = {
    "exif": {"exif": Image.Exif()},
    "icc": {"icc": None},
    "xmp": {"xmp": None},
    "iptc": {"iptc": None, "photoshop": None},
    "resolution": {"dpi": None},
    "comment": {"comments": ()},
    "long_xmp": {"long_xmp": ()},
    "chunks": {"chunks": ()},
    "tags": {"tags": ()},
}


def _held(picture: Picture, row: Format) -> Picture:
    """What a format can hold; colours that it cannot name are brought to sRGB."""
    saved = picture.metadata
    space = profiles.space_of(saved)
    if space and not row.holds & {"chunks", "icc"}:
        picture = replace(picture, pixels=space.as_srgb(picture.pixels))
    elif space and not saved.icc and "chunks" not in row.holds:
        saved = replace(saved, icc=profiles.of_space(space))
    for kind in _NOTHING.keys() - row.holds:
        saved = replace(saved, **_NOTHING[kind])
    if row.by_exif and saved.dpi:
        saved = replace(saved, exif=with_resolution(saved.exif, saved.dpi, saved.unit))
    picture = replace(picture, metadata=saved)
    return upright(picture) if row.upright else picture


def _encoded(picture: Picture, row: Format) -> bytes:
    """A file of any format but TIFF."""
    ready(row)
    saved = picture.metadata
    content = png.encoded_16_bit(picture) if picture.pixels.dtype != np.uint8 else _by_pillow(picture, row)
    finish = _FINISHED.get(row.name)
    return finish(content, saved) if finish else content


_FINISHED: dict[str, Callable[[bytes, Metadata], bytes]] = {"PNG": png.added, "JPEG": jpeg.with_unit}
"""What Pillow does not write."""


def _by_pillow(picture: Picture, row: Format) -> bytes:
    saved, options = picture.metadata, dict(row.save)
    options |= {"icc_profile": saved.icc} if saved.icc else {}
    options |= {"dpi": saved.dpi} if saved.dpi and saved.unit != "none" else {}
    options |= {"xmp": saved.xmp} if saved.xmp and row.name != "PNG" else {}
    exif = spelled(saved.exif)
    options |= {"exif": _EXIF[row.name](exif)} if len(exif) else {}
    options |= {"extra": more} if row.name == "JPEG" and (more := jpeg.more(saved)) else {}
    buffer = io.BytesIO()
    Image.fromarray(to_array(picture)).save(buffer, row.name, **options)
    return buffer.getvalue()


_EXIF: dict[str, Callable[[Image.Exif], object]] = {
    "JPEG": lambda exif: exif,
    "PNG": lambda exif: exif,
    "WEBP": lambda exif: exif,
    "AVIF": Image.Exif.tobytes,
    "HEIF": Image.Exif.tobytes,
    "JXL": lambda exif: bytes(4) + exif.tobytes().removeprefix(b"Exif\0\0"),  # its box begins with an offset
}
"""How Pillow, or who writes for it, takes EXIF."""
