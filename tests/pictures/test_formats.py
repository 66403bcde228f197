"""docs/formats.md is what is measured here; `python tests/pictures/test_formats.py` writes it anew."""

import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.color import rgb2lab

from colorify import pictures
from colorify.laying import apply_chroma
from colorify.pictures import FORMATS, TABLE, Metadata, Picture, PictureError
from colorify.pictures.formats import KINDS, known, ready

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
LIMITS = {"8": 0.5, "16": 0.01, "float": 0.01}
ALPHAS = {"no": None, "unspecified": "unspecified", "premultiplied": "assocalpha", "yes": "unassalpha"}
SIZE = (24, 40)
_WAVES = [np.add.outer(np.linspace(0, 2, SIZE[0]), np.linspace(0, 3, SIZE[1])) + shift for shift in (0, 2, 4)]
RGB = np.stack([0.5 + 0.5 * np.sin(2 * wave) for wave in _WAVES], -1)
GRAY = RGB[..., 1]
ALPHA = np.linspace(0.2, 1, SIZE[0])[:, None].repeat(SIZE[1], 1)
AB = np.random.default_rng(0).normal(0, 15, (6, 10, 2)).astype(np.float32)
LOSSY = ("JPEG", "WEBP")
Made = tuple[bytes, np.ndarray]  # a file, and what it shows, in 0..1


def coded(values: np.ndarray, kind: str) -> np.ndarray:
    top = {"u1": 255, "u2": 65535, "u4": 2**32 - 1, "i2": 32767}.get(kind)
    return (values * top).round().astype(kind) if top else values.astype(kind)


def shown(array: np.ndarray) -> np.ndarray:
    return array / np.iinfo(array.dtype).max if array.dtype.kind in "ui" else array.astype(np.float64)


def tiff(kind: str, photometric: str, alpha: str) -> Made:
    values = {"rgb": RGB, "separated": np.dstack((1 - RGB, 0 * GRAY)), "cielab": RGB}.get(photometric, GRAY[..., None])
    if alpha != "no":
        share = ALPHA[..., None] if alpha == "premultiplied" else 1
        values = np.dstack((values * share, ALPHA))
    array = coded(values, kind)
    channels = array.shape[2] - (alpha != "no")
    truth = shown(array[..., :channels])
    if alpha == "premultiplied":
        truth = (truth / shown(array[..., -1:])).clip(0, 1)
    options = {"extrasamples": [ALPHAS[alpha]]} if alpha != "no" else {}
    if photometric == "palette":
        array, truth, options = array[..., 0], None, {"colormap": np.stack([np.arange(256, dtype="u2") * 257] * 3)}
        truth = np.dstack([shown(array)] * 3)
    elif photometric == "miniswhite":
        truth = 1 - truth
    elif photometric == "separated":
        truth = (1 - truth[..., :3]) * (1 - truth[..., 3:])
    elif photometric == "cielab":
        truth = None
    file = io.BytesIO()
    array = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    tifffile.imwrite(file, array, photometric=photometric, planarconfig="contig" if array.ndim == 3 else None,
                     metadata=None, **options)  # fmt: skip
    return file.getvalue(), truth if truth is None or truth.shape[2] == 3 else truth[..., 0]


def pillow(kind: str, mode: str, **options: object) -> Made:
    array = coded(np.dstack((RGB, ALPHA)), "u1")
    image = Image.fromarray(array)
    image = image.convert({"P": "RGB", "1": "L", "LA": "LA"}.get(mode, mode)).convert(mode) if mode != "RGBA" else image
    file = io.BytesIO()
    ready(next(row for row in TABLE if row.name == kind))
    image.save(file, kind, **options)
    with Image.open(io.BytesIO(file.getvalue()), formats=(kind,)) as again:
        rgb = np.asarray(again.convert("RGB")) / 255
    return file.getvalue(), rgb


def deep_png(channels: int) -> Made:
    import cv2

    values = {1: GRAY[..., None], 3: RGB, 4: np.dstack((RGB, ALPHA))}[channels]
    array = coded(values, "u2")
    order = [2, 1, 0, 3][:channels] if channels > 1 else [0]
    truth = shown(array[..., :3]) if channels > 1 else shown(array[..., 0])
    return cv2.imencode(".png", array[..., order])[1].tobytes(), truth


TIFF_KINDS = {
    "MinIsBlack": "minisblack",
    "MinIsWhite": "miniswhite",
    "RGB": "rgb",
    "CMYK": "separated",
    "CIELab": "cielab",
    "palette": "palette",
}
TIFF_DEPTHS = {
    "8": "u1",
    "16": "u2",
    "float 16": "f2",
    "float 32": "f4",
    "float 64": "f8",
    "unsigned 32": "u4",
    "signed 16": "i2",
}


def sources() -> Iterator[tuple[str, str, str, str, Callable[[], Made]]]:
    """Format, depth, photometric, alpha, and what makes such a file."""
    for words, photometric in TIFF_KINDS.items():
        for depth, kind in TIFF_DEPTHS.items():
            for alpha in ALPHAS:
                if photometric == "palette" and (depth != "8" or alpha != "no"):
                    continue
                if kind in ("u4", "i2") and alpha != "no":
                    continue
                if photometric == "cielab" and (kind[0] != "u" or alpha != "no"):
                    continue
                yield "TIFF", depth, words, alpha, lambda k=kind, p=photometric, a=alpha: tiff(k, p, a)
    yield "TIFF", "1", "MinIsBlack", "no", lambda: pillow("TIFF", "1", compression="group4")
    yield "TIFF", "8", "YCbCr", "no", lambda: pillow("TIFF", "YCbCr", compression="tiff_lzw")
    modes = {
        "JPEG": {"gray": "L", "YCbCr": "RGB", "CMYK": "CMYK"},
        "PNG": {"gray": "L", "RGB": "RGB", "palette": "P"},
        "BMP": {"gray": "L", "RGB": "RGB", "palette": "P"},
        "WEBP": {"RGB": "RGB"},
        "AVIF": {"gray": "L", "RGB": "RGB"},
        "HEIF": {"gray": "L", "RGB": "RGB"},
        "JXL": {"gray": "L", "RGB": "RGB"},
    }
    for name, kinds in modes.items():
        for words, mode in kinds.items():
            yield name, "8", words, "no", lambda n=name, m=mode: pillow(n, m)
    for name in ("PNG", "WEBP", "AVIF", "HEIF", "JXL"):
        yield name, "8", "RGB", "yes", lambda n=name: pillow(n, "RGBA")
    yield "PNG", "1", "gray", "no", lambda: pillow("PNG", "1")
    yield "BMP", "1", "gray", "no", lambda: pillow("BMP", "1")
    yield "PNG", "16", "gray", "no", lambda: deep_png(1)
    yield "PNG", "16", "RGB", "no", lambda: deep_png(3)
    yield "PNG", "16", "RGB", "yes", lambda: deep_png(4)


def luma(array: np.ndarray) -> np.ndarray:
    rgb = np.dstack([array] * 3) if array.ndim == 2 else array
    return rgb2lab(rgb)[..., 0]


def outcome(name: str, made: Made, folder: Path) -> str:
    """What becomes of a file: coloured and written in its own format; the promise is checked."""
    content, truth = made
    try:
        source = pictures.decode(content, "a")
    except PictureError as error:
        return f"refused: {str(error).removeprefix('a: ')}"
    step = 1 / np.iinfo(source.pixels.dtype).max if source.pixels.dtype.kind == "u" else 2e-6
    gray = truth is not None and truth.ndim == 3 and source.pixels.ndim == 2
    assert truth is None or np.abs(shown(source.pixels) - (truth[..., 0] if gray else truth)).max() <= 0.51 * step
    result = apply_chroma(source, AB)
    depth = "float" if result.pixels.dtype.kind == "f" else str(8 * result.pixels.itemsize)
    assert np.abs(luma(shown(result.pixels)) - luma(shown(source.pixels))).max() <= LIMITS[depth]
    path = folder / f"a{next(row.suffixes[0] for row in TABLE if row.name == name)}"
    lost = pictures.write(result, path, overwrite=True)
    got = pictures.read(path)
    if name == "AVIF":  # nearly lossless
        assert np.abs(luma(shown(got.pixels)) - luma(shown(source.pixels))).max() <= 1
    elif name not in LOSSY:
        assert np.array_equal(pictures.to_array(got), pictures.to_array(result))
    assert (got.alpha is None) == (source.alpha is None)
    words = [f"{got.pixels.dtype} RGB" + (" with alpha" if got.alpha is not None else ""), f"{LIMITS[depth]:g}"]
    return " | ".join([*words, "; ".join(lost)])


def measured(folder: Path) -> str:
    """The table of what becomes of each kind of file."""
    rows = ["| format | depth | pixels | alpha | result | L\\* within | said |", "| --- " * 7 + "|"]
    for name, depth, words, alpha, make in sources():
        told = outcome(name, make(), folder)
        told = f"{told} | | " if told.startswith("refused") else told
        rows.append(f"| {name} | {depth} | {words} | {alpha} | {told} |".replace("  |", " |"))
    return "\n".join(rows)


LONG_XMP = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + b"<more/>"
EVERYTHING = Metadata(
    xmp=b"<x:xmpmeta/>",
    icc=None,
    dpi=(300.0, 300.0),
    iptc=b"\x1c\x02\x78\0\x03abc",
    comments=(b"a comment",),
    long_xmp=(LONG_XMP,),
    chunks=((b"tEXt", b"Title\0a title"),),
    tags=((65001, 3, 7),),
)


def kept(folder: Path) -> str:
    """The table of what each format holds: written, and read again."""
    rows = ["| format | names | " + " | ".join(KINDS) + " |", "| --- " * (2 + len(KINDS)) + "|"]
    for row in TABLE:
        if not row.depths:
            rows.append(f"| {row.name} | {' '.join(row.suffixes)} | " + "read alone | " * len(KINDS))
            continue
        found = [held(row.name, row.suffixes[0], kind, folder) for kind in KINDS]
        assert found == [kind in row.holds for kind in KINDS], row.name
        rows.append(
            f"| {row.name} | {' '.join(row.suffixes)} | " + " | ".join("kept" if f else "named" for f in found) + " |"
        )
    return "\n".join(rows)


def held(name: str, suffix: str, kind: str, folder: Path) -> bool:
    """Whether a kind of metadata is there again; if not, it has been named as lost."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    profile = unreadable()
    all_of_it = replace(EVERYTHING, exif=exif, icc=profile)
    lost = pictures.write(Picture(coded(RGB, "u1"), metadata=all_of_it), folder / f"b{suffix}", overwrite=True)
    content, got = (folder / f"b{suffix}").read_bytes(), pictures.read(folder / f"b{suffix}").metadata
    there = {
        "exif": got.exif.get(0x010F) == "Maker",
        "icc": got.icc == profile,
        "xmp": got.xmp == EVERYTHING.xmp,
        "iptc": EVERYTHING.iptc in content or EVERYTHING.iptc.hex().encode() in b"".join(_texts(content)),
        "resolution": got.dpi is not None and np.allclose(got.dpi, 300, atol=0.1),
        "comment": b"a comment" in content,
        "long_xmp": LONG_XMP in content and got.long_xmp == (LONG_XMP,),
        "chunks": b"Title\0a title" in content,
        "tags": got.tags == EVERYTHING.tags,
    }[kind]
    assert there != (KINDS[kind] in " ".join(lost)), (name, kind)
    return bool(there)


def _texts(content: bytes) -> Iterator[bytes]:
    import zlib

    from colorify.pictures.png import chunks

    for kind, data in chunks(content):
        if kind == b"zTXt":
            yield zlib.decompress(data.partition(b"\0\0")[2])


def unreadable() -> bytes:
    """A profile that nobody can obey, so that it is kept, or lost."""
    return (b"\0\0\0\x80    \x02\x40\0\0mntrCLR XYZ ".ljust(36, b"\0") + b"acsp").ljust(132, b"\0")


def page() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return f"""# Formats

Made and checked by `tests/pictures/test_formats.py`: `python tests/pictures/test_formats.py` writes this page anew.

Each file of the table is generated, read, coloured, written in its own format and read again. L\\* stays within 0.5
in 8 bits, and within 0.01 in 16 bits and floats; JPEG and WebP are
lossy, and the promise is that of the samples that they are given; AVIF adds up to 0.5; HEIF and JPEG XL are written
lossless. HEIF, JPEG XL and DNG need `pip install "colorify-photo[formats]"`; a DNG is
developed and written as a 16-bit TIFF. All else is refused in one line, and nothing is written.

{measured(Path(folder))}

TIFFs besides: 1 to 7 bits become 8, 9 to 15 become 16; chunky and planar, strips and tiles, both orders of bytes,
BigTIFF; uncompressed, LZW, deflate, PackBits, fax (groups 3 and 4), JPEG, LZMA, Zstandard. All pages are coloured
into a TIFF of as many; reduced copies, pyramids and masks are skipped. Extra channels that a file does not explain
are left out, and this is said. Premultiplied samples are divided by alpha. Lab is read as the sRGB colour of the same
L\\*.

## What else files carry

`kept`: written and found again; `named`: it cannot be held, and a warning says so. TIFF tags are those about the
picture, not its layout; the resolution keeps its unit. The chunks of a PNG are its text, gAMA, cHRM, cICP, tIME and
the like; in other formats those about colour become an ICC profile.

{kept(Path(folder))}

Profiles are obeyed: gray ones by their curve, RGB ones by curves and primaries, for what the network sees and for the
colours that are laid; a gray one becomes an RGB one with the same curve. RGB profiles of tables are converted to sRGB
in 8 bits, and kept without being obeyed in 16; either is said. Where a format holds no profile, the colours are
brought to sRGB, and this is said.
"""


def test_the_page_is_what_is_measured():
    assert PAGE.read_text() == page(), f"run: python tests/pictures/{Path(__file__).name}"


def test_every_suffix_is_of_one_row_and_what_is_only_read_has_another_to_be_written_as():
    assert len(FORMATS) == sum(len(row.suffixes) for row in TABLE)
    assert all(row.holds <= KINDS.keys() for row in TABLE)
    assert all(bool(row.depths) != bool(row.written_as) for row in TABLE)
    assert all(FORMATS[row.written_as].depths for row in TABLE if row.written_as)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_format_is_known_by_its_first_bytes(suffix, tmp_path):
    row = FORMATS[suffix]
    if not row.depths:
        pytest.skip("only read")
    pictures.write(Picture(coded(RGB, "u1")), tmp_path / f"a{suffix}")
    assert known((tmp_path / f"a{suffix}").read_bytes()) is row
    assert pictures.read(tmp_path / f"a{suffix}").size == SIZE[::-1]


@pytest.mark.parametrize("row", [row for row in TABLE if "exif" in row.holds and row.depths], ids=lambda row: row.name)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_as_it_did(tmp_path, row, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = Picture(coded(RGB, "u1"), metadata=Metadata(exif))
    pictures.write(source, tmp_path / f"a{row.suffixes[0]}")
    got = pictures.upright(pictures.read(tmp_path / f"a{row.suffixes[0]}")).pixels
    assert np.abs(got.astype(int) - pictures.upright(source).pixels).mean() < 5
    if row.name == "JXL":  # its EXIF is no matter for viewers
        with Image.open(tmp_path / "a.jxl", formats=("JXL",)) as image:
            assert image.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("row", [row for row in TABLE if row.package], ids=lambda row: row.name)
def test_a_missing_extra_is_named(monkeypatch, row):
    monkeypatch.setitem(sys.modules, row.package, None)
    with pytest.raises(PictureError, match=rf'{row.name} needs an extra .* pip install "colorify-photo\[formats\]"'):
        ready(row)


if __name__ == "__main__":
    PAGE.write_text(page())
