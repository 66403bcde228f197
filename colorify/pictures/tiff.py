"""TIFF in: pages of any photometric, depth, layout and compression that archives use; the rest is refused by name.

tifffile reads the directories, libtiff (inside Pillow) decompresses. Sizes are checked before memory is reserved, and
nothing outside the file is ever opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from colorify.pictures.formats import quiet
from colorify.pictures.picture import Picture, PictureError, check_size, turn
from colorify.pictures.tags import ICC, metadata_of
from colorify.pictures.tiff_colors import KINDS, interpreted
from colorify.pictures.tiff_page import COMPRESSIONS, FAX, JPEG, PLAIN, Kind, Page
from colorify.pictures.tiff_samples import samples

if TYPE_CHECKING:
    from tifffile import TiffPage

MAX_PAGES = 10_000
_MAX_SAMPLES = 16  # of a pixel
_BYTES_A_PIXEL = 8  # as RGB and alpha of 16 bits have: pictures of wider samples count as larger
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_C2PA = 52545  # a manifest: of several pages it has one of its own, without pixels


@contextmanager
def opened(file: BinaryIO) -> Iterator[tuple[list[TiffPage], tuple[str, ...]]]:
    """The pages of a TIFF that are pictures, and what to say of the others.

    Reduced copies, masks and C2PA's manifests are left out, unless there is nothing else.
    """
    import tifffile

    quiet()
    with tifffile.TiffFile(file, _multifile=False) as tiff:
        if not len(tiff.pages):
            raise PictureError("truncated: no page in it")
        if len(tiff.pages) > MAX_PAGES:
            raise PictureError(f"{len(tiff.pages):,} pages: the limit is {MAX_PAGES:,}")
        found = [page for page in tiff.pages if isinstance(page, tifffile.TiffPage)]
        if len(found) < len(tiff.pages) or any(not hasattr(page, "photometric") for page in found):
            raise PictureError("a damaged page")
        found = [page for page in found if not (_C2PA in page.tags and 256 not in page.tags)] or found
        masks = sum(bool(page.subfiletype & _MASK) for page in found)
        words: tuple[str, ...] = (f"{masks} transparency mask{'s' * (masks > 1)} left out",) if masks else ()
        yield [page for page in found if not page.subfiletype & (_REDUCED | _MASK)] or found[:1], words


def is_dng(page: TiffPage) -> bool:
    """Whether it is a raw photo (DNGVersion)."""
    return 50706 in page.parent.pages.first.tags


def decoded(file: BinaryIO, page: TiffPage, max_megapixels: float, words: tuple[str, ...] = ()) -> Picture:
    """The picture of one page, upright; ``words`` become warnings."""
    layout = _checked(page, max_megapixels)
    orientation = page.tags.valueof(274, 1)
    array, alpha, warnings = interpreted(samples(file, layout), layout)
    if orientation in range(2, 9):
        array, alpha = turn(array, orientation), None if alpha is None else turn(alpha, orientation)
    metadata = metadata_of(file, page, turned=orientation in range(5, 9))
    if layout.kind.converts:
        metadata = replace(metadata, icc=None)
    return Picture(array, alpha, replace(metadata, warnings=(*metadata.warnings, *warnings, *words)))


# Layout ------------------------------------------------------------------------------------------------------------


def _checked(page: TiffPage, max_megapixels: float) -> Page:
    """The layout of a page; `PictureError` for what is damaged, not understood, or too large."""
    width, height, count = page.imagewidth, page.imagelength, page.samplesperpixel
    numbers = (
        width,
        height,
        count,
        page.rowsperstrip,
        page.tilewidth,
        page.tilelength,
        page.planarconfig,
        page.predictor,
    )
    if not all(isinstance(number, int) for number in numbers):
        raise PictureError("damaged: several numbers where there is one")
    check_size((width, height), max_megapixels)
    if page.imagedepth != 1 or not 1 <= count <= _MAX_SAMPLES:
        raise PictureError(f"a TIFF with {count} samples a pixel in {page.imagedepth} layers is not supported")
    bits = _bits(page)
    kind = _kind(page, count)
    tiled = page.is_tiled
    tile = (page.tilewidth, page.tilelength) if tiled else (width, min(page.rowsperstrip or height, height))
    if min(tile) < 1 or max(tile) > 1 << 24:
        raise PictureError("damaged: its tiles or strips have no size")
    planar = page.planarconfig == 2 and count > 1
    layout = Page(
        width, height, kind, int(page.photometric), count, bits, page.sampleformat == 3, planar, tile, tiled,
        int(page.compression), page.predictor, page.parent.byteorder, (), _tags(page),
    )  # fmt: skip
    padded = layout.across * tile[0], layout.down * tile[1]
    check_size(padded, max(max_megapixels, 4.0) * 1.5)
    check_size((width, height), max_megapixels * min(1.0, _BYTES_A_PIXEL / (count * bits / 8)))
    return replace(layout, segments=_segments(page, layout))


def _bits(page: TiffPage) -> int:
    bits, kind = page.bitspersample, page.sampleformat
    whole = isinstance(bits, int) and isinstance(kind, int)
    if whole and ((kind in (1, 4) and 1 <= bits <= 16) or (kind == 3 and bits in (16, 32, 64))):
        return bits
    named = {1: "unsigned", 2: "signed", 3: "floating-point", 4: "untyped"}.get(kind if whole else 0, "unusual")
    raise PictureError(f"{named} samples of {bits} bits are not supported: convert to 8 or 16 bits, or to float 0..1")


def _kind(page: TiffPage, count: int) -> Kind:
    way, photometric = COMPRESSIONS.get(int(page.compression)), int(page.photometric)
    if way is None:
        raise PictureError(
            f"a TIFF compressed by {_named(page.compression)} is not supported: save it with LZW or deflate"
        )
    kind = KINDS.get(photometric)
    if kind is None:
        raise PictureError(f"a TIFF of the kind {_named(page.photometric)} is not supported: convert to gray or RGB")
    fits = count == 1 if way == FAX else count >= kind.channels
    if way == JPEG:
        fits = page.bitspersample == 8 and (page.planarconfig == 2 or count == kind.channels)
    if photometric == 6 or (photometric == 3 and way != PLAIN):
        fits = fits and page.bitspersample == 8 and page.planarconfig == 1 and count == 3
    if not fits or (way == FAX and page.bitspersample != 1):
        words = f"{count} samples of {page.bitspersample} bits, {_named(page.photometric)}, {_named(page.compression)}"
        raise PictureError(f"a TIFF of this kind is not supported: {words}")
    return kind


def _named(value: object) -> str:
    """A number of the specification in words."""
    return str(getattr(value, "name", value)).replace("_", " ")


def _tags(page: TiffPage) -> dict[int, object]:
    """Those that decoding needs."""
    needed = (266, 292, 293, 320, 332, 338, 347, 529, 530, 531, 532, ICC)
    found = {code: page.tags[code].value for code in needed if code in page.tags}
    for code in {529, 532} & set(found):  # rationals
        found[code] = tuple(
            top / (bottom or 1) for top, bottom in zip(found[code][::2], found[code][1::2], strict=True)
        )
    return found


def _segments(page: TiffPage, layout: Page) -> tuple[tuple[int, int], ...]:
    offsets, lengths, size = page.dataoffsets, page.databytecounts, page.parent.filehandle.size
    expected = layout.across * layout.down * (layout.samples if layout.planar else 1)
    if not lengths and expected == 1 and layout.compression == 1 and len(offsets) == 1:
        lengths = (layout.row_bytes * layout.tile[1],)
    if len(offsets) < expected or len(lengths) < expected:
        raise PictureError(f"truncated: {min(len(offsets), len(lengths)):,} of {expected:,} strips or tiles")
    found = tuple(zip(offsets[:expected], lengths[:expected], strict=True))
    if any(length < 1 or offset < 1 for offset, length in found):
        raise PictureError("strips or tiles without data are not supported")
    if any(offset + length > size for offset, length in found):
        raise PictureError("truncated: strips or tiles end behind the end of the file")
    if sum(length for _, length in set(found)) > size:
        raise PictureError("damaged: its strips or tiles overlap")
    return found
