"""Samples of a TIFF page: decompressed by libtiff, predictors undone, bits unpacked.

libtiff is inside Pillow. It gets each page as a plain gray TIFF whose samples are bytes, written for it in memory, so
that it need not know what they mean; fax, JPEG and YCbCr it has to understand.
"""

from __future__ import annotations

import io
import zlib
from itertools import accumulate, chain
from typing import BinaryIO

import numpy as np
from PIL import Image, TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from colorify.pictures.formats import unlimited
from colorify.pictures.picture import PictureError
from colorify.pictures.tiff_page import COMPRESSIONS, FAX, PLAIN, Page


def samples(file: BinaryIO, page: Page) -> np.ndarray:
    """The samples ``(H, W, samples)`` of a page, in the type of the machine; those under 8 bits as uint8."""
    if COMPRESSIONS[page.compression] != PLAIN or page.photometric == 6:
        return _by_meaning(file, page)
    if not page.planar:
        return _plane(file, page, page.segments)
    each = page.across * page.down
    wanted = min(page.samples, page.kind.channels + len(page.extras))
    planes = (_plane(file, page, page.segments[n * each : (n + 1) * each])[..., 0] for n in range(wanted))
    first = next(planes)
    out = np.empty((page.height, page.width, wanted), first.dtype)
    for number, plane in enumerate(chain((first,), planes)):
        out[..., number] = plane
    return out


def _plane(file: BinaryIO, page: Page, segments: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Samples ``(H, W, samples beside each other)`` of some segments: bytes by libtiff, then the predictor undone."""
    row = page.row_bytes
    size, tile = (row * page.across, page.tile[1] * page.down), (row, page.tile[1])
    if not page.tiled:
        size = row, page.height
    raw = _by_libtiff(file, page, segments, size, tile, {262: 1, 258: 8, 277: 1})
    rows = raw.reshape(len(raw), page.across, row)  # (H, tiles, bytes of a row of a tile)
    count = page.tile[0] * page.chunky
    if page.bits % 8:
        values = _unpacked(rows, page.bits, count)
    elif page.predictor == 3 and page.floats:
        values = _float_predicted(rows, page)
    else:
        values = rows.view(page.unit).astype(page.unit.newbyteorder("="), copy=False)
    values = values.reshape(len(rows), page.across, page.tile[0], page.chunky)
    if page.predictor == 2:
        if page.floats or page.bits % 8:
            raise PictureError("damaged: a predictor for whole bytes on other samples")
        values = np.cumsum(values, 2, dtype=values.dtype)
    elif page.predictor not in (1, 3):
        raise PictureError(f"a TIFF with the predictor {page.predictor} is not supported")
    return values.reshape(len(rows), -1, page.chunky)[: page.height, : page.width]


def _unpacked(rows: np.ndarray, bits: int, count: int) -> np.ndarray:
    """Samples of a few bits each, as uint8 or uint16; a strip of rows at a time, as each bit takes a byte."""
    out = np.empty((*rows.shape[:2], count), np.uint8 if bits <= 8 else np.uint16)
    weights = (1 << np.arange(bits)[::-1]).astype(np.float32)
    step = max(1, (1 << 22) // max(1, rows[0].size * 8))
    for top in range(0, len(rows), step):
        ones = np.unpackbits(rows[top : top + step], axis=2)[..., : count * bits]
        out[top : top + step] = ones.reshape(*ones.shape[:2], count, bits) @ weights
    return out


def _float_predicted(rows: np.ndarray, page: Page) -> np.ndarray:
    """Undo the predictor for floats: differences of bytes, the high ones of a row first (Adobe's technical note 3)."""
    height, tiles, length = rows.shape
    size = page.unit.itemsize
    summed = np.cumsum(rows.reshape(height, tiles, length // page.chunky, page.chunky), 2, dtype=np.uint8)
    ordered = summed.reshape(height, tiles, size, length // size).swapaxes(2, 3)
    return np.ascontiguousarray(ordered).view(f">f{size}")[..., 0].astype(f"f{size}")


def _by_meaning(file: BinaryIO, page: Page) -> np.ndarray:
    """Samples that libtiff has to understand: fax, JPEG, and YCbCr, which it brings to RGB."""
    photometric = 1 if COMPRESSIONS[page.compression] == FAX or page.planar else page.photometric
    photometric = 1 if photometric in (0, 1) else photometric
    channels = 1 if page.planar else page.samples
    layout = {262: photometric, 258: (page.bits,) * channels, 277: channels}
    layout |= {code: page.tags[code] for code in (266, 292, 293, 347, 529, 530, 531, 532) if code in page.tags}
    size, each = (page.width, page.height), page.across * page.down
    planes = []
    for first in range(0, len(page.segments), each):
        array = _by_libtiff(file, page, page.segments[first : first + each], size, page.tile, layout)
        planes.append(array.astype(np.uint8)[..., None] if array.ndim == 2 else array)
    return planes[0] if len(planes) == 1 else np.concatenate(planes, 2)


def _by_libtiff(
    file: BinaryIO, page: Page, segments: tuple, size: tuple[int, int], tile: tuple[int, int], layout: dict[int, object]
) -> np.ndarray:
    """What libtiff makes of the segments in a TIFF of this size and layout, written for it in memory."""
    compression, contents = page.compression, {}
    for place in dict.fromkeys(segments):
        file.seek(place[0])
        contents[place] = file.read(place[1])
    if page.photometric == 6 and compression == 1:  # Pillow's own reader knows no subsampling
        contents, compression = {place: zlib.compress(content, 0) for place, content in contents.items()}, 8
    starts = dict(zip(contents, accumulate(map(len, contents.values()), initial=0), strict=False))
    tags = ImageFileDirectory_v2()
    tags[256], tags[257], tags[259], tags[284] = *size, compression, 1
    for code, value in layout.items():
        tags[code] = value
    if 266 in page.tags and compression != 7:
        tags[266] = page.tags[266]
    if page.tiled:
        tags[322], tags[323] = tile
    else:
        tags[278] = tile[1]
    lengths = [len(contents[place]) for place in segments]
    head = _placed(tags, [starts[place] for place in segments], lengths, page.tiled)
    return _opened(head + b"".join(contents.values()), size)


def _placed(tags: ImageFileDirectory_v2, starts: list[int], lengths: list[int], tiled: bool) -> bytes:
    """The header and directory of a TIFF whose segments follow, ``starts`` behind it."""
    where, sizes = (324, 325) if tiled else (273, 279)
    tags.tagtype[where] = tags.tagtype[sizes] = TiffTags.LONG
    tags[where], tags[sizes] = tuple(starts), tuple(lengths)
    if tiled:  # Pillow moves the offsets of strips on by itself
        first = 8 + len(tags.tobytes(8))
        tags[where] = tuple(first + start for start in starts)
    return b"II*\0\x08\0\0\0" + tags.tobytes(8)


def _opened(content: bytes, size: tuple[int, int]) -> np.ndarray:
    """The samples of a TIFF, by libtiff."""
    try:
        with unlimited(), Image.open(io.BytesIO(content), formats=("TIFF",)) as image:
            del content
            if image.size != size:
                raise PictureError("damaged: sizes that contradict each other")
            return np.asarray(image)
    except PictureError:
        raise
    except (OSError, ValueError, SyntaxError):
        raise PictureError("truncated or damaged: its strips or tiles cannot be decompressed") from None
