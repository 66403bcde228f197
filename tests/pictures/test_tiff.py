"""TIFFs of every kind: written here by tifffile and Pillow, read by us, and back by tifffile."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorify import bulk, pictures
from colorify.bulk import Options
from colorify.inputs import Job
from colorify.pictures import Picture, PictureError

RNG = np.random.default_rng(0)
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


def warnings(content: bytes) -> tuple[str, ...]:
    return read(content).metadata.warnings


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


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 7, 9, 10, 12, 14, 15])
@pytest.mark.parametrize("width", [1, 7, 37])
def test_samples_of_few_bits(bits, width):
    array = RNG.integers(0, 1 << bits, (9, width)).astype("u1" if bits <= 8 else "u2")
    rows = [np.array([v >> b & 1 for v in row for b in reversed(range(bits))], np.uint8) for row in array]
    packed = b"".join(np.packbits(row).tobytes() for row in rows)
    got = read(plain({256: width, 257: 9, 258: bits, 262: 1, 277: 1, 278: 9}, packed)).pixels
    top = 255 if bits <= 8 else 65535
    assert got.dtype == ("u1" if bits <= 8 else "u2")
    assert np.abs(got - array * (top / ((1 << bits) - 1))).max() <= 0.5


def plain(tags: dict[int, int], data: bytes) -> bytes:
    """An uncompressed TIFF of one strip, by the letter of TIFF 6.0."""
    tags = dict(sorted((tags | {259: 1, 273: 0, 279: len(data)}).items()))
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt", "tiff_lzw", "packbits", None])
@pytest.mark.parametrize("size", [(7, 5), (64, 48)])
def test_one_bit_as_scanners_write_it(compression, size):
    bits = RNG.random(size) > 0.5
    for fill in (1, 2):
        file = io.BytesIO()
        Image.fromarray(bits).save(file, "TIFF", compression=compression, tiffinfo={266: fill} if compression else {})
        assert np.array_equal(read(file.getvalue()).pixels, bits * np.uint8(255))
    content = bytearray(file.getvalue())
    assert white(content)
    assert np.array_equal(read(bytes(content)).pixels, ~bits * np.uint8(255))


def white(content: bytearray) -> bool:
    """Make a TIFF MinIsWhite."""
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        tag = tiff.pages[0].tags[262]
    content[tag.valueoffset] = 1 - content[tag.valueoffset]
    return True


def test_palette():
    colors = RNG.integers(0, 65536, (3, 256), np.uint16)
    index = samples(1, "u1")[..., 0]
    got = read(stored(index, photometric="palette", colormap=colors)).pixels
    assert np.array_equal(got, (colors // 257).T[index])


def test_jpeg_inside():
    smooth = np.asarray(Image.fromarray(samples(3, "u1", (4, 5))).resize((64, 48), Image.Resampling.BICUBIC))
    for options in ({}, {"tile": (16, 16)}, {"rowsperstrip": 16}, {"subsampling": (2, 2)}):
        content = stored(smooth, photometric="rgb", compression="jpeg", compressionargs={"level": 95}, **options)
        assert np.abs(read(content).pixels.astype(int) - smooth).mean() < 6
    gray = stored(smooth[..., 0], photometric="minisblack", compression="jpeg")
    assert np.abs(read(gray).pixels.astype(int) - smooth[..., 0]).mean() < 4
    apart = stored(np.moveaxis(smooth, -1, 0), photometric="rgb", planarconfig="separate", compression="jpeg")
    assert np.abs(read(apart).pixels.astype(int) - smooth).mean() < 4


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_ycbcr(compression):
    smooth = Image.fromarray(samples(3, "u1", (4, 5))).resize((64, 48), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    smooth.convert("YCbCr").save(file, "TIFF", compression=compression)
    assert np.abs(read(file.getvalue()).pixels.astype(int) - np.asarray(smooth)).max() <= 4


@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_cmyk(kind):
    inks, top = samples(4, kind), DEPTHS[kind]
    got = read(stored(inks, photometric="separated")).pixels
    part = inks.astype(float) / top
    expected = (1 - part[..., :3]) * (1 - part[..., 3:]) * top
    assert got.dtype == kind and np.abs(got - expected).max() <= (1.5 if top > 1 else 1e-6)


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_lab_keeps_its_luminance(kind):
    from skimage.color import rgb2lab

    luma = np.linspace(0, DEPTHS[kind], 37).astype(kind)
    array = np.stack((luma, np.full(37, 20 * (1 if kind == "u1" else 256)), np.full(37, 0)), -1).astype(kind)[None]
    got = read(stored(array.repeat(5, 0), photometric="cielab")).pixels
    found = rgb2lab(got / DEPTHS[kind])[0, :, 0]
    assert np.abs(found - luma / DEPTHS[kind] * 100).max() < (0.5 if kind == "u1" else 0.02)


def test_extra_samples():
    rgba = samples(4, "u2")
    alpha = read(stored(rgba, photometric="rgb", extrasamples=["unassalpha"]))
    assert np.array_equal(pictures.to_array(alpha), rgba)
    unsaid = read(stored(rgba, photometric="rgb", extrasamples=["unspecified"]))
    assert unsaid.alpha is None and np.array_equal(unsaid.pixels, rgba[..., :3])
    assert unsaid.metadata.warnings == ("1 extra channel that the file does not explain left out",)
    gray = stored(rgba[..., :3], photometric="minisblack", planarconfig="contig", extrasamples=["unspecified"] * 2)
    assert read(gray).pixels.ndim == 2 and "2 extra channels" in warnings(gray)[0]
    both = stored(np.moveaxis(samples(5, "u1"), -1, 0), photometric="rgb", planarconfig="separate",
                  extrasamples=["unspecified", "unassalpha"])  # fmt: skip
    assert read(both).alpha is not None and "1 extra" in warnings(both)[0]
    part = RNG.random((29, 37, 1)) * 0.9 + 0.1
    flat = samples(3, "u2") * part
    premultiplied = np.dstack((flat.round(), (part * 65535).round())).astype("u2")
    got = read(stored(premultiplied, photometric="rgb", extrasamples=["assocalpha"]))
    assert np.abs(got.pixels - flat / part).max() < 12 and got.alpha is not None


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
    bulk.colorize_file(colorizer, Job(source, target), Options(**options))


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


def test_pages_beyond_the_limit_of_pillow():
    """It counts in bytes, for libtiff is given bytes, and ours is in pixels."""
    wide = np.zeros((2400, 2400, 4), np.float64)
    wide[-1, -1] = 0.25, 0.5, 0.75, 1
    got = read(stored(wide, photometric="rgb", extrasamples=["unassalpha"], compression="deflate", rowsperstrip=100))
    assert got.pixels.shape == (2400, 2400, 3) and np.array_equal(got.pixels[-1, -1], (0.25, 0.5, 0.75))
    assert Image.MAX_IMAGE_PIXELS == 1024**3 // 12


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
