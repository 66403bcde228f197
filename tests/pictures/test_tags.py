"""Tags of a TIFF stay, but those about its layout."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorify.pictures import tags
from pictures.test_kept import CAPTION, GRAY, RESOURCES, XMP, colored


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


def test_of_exif_that_cannot_be_written_again_the_orientation_stays():
    damaged = Image.Exif()
    damaged[0x0112], damaged[0x0100] = 6, 2**70
    assert dict(tags.writable(damaged)) == {0x0112: 6}
    damaged[0x0112] = 99
    assert dict(tags.writable(damaged)) == {}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({282: 118, 283: 118, 296: 3}, ((118 * 2.54, 118 * 2.54), "cm")),
        ({282: 300, 283: 150}, ((300, 150), "inch")),
        ({282: 2, 283: 1, 296: 1}, ((2, 1), "none")),
        ({282: 1, 283: 1, 296: 1}, (None, "inch")),  # says nothing
        ({282: 300}, (None, "inch")),
        ({282: 0, 283: 300}, (None, "inch")),
        ({282: float("nan"), 283: 300}, (None, "inch")),
        ({282: (300, 300), 283: 300}, (None, "inch")),
    ],
)
def test_resolutions_as_tags_say_them(found, told):
    assert tags.resolution(found) == told
