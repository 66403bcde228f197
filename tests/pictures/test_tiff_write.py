"""TIFFs that are written: read back by tifffile."""

import numpy as np
import pytest
import tifffile

from colorify import pictures
from colorify.pictures import Picture
from pictures.test_tiff import samples


def test_files_over_4_gb_are_bigtiffs(tmp_path):
    rgb = Picture(samples(3, "u2"))
    pictures.write_pages([rgb, rgb], tmp_path / "a.tif", count=2, large=True)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.is_bigtiff and len(tiff.pages) == 2
        assert all(np.array_equal(page.asarray(), rgb.pixels) for page in tiff.pages)
    assert all(np.array_equal(page.pixels, rgb.pixels) for page in pictures.pages(tmp_path / "a.tif"))


@pytest.mark.parametrize("kind", ["u1", "u2", "f4", "f8"])
@pytest.mark.parametrize("alpha", [False, True])
def test_tifffile_reads_what_is_written(tmp_path, kind, alpha):
    array = samples(4 if alpha else 3, kind)
    pictures.write(pictures.from_array(array), tmp_path / "a.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), array)
