"""TIFFs of every kind: written here by tifffile and Pillow, read by us, and back by tifffile."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile

from colorify import batch, pictures
from colorify.batch import BatchOptions
from colorify.inputs import Job
from colorify.knobs import Knobs
from colorify.pictures import Picture, PictureError

RNG = np.random.default_rng(0)
UNSIGNED = Knobs(provenance=False)
GRAY = np.tile(np.linspace(0, 255, 37).round().astype(np.uint8), (29, 1))
DEPTHS = {"u1": 255, "u2": 65535, "f2": 1, "f4": 1, "f8": 1}


def samples(channels: int, kind: str, size: tuple[int, int] = (29, 37)) -> np.ndarray:
    values = RNG.random((*size, channels))
    top = DEPTHS[kind]
    return (values * top).round().astype(kind) if top > 1 else values.astype(kind)


def stored(array: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, metadata=None, **options)
    return file.getvalue()


def read(content: bytes) -> Picture:
    return pictures.decode(content, "a.tif")


LAYOUTS = [
    {},
    {"planarconfig": "separate"},
    {"tile": (16, 16)},
    {"tile": (16, 32), "planarconfig": "separate"},
    {"rowsperstrip": 5},
    {"rowsperstrip": 1, "byteorder": ">"},
    {"bigtiff": True},
    {"bigtiff": True, "byteorder": ">"},
    {"compression": "lzw", "predictor": True},
    {"compression": "lzw", "tile": (16, 16), "planarconfig": "separate"},
    {"compression": "deflate", "predictor": True, "tile": (16, 16), "byteorder": ">"},
    {"compression": "deflate", "predictor": True, "rowsperstrip": 4},
    {"compression": "packbits", "rowsperstrip": 3},
    {"compression": "zstd"},
    {"compression": "lzma", "byteorder": ">"},
]


@pytest.mark.parametrize("kind", DEPTHS)
@pytest.mark.parametrize("options", LAYOUTS, ids=str)
def test_every_layout_compression_and_depth_of_rgb(options, kind):
    array = samples(3, kind)
    if kind == "f2" and options.get("predictor"):
        pytest.skip("imagecodecs has no such encoder")
    if options.get("planarconfig") == "separate":
        content = stored(np.moveaxis(array, -1, 0), photometric="rgb", **options)
    else:
        content = stored(array, photometric="rgb", **options)
    got = read(content)
    assert got.pixels.dtype == ("f4" if kind == "f2" else kind)
    assert np.array_equal(got.pixels, array) and got.alpha is None and not got.metadata.warnings


@pytest.mark.parametrize("kind", DEPTHS)
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_gray_of_every_depth(kind, photometric):
    array = samples(1, kind)[..., 0]
    got = read(stored(array, photometric=photometric)).pixels
    array = array.astype(got.dtype)
    expected = array if photometric == "minisblack" else DEPTHS[kind] - array
    assert got.ndim == 2 and np.array_equal(got, expected)


def test_reduced_pages_masks_and_pyramids_are_skipped():
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as tiff:
        tiff.write(GRAY[::4, ::4], photometric="minisblack", subfiletype=1, metadata=None)
        tiff.write(GRAY, photometric="minisblack", subifds=2, metadata=None)
        tiff.write(GRAY[::2, ::2], photometric="minisblack", subfiletype=1, metadata=None)
        tiff.write(GRAY[::4, ::4], photometric="minisblack", subfiletype=1, metadata=None)
        tiff.write(GRAY > 0, photometric=4, subfiletype=4, metadata=None)
    got = pictures.pages(file.getvalue(), "a.tif")
    (page,) = got
    assert len(got) == 1 and np.array_equal(page.pixels, GRAY)
    assert page.metadata.warnings == ("1 transparency mask left out",)


def colored(colorizer, source: Path, target: Path, **options: object) -> None:
    batch.colorize_file(colorizer, Job(source, target), BatchOptions(**{"knobs": UNSIGNED} | options))


def test_all_pages_are_coloured_each_with_its_own_depth_and_names(colorizer, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif", byteorder=">") as tiff:
        for number, kind in enumerate(("u1", "u2", "f4")):
            array = samples(1, kind, (20 + number, 30))[..., 0]
            tiff.write(array, extratags=[(285, 2, 0, f"page {number}", True)], resolution=(100 + number,) * 2,
                       resolutionunit="CENTIMETER", metadata=None)  # fmt: skip
    colored(colorizer, tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        assert [page.dtype for page in tiff.pages] == ["u1", "u2", "f4"]
        assert [page.shape for page in tiff.pages] == [(20, 30, 3), (21, 30, 3), (22, 30, 3)]
        assert [page.tags[285].value for page in tiff.pages] == ["page 0", "page 1", "page 2"]
        assert [page.tags[282].value for page in tiff.pages] == [(100, 1), (101, 1), (102, 1)]
        assert all(page.tags[296].value == 3 for page in tiff.pages)
    for page, before in zip(pictures.pages(tmp_path / "b.tif"), pictures.pages(tmp_path / "a.tif"), strict=True):
        (alone,) = colorizer.colorize([before])
        assert np.array_equal(page.pixels, alone.pixels)


def test_pages_to_a_format_of_one_picture_are_one_clear_line(colorizer, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.stack([GRAY, GRAY]), photometric="minisblack")
    with pytest.raises(PictureError, match=r"PNG holds one picture, the source has 2 pages: choose .tif"):
        colored(colorizer, tmp_path / "a.tif", tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


def test_a_page_that_fails_leaves_nothing_behind(colorizer, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(GRAY, photometric="minisblack")
        tiff.write(np.full((9, 9), 7, np.float32), photometric="minisblack")
    with pytest.raises(PictureError, match=r"page 2: a float array with values 7 to 7"):
        colored(colorizer, tmp_path / "a.tif", tmp_path / "b.tif")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(orientation):
    array = samples(3, "u2")
    got = read(stored(array, photometric="rgb", extratags=[(274, 3, 1, orientation, True)]))
    assert np.array_equal(got.pixels, pictures.turn(array, orientation)) and got.orientation == 1


def broken(content: bytes, start: bytes) -> bytes:
    """The same, with other bytes where a compressed strip begins."""
    at = content.index(start) + len(start)
    return content[:at] + b"\xfe\xdc\xba\x98\x76\x54" * 4 + content[at + 24 :]


def float_file(values: np.ndarray) -> bytes:
    return stored(values.astype("f4"), photometric="minisblack")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"II*\0\x08\0\0\0", "truncated"),
        (b"MM\0*\0\0\0\0", "truncated"),
        (stored(GRAY)[:600], "truncated"),
        (stored(samples(3, "u2"), photometric="rgb", compression="lzw")[:2000], "truncated"),
        (broken(stored(GRAY, compression="deflate"), b"\x78\x9c"), "truncated or damaged"),
        (broken(stored(GRAY, compression="deflate", tile=(16, 16)), b"\x78\x9c"), "truncated or damaged"),
        (broken(stored(GRAY, compression="jpeg"), b"\xff\xda"), "truncated or damaged"),
        (broken(stored(GRAY, compression="lzw"), b"\x80\0"), "truncated or damaged"),
        (float_file(np.full((9, 9), 1.5)), "1.5 to 1.5: expected 0..1"),
        (float_file(np.full((9, 9), np.nan)), "NaN"),
        (stored(samples(1, "u2").astype("i2")), "signed samples of 16 bits"),
        (stored(samples(1, "u2").astype("u4")), "unsigned samples of 32 bits"),
        (stored(samples(1, "f4").astype("c8")), "unusual samples"),
        (stored(GRAY, compression="jpeg2000"), "compressed by (APERIO JP2000|JPEG ?2000)"),
        (stored(GRAY, photometric="cfa"), "of the kind CFA"),
        (stored(np.zeros((3, 16, 16), "u1"), volumetric=True, photometric="minisblack"), "3 layers"),
        (stored(np.zeros((9, 9, 20), "u1"), photometric="minisblack", planarconfig="contig"), "20 samples"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_in_one_line(colorizer, tmp_path, capfd, content, words):
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(PictureError, match=words) as caught:
        colored(colorizer, tmp_path / "a.tif", tmp_path / "b.tif")
    assert str(caught.value).startswith(str(tmp_path / "a.tif")) and "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]
    assert not any(capfd.readouterr()), "noise of a library"
