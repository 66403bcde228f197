"""What a TIFF says of its layout is checked before anything is decoded."""

import io
import struct

import numpy as np
import pytest
import tifffile

from colorify.pictures import PictureError
from pictures.test_tiff import GRAY, read


def plain(tags: dict[int, int], data: bytes) -> bytes:
    """An uncompressed TIFF of one strip, by the letter of TIFF 6.0."""
    tags = dict(sorted((tags | {259: 1, 273: 0, 279: len(data)}).items()))
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


def header(**changed: int) -> bytes:
    numbers = {"256": 37, "257": 29, "258": 8, "262": 1, "277": 1, "278": 29} | changed
    return plain({int(tag): value for tag, value in numbers.items()}, GRAY.tobytes())


@pytest.mark.parametrize(
    "content",
    [
        header(**{"256": 1 << 30, "257": 1 << 30}),
        header(**{"256": 14_000, "257": 14_000, "258": 64, "339": 3}),
        header(**{"277": 60_000}),
        header(**{"322": 1 << 30, "323": 1 << 30}),
        header(**{"322": 1 << 20, "323": 1 << 20}),
        header(**{"278": 1}),
    ],
)
def test_claims_of_a_header_reserve_no_memory(content):
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(PictureError):
        read(content)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_strips_that_claim_the_same_bytes_over_and_over():
    """A megabyte that says it is a hundred."""
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((256, 1024), "u1"), rowsperstrip=1)
    content = file.getvalue()
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        offsets, lengths = (tiff.pages[0].tags[tag] for tag in (273, 279))
    changed = bytearray(content)
    for number in range(256):
        struct.pack_into("<I", changed, offsets.valueoffset + 4 * number, 8 + number)
        struct.pack_into("<H", changed, lengths.valueoffset + 2 * number, 60_000)
    with pytest.raises(PictureError, match="overlap"):
        read(bytes(changed))
